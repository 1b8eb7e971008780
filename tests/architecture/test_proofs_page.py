"""``just test`` shows every promise: each row of ``docs/proofs.md`` names a test of it that is not left out as long."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.running import ROOT

HEADER = ["promise", "test", "in `just test`", "what the control shows"]
LONG = "pytest.mark.long"


def rows() -> list[list[str]]:
    page = (ROOT / "docs" / "proofs.md").read_text("utf-8")
    lines = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert lines[0] == HEADER
    return lines[1:]


def played(file: str) -> Iterator[str]:
    """The tests of a file that are not long."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    marks = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets) == "pytestmark"]
    if any(LONG in ast.unparse(mark) for mark in marks):
        return
    for node in tree.body:
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if function and LONG not in map(ast.unparse, node.decorator_list):
            yield node.name


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0].partition(":")[0]) for row in rows()])
def test_every_promise_is_shown_by_just_test(row: list[str]) -> None:
    files, named = re.findall(r"`(tests/[^`]+)`", row[1]), re.findall(r"`(test_\w+)`", row[2])
    assert named, "no test of `just test` is named"
    assert set(named) <= {name for file in files for name in played(file)}, "not there, or left out as long"


def test_just_test_leaves_out_what_is_long_and_nothing_else() -> None:
    recipe = (ROOT / "justfile").read_text("utf-8").partition("\ntest *")[2].partition("\n\n")[0]
    assert re.findall(r'-m "([^"]*)"', recipe) == ["not long"]
