"""An open transaction on a log: its head row is locked, what is recorded becomes visible at once or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, sql

from .draft import LINKS, ROWS, SET_HEAD, Draft
from .rows import HEAD, STREAMS, TRACK, TRACKINGS, Recorded, head_of, rows_of

Sql = Callable[[str], sql.Composed]


def answer_to(cause: UUID) -> str:
    """The stream that links what was brought back after a restore to the id of its cause."""
    return f"answer:{cause}"


@dataclass(slots=True, kw_only=True)
class Append(Draft):
    """An open transaction on a log, holding its head row after ``read``."""

    sql: Sql
    conn: AsyncConnection[tuple[Any, ...]]

    async def read(
        self, ids: Sequence[UUID] = (), streams: Sequence[str] = (), fingerprint: str = "", since: int | None = None,
        deadlines: tuple[str, Sequence[str]] | None = None, *, alone: bool = False,
    ) -> "Read":  # fmt: skip
        """Lock the head, then in the same round trip: which ids are known, the rows and snapshots of streams, the
        rows that others wrote above ``since``, and who armed the deadlines of a views schema. ``alone``: before any
        writer comes to the tables of the views, for whoever puts others in their place."""
        q = self.sql
        if alone:
            await self.conn.execute(q("lock table {s}.head in exclusive mode"))
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
        past = await asked(self.sql, self.conn, streams, fingerprint) if streams else None
        self.head = await head_of(head)
        return Read(
            seen={row[0] for row in await seen.fetchall()} if seen else set(),
            tail=rows_of(await tail.fetchall()) if tail else [],
            tracked={str(n): int(p) for n, p in await tracked.fetchall()},
            armed=dict(await armed.fetchall()) if armed else {},
            loaded=loaded(await past.fetchall()) if past else Loaded([], {}),
        )

    async def load(self, streams: Sequence[str], fingerprint: str) -> "Loaded":
        """The past of streams: snapshots that fit the code, and the rows after them."""
        return loaded(await (await asked(self.sql, self.conn, streams, fingerprint)).fetchall())

    async def answered(self, causes: Sequence[UUID]) -> dict[UUID, list[int]]:
        """Positions of what was brought back after a restore, for those of these ids that are its causes."""
        return await answered(self.sql, self.conn, causes)

    async def flush(self) -> None:
        """Write it; visible once the transaction is over."""
        q = self.sql
        if self.rows:
            await self.conn.execute(q(ROWS), self.of_rows())
        if self.links:
            await self.conn.execute(q(LINKS), self.of_links())
        if self.trackings:
            await self.conn.execute(q(TRACK), self.of_trackings())
        if not self.durable:
            # if a crash takes trackings back, the next message shows a gap and it is read again
            await self.conn.execute("set local synchronous_commit = off")
        if self.rows or self.trackings:
            await self.conn.execute(q(SET_HEAD), self.set_head())
        for statement, params in self.of_views():
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


async def asked(q: Sql, conn: AsyncConnection[Any], streams: Sequence[str], fingerprint: str) -> AsyncCursor[Any]:
    """Ask for the past of streams."""
    return await conn.execute(q(STREAMS), {"streams": list(streams), "fingerprint": fingerprint}, binary=True)


def loaded(found: Sequence[tuple[Any, ...]]) -> Loaded:
    """What was found of it."""
    snapshots = {s: (version, position, bytes(state)) for position, s, version, topic, state, *_ in found if not topic}
    return Loaded(rows_of(row for row in found if row[3]), snapshots)


async def answered(q: Sql, conn: AsyncConnection[Any], causes: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Positions of what was brought back after a restore, for those of these ids that are its causes."""
    query = q("select stream, notification_id from {s}.links where stream = any(%b::text[]) order by 2")
    found: dict[UUID, list[int]] = {}
    for stream, position in await (await conn.execute(query, ([answer_to(c) for c in causes],))).fetchall():
        found.setdefault(UUID(stream.partition(":")[2]), []).append(position)
    return found
