"""What became of a message."""

from dataclasses import dataclass
from typing import Final, TypeVar

from shared.core.event import Event
from shared.core.message import Message

E = TypeVar("E", bound=Event)


class RetryFailed(Exception):
    """A parked event raised again; it stays parked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Its position in the log (0: nothing was recorded for it) and what was said because of it."""

    position: int
    said: tuple[Message, ...] = ()

    def first(self, kind: type[E]) -> E | None:
        return next((m.event for m in self.said if isinstance(m.event, kind)), None)


class Known:
    """It was recorded before: what came of it stands in the log."""


NOTHING: Final = Outcome(0)
KNOWN: Final = Known()
Result = Outcome | Exception | Known
"""Of a message in a batch; the exception is the reason against it."""
