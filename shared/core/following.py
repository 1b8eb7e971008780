"""Decide, say, apply: how the events of a rule become messages, live, in what-if and in tests."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from uuid import UUID

from .event import Event
from .message import Message
from .projection import RowOp


def said_because(heard: Message, event: Event, id: UUID, index: int, epoch: int) -> Message:
    """The ``index``-th event that is said because of ``heard``, in the row behind it and those before."""
    return replace(
        heard, event=event, id=id, source="", position=0, previous=0, after={}, epoch=epoch, hash="",
        causation=heard.id, depth=heard.depth + 1, command=False, late=False, retry_of=None, row=heard.row + 1 + index,
    )  # fmt: skip


def say(heard: Message, events: Iterable[Event], ids: Callable[[int], UUID], epoch: int) -> Iterator[Message]:
    """What is said because of ``heard``, in order; ``ids`` names the event of an index."""
    for index, event in enumerate(events):
        yield said_because(heard, event, ids(index), index, epoch)


def follow(
    messages: Iterable[Message], apply: Callable[[Message], list[RowOp]]
) -> Iterator[tuple[Message, list[RowOp]]]:
    """Each message with what it changes in the views, applied before the next one is asked for: a rule that says
    several things sees what it has said."""
    for message in messages:
        yield message, apply(message)
