"""A service's log: everything it heard and everything it said, in one append-only PostgreSQL table.

Names and columns are those of eventsourcing's recorders, so that its own tools read the same table. The head row does
what its table lock does (positions in the order of commits), makes them gap-free and chains the hashes."""

import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import orjson
from eventsourcing.persistence import IntegrityError, Notification, StoredEvent, Tracking
from psycopg import AsyncConnection, AsyncCursor, errors, sql
from psycopg_pool import AsyncConnectionPool

from .views import Statement

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]
GENESIS = b""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    "notification_id, originator_id, originator_version, topic, state, event_id, metadata, recorded_at, said, hash"
)
DDL = """
create schema if not exists {s};
create table if not exists {s}.stored_events (
    notification_id bigint primary key, originator_id text collate "C" not null, originator_version bigint not null,
    topic text collate "C" not null, state bytea not null, event_id uuid not null unique, metadata bytea not null,
    recorded_at timestamptz not null, said boolean not null, hash bytea not null,
    unique (originator_id, originator_version)
);
create index if not exists said_events on {s}.stored_events (notification_id) where said;
create table if not exists {s}.links (
    stream text collate "C", notification_id bigint, primary key (stream, notification_id)
);
create table if not exists {s}.notification_tracking (
    application_name text primary key, notification_id bigint not null
);
create table if not exists {s}.head (
    one boolean primary key default true check (one), notification_id bigint not null, hash bytea not null,
    epoch bigint not null, said bigint not null, after text not null
);
insert into {s}.head values (true, 0, '', 1, 0, '{{}}') on conflict do nothing;
create table if not exists {s}.snapshots (
    stream text collate "C" primary key, version bigint not null, position bigint not null, fingerprint text not null,
    state bytea not null
);
create table if not exists {s}.hears (source text, topic text, since bigint not null, primary key (source, topic));
create table if not exists {s}.blobs (digest text, piece bigint, content bytea not null, primary key (digest, piece))
"""


def ddl(schema: str) -> Iterator[sql.Composed]:
    """The statements that make a log."""
    return (sql.SQL(statement).format(s=sql.Identifier(schema)) for statement in DDL.split(";\n"))


@dataclass(frozen=True, kw_only=True)
class Recorded(Notification):
    """A row of a log: eventsourcing's Notification with identity, envelope and chained hash.

    ``id`` is the position; ``metadata`` the envelope as JSON bytes; ``said`` tells own events from heard ones."""

    event_id: UUID
    metadata: bytes = b"{}"
    recorded_at: datetime
    said: bool = False
    hash: bytes = b""


@dataclass(slots=True)
class Head:
    """The end of a log: last position and hash, epoch, last said position, and the causal past {log: position}."""

    position: int
    hash: bytes
    epoch: int
    said: int
    after: dict[str, int]


def chain(previous: bytes, row: Recorded) -> bytes:
    """SHA-256 over the hash of the row before and every other column, length-prefixed, as stored: a changed, removed,
    inserted or reordered row breaks every later hash."""
    origin, topic = str(row.originator_id).encode(), row.topic.encode()
    micros = round((row.recorded_at - EPOCH).total_seconds() * 1_000_000)
    parts = (origin, topic, row.state, row.event_id.bytes, row.metadata)
    fixed = struct.pack(">qqq?", row.id, row.originator_version, micros, row.said)
    return sha256(previous + fixed + b"".join(struct.pack(">q", len(p)) + p for p in parts)).digest()


