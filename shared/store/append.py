"""An open transaction on a log: its head row is locked, what is recorded becomes visible at once or not at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection, AsyncCursor, sql

from shared.core.projection import RowOp, Table
from shared.store.view_sql import Statement, statements

from .rows import GENESIS, HEAD, STREAMS, TRACK, TRACKINGS, Head, Recorded, chain, head_of, rows_of

SNAPSHOTS = (
    "select stream, version, position, state from {s}.snapshots where stream = any(%b::text[]) and fingerprint = %s"
)
INSERT = (
    "insert into {s}.stored_events ({columns}) select * from unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[],"
    " %b::bytea[], %b::uuid[], %b::bytea[], %b::timestamptz[], %b::boolean[], %b::bytea[])"
)
SET_HEAD = "update {s}.head set notification_id = %s, hash = %s, epoch = %s, said = %s, after = %s"


def answer_to(cause: UUID) -> str:
    """The stream that links what was brought back after a restore to the id of its cause."""
    return f"answer:{cause}"


@dataclass(slots=True)
class Append:
    """An open transaction on a log, holding its head row after ``read``."""

    sql: Callable[[str], sql.Composed]
    conn: AsyncConnection[tuple[Any, ...]]
    head: Head = field(default_factory=lambda: Head(0, GENESIS, 1, 0, {}))
    rows: list[Recorded] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    trackings: dict[str, int] = field(default_factory=dict)
    others: list[Statement] = field(default_factory=list)
    durable: bool = True
    """Whether the commit waits for the disk: False when nothing is recorded that an answer would rest on."""

    async def read(
        self, ids: Sequence[UUID] = (), streams: Sequence[str] = (), fingerprint: str = "", since: int | None = None,
        deadlines: tuple[str, Sequence[str]] | None = None,
    ) -> "Read":  # fmt: skip
        """Lock the head, then in the same round trip: which ids are known, the rows and snapshots of streams, the
        rows that others wrote above ``since``, and who armed the deadlines of a views schema."""
        q = self.sql
        head = await self.conn.execute(q(HEAD + " for update"))
        seen = (
            await self.conn.execute(
                q("select event_id from {s}.stored_events where event_id = any(%b::uuid[])"), (list(ids),)
            )
            if ids
            else None
        )
        tail = (
            await self.conn.execute(
                q("select {columns} from {s}.stored_events where notification_id > %s order by notification_id"),
                (since,), binary=True,
            )
            if since is not None
            else None
        )  # fmt: skip
        tracked = await self.conn.execute(q(TRACKINGS))
        armed = None
        if deadlines and deadlines[1]:
            query = sql.SQL("select key, armed_by from {} where key = any(%s)")
            armed = await self.conn.execute(
                query.format(sql.Identifier(deadlines[0], "deadlines")), (list(deadlines[1]),)
            )
        loaded = await self._load(streams, fingerprint) if streams else None
        self.head = await head_of(head)
        return Read(
            seen={row[0] for row in await seen.fetchall()} if seen else set(),
            tail=rows_of(await tail.fetchall()) if tail else [],
            tracked={str(n): int(p) for n, p in await tracked.fetchall()},
            armed=dict(await armed.fetchall()) if armed else {},
            loaded=await _loaded(*loaded) if loaded else Loaded([], {}),
        )

    async def load(self, streams: Sequence[str], fingerprint: str) -> "Loaded":
        """The past of streams: snapshots that fit the code, and the rows after them."""
        return await _loaded(*await self._load(streams, fingerprint))

    async def answered(self, causes: Sequence[UUID]) -> dict[UUID, list[int]]:
        """Positions of what was brought back after a restore, for those of these ids that are its causes."""
        query = self.sql("select stream, notification_id from {s}.links where stream = any(%b::text[]) order by 2")
        found: dict[UUID, list[int]] = {}
        for stream, position in await (await self.conn.execute(query, ([answer_to(c) for c in causes],))).fetchall():
            found.setdefault(UUID(stream.partition(":")[2]), []).append(position)
        return found

    async def _load(self, streams: Sequence[str], fingerprint: str) -> tuple[AsyncCursor[Any], AsyncCursor[Any]]:
        params = {"streams": list(streams), "fingerprint": fingerprint}
        snapshots = await self.conn.execute(self.sql(SNAPSHOTS), (list(streams), fingerprint))
        return await self.conn.execute(self.sql(STREAMS), params, binary=True), snapshots

    def record(
        self, stream: str, version: int, topic: str, state: bytes, event_id: UUID, metadata: bytes, at: datetime,
        *, said: bool, also: Iterable[str] = (),
    ) -> Recorded:  # fmt: skip
        """Add a row at the next position; nothing is written before ``flush``."""
        head = self.head
        head.position += 1
        row = Recorded(
            originator_id=stream, originator_version=version, topic=topic, state=state, id=head.position,
            event_id=event_id, metadata=metadata, recorded_at=at, said=said,
        )  # fmt: skip
        head.hash = chain(head.hash, row)
        object.__setattr__(row, "hash", head.hash)
        if said:
            head.said = row.id
        self.rows.append(row)
        self.links += [(other, row.id) for other in also if other != stream]
        return row

    def fold(self, views: str, tables: Mapping[str, Table], ops: Iterable[RowOp]) -> None:
        """What the rows mean for the tables of a views schema. Raises TypeError for what they cannot hold."""
        self.others = statements(views, tables, ops)

    async def flush(self) -> None:
        q, rows = self.sql, self.rows
        if rows:
            await self.conn.execute(
                q(INSERT),
                (
                    [r.id for r in rows], [str(r.originator_id) for r in rows], [r.originator_version for r in rows],
                    [r.topic for r in rows], [r.state for r in rows], [r.event_id for r in rows],
                    [r.metadata for r in rows], [r.recorded_at for r in rows], [r.said for r in rows],
                    [r.hash for r in rows],
                ),
            )  # fmt: skip
        if self.links:
            streams, positions = zip(*self.links, strict=True)
            await self.conn.execute(
                q("insert into {s}.links select * from unnest(%b::text[], %b::bigint[])"),
                (list(streams), list(positions)),
            )
        if self.trackings:
            await self.conn.execute(q(TRACK), (list(self.trackings), list(self.trackings.values())))
        if not self.durable:
            # if a crash takes trackings back, the next message shows a gap and it is read again
            await self.conn.execute("set local synchronous_commit = off")
        if rows or self.trackings:
            head = self.head
            await self.conn.execute(
                q(SET_HEAD), (head.position, head.hash, head.epoch, head.said, orjson.dumps(head.after).decode())
            )
        for statement, params in self.others:
            await self.conn.execute(statement, params)


@dataclass(slots=True)
class Loaded:
    """Rows of streams, and snapshots {stream: (version, position, state)} that they go on from."""

    rows: list[Recorded]
    snapshots: Mapping[str, tuple[int, int, bytes]]


@dataclass(slots=True)
class Read:
    """What a commit finds under the head lock."""

    seen: set[UUID]
    tail: list[Recorded]
    tracked: dict[str, int]
    armed: dict[str, str]
    loaded: Loaded


async def _loaded(rows: AsyncCursor[Any], snapshots: AsyncCursor[Any]) -> Loaded:
    found = {s: (v, p, bytes(state)) for s, v, p, state in await snapshots.fetchall()}
    return Loaded(rows_of(await rows.fetchall()), found)
