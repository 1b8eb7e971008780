"""``vefa new-service``: the five files of a service with its contract and its first tests, working from the start."""

import keyword
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from .base import AsJson, Failed, console, print_json

app = typer.Typer()
TEMPLATE = Path(__file__).parent / "template"
SERVICE_FILES = ("__init__.py", "domain.py", "policy.py", "policy.yaml", "views.py", "api.py", "app.py")
TAKEN = frozenset({"common", "kernel", "outside", "shared", "tests", "to", "ops", "integrator", "admin", "vault"})


@app.command("new-service")
def new_service(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and '_', such as warranty")],
    into: Annotated[Path, typer.Option("--into", help="The repository")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make services/NAME, contracts/NAME.py and tests/NAME: a small service that runs, to be made what is wanted."""
    files = plan(name, into)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    describe_contracts(into)
    made = [str(path.relative_to(into)) for path in files]
    if as_json:
        print_json({"service": name, "files": made})
        return
    console.print("Made", ", ".join(made))
    console.print(f"Try: python -m pytest tests/{name}; then 'vefa up' runs it with the others.", highlight=False)


def plan(name: str, into: Path) -> dict[Path, str]:
    """What would be written, by path. Refuses a name that cannot be one or is taken, and a wrong folder."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,29}", name) or name.endswith("_") or keyword.iskeyword(name):
        raise typer.BadParameter(
            f"{name!r} cannot name a service; use 2 to 30 small letters, digits and '_', beginning with a letter",
            param_hint="NAME",
        )
    if missing := [folder for folder in ("contracts", "services", "tests") if not (into / folder).is_dir()]:
        raise Failed(f"--into: {into.absolute()} has no folder {missing[0]!r}; run this at the root of the repository")
    targets = {into / "services" / name / file: file for file in SERVICE_FILES}
    targets |= {
        into / "contracts" / f"{name}.py": "contracts.py",
        into / "tests" / name / "test_domain.py": "test_domain.py",
    }
    there = [into / "services" / name, into / "contracts" / f"{name}.py", into / "tests" / name]
    if name in TAKEN or (taken := [path for path in there if path.exists()]):
        what = f"{taken[0]} is there already" if name not in TAKEN else "it means something else here"
        raise typer.BadParameter(f"{name!r} is taken: {what}; choose another name", param_hint="NAME")
    title = "".join(part.capitalize() for part in name.split("_"))
    return {
        path: in_order((TEMPLATE / f"{file}.txt").read_text("utf-8").replace("@name@", name).replace("@Name@", title))
        for path, file in targets.items()
    }


def describe_contracts(repository: Path) -> None:
    """Write schemas, samples and AsyncAPI of the new events, by the repository's own code."""
    command = [sys.executable, "-m", "contracts.catalogue"]
    here = {**os.environ, "PYTHONPATH": str(repository.absolute())}
    done = subprocess.run(command, cwd=repository, env=here, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Failed(f"python -m contracts.catalogue failed in {repository.absolute()}:\n{done.stderr.strip()}")


def in_order(source: str) -> str:
    """The source with neighbouring imports of contracts sorted: where the new one stands depends on its name."""
    imports = re.compile(r"(?:^from contracts\..*\n)+", re.MULTILINE)
    return imports.sub(lambda found: "".join(sorted(found[0].splitlines(keepends=True))), source)