class EventLog:
    """Async, with the method names and value types of eventsourcing's ``ProcessRecorder``."""

    def __init__(self, pool: Pool, schema: str):
        self.pool, self.schema = pool, schema

    def sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(s=sql.Identifier(self.schema), columns=sql.SQL(COLUMNS))

    async def create(self) -> None:
        """Make the tables; safe to repeat, also by several processes at once."""
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"create {self.schema}",))
            exists = await (await conn.execute("select to_regclass(%s)", (f'"{self.schema}".blobs',))).fetchone()
            if exists and exists[0]:
                return  # made by somebody who may, see shared/roles.py
            for statement in ddl(self.schema):
                await conn.execute(statement)

    @asynccontextmanager
    async def append(self) -> AsyncIterator["Append"]:
        """One transaction. What it records becomes visible at once and in the order of commits, or not at all."""
        try:
            async with self.pool.connection() as conn, conn.pipeline(), conn.transaction():
                tx = Append(self, conn)
                yield tx
                await tx.flush()
        except errors.UniqueViolation as e:
            raise IntegrityError(str(e.diag.constraint_name)) from e

    async def head(self) -> Head:
        async with self.pool.connection() as conn:
            return await _head(await conn.execute(self.sql(HEAD)))

    async def rows(
        self, after: int, limit: int, *, upto: int | None = None, said: bool = False, topics: Sequence[str] = ()
    ) -> list[Recorded]:
        """Rows above a position in order; only said ones, or only of some topics, if asked for."""
        query = "select {columns} from {s}.stored_events where notification_id > %s"
        params: list[Any] = [after]
        if upto is not None:
            query, params = query + " and notification_id <= %s", [*params, upto]
        if said:
            query += " and said"
        if topics:
            query, params = query + " and topic = any(%s)", [*params, list(topics)]
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                self.sql(query + " order by notification_id limit %s"), [*params, limit], binary=True
            )
            return _rows(await cursor.fetchall())

    async def stream(self, stream: str) -> list[Recorded]:
        """Every row of a stream, as its main or a further stream, in order."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(self.sql(STREAMS), {"streams": [stream], "fingerprint": ""}, binary=True)
            return _rows(await cursor.fetchall())

    async def by_id(self, event_id: UUID) -> Recorded | None:
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                self.sql("select {columns} from {s}.stored_events where event_id = %s"), (event_id,), binary=True
            )
            return next(iter(_rows(await cursor.fetchall())), None)

    async def at(self, positions: Sequence[int]) -> list[Recorded]:
        """The rows at these positions, in order."""
        async with self.pool.connection() as conn:
            query = "select {columns} from {s}.stored_events where notification_id = any(%s) order by notification_id"
            return _rows(await (await conn.execute(self.sql(query), (list(positions),), binary=True)).fetchall())

    async def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Which of these events are in the log."""
        async with self.pool.connection() as conn:
            query = self.sql("select event_id from {s}.stored_events where event_id = any(%s)")
            return {event_id for (event_id,) in await (await conn.execute(query, (list(ids),))).fetchall()}

    async def trackings(self) -> dict[str, int]:
        async with self.pool.connection() as conn:
            cursor = await conn.execute(self.sql(TRACKINGS))
            return {str(name): int(position) for name, position in await cursor.fetchall()}

    async def track(self, name: str, position: int) -> None:
        """Move a cursor that is not part of a commit (the relay's); it only rises. A crash may take it back a little:
        what it stands for is done at least once."""
        async with self.pool.connection() as conn, conn.pipeline(), conn.transaction():
            await conn.execute("set local synchronous_commit = off")
            await conn.execute(self.sql(TRACK), ([name], [position]))

    async def verify(self, page: int = 5000, progress: Any = None) -> int:
        """Recompute the chain and the positions; returns the number of rows, raises IntegrityError at the first
        misfit."""
        after, previous, count = 0, GENESIS, 0
        while rows := await self.rows(after, page):
            for row in rows:
                previous = chain(previous, row)
                if row.id != after + 1 and row.topic != "kernel.epoch-began.v1":
                    raise IntegrityError(f"log {self.schema}: row {after + 1} is missing; the next one is {row.id}")
                if previous != row.hash:
                    raise IntegrityError(
                        f"log {self.schema}: row {row.id} does not fit the chain: it or a row before it changed"
                    )
                after, count = row.id, count + 1
            if progress:
                progress(count)
        head = await self.head()
        if head.position < after or (head.position == after and head.hash != previous):
            raise IntegrityError(f"log {self.schema}: the head row says {head.position}, the rows end at {after}")
        if head.position > after and not await self.rows(after, 1):
            raise IntegrityError(f"log {self.schema}: rows {after + 1} to {head.position} are missing at the end")
        return count

    # eventsourcing's ProcessRecorder --------------------------------------------------------------------------------
    async def insert_events(self, stored: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:
        async with self.append() as tx:
            read = await tx.read()
            if tracking and tracking.notification_id <= read.tracked.get(tracking.application_name, 0):
                raise IntegrityError(f"log {self.schema}: heard before: {tracking}")
            rows = [
                tx.record(
                    str(e.originator_id), e.originator_version, e.topic, e.state,
                    uuid5(UUID(int=0), f"{e.originator_id}|{e.originator_version}|{tx.head.position + 1}"),
                    b"{}", datetime.now(UTC), said=True,
                )
                for e in stored
            ]  # fmt: skip
            if tracking:
                tx.trackings[tracking.application_name] = tracking.notification_id
        return [row.id for row in rows]

    async def select_events(
        self,
        originator_id: str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[Recorded]:
        query = sql.SQL(
            "select {columns} from {s}.stored_events where originator_id = %s and originator_version > %s"
            " and originator_version <= %s order by originator_version {order} limit %s"
        ).format(s=sql.Identifier(self.schema), columns=sql.SQL(COLUMNS), order=sql.SQL("desc" if desc else "asc"))
        bounds = (-1 if gt is None else gt, 2**62 if lte is None else lte)
        async with self.pool.connection() as conn:
            cursor = await conn.execute(query, (originator_id, *bounds, limit), binary=True)
            return _rows(await cursor.fetchall())

    async def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (),
        *, inclusive_of_start: bool = True,
    ) -> list[Recorded]:  # fmt: skip
        after = (start or 0) - (1 if inclusive_of_start and start else 0)
        return await self.rows(after, limit, upto=stop, topics=topics)

    async def max_notification_id(self) -> int | None:
        return (await self.head()).position or None

    async def insert_tracking(self, tracking: Tracking) -> None:
        await self.insert_events([], tracking)

    async def max_tracking_id(self, application_name: str) -> int | None:
        return (await self.trackings()).get(application_name)


HEAD = "select notification_id, hash, epoch, said, after from {s}.head"
TRACKINGS = "select application_name, notification_id from {s}.notification_tracking"
TRACK = (
    "insert into {s}.notification_tracking as t select * from unnest(%s::text[], %s::bigint[])"
    " on conflict (application_name) do update set notification_id = excluded.notification_id"
    " where t.notification_id < excluded.notification_id"
)
STREAMS = """
with asked as (
    select a.stream, coalesce(n.position, 0) as position from unnest(%(streams)s::text[]) as a (stream)
    left join {s}.snapshots n on n.stream = a.stream and n.fingerprint = %(fingerprint)s
), wanted as (
    select e.notification_id from asked a join {s}.stored_events e
        on e.originator_id = a.stream and e.notification_id > a.position
    union
    select l.notification_id from asked a join {s}.links l on l.stream = a.stream and l.notification_id > a.position
)
select {columns} from {s}.stored_events where notification_id in (select notification_id from wanted)
order by notification_id
"""
SNAPSHOTS = (
    "select stream, version, position, state from {s}.snapshots where stream = any(%s::text[]) and fingerprint = %s"
)
INSERT = (
    "insert into {s}.stored_events ({columns}) select * from unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[],"
    " %b::bytea[], %b::uuid[], %b::bytea[], %b::timestamptz[], %b::boolean[], %b::bytea[])"
)
SET_HEAD = "update {s}.head set notification_id = %s, hash = %s, epoch = %s, said = %s, after = %s"


@dataclass(slots=True)
class Append:
    """An open transaction on a log, holding its head row after ``read``."""

    log: EventLog
    conn: AsyncConnection[tuple[Any, ...]]
    head: Head = field(default_factory=lambda: Head(0, GENESIS, 1, 0, {}))
    rows: list[Recorded] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    trackings: dict[str, int] = field(default_factory=dict)
    others: list[Statement] = field(default_factory=list)

    async def read(
        self, ids: Sequence[UUID] = (), streams: Sequence[str] = (), fingerprint: str = "", since: int | None = None,
        deadlines: tuple[str, Sequence[str]] | None = None,
    ) -> "Read":  # fmt: skip
        """Lock the head, then in the same round trip: which ids are known, the rows and snapshots of streams, the
        rows that others wrote above ``since``, and who armed the deadlines of a views schema."""
        q = self.log.sql
        head = await self.conn.execute(q(HEAD + " for update"))
        seen = (
            await self.conn.execute(q("select event_id from {s}.stored_events where event_id = any(%s)"), (list(ids),))
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
        self.head = await _head(head)
        return Read(
            seen={row[0] for row in await seen.fetchall()} if seen else set(),
            tail=_rows(await tail.fetchall()) if tail else [],
            tracked={str(n): int(p) for n, p in await tracked.fetchall()},
            armed=dict(await armed.fetchall()) if armed else {},
            loaded=await _loaded(*loaded) if loaded else Loaded([], {}),
        )

    async def load(self, streams: Sequence[str], fingerprint: str) -> "Loaded":
        """The past of streams: snapshots that fit the code, and the rows after them."""
        return await _loaded(*await self._load(streams, fingerprint))

    async def _load(self, streams: Sequence[str], fingerprint: str) -> tuple[AsyncCursor[Any], AsyncCursor[Any]]:
        params = {"streams": list(streams), "fingerprint": fingerprint}
        snapshots = await self.conn.execute(self.log.sql(SNAPSHOTS), (list(streams), fingerprint))
        return await self.conn.execute(self.log.sql(STREAMS), params, binary=True), snapshots

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

    async def flush(self) -> None:
        q, rows = self.log.sql, self.rows
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
                q("insert into {s}.links select * from unnest(%s::text[], %s::bigint[])"),
                (list(streams), list(positions)),
            )
        if self.trackings:
            await self.conn.execute(q(TRACK), (list(self.trackings), list(self.trackings.values())))
        if self.trackings and not rows:
            # nothing was recorded: if a crash takes this back, the next message shows a gap and it is read again
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


async def _head(cursor: AsyncCursor[Any]) -> Head:
    row = await cursor.fetchone()
    if row is None:
        raise IntegrityError("the log has no head row: it was not created by Vefa, or was tampered with")
    position, hash_, epoch, said, after = row
    return Head(position, bytes(hash_), epoch, said, orjson.loads(after))


async def _loaded(rows: AsyncCursor[Any], snapshots: AsyncCursor[Any]) -> Loaded:
    found = {s: (v, p, bytes(state)) for s, v, p, state in await snapshots.fetchall()}
    return Loaded(_rows(await rows.fetchall()), found)


def _rows(rows: Iterable[tuple[Any, ...]]) -> list[Recorded]:
    return [
        Recorded(
            id=position, originator_id=stream, originator_version=version, topic=topic, state=bytes(state),
            event_id=event_id, metadata=bytes(metadata), recorded_at=recorded_at.astimezone(UTC),
            said=said, hash=bytes(hash_),
        )
        for position, stream, version, topic, state, event_id, metadata, recorded_at, said, hash_ in rows
    ]  # fmt: skip
