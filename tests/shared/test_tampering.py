"""Whichever byte of a log is changed afterwards: it is found."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from eventsourcing.persistence import IntegrityError

from shared.store.event_log import EventLog
from shared.store.rows import EPOCH, GENESIS, Recorded, chain
from tests.sizes import sized

from .conftest import Make
from .trade import order

pytestmark = pytest.mark.servers
ORDERS, BY_UPDATE = sized(100, 25), 20
Change = tuple[str, Any, Recorded]
"""(column, its new value, the row with it)."""
MICROSECOND = timedelta(microseconds=1)


@pytest_asyncio.fixture
async def log(start: Make) -> EventLog:
    """A log of 200 rows."""
    shop = await start("shop")
    await shop.handle(*(order(n) for n in range(ORDERS)))
    return shop.log


def flips(row: Recorded) -> Iterator[Change]:
    """The row with one byte flipped, for every byte of it."""
    for content in flipped(str(row.originator_id).encode()):
        yield "originator_id", content.decode(), replace(row, originator_id=content.decode())
    for content in flipped(row.topic.encode()):
        yield "topic", content.decode(), replace(row, topic=content.decode())
    for content in flipped(row.state):
        yield "state", content, replace(row, state=content)
    for content in flipped(row.metadata):
        yield "metadata", content, replace(row, metadata=content)
    for content in flipped(row.hash):
        yield "hash", content, replace(row, hash=content)
    for content in flipped(row.event_id.bytes):
        yield "event_id", UUID(bytes=content), replace(row, event_id=UUID(bytes=content))
    yield "said", not row.said, replace(row, said=not row.said)
    for number in flipped_number(row.id):
        yield "notification_id", number, replace(row, id=number)
    for number in flipped_number(row.originator_version):
        yield "originator_version", number, replace(row, originator_version=number)
    for number in list(flipped_number((row.recorded_at - EPOCH) // MICROSECOND))[1:]:  # the first byte: no instant
        at = EPOCH + number * MICROSECOND
        yield "recorded_at", at, replace(row, recorded_at=at)


def flipped(content: bytes) -> Iterator[bytes]:
    for at in range(len(content)):
        yield content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def flipped_number(number: int) -> Iterator[int]:
    for content in flipped(number.to_bytes(8)):
        yield int.from_bytes(content)


async def test_every_flipped_byte_of_a_row_breaks_the_chain(log: EventLog) -> None:
    previous, tried = GENESIS, 0
    for row in await log.rows(0, 1000):
        assert chain(previous, row) == row.hash
        for column, _, changed in flips(row):
            assert chain(previous, changed) != changed.hash, (row.id, column)
            tried += 1
        previous = row.hash
    assert tried > 2 * ORDERS * 300


async def test_a_byte_that_the_owner_of_the_table_flips_is_found(log: EventLog) -> None:
    for row, column, value in await changes(log):
        await write(log, row, column, value)
        with pytest.raises(IntegrityError):
            await log.verify()
        await write(log, row, column, getattr(row, column))
    assert await log.verify() == 2 * ORDERS


async def test_control_without_the_chain_a_log_with_all_these_bytes_flipped_looks_whole(log: EventLog) -> None:
    before = await log.rows(0, 1000)
    for change in await changes(log):
        await write(log, *change)
    after = await log.rows(0, 1000)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == BY_UPDATE
    assert [row.id for row in after] == list(range(1, (await log.head()).position + 1)), "no position is missing"
    with pytest.raises(IntegrityError):
        await log.verify()


async def changes(log: EventLog) -> list[tuple[Recorded, str, Any]]:
    """A byte in each of 20 rows: the row, the column and what stands there with the byte flipped."""
    dice = random.Random(3)
    rows = dice.sample(await log.rows(0, 1000), BY_UPDATE)
    return [(row, *dice.choice([c[:2] for c in flips(row) if c[0] != "notification_id"])) for row in rows]


async def write(log: EventLog, row: Recorded, column: str, value: Any) -> None:
    """As the owner of the table, past the service."""
    query = log.sql(f"update {{s}}.stored_events set {column} = %s where notification_id = {row.id}")
    async with log.pool.connection() as owner:
        await owner.execute(query, (value,))
