"""Fingerprints of code: what a fold may depend on, and nothing else, decides whether what it made is still good."""

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

BELOW = frozenset({"contracts", "shared"})
"""What the rules of every package may import of ours."""


def rules_of(*functions: Callable[..., object]) -> str:
    """A digest of the source of all modules that they may depend on: a rule that is moved counts, and a page that no
    rule imports does not."""
    sources = reached(*functions)
    return sha256("".join(f"{name}\0{sources[name]}\0" for name in sorted(sources)).encode()).hexdigest()[:32]


def reached(*functions: Callable[..., object]) -> dict[str, str]:
    """Name -> source of every module of ours that the modules of these functions reach by imports, in whatever
    folder."""
    waiting = [module.__name__ for f in functions if (module := inspect.getmodule(f)) is not None]
    ours = BELOW | {name.partition(".")[0] for name in waiting}
    sources = dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in sources or (found := _module(name)) is None:
            continue
        sources[name], imported = found
        waiting.extend(each for each in imported if each.partition(".")[0] in ours)
    return sources


@cache
def _module(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The source of a module and all names that it imports; None for a name in a module, which is no module itself."""
    try:
        spec = find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    source = Path(spec.origin).read_text("utf-8")
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    return source, tuple(sorted(set(_imported(ast.parse(source), package))))


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those for a type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)
