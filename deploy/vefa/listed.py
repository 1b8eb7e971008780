"""The files that list services, with one more of them: each a function from a text to a text.

Most of the platform finds services by looking into ``services/``. What cannot look stands here: the containers with
their secrets and ports, the users of NATS, the tables of contents."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .base import Failed
from .containers import server_config
from .services import in_order, names

COMPOSE = "docker-compose.yml"
SERVER = "deploy/nats/server.conf"
README, TURKISH = "README.md", "README.tr.md"
PORT = re.compile(r'"127\.0\.0\.1:(\d+):8000"')
COMMAND = "  # The vefa command beside the running platform"
"""What follows the services in docker-compose.yml."""
CONTAINER = """\
  {name}:
    <<: *service
    environment: {{<<: *environment, VEFA_SERVICE: {name}}}
    ports: ["127.0.0.1:{port}:8000"]
    secrets:
      - {{source: {name}.database, target: vefa_database_url}}
      - {{source: {name}.nats, target: vefa_nats_url}}
      - index.key
      - link.key
      - token.pub

"""


def listed(name: str, repository: Path) -> dict[Path, str]:
    """What the files that list services would hold, by path. Failed where one has no place for another service."""
    changes: dict[str, Callable[[str, str], str]] = {COMPOSE: container, README: linked, TURKISH: described}
    found: dict[Path, str] = {}
    for file, change in changes.items():
        path = repository / file
        try:
            found[path] = change(path.read_text("utf-8"), name)
        except OSError as e:
            raise Failed(f"--into: {path} cannot be read: {e.strerror}; run this at the root of the repository") from e
        except LookupError as e:
            raise Failed(f"{file} has no place for another service: {e.args[0]}; put it in by hand") from e
    found[repository / SERVER] = server_config(list(in_order({*names(repository / "services"), name})))
    return found


def container(text: str, name: str) -> str:
    """docker-compose.yml with a container, on the next free port, and its two secrets wherever all services' are."""
    ports = [int(port) for port in PORT.findall(text)]
    if not ports or text.count(COMMAND) != 1:
        raise LookupError(f"no port of a service, or no line {COMMAND.strip()!r} behind them")
    text = text.replace(COMMAND, CONTAINER.format(name=name, port=max(ports) + 1) + COMMAND)
    return "".join(_with_secrets(text.splitlines(keepends=True), name))


def _with_secrets(lines: list[str], name: str) -> Iterator[str]:
    """Each list of all services' secrets with another one at its end."""
    mounted = re.compile(r"      - \w+\.database\n")
    declared = {kind: re.compile(rf"  (?!ops)\w+\.{kind}: {{file: .*}}\n") for kind in ("database", "nats")}
    added = 0
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        yield line
        if mounted.fullmatch(line) and not mounted.fullmatch(after):
            yield f"      - {name}.database\n"
            added += 1
        for kind, pattern in declared.items():
            if pattern.fullmatch(line) and not pattern.fullmatch(after):
                yield f"  {name}.{kind}: {{file: deploy/secrets/{name}.{kind}}}\n"
                added += 1
    if added != 4:  # provide's, vefa's, and the two lists of files
        raise LookupError(f"4 lists of secrets were looked for, {added} found")


def linked(text: str, name: str) -> str:
    """The README with a link to the service's page, behind those of the others."""
    row = re.compile(r"^\| .*\[intake\]\(docs/intake\.md\).*(?= \|$)", re.MULTILINE)
    if len(row.findall(text)) != 1:
        raise LookupError("no row of a table that links docs/intake.md")
    return row.sub(lambda found: f"{found[0]} · [{name}](docs/{name}.md)", text)


def described(text: str, name: str) -> str:
    """The Turkish README with a row for the service at the end of its table of services."""
    table = re.compile(r"^\| servis \| işi \|\n(?:\|.*\n)+", re.MULTILINE)
    if len(table.findall(text)) != 1:
        raise LookupError("no table with the head '| servis | işi |'")
    return table.sub(lambda found: f"{found[0]}| {name} | [docs/{name}.md](docs/{name}.md) |\n", text)
