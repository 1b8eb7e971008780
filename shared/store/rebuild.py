"""Views from the log: made the first time, built again beside the live ones and swapped in, compared with them row by
row."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from psycopg import sql

from shared.core.builtin import KERNEL_READS, project_kernel
from shared.core.event import topics_of
from shared.core.message import Message
from shared.core.projection import RowOp
from shared.core.views import Views

from .event_log import EventLog
from .fill import Filler
from .fingerprint import rules_of
from .replay import pages
from .rows import HEAD, head_of
from .view_sql import create, create_indexes, create_tables

Progress = Callable[[int], None]


def fingerprint(views: Views) -> str:
    """Of the tables and of the code that fills them; views of another fingerprint are rebuilt before the service
    hears."""
    tables = repr(sorted(views.all_tables().items()))
    return sha256((tables + rules_of(views.project, project_kernel)).encode()).hexdigest()[:32]


async def prepare(log: EventLog, views: Views, schema: str, progress: Progress | None = None) -> bool:
    """Make the log and its views, or rebuild views that another version of the code filled; True when they were
    rebuilt."""
    await log.create()
    wanted = fingerprint(views)
    async with log.pool.connection() as conn:
        query = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s"
        row = await (await conn.execute(query, (schema,))).fetchone()
        if row is not None and row[0] == wanted:
            return False
        head = await log.head()
        if row is None and head.position == 0:
            async with conn.transaction():
                await conn.execute("select pg_advisory_xact_lock(hashtext(%s))", (schema,))
                exists = await (await conn.execute("select to_regnamespace(%s)", (f'"{schema}"',))).fetchone()
                if exists and exists[0] is None:
                    await _create(conn, views, schema)
            return False
    await rebuild(log, views, schema, progress)
    return True


def lock_of(schema: str) -> str:
    """The advisory lock that is held while views are built again; a backup waits for it."""
    return f"rebuild {schema}"


async def rebuild(log: EventLog, views: Views, schema: str, progress: Progress | None = None) -> int:
    """Build the views again from the log beside the live ones while the service goes on, then swap them in under the
    head lock. Returns the position they stand at."""
    shadow, old = f"{schema}_next", f"{schema}_old"
    async with log.pool.connection() as conn:
        await conn.execute("select pg_advisory_lock(hashtext(%s))", (lock_of(schema),))
        try:
            for name in (shadow, old):
                await conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))
            await _create(conn, views, shadow, create_tables)
            at = await _fold(log, views, shadow, conn, progress)
            for statement in create_indexes(views.all_tables(), shadow):
                await conn.execute(statement)
            async with log.append() as tx:  # writers wait here: the tail, then the swap
                await tx.read(alone=True)
                await _fold(log, views, shadow, tx.conn, None, after=at)
                exists = await (await tx.conn.execute("select to_regnamespace(%s)", (f'"{schema}"',))).fetchone()
                if exists and exists[0] is not None:
                    await tx.conn.execute(
                        sql.SQL("alter schema {} rename to {}").format(*map(sql.Identifier, (schema, old)))
                    )
                await tx.conn.execute(
                    sql.SQL("alter schema {} rename to {}").format(*map(sql.Identifier, (shadow, schema)))
                )
                position = tx.head.position
            await conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(old)))
        finally:
            await conn.execute("select pg_advisory_unlock(hashtext(%s))", (lock_of(schema),))
    return position


class TableHash(NamedTuple):
    """All rows of a table: how many, and a hash over them in key order."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A table as it is and as the log makes it."""

    live: TableHash
    rebuilt: TableHash

    @property
    def equal(self) -> bool:
        return self.live == self.rebuilt


async def check(log: EventLog, views: Views, schema: str, progress: Progress | None = None) -> dict[str, Compared]:
    """Fold the log anew and compare each table with the live one as of the same position, changing nothing."""
    shadow = f"{schema}_check"
    result = {}
    async with log.pool.connection() as conn:
        await conn.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(shadow)))
        await _create(conn, views, shadow, create_tables)
        at = await _fold(log, views, shadow, conn, progress)
        async with log.append() as tx:
            await tx.read()
            await _fold(log, views, shadow, tx.conn, None, after=at)
            for table in sorted(views.all_tables()):
                result[table] = Compared(*[await _table_hash(tx.conn, s, table) for s in (schema, shadow)])
        await conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(shadow)))
    return result


async def _table_hash(conn, schema: str, table: str) -> TableHash:  # type: ignore[no-untyped-def]
    query = sql.SQL("select count(*), coalesce(md5(string_agg(md5(t::text), '' order by key)), '') from {} t")
    row = await (await conn.execute(query.format(sql.Identifier(schema, table)))).fetchone()
    return TableHash(int(row[0]), str(row[1]))


async def _create(conn, views: Views, schema: str, statements=create) -> None:  # type: ignore[no-untyped-def]
    await conn.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    for statement in statements(views.all_tables(), schema):
        await conn.execute(statement)
    comment = sql.SQL("comment on schema {} is {}").format(sql.Identifier(schema), sql.Literal(fingerprint(views)))
    await conn.execute(comment)


async def _fold(log, views, schema, conn, progress, after: int = 0) -> int:  # type: ignore[no-untyped-def]
    """Fold what the log has above a position into the tables; of all of it into empty ones, whose indexes are made
    then."""
    at = (await head_of(await conn.execute(log.sql(HEAD)))).position
    topics = sorted(views.topics().union(*(topics_of(kind) for kind in KERNEL_READS)))
    filler, count = Filler(conn, schema, views.all_tables(), empty=not after), 0
    async for page in pages(log, after, at, topics):
        await filler.take(_ops(views, page))
        count += len(page)
        if progress:
            progress(count)
    await filler.end()
    return at


def _ops(views: Views, page: Iterable[Message]) -> Iterator[RowOp]:
    for message in page:
        if isinstance(message.event, KERNEL_READS):
            yield from project_kernel(message)
        yield from views.rows_of(message)
