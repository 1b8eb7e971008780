"""How things stand beside the rows of a log, as the runtime asks for it: resident tables, what is due, how long streams
are begun with, which topics are listened to. Every statement of the runtime on a view is here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from psycopg import sql

from shared.base.database import Pool
from shared.core.projection import Table
from shared.core.world import Row

from .rows import COLUMNS, HEAD, TRACKINGS, Head, head_of


class Stand(NamedTuple):
    """A log and its resident tables as of one instant."""

    head: Head
    tracked: Mapping[str, int]
    resident: Mapping[str, Iterable[tuple[str, Row]]]


class DueDeadline(NamedTuple):
    """An armed deadline whose instant has come; ``armed_by`` is the id of the event that armed it."""

    key: str
    stream: str
    kind: str
    due: datetime
    armed_by: str


class DueEffect(NamedTuple):
    """An open effect that is due; ``row`` is the position of the event that asked for it."""

    key: str
    kind: str
    recipient: str
    row: int
    attempt: int
    not_after: datetime


Tried = tuple[str, int, int]
"""A try of an effect: its key, row and attempt."""


class LogQueries:
    """Asked with the schema of the views, ``views``."""

    def __init__(self, pool: Pool, schema: str):
        self.pool, self.schema = pool, schema

    def sql(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(s=sql.Identifier(self.schema), columns=sql.SQL(COLUMNS))

    async def stand(self, views: str, tables: Mapping[str, Table]) -> Stand:
        """Where the log ends, what was heard of others, and the rows of ``tables``."""
        resident = {}
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read")
            for name, table in tables.items():
                columns = ["key", *table.columns]
                query = sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(views, name)
                )
                rows = await (await conn.execute(query)).fetchall()
                resident[name] = [(r[0], dict(zip(columns[1:], r[1:], strict=True))) for r in rows]
            head = await head_of(await conn.execute(self.sql(HEAD)))
            tracked = {str(n): int(p) for n, p in await (await conn.execute(self.sql(TRACKINGS))).fetchall()}
        return Stand(head, tracked, resident)

    async def next_due(
        self, views: str, table: str, column: str, kinds: Collection[str] | None = None
    ) -> tuple[datetime | None, int]:
        """The first instant in a column, and how many rows there are; only of some ``kinds`` if asked for."""
        query = sql.SQL("select min({}), count(*) from {}{}").format(
            sql.Identifier(column), sql.Identifier(views, table),
            sql.SQL("" if kinds is None else " where kind = any(%s)"),
        )  # fmt: skip
        async with self.pool.connection() as conn:
            row = await (await conn.execute(query, () if kinds is None else (list(kinds),))).fetchone()
        at, count = row or (None, 0)
        return (at.astimezone(UTC) if at else None), int(count)

    async def due_deadlines(self, views: str, now: datetime, limit: int) -> list[DueDeadline]:
        """Those of the first instant that is due."""
        query = sql.SQL(
            "select key, stream, kind, due, armed_by from {table} where due = (select min(due) from {table})"
            " and due <= %s order by key limit %s"
        ).format(table=sql.Identifier(views, "deadlines"))
        async with self.pool.connection() as conn:
            cursor = await conn.execute(query, (now, limit))
            return [
                DueDeadline(key, stream, kind, due.astimezone(UTC), armed_by)
                for key, stream, kind, due, armed_by in await cursor.fetchall()
            ]

    async def due_effects(
        self, views: str, now: datetime, kinds: Collection[str], besides: Collection[Tried], limit: int, after: int = 0
    ) -> list[DueEffect]:
        """In the order of their next attempts, without the tries named in ``besides``; only of what was asked for above
        the position ``after``."""
        query = sql.SQL(
            "select key, kind, recipient, row, attempt, not_after from {} where next_attempt <= %s"
            " and kind = any(%s) and row > %s and (key, row, attempt) not in"
            " (select * from unnest(%s::text[], %s::bigint[], %s::bigint[])) order by next_attempt, key limit %s"
        ).format(sql.Identifier(views, "effects"))
        tried = [[each[n] for each in besides] for n in range(3)]
        async with self.pool.connection() as conn:
            cursor = await conn.execute(query, (now, list(kinds), after, *tried, limit))
            return [DueEffect(*row) for row in await cursor.fetchall()]

    async def keep_snapshots(
        self, position: int, fingerprint: str, snapshots: Sequence[tuple[str, int, bytes]]
    ) -> None:
        """States of streams at ``position``: stream, version, state."""
        async with self.pool.connection() as conn:
            await conn.execute(
                self.sql(
                    "insert into {s}.snapshots select stream, version, %s, %s, state from"
                    " unnest(%b::text[], %b::bigint[], %b::bytea[]) as r (stream, version, state)"
                    " on conflict (stream) do update set version = excluded.version, position = excluded.position,"
                    " fingerprint = excluded.fingerprint, state = excluded.state"
                ),
                (position, fingerprint, *(list(c) for c in zip(*snapshots, strict=True))),
            )

    async def listened(self) -> set[tuple[str, str]]:
        """(log, topic) of what is listened to, past included."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(self.sql("select source, topic from {s}.hears"))
            return {(source, topic) for source, topic in await cursor.fetchall()}

    async def listen(self, source: str, topic: str, since: int) -> None:
        """The past of a topic was heard up to ``since``; from there on it comes in its turn."""
        async with self.pool.connection() as conn:
            await conn.execute(
                self.sql("insert into {s}.hears values (%s, %s, %s) on conflict do nothing"), (source, topic, since)
            )
