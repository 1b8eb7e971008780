"""What decides whether snapshots and views of an older version are still good: the rules, wherever they stand."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.sla.app import app
from shared.store import fingerprint
from shared.store.fingerprint import reached, rules_of

STATE = """
from typing import TYPE_CHECKING
from .rules.points import earned
if TYPE_CHECKING:
    from .api import App
def evolve(x):
    return earned(x)
"""
POINTS = """
from math import floor
from .. import units
def earned(x):
    return floor(x) * units.UNIT
"""
FILES = {
    "__init__.py": "", "rules/__init__.py": "", "state.py": STATE, "rules/points.py": POINTS, "units.py": "UNIT = 2\n",
    "api.py": "from .state import evolve\n", "pages.py": "PAGE = '<p>'\n",
}  # fmt: skip


@pytest.fixture
def trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "trade_of_a_test"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [n for n in sys.modules if n.startswith(folder.name)]:
        del sys.modules[name]
    fingerprint._module.cache_clear()


def print_of(folder: Path) -> str:
    fingerprint._module.cache_clear()
    module: Any = __import__(f"{folder.name}.state", fromlist=["evolve"])
    return rules_of(module.evolve)


@pytest.mark.parametrize("name", ["pages.py", "api.py"])
def test_what_no_rule_imports_changes_nothing(trade: Path, name: str) -> None:
    before = print_of(trade)
    (trade / name).write_text(FILES[name] + "# said more clearly\n")
    assert print_of(trade) == before


@pytest.mark.parametrize("name", ["state.py", "rules/points.py", "units.py"])
def test_a_rule_counts_in_whatever_folder_it_stands(trade: Path, name: str) -> None:
    before = print_of(trade)
    (trade / name).write_text(FILES[name] + "LATER = 1\n")
    assert print_of(trade) != before


def test_rules_reach_the_kernel_and_the_contracts_and_no_way_in() -> None:
    names = set(reached(app.decider.evolve))
    assert {app.decider.evolve.__module__, "shared.core.calendar", "contracts.sla"} <= names
    assert not {name for name in names if name.rpartition(".")[2] in ("api", "app", "http", "process")}
