"""What the commits of this process changed, for those who wait for it: deadlines, effects, the relay."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from shared.core.projection import Put, RowOp

DUE = {"deadlines": "due", "effects": "next_attempt"}
"""The column of a kernel table that says when a row falls due."""


class Changes:
    """Of the tables of the views."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """How many commits touched each table."""
        self.loads = 0
        """How often the memory was read anew."""
        self.due: dict[str, datetime] = {}
        """The first instant that was written to each table of what falls due, since somebody took it from here."""
        self._wakes: list[asyncio.Event] = []

    def wakes(self) -> asyncio.Event:
        """An event of the caller's own that is set after every commit of this process; the caller clears it."""
        self._wakes.append(asyncio.Event())
        return self._wakes[-1]

    def wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    def note(self, ops: Iterable[RowOp]) -> None:
        """Which tables changed, and the first instant that now falls due in one of them."""
        touched = set[str]()
        for op in ops:
            touched.add(op.table)
            column = DUE.get(op.table)
            if column and isinstance(op, Put) and (due := op.columns.get(column)):
                self.due[op.table] = min(due, self.due.get(op.table, due))
        self.counts.update(touched)
