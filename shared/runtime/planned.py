"""What a batch is made of: messages that come in, what follows from each, rows that are to be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from shared.core.message import Message
from shared.core.projection import RowOp
from shared.store.codec import RowNotes

from .outcome import Outcome


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is to be taken in. ``states``: what was heard from other logs as it stands there, by event id; it is kept as
    it is. ``unwritable``: why what follows from these facts could not be written; they are parked."""

    messages: Sequence[Message]
    states: Mapping[UUID, bytes] = field(default_factory=dict)
    unwritable: Exception | None = None


class PlannedRow(NamedTuple):
    """A row to be written: the message, what is noted beside it, whether it is said, its version in its stream."""

    message: Message
    notes: RowNotes
    said: bool
    version: int


class Decided(NamedTuple):
    """What follows from a message; of it only the memory knows until it is kept."""

    outcome: Outcome
    rows: Sequence[PlannedRow]
    ops: Sequence[RowOp]
