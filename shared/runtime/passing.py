"""Messages that nobody here listens to: only the cursor of their source moves."""

from collections.abc import Iterator, Mapping, Sequence

from shared.core.message import Message

from .ordering import gap_before


class PassedOver:
    """The last such message of each source since the last commit, which takes the cursors along. What a crash forgets
    of it shows as a gap and is read again."""

    def __init__(self, sources: frozenset[str]):
        self._sources = sources
        self._last: dict[str, Message] = {}

    def take(self, messages: Sequence[Message], tracked: Mapping[str, int]) -> Mapping[str, int] | None:
        """How far others are heard with these; None when one of them is to be recorded, or comes out of order."""
        moved = dict(tracked)
        for message in messages:
            if message.event is not None or message.late or gap_before(message, moved, self._sources):
                return None
            moved[message.source] = max(message.position, moved.get(message.source, 0))
        self._last |= {m.source: m for m in messages if m.position > tracked.get(m.source, 0)}
        return moved

    def __iter__(self) -> Iterator[Message]:
        return iter(self._last.values())

    def clear(self) -> None:
        self._last.clear()
