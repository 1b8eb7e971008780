"""What a database holds of one service, in memory."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import orjson

from shared.core.projection import Add, Drop, Put, RowOp, Table
from shared.store.append import Loaded
from shared.store.rows import GENESIS, Head, Recorded, copied
from shared.store.view_sql import dump

from .fate import Ports

Row = Mapping[str, Any]


class Holder(Protocol):
    """A transaction that holds the head row; ``broken`` once the database has taken it back."""

    ports: Ports
    broken: bool


@dataclass
class Disk:
    """What a database holds of one service. Values are never changed in place, so that a copy shares them."""

    rows: list[Recorded] = field(default_factory=list)
    ids: dict[UUID, int] = field(default_factory=dict)
    versions: set[tuple[str, int]] = field(default_factory=set)
    streams: dict[str, tuple[int, ...]] = field(default_factory=dict)
    tracked: dict[str, int] = field(default_factory=dict)
    head: Head = field(default_factory=lambda: Head(0, GENESIS, 1, 0, {}))
    snapshots: dict[str, tuple[int, int, str, bytes]] = field(default_factory=dict)
    listened: set[tuple[str, str]] = field(default_factory=set)
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    holder: "Holder | None" = None
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def copy(self) -> "Disk":
        return Disk(
            list(self.rows), dict(self.ids), set(self.versions), dict(self.streams), dict(self.tracked),
            copied(self.head), dict(self.snapshots), set(self.listened), {n: dict(t) for n, t in self.tables.items()},
        )  # fmt: skip

    def table(self, name: str) -> dict[str, Row]:
        return self.tables.setdefault(name, {})

    def fold(self, tables: Mapping[str, Table], ops: Iterable[RowOp]) -> None:
        """What the rows mean for views."""
        for op in ops:
            apply(self.table(op.table), op, dumped(tables[op.table], op))

    def refuses(self, row: Recorded) -> bool:
        """What the constraints of the real table would."""
        return row.event_id in self.ids or (str(row.originator_id), row.originator_version) in self.versions

    async def unlocked(self) -> None:
        """Returns once no transaction holds the head row."""
        while self.holder is not None:
            waiter = asyncio.get_running_loop().create_future()
            self.waiting.append(waiter)
            await waiter

    def load(self, streams: Iterable[str], fingerprint: str) -> Loaded:
        """The past of streams: snapshots that fit the code, and the rows after them."""
        asked = list(streams)
        snapshots = {
            s: (version, position, state)
            for s in asked
            for version, position, code, state in (self.snapshots.get(s, (0, 0, "", b"")),)
            if position and code == fingerprint
        }
        positions = {
            p for s in asked for p in self.streams.get(s, ()) if p > (snapshots[s][1] if s in snapshots else 0)
        }
        return Loaded(self.at(positions), snapshots)

    def leave(self, ports: Ports) -> None:
        """The database takes back what a lost connection had begun."""
        if self.holder is not None and self.holder.ports is ports:
            self.holder.broken = True
            self.release(self.holder)

    def release(self, tx: "Holder") -> None:
        if self.holder is tx:
            self.holder = None
            waiting, self.waiting = self.waiting, []
            for waiter in waiting:  # all of them: one may have ended meanwhile
                if not waiter.done():
                    waiter.set_result(None)

    def above(self, position: int) -> list[Recorded]:
        return self.rows[bisect_right(self.rows, position, key=_position) :]

    def at(self, positions: Iterable[int]) -> list[Recorded]:
        found = (bisect_right(self.rows, position, key=_position) - 1 for position in sorted(positions))
        return [self.rows[index] for index in found if index >= 0]


def _position(row: Recorded) -> int:
    return row.id


def dumped(table: Table, op: RowOp) -> Row:
    """As the database keeps it; raises TypeError for what it would refuse."""
    if isinstance(op, Put):
        return {column: dump(table.columns[column], value) for column, value in op.columns.items()}
    return op.columns if isinstance(op, Add) else {}


def apply(table: dict[str, Row], op: RowOp, columns: Row) -> None:
    old = table.get(op.key, {})
    match op:
        case Put():
            table[op.key] = {**old, **columns}
        case Add():
            table[op.key] = {**old, **{c: (old.get(c) or 0) + amount for c, amount in columns.items()}}
        case Drop():
            table.pop(op.key, None)


def as_read(table: Table, row: Row) -> Row:
    """As a query gives it."""
    return {
        column: orjson.loads(value) if (value := row.get(column)) is not None and kind == "json" else value
        for column, kind in table.columns.items()
    }
