"""What a rule may read, and nothing else: the state of streams, resident tables, policies. All of it is a fold of the
log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.core.event import Event
from shared.core.message import Message

Row = Mapping[str, Any]


class NotLoaded(Exception):
    """A rule asked for streams that are not in memory; the kernel loads them and decides again."""

    def __init__(self, *streams: str):
        super().__init__(", ".join(streams))
        self.streams = streams


class Refused(Exception):
    """A command that is not carried out: nothing of it is recorded, the caller learns why and what would help."""

    def __init__(self, code: str, field: str, text: str, remedy: str, status: int = 409):
        super().__init__(f"{code}: {field}: {text}; {remedy}")
        self.code, self.field, self.text, self.remedy, self.status = code, field, text, remedy, status


Check = Callable[[Any, Any, datetime], None]
"""``check(world, document, at)`` raises Refused for a document that its model takes but that does not fit what else is
in force."""
Warnings = Callable[[Any, Any], Iterable[str]]
"""``warnings(world, document)`` says what of a document that would be accepted cannot work as things stand."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy document in force: which, in which version, since which event."""

    name: str
    version: int
    document: Any


class Rows(Protocol):
    """A resident table. Iteration is in the order of keys, so that a replay meets the same rows in the same order."""

    def get(self, key: str) -> Row | None: ...
    def __iter__(self) -> Iterator[tuple[str, Row]]: ...
    def __len__(self) -> int: ...
    def where(self, **equal: Any) -> Iterator[tuple[str, Row]]:
        """Rows whose columns equal the given values; quick when the first column is indexed."""
        ...


class World(Protocol):
    """What ``decide`` reads."""

    def __getitem__(self, stream: str) -> Any:
        """The state of a stream such as ``case:0198...``; its initial state when nothing was recorded."""
        ...

    def new(self, stream: str) -> Any:
        """The initial state of a stream whose name is made of the id of the message at hand: it has no past, so none
        is looked for in the log."""
        ...

    def table(self, name: str) -> Rows: ...
    def policy(self, name: str, version: int | None = None) -> PolicyInForce:
        """The policy of that name, in the given version or the newest; LookupError when there is none."""
        ...

    def has_policy(self, name: str) -> bool: ...


@dataclass(frozen=True)
class Decider:
    """The domain of a service: the initial state of each kind of stream and two pure functions.

    ``states`` maps the part of a stream's name before ``:`` to its initial state. ``evolve(state, message)`` returns
    the next state of one stream; it is called for the event's main stream and for each of ``also``, with the state of
    that stream.
    ``decide(world, message)`` yields the events that the service says; it may raise Refused for a command."""

    states: Mapping[str, Any]
    evolve: Callable[[Any, Message], Any]
    decide: Callable[[World, Message], Iterable[Event]]

    def initial(self, stream: str) -> Any:
        kind = stream.partition(":")[0]
        return self.states.get(kind)
