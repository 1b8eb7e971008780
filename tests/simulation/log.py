"""A log in memory that passes the suite of the real one. What is committed stays; an open transaction goes with its
process."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from eventsourcing.persistence import IntegrityError
from psycopg import OperationalError

from shared.core.projection import RowOp, Table
from shared.store.append import Append, Loaded, Read
from shared.store.draft import Draft
from shared.store.event_log import EventLog
from shared.store.queries import DueDeadline, DueEffect, Stand, Tried
from shared.store.rows import Head, Recorded, copied

from .disk import Disk, Row, apply, as_read, dumped
from .fate import NoFate, Ports


class SimulatedAppend(Append):
    """The real one's arithmetic of positions and hashes over a disk in memory."""

    def __init__(self, log: "SimulatedLog"):
        super().__init__(sql=log.sql, conn=None)  # type: ignore[arg-type]
        self.log, self.disk, self.ports, self.broken = log, log.disk, log.ports, False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self.flush()
        finally:
            self.disk.release(self)

    async def read(
        self, ids: Sequence[UUID] = (), streams: Sequence[str] = (), fingerprint: str = "", since: int | None = None,
        deadlines: tuple[str, Sequence[str]] | None = None, *, alone: bool = False,
    ) -> Read:  # fmt: skip
        disk = self.disk
        await self.ports.call("log.read", self.whole)
        await disk.unlocked()
        self.whole()
        disk.holder = self
        self.head = copied(disk.head)
        armed = {k: disk.table("deadlines").get(k) for k in (deadlines[1] if deadlines else ())}
        return Read(
            seen={i for i in ids if i in disk.ids},
            tail=[] if since is None else disk.above(since),
            tracked=dict(disk.tracked),
            armed={k: row["armed_by"] for k, row in armed.items() if row},
            loaded=self._loaded(streams, fingerprint),
        )

    async def load(self, streams: Sequence[str], fingerprint: str) -> Loaded:
        return await self.ports.call("log.load", self._loaded, streams, fingerprint)

    def whole(self) -> None:
        if self.broken:
            raise OperationalError("the transaction was ended")

    def _loaded(self, streams: Sequence[str], fingerprint: str) -> Loaded:
        self.whole()
        return self.disk.load(streams, fingerprint)

    async def flush(self) -> None:
        ops = dumped_all(self)
        await self.ports.call("log.commit", self._commit, ops)

    def _commit(self, ops: Sequence[tuple[RowOp, Row]]) -> None:
        self.whole()
        if any(self.disk.refuses(row) for row in self.rows):
            raise IntegrityError("stored_events_key")
        write(self.disk, self, ops)


def dumped_all(draft: Draft) -> list[tuple[RowOp, Row]]:
    """What a draft changes in the views, as the database keeps it."""
    _, tables, ops = draft.folded
    return [(op, dumped(tables[op.table], op)) for op in ops]


def write(disk: Disk, draft: Draft, ops: Iterable[tuple[RowOp, Row]]) -> None:
    """What a commit leaves on the disk."""
    for row in draft.rows:
        stream = str(row.originator_id)
        disk.ids[row.event_id] = row.id
        disk.versions.add((stream, row.originator_version))
        disk.streams[stream] = (*disk.streams.get(stream, ()), row.id)
    disk.rows += draft.rows
    for stream, position in draft.links:
        disk.streams[stream] = (*disk.streams.get(stream, ()), position)
    for name, position in draft.trackings.items():
        disk.tracked[name] = max(position, disk.tracked.get(name, 0))
    if draft.rows or draft.trackings:
        disk.head = copied(draft.head)
    for op, columns in ops:
        apply(disk.table(op.table), op, columns)


