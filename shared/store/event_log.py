"""A service's log: everything it heard and everything it said, in one append-only PostgreSQL table.

Names and columns are those of eventsourcing's recorders, so that its own tools read the same table. The head row does
what its table lock does (positions in the order of commits), makes them gap-free and chains the hashes."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from eventsourcing.persistence import IntegrityError, StoredEvent, Tracking
from psycopg import AsyncConnection, errors, sql

from shared.base.database import Pool
from shared.core.projection import Table

from .append import Append, Loaded, answer_to, answered, asked, loaded
from .draft import Draft
from .guesses import Guesses
from .queries import LogQueries, Stand
from .recent import Recent
from .rows import COLUMNS, GENESIS, HEAD, STREAMS, TRACK, TRACKINGS, Head, Recorded, chain, copied, head_of, rows_of

TRACK_SOON = f"with soon as (select set_config('synchronous_commit', 'off', true)) {TRACK}".replace(
    "* from unnest(%s::text[], %s::bigint[])", "a, b from soon, unnest(%s::text[], %s::bigint[]) as r (a, b)"
)
"""TRACK in one round trip, without waiting for the disk."""
EPOCH_BEGAN = "kernel.epoch-began.v1"
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


def _begins_above(row: Recorded, after: int) -> bool:
    """Whether a new epoch begins here, above what was lost: the only place where positions may be left out."""
    return row.said and row.topic == EPOCH_BEGAN and row.id == orjson.loads(row.state)["lost_to"] + 1 and row.id > after


class EventLog(LogQueries):
    """Async, with the method names and value types of eventsourcing's ``ProcessRecorder``."""

    def __init__(self, pool: Pool, schema: str, recent: int = 0):
        """``recent``: so many bytes of the last rows that it writes are kept in memory."""
        super().__init__(pool, schema)
        self._writer: AsyncConnection[Any] | None = None
        self._guesses, self._recent = Guesses(), Recent(recent)

    async def create(self) -> None:
        """Make the tables; safe to repeat, also by several processes at once."""
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"create {self.schema}",))
            exists = await (await conn.execute("select to_regclass(%s)", (f'"{self.schema}".blobs',))).fetchone()
            if exists and exists[0]:
                return  # made by somebody who may, see shared/store/roles.py
            for statement in ddl(self.schema):
                await conn.execute(statement)

    @asynccontextmanager
    async def append(self) -> AsyncIterator[Append]:
        """One transaction. What it records becomes visible at once and in the order of commits, or not at all."""
        try:
            async with self.pool.connection() as conn, conn.pipeline(), conn.transaction():
                tx = Append(sql=self.sql, conn=conn)
                yield tx
                await tx.flush()
        except errors.UniqueViolation as e:
            raise IntegrityError(str(e.diag.constraint_name)) from e

    def draft(self, head: Head) -> Draft:
        """What is to follow this end of the log, for ``put``; also what ``load`` only guesses until then."""
        self._guesses.begin()
        return Draft(copied(head))

    async def put(self, draft: Draft, expected: Head) -> bool:
        """Write a draft in one round trip, if the log still ends as expected, holds none of its events, and nothing of
        the streams that were taken for new; whether it did."""
        statement, params = draft.in_one(self.schema, expected, sorted(self._guesses.new))
        writer, self._writer = self._writer or await self._new_writer(), None
        try:
            done = await (await writer.execute(statement, params)).fetchone() is not None
        except errors.UniqueViolation:
            done = False
        except BaseException:
            await self.pool.putconn(writer)
            raise
        self._writer = writer
        if done:
            self._recent.add(draft.rows)
        else:
            self._guesses.wrong()
        return done

    async def _new_writer(self) -> AsyncConnection[Any]:
        """A connection that only writes: what it has planned once is not planned again."""
        conn = await self.pool.getconn()
        conn.prepare_threshold = 0
        await conn.execute("set plan_cache_mode = force_generic_plan")
        return conn

    async def rest(self) -> None:
        """Give back what is held to write with."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await self.pool.putconn(writer)

    async def load(self, streams: Sequence[str], fingerprint: str) -> Loaded:
        """The past of streams: snapshots that fit the code, and the rows after them. Where none is likely none is
        looked for: only what ``put`` writes after it is sure."""
        guessed = self._guesses.guess(streams)
        wanted = [stream for stream in streams if stream not in guessed]
        if not wanted:
            return Loaded([], {})
        async with self.pool.connection() as conn:
            past = loaded(await (await asked(self.sql, conn, wanted, fingerprint)).fetchall())
        self._guesses.found(wanted, wanted if past.rows or past.snapshots else ())
        return past

    async def stand(self, views: str, tables: Mapping[str, Table]) -> Stand:
        self._recent.clear()  # the log may have been restored
        return await super().stand(views, tables)

    async def answered(self, causes: Sequence[UUID]) -> dict[UUID, list[int]]:
        """Positions of what was brought back after a restore, for those of these ids that are its causes."""
        async with self.pool.connection() as conn:
            return await answered(self.sql, conn, causes)

    async def head(self) -> Head:
        async with self.pool.connection() as conn:
            return await head_of(await conn.execute(self.sql(HEAD)))

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
            return rows_of(await cursor.fetchall())

    async def stream(self, stream: str) -> list[Recorded]:
        """Every row of a stream, as its main or a further stream, in order."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(self.sql(STREAMS), {"streams": [stream], "fingerprint": ""}, binary=True)
            return rows_of(await cursor.fetchall())

    async def by_id(self, event_id: UUID) -> Recorded | None:
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                self.sql("select {columns} from {s}.stored_events where event_id = %s"), (event_id,), binary=True
            )
            return next(iter(rows_of(await cursor.fetchall())), None)

    async def at(self, positions: Sequence[int]) -> list[Recorded]:
        """The rows at these positions, in order."""
        found = self._recent.at(positions)
        if missing := [position for position in positions if position not in found]:
            query = "select {columns} from {s}.stored_events where notification_id = any(%s)"
            async with self.pool.connection() as conn:
                rows = rows_of(await (await conn.execute(self.sql(query), (missing,), binary=True)).fetchall())
            found |= {row.id: row for row in rows}
        return [found[position] for position in sorted(found)]

    async def answers(self, cause: UUID) -> list[Recorded]:
        """What was brought back after a restore and had been said because of this."""
        async with self.pool.connection() as conn:
            query = "select notification_id from {s}.links where stream = %s"
            positions = [p for (p,) in await (await conn.execute(self.sql(query), (answer_to(cause),))).fetchall()]
        return await self.at(positions) if positions else []

    async def before(self, position: int, limit: int) -> list[Recorded]:
        """Rows below a position, the last one first."""
        query = (
            "select {columns} from {s}.stored_events where notification_id < %s order by notification_id desc limit %s"
        )
        async with self.pool.connection() as conn:
            cursor = await conn.execute(self.sql(query), (position, limit), binary=True)
            return rows_of(await cursor.fetchall())

    async def said_at(self, ids: Iterable[UUID]) -> dict[UUID, int]:
        """Positions of those of these events that this log said."""
        async with self.pool.connection() as conn:
            query = "select event_id, notification_id from {s}.stored_events where event_id = any(%s) and said"
            return dict(await (await conn.execute(self.sql(query), (list(ids),))).fetchall())

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
        async with self.pool.connection() as conn:
            await conn.execute(self.sql(TRACK_SOON), ([name], [position]))

    async def verify(self, page: int = 5000, progress: Any = None) -> int:
        """Recompute the chain and the positions; returns the number of rows, raises IntegrityError at the first
        misfit."""
        after, previous, count = 0, GENESIS, 0
        while rows := await self.rows(after, page):
            for row in rows:
                previous = chain(previous, row)
                if row.id != after + 1 and not _begins_above(row, after):
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
            return rows_of(await cursor.fetchall())

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
