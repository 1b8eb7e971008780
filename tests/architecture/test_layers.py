"""Who may import whom, and what the pure parts may use: read from the source, so that nothing is executed."""

import ast
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from shared.core.event import Event

ROOT = Path(__file__).parents[2]
SERVICES = sorted(p.parent for p in (ROOT / "services").glob("*/app.py"))
FIVE = {"domain.py", "policy.py", "policy.yaml", "views.py", "api.py", "app.py"}
FLOORS = {
    "core": 1,  # events, rules, arithmetic: pure
    "base": 1,  # connections, tasks, traces, settings
    "privacy": 2,  # sealing and its keys
    "store": 3,  # the log and the views in PostgreSQL
    "runtime": 4,  # what happens to one message
    "bus": 5,  # from one service to the other
    "edge": 5,  # from and to everybody else
    "host": 6,  # what runs a service
    "audit": 6,  # what reads logs
}
PURE = "shared.core"
"""What rules and contracts may use of the kernel."""
IMPURE = {
    "asyncio", "http", "io", "os", "random", "secrets", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""Parts of the standard library that look at a clock, at chance or at the world."""
NONDETERMINISTIC = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")} | {
    ("uuid", name) for name in ("uuid1", "uuid4")
}
ALSO = {
    # arithmetic of models that ship with the code, read from bytes: the same answer for the same text
    "classifier": {"numpy", "py3langid", "io"},
    "notification": {"jinja2"},  # filling in a template
}


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, relative ones resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *(node.module.split(".") if node.module else ())))
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def file_of(module: str) -> Path | None:
    path = ROOT / Path(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def pure_files(service: Path) -> dict[Path, str]:
    """domain.py and policy.py, and every module of the service that they lead to, each with who imported it first."""
    found = {service / "domain.py": "", service / "policy.py": ""}
    queue = list(found)
    while queue:
        path = queue.pop()
        for module in imports(path):
            other = file_of(module) if module.startswith(f"services.{service.name}.") else None
            if other and other not in found:
                found[other] = path.name
                queue.append(other)
    return found


@pytest.mark.parametrize("service", SERVICES, ids=lambda p: p.name)
def test_a_service_has_the_same_files_as_the_others(service: Path) -> None:
    assert {p.name for p in service.iterdir()} >= FIVE


@pytest.mark.parametrize("service", SERVICES, ids=lambda p: p.name)
def test_services_never_import_one_another(service: Path) -> None:
    others = {
        (path.name, module)
        for path in service.rglob("*.py")
        for module in imports(path)
        if module.startswith("services.") and module.split(".")[1] != service.name
    }
    assert not others


@pytest.mark.parametrize("service", SERVICES, ids=lambda p: p.name)
def test_rules_use_nothing_but_pure_modules(service: Path) -> None:
    allowed = {"contracts", "pydantic", "services", *ALSO.get(service.name, ())}
    wrong = []
    for path, by in pure_files(service).items():
        for module in imports(path):
            top = module.partition(".")[0]
            if top == "shared":
                fine = module in ("shared", PURE) or module.startswith(f"{PURE}.")
            else:
                fine = top in allowed or (top in sys.stdlib_module_names and top not in IMPURE)
            if not fine:
                wrong.append(f"{path.name} ({by}) imports {module}")
    assert not wrong


@pytest.mark.parametrize("service", SERVICES, ids=lambda p: p.name)
def test_rules_ask_no_clock_and_no_chance(service: Path) -> None:
    wrong = [
        f"{path.name}:{node.lineno} {node.value.id}.{node.attr}"
        for path in pure_files(service)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in NONDETERMINISTIC
    ]  # fmt: skip
    assert not wrong


def arrows() -> Iterator[tuple[str, str, str]]:
    """(folder of shared, folder that it imports, where) for every import that leaves its folder."""
    for path in sorted((ROOT / "shared").rglob("*.py")):
        own = path.relative_to(ROOT / "shared").parts[0]
        for module in imports(path):
            if module.startswith("shared.") and (other := module.split(".")[1]) != own:
                yield own, other, f"{path.relative_to(ROOT)} imports {module}"


def test_every_file_of_the_kernel_stands_on_a_floor() -> None:
    folders = {path.relative_to(ROOT / "shared").parts[0] for path in (ROOT / "shared").rglob("*.py")}
    assert folders - {"__init__.py"} == FLOORS.keys()


def test_a_folder_of_the_kernel_imports_lower_floors_only() -> None:
    wrong = [where for own, other, where in arrows() if FLOORS.get(other, 9) >= FLOORS[own]]
    assert not wrong


def test_within_a_folder_no_two_files_import_one_another() -> None:
    wrong = []
    for folder in FLOORS:
        files = {path.stem: path for path in (ROOT / "shared" / folder).glob("*.py")}
        below = {
            name: {m.split(".")[2] for m in imports(path) if m.startswith(f"shared.{folder}.")} & files.keys() - {name}
            for name, path in files.items()
        }
        while free := [name for name, needed in below.items() if not needed & below.keys()]:
            for name in free:
                del below[name]
        wrong += [f"{folder}: {', '.join(sorted(below))} lead to one another"] if below else []
    assert not wrong


def test_the_pure_floor_looks_at_no_clock_no_chance_and_nothing_outside() -> None:
    wrong = [
        f"{path.name} imports {module}"
        for path in (ROOT / "shared/core").glob("*.py")
        for module in imports(path)
        if module.partition(".")[0] in IMPURE
    ]
    assert not wrong


def test_contracts_know_neither_services_nor_the_running_kernel() -> None:
    wrong = [
        f"{path.name} imports {module}"
        for path in (ROOT / "contracts").rglob("*.py")
        for module in imports(path)
        if module.startswith(("services", "deploy"))
        or (module.startswith("shared.") and not f"{module}.".startswith(f"{PURE}."))
    ]
    assert not wrong


def test_the_kernel_knows_neither_contracts_nor_services_nor_what_operates_it() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for top in ("shared", "services")
        for path in (ROOT / top).rglob("*.py")
        for module in imports(path)
        if module.startswith("deploy") or (top == "shared" and module.startswith(("contracts", "services")))
    ]
    assert not wrong


def test_nothing_is_imported_by_a_text() -> None:
    """An arrow in a text is seen by nobody who reads the imports. What is found by looking into a folder is none."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for top in ("contracts", "deploy/vefa", "services", "shared")
        for path in (ROOT / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        and ast.unparse(node.func) in ("import_module", "importlib.import_module", "__import__")
    ]  # fmt: skip
    assert not wrong


@pytest.mark.parametrize("service", SERVICES, ids=lambda s: s.name)
def test_a_projection_is_shown_every_event_that_it_names(service: Path) -> None:
    """What is missing in ``reads`` would be left out of the views without a word."""
    module = import_module(f"services.{service.name}.views")
    named = {value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Event)}
    shown = module.views.reads
    assert not [kind.__name__ for kind in named - {Event} if kind.TOPIC and not issubclass(kind, shown)]
