"""Whoever reads a log by position sees every event, in order, once: while eight write, some of them take back what they
wrote, and transactions stand idle before they commit."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from psycopg import AsyncConnection

from shared.base.database import connect
from shared.store.event_log import EventLog
from tests.sizes import sized

pytestmark = pytest.mark.servers
WRITERS, EACH = 8, sized(1250, 250)
TAKEN_BACK, IDLE_EVERY, IDLE_SECONDS = 0.1, 400, 0.05
Write = Callable[[str], Any]
"""``async with write(name)`` is one transaction that has written an event and commits at its end."""
Read = Callable[[int], Awaitable[list[tuple[int, str]]]]
"""(position, event) above a position, in order."""


class ChangedItsMind(Exception):
    pass


@dataclass
class Seen:
    """What was committed, and what a reader by position saw of it."""

    committed: set[str] = field(default_factory=set)
    positions: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def missed(self) -> set[str]:
        return self.committed - set(self.names)


async def play(write: Write, read: Read, database: str) -> Seen:
    """Eight writers, a reader that follows them, and a transaction of somebody else that is open all the time."""
    seen, at, over = Seen(), 0, asyncio.Event()

    async def writes(writer: int) -> None:
        dice = random.Random(writer)
        for number in range(EACH):
            name = f"{writer}-{number}"
            try:
                async with write(name):
                    if number % IDLE_EVERY == writer * 50:
                        await asyncio.sleep(IDLE_SECONDS)
                    if dice.random() < TAKEN_BACK:
                        raise ChangedItsMind
                seen.committed.add(name)
            except ChangedItsMind:
                pass

    async def follows() -> None:
        nonlocal at
        while True:
            last = over.is_set()
            for position, name in await read(at):
                seen.positions.append(position)
                seen.names.append(name)
                at = position
            if last:
                return
            await asyncio.sleep(0.005)

    async with await AsyncConnection.connect(database) as somebody_else:
        await somebody_else.execute("create table theirs (x int)")  # a transaction that has an id and does not end
        reader = asyncio.create_task(follows())
        await asyncio.gather(*(writes(writer) for writer in range(WRITERS)))
        over.set()
        await reader
    return seen


async def test_a_reader_of_a_log_sees_every_event_in_order_and_once(database: str) -> None:
    async with connect(database, size=WRITERS + 1) as pool:
        log = EventLog(pool, "read_along")
        await log.create()

        @asynccontextmanager
        async def write(name: str) -> AsyncIterator[None]:
            async with log.append() as tx:
                await tx.read()
                tx.record(
                    f"s:{name}", 1, "t.x.v1", b"{}", uuid5(UUID(int=0), name), b"{}", datetime.now(UTC), said=True
                )
                yield

        async def read(after: int) -> list[tuple[int, str]]:
            return [(row.id, str(row.originator_id)[2:]) for row in await log.rows(after, 1000)]

        seen = await play(write, read, database)
        assert seen.missed == set()
        assert seen.positions == list(range(1, len(seen.committed) + 1)), "no gap, nothing twice, in order"
        assert len(seen.names) == len(set(seen.names)) == len(seen.committed)
        assert await log.verify() == len(seen.committed)


@pytest.mark.long
async def test_control_a_reader_by_an_identity_column_without_the_head_row_misses_some(
    database: str,
) -> None:
    async with connect(database, size=WRITERS + 1) as pool:
        async with pool.connection() as conn:
            await conn.execute("create table naive (id bigint generated always as identity primary key, name text)")

        @asynccontextmanager
        async def write(name: str) -> AsyncIterator[None]:
            async with pool.connection() as conn, conn.transaction():
                await conn.execute("insert into naive (name) values (%s)", (name,))
                yield

        async def read(after: int) -> list[tuple[int, str]]:
            async with pool.connection() as conn:
                cursor = await conn.execute("select id, name from naive where id > %s order by id", (after,))
                return [(position, name) for position, name in await cursor.fetchall()]

        seen = await play(write, read, database)
        assert seen.missed, "numbers are given before their transactions commit: the reader was past them"
