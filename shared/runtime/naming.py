"""Values in a policy document that can never match: ``priority: urgnt``. What a condition may be compared with is known
from the contracts; places are told in words (``targets, row 2 (urgent), priority``). Pure."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from eventsourcing.utils import resolve_topic
from pydantic import BaseModel

from shared.core.decisions import COMPARISON
from shared.core.vocabulary import Category, Channel, Kind, Language, Outcome, Priority, Sentiment

CLOSED: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": get_args(Kind), "channel": get_args(Channel), "language": get_args(Language),
    "sentiment": get_args(Sentiment), "priority": get_args(Priority), "category": get_args(Category),
    "outcome": get_args(Outcome),
}  # fmt: skip
"""Facts of a case whose values are the same in every company."""
SILENT = ("rules", "then")
"""Fields that a path leaves out: they stand between a table and its rows."""


class Condition(NamedTuple):
    """One value that a fact is compared with. ``closed``: what it may be, None when documents say that."""

    where: str
    fact: str
    value: str
    closed: tuple[str, ...] | None


def conditions(document: Any, path: str = "") -> Iterator[Condition]:
    """Every text that a ``when`` of a document compares a fact with."""
    if isinstance(document, BaseModel):
        for name in type(document).model_fields:
            value = getattr(document, name)
            if name == "when" and isinstance(value, Mapping):
                yield from _compared(document, value, path)
            else:
                yield from conditions(value, path if name in SILENT else joined(path, name))
    elif isinstance(document, Mapping):
        for key, value in document.items():
            yield from conditions(value, joined(path, str(key)))
    elif isinstance(document, list | tuple):
        for number, item in enumerate(document, 1):
            called = getattr(item, "name", None) or getattr(item, "template", None)
            yield from conditions(item, joined(path, row_name(number, called)))


def _compared(owner: BaseModel, when: Mapping[str, Any], path: str) -> Iterator[Condition]:
    for fact, condition in when.items():
        for value in condition if isinstance(condition, list | tuple) else (condition,):
            if isinstance(value, str) and not COMPARISON.match(value):
                yield Condition(joined(path, fact), fact, value, _closed(owner, fact))


def _closed(owner: BaseModel, fact: str) -> tuple[str, ...] | None:
    """The values of a fact of a case, or of a field of the event that the row is about."""
    topic = getattr(owner, "event", None)
    if topic is None:
        return CLOSED.get(fact)
    found = _literals(get_type_hints(resolve_topic(topic), include_extras=True).get(fact))
    return tuple(map(str, found)) or None


def _literals(annotation: Any) -> tuple[Any, ...]:
    """What a Literal allows, alone or beside None; () for every other type."""
    args = [a for a in get_args(annotation) if a is not type(None)]
    if args and all(isinstance(a, str | int) and not isinstance(a, type) for a in args):
        return tuple(args)
    return _literals(args[0]) if len(args) == 1 else ()


def impossible(document: Any) -> Iterator[tuple[str, str]]:
    """(where, what is wrong) of each condition that can never hold, whatever other documents say."""
    for where, fact, value, closed in conditions(document):
        if closed and value not in closed:
            yield where, unknown(fact, value, closed)


def unknown(what: str, value: str, known: Any) -> str:
    """``unknown priority 'urgnt'; did you mean 'urgent'?``"""
    near = get_close_matches(value, sorted(known), 1)
    listed = ", ".join(sorted(known)) or "none"
    return f"unknown {what} {value!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {listed}")


def joined(path: str, part: str) -> str:
    return f"{path}, {part}" if path else part


def row_name(number: int, name: str | None) -> str:
    """``row 2 (urgent)``"""
    return f"row {number} ({name})" if name else f"row {number}"


def place_in_words(content: Any, location: tuple[int | str, ...]) -> str:
    """Where a field of a document stands: ``targets.rules.1.then.first_response`` is ``targets, row 2 (urgent),
    first_response``."""
    path = ""
    for part in location:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            content = None
        if isinstance(part, int):
            name = (content.get("name") or content.get("template")) if isinstance(content, dict) else None
            path = joined(path, row_name(part + 1, name if isinstance(name, str) else None))
        elif part not in SILENT:
            path = joined(path, part)
    return path or "document"