class SimulatedLog(EventLog):
    """Every method of the real one that touches PostgreSQL, on a disk in memory."""

    def __init__(self, disk: Disk, ports: Ports | None = None, name: str = "simulated"):
        super().__init__(None, name)  # type: ignore[arg-type]
        self.disk, self.ports = disk, ports or NoFate()

    async def create(self) -> None:
        pass

    def append(self) -> SimulatedAppend:  # type: ignore[override]
        return SimulatedAppend(self)

    async def put(self, draft: Draft, expected: Head) -> bool:
        ops, disk, tx = dumped_all(draft), self.disk, self.append()

        def commit() -> bool:
            tx.whole()
            if disk.head != expected or any(disk.refuses(row) for row in draft.rows):
                return False
            write(disk, draft, ops)
            return True

        await disk.unlocked()
        disk.holder = tx
        try:
            return await self.ports.call("log.put", commit)
        finally:
            disk.release(tx)

    async def rest(self) -> None:
        pass

    async def load(self, streams: Sequence[str], fingerprint: str) -> Loaded:
        return await self.ports.call("log.load", self.disk.load, streams, fingerprint)

    async def head(self) -> Head:
        return await self.ports.call("log.head", lambda: copied(self.disk.head))

    async def rows(
        self, after: int, limit: int, *, upto: int | None = None, said: bool = False, topics: Sequence[str] = ()
    ) -> list[Recorded]:
        def found() -> list[Recorded]:
            rows = [
                row for row in self.disk.above(after)
                if (upto is None or row.id <= upto) and (row.said or not said) and (not topics or row.topic in topics)
            ]  # fmt: skip
            return rows[:limit]

        return await self.ports.call("log.rows", found)

    async def stream(self, stream: str) -> list[Recorded]:
        return self.disk.at(self.disk.streams.get(stream, ()))

    async def by_id(self, event_id: UUID) -> Recorded | None:
        def found() -> Recorded | None:
            position = self.disk.ids.get(event_id)
            return self.disk.at([position])[0] if position else None

        return await self.ports.call("log.by_id", found)

    async def at(self, positions: Sequence[int]) -> list[Recorded]:
        return await self.ports.call("log.at", self.disk.at, positions)

    async def known(self, ids: Iterable[UUID]) -> set[UUID]:
        wanted = list(ids)
        return await self.ports.call("log.known", lambda: {i for i in wanted if i in self.disk.ids})

    async def trackings(self) -> dict[str, int]:
        return await self.ports.call("log.trackings", lambda: dict(self.disk.tracked))

    async def track(self, name: str, position: int) -> None:
        def move() -> None:
            self.disk.tracked[name] = max(position, self.disk.tracked.get(name, 0))

        await self.ports.call("log.track", move)

    async def select_events(
        self, originator_id: str, *, gt: int | None = None, lte: int | None = None, desc: bool = False,
        limit: int | None = None,
    ) -> list[Recorded]:  # fmt: skip
        bounds = (-1 if gt is None else gt, 2**62 if lte is None else lte)
        rows = [
            row for row in self.disk.at(self.disk.streams.get(originator_id, ()))
            if str(row.originator_id) == originator_id and bounds[0] < row.originator_version <= bounds[1]
        ]  # fmt: skip
        rows.sort(key=lambda row: row.originator_version, reverse=desc)
        return rows if limit is None else rows[:limit]

    # how things stand -------------------------------------------------------------------------------------------------
    async def stand(self, views: str, tables: Mapping[str, Table]) -> Stand:
        def found() -> Stand:
            resident = {
                name: [(key, as_read(table, row)) for key, row in self.disk.table(name).items()]
                for name, table in tables.items()
            }
            return Stand(copied(self.disk.head), dict(self.disk.tracked), resident)

        return await self.ports.call("log.stand", found)

    async def next_due(
        self, views: str, table: str, column: str, kinds: Collection[str] | None = None
    ) -> tuple[datetime | None, int]:
        def found() -> tuple[datetime | None, int]:
            rows = [row for row in self.disk.table(table).values() if kinds is None or row["kind"] in kinds]
            return min((row[column] for row in rows), default=None), len(rows)

        return await self.ports.call("log.next_due", found)

    async def due_deadlines(self, views: str, now: datetime, limit: int) -> list[DueDeadline]:
        def found() -> list[DueDeadline]:
            rows = ((key, row) for key, row in self.disk.table("deadlines").items() if row["due"] <= now)
            due = [DueDeadline(k, r["stream"], r["kind"], r["due"], r["armed_by"]) for k, r in rows]
            first = min((d.due for d in due), default=now)
            return sorted((d for d in due if d.due == first), key=lambda d: d.key)[:limit]

        return await self.ports.call("log.due_deadlines", found)

    async def due_effects(
        self, views: str, now: datetime, kinds: Collection[str], besides: Collection[Tried], limit: int, after: int = 0
    ) -> list[DueEffect]:
        def found() -> list[DueEffect]:
            due = [
                (r["next_attempt"], k, DueEffect(k, r["kind"], r["recipient"], r["row"], r["attempt"], r["not_after"]))
                for k, r in self.disk.table("effects").items()
                if r["next_attempt"] <= now
                and r["kind"] in kinds
                and (k, r["row"], r["attempt"]) not in besides
                and r["row"] > after
            ]
            return [effect for _, _, effect in sorted(due)][:limit]

        return await self.ports.call("log.due_effects", found)

    async def keep_snapshots(
        self, position: int, fingerprint: str, snapshots: Sequence[tuple[str, int, bytes]]
    ) -> None:
        def keep() -> None:
            for stream, version, state in snapshots:
                self.disk.snapshots[stream] = (version, position, fingerprint, state)

        await self.ports.call("log.keep_snapshots", keep)

    async def listened(self) -> set[tuple[str, str]]:
        return await self.ports.call("log.listened", lambda: set(self.disk.listened))

    async def listen(self, source: str, topic: str, since: int) -> None:
        await self.ports.call("log.listen", self.disk.listened.add, (source, topic))
