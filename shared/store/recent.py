"""The last rows that this process wrote, in memory: what an effect is about was mostly said a moment ago."""

from collections.abc import Iterable

from .rows import Recorded


class Recent:
    """Rows by position, the oldest leave first. A row of a log never changes, so that one that is here is the one that
    the log has; after a restore positions go on above all that were used."""

    def __init__(self, most_bytes: int):
        """``most_bytes``: of states and envelopes together; 0 keeps nothing."""
        self._most, self._bytes = most_bytes, 0
        self._rows: dict[int, Recorded] = {}

    def add(self, rows: Iterable[Recorded]) -> None:
        if not self._most:
            return
        for row in rows:
            self._rows[row.id] = row
            self._bytes += _size(row)
        while self._bytes > self._most:
            self._bytes -= _size(self._rows.pop(next(iter(self._rows))))

    def at(self, positions: Iterable[int]) -> dict[int, Recorded]:
        """Those of these rows that are here."""
        return {position: row for position in positions if (row := self._rows.get(position))}

    def clear(self) -> None:
        self._rows.clear()
        self._bytes = 0


def _size(row: Recorded) -> int:
    return len(row.state) + len(row.metadata)
