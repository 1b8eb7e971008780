"""``vefa new-service``: a service with its contract, tests and page, known to everything that lists services."""

import keyword
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, Failed, console, print_json
from .listed import listed

app = typer.Typer()
TEMPLATE = Path(__file__).parent / "template"
SERVICE_FILES = (
    "__init__.py", "domain.py", "policy.py", "policy.yaml", "views.py", "api.py", "schemas.py", "app.py",
)  # fmt: skip
TEST_FILES = {"tests_init.py": "__init__.py"} | {
    file: file for file in ("words.py", "test_domain.py", "test_views.py", "test_api.py")
}
FOLDERS = ("contracts", "docs", "services", "tests")
TAKEN = frozenset(
    {
        "admin", "catalogue", "common", "integrator", "kernel", "master", "nats", "ops", "outside", "postgres",
        "provide", "public", "rooms", "shared", "tests", "to", "vault", "vefa",
    }
)  # fmt: skip
"""Names that mean something else: of topics, roles, containers and users of NATS."""
GENERATORS = {"contracts.catalogue": ("contracts", "*.json"), "tests.access": ("docs", "roles.md")}
"""What writes files from the code, and which files: schemas, samples and AsyncAPI; the tables of who may do what."""
Contents = dict[Path, bytes]


@app.command("new-service")
def new_service(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and '_', such as warranty")],
    into: Annotated[Path, typer.Option("--into", help="The repository")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a small working service that hears of cases, with its contract, tests and page, to be changed as you need.

    It gets a container, a user of NATS, secrets and its place in lists and tables. Afterwards all of it is there, or
    nothing has changed."""
    files = plan(name, into)
    before = generated(into) | {path: path.read_bytes() for path in files if path.exists()}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
        for module in GENERATORS:
            generate(module, into)
    except BaseException:
        put_back(before, {*files, *generated(into)}, into)
        raise
    after = generated(into) | {path: path.read_bytes() for path in files}
    made = _told((path for path in after if path not in before), into)
    changed = _told((path for path in after if path in before and after[path] != before[path]), into)
    if as_json:
        print_json({"service": name, "made": made, "changed": changed})
        return
    for title, paths in (("Made", made), ("Changed", changed)):
        console.print(f"{title}:", *(f"  {path}" for path in paths), sep="\n", highlight=False)
    console.print(f"Try: ./just test-fast tests/{name}; then './just up' runs it with the others.", highlight=False)


def plan(name: str, into: Path) -> dict[Path, str]:
    """What would be written, by path. Refuses a name that cannot be one or is taken, and a wrong folder."""
    fits = re.fullmatch(r"(?!pg_)[a-z][a-z0-9_]{1,29}", name)  # PostgreSQL keeps names with pg_ for itself
    if not fits or name.endswith("_") or keyword.iskeyword(name):
        raise typer.BadParameter(
            f"{name!r} cannot name a service; use 2 to 30 small letters, digits and '_', beginning with a letter",
            param_hint="NAME",
        )
    if missing := [folder for folder in FOLDERS if not (into / folder).is_dir()]:
        raise Failed(f"--into: {into.absolute()} has no folder {missing[0]!r}; run this at the root of the repository")
    targets = {into / "services" / name / file: file for file in SERVICE_FILES}
    targets |= {into / "tests" / name / target: file for file, target in TEST_FILES.items()}
    targets |= {into / "contracts" / f"{name}.py": "contract.py", into / "docs" / f"{name}.md": "page.md"}
    folders = [into / folder / name for folder in ("services", "tests", "contracts")]
    taken = [path for path in (*folders, *targets) if path.exists()]
    if name in TAKEN or taken:
        what = "it means something else here" if name in TAKEN else f"{taken[0]} is there already"
        raise typer.BadParameter(f"{name!r} is taken: {what}; choose another name", param_hint="NAME")
    return {path: filled(file, name) for path, file in targets.items()} | listed(name, into)


def filled(file: str, name: str) -> str:
    """A file of the template for a service of this name."""
    words = name.split("_")
    text = (TEMPLATE / f"{file}.txt").read_text("utf-8").replace("@name@", name)
    text = text.replace("@Name@", "".join(word.capitalize() for word in words))
    return in_order(text.replace("@Title@", " ".join(words).capitalize()))


def in_order(source: str) -> str:
    """The source with neighbouring imports of contracts sorted: where the new one stands depends on its name."""
    imports = re.compile(r"(?:^from contracts\..*\n)+", re.MULTILINE)
    return imports.sub(lambda found: "".join(sorted(found[0].splitlines(keepends=True))), source)


def generate(module: str, repository: Path) -> None:
    """Write what is made from the code, by the repository's own code."""
    here = {**os.environ, "PYTHONPATH": str(repository.absolute()), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=repository, env=here, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Failed(f"python -m {module} failed in {repository.absolute()}:\n{done.stderr.strip()}")


def generated(repository: Path) -> Contents:
    """What is made from the code, as it stands now."""
    paths = [path for folder, files in GENERATORS.values() for path in (repository / folder).rglob(files)]
    return {path: path.read_bytes() for path in paths}


def put_back(before: Contents, touched: set[Path], repository: Path) -> None:
    """The files as they were; what was made is gone, and so are folders that have become empty."""
    for path in touched:
        if path in before:
            path.write_bytes(before[path])
        else:
            path.unlink(missing_ok=True)
            if path.parent.is_dir() and path.parent != repository and not any(path.parent.iterdir()):
                path.parent.rmdir()


def _told(paths: Iterable[Path], repository: Path) -> list[str]:
    return sorted(str(path.relative_to(repository)) for path in paths)
