"""What this process said and the bus has not got yet, kept in memory so that it need not be read back."""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from shared.store.rows import Recorded

MAX_BYTES = 4 * 1024 * 1024
RELAY = "relay"
"""The tracking that says how far the bus has what this log said."""


class Waiting(NamedTuple):
    """A said row, and the position of the one that was said before it."""

    previous: int
    row: Recorded


class Outbox:
    """Said rows in the order of their positions. It may leave out what the log holds, never the other way round: who
    relays reads the log where rows are missing here."""

    def __init__(self) -> None:
        self._waiting = deque[Waiting]()
        self._bytes = 0
        self.relayed = 0
        """The position up to which the bus has it."""

    def unkept(self, tracked: Mapping[str, int]) -> dict[str, int]:
        """That position as a tracking, if those of the log are behind it."""
        return {RELAY: self.relayed} if self.relayed > tracked.get(RELAY, 0) else {}

    def add(self, said: int, rows: Sequence[Recorded]) -> None:
        """Rows of a commit that followed on what was said at position ``said``."""
        for row in rows:
            if row.said:
                self._waiting.append(Waiting(said, row))
                self._bytes += len(row.state) + len(row.metadata)
                said = row.id
        if self._bytes > MAX_BYTES:
            self.clear()

    def clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0

    def after(self, position: int, limit: int) -> list[Recorded]:
        """The rows that follow on what was said at ``position``, at most ``limit``; [] when they are not here."""
        while self._waiting and self._waiting[0].row.id <= position:
            row = self._waiting.popleft().row
            self._bytes -= len(row.state) + len(row.metadata)
        found = list[Recorded]()
        for previous, row in islice(self._waiting, limit):
            if previous != position:
                break
            found.append(row)
            position = row.id
        return found
