"""Words that gave way to better ones do not come back: in pages, docstrings and comments. The words in use are in
``docs/words.md``."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GONE = {
    r"\b[Hh]e\b|\b[Hh]is\b|\b[Hh]im(self)?\b": "customers and agents are they",
    r"(?<!out of )(?<!out-of-)\boffice\b(?! hours)|\bstand(s|ing)? by\b": "leader, follower, leader lease",
    r"\bdoubts\b": "warnings",
}
"""Pattern -> what is said instead."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [path for top in ("contracts", "deploy/vefa", "services", "shared") for path in (ROOT / top).rglob("*.py")]
DATA = re.compile(r"Out of office chair|\"[^\"]*\"|`[^`]*`")
"""Examples of what people write."""


@cache
def told(path: Path) -> list[tuple[int, str]]:
    """Line and text of each docstring and comment of a source; of a page, its lines."""
    return list(_told(path))


def _told(path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text("utf-8")
    if path.suffix == ".md":
        yield from enumerate(source.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("pattern", GONE, ids=["they", "leader", "warnings"])
def test_a_word_that_gave_way_does_not_come_back(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {match[0]!r}, better: {GONE[pattern]}"
        for path in (*PAGES, *SOURCES)
        for line, text in told(path)
        if (match := re.search(pattern, DATA.sub("", text)))
    ]
    assert found == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []
