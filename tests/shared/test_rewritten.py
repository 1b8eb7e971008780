"""Rows of a log that are taken out, put in or exchanged are found by its chain; an end that was cut off and a history
that was written anew, so that they fit, by the hashes that every listener keeps."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import pytest_asyncio
from eventsourcing.persistence import IntegrityError

from shared.audit.logs import Logs
from shared.audit.verify import verify
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog
from shared.store.rows import GENESIS, chain

from .conftest import Make
from .trade import order, said_by

pytestmark = pytest.mark.servers
ORDERS = 50
TABLE = "{s}.stored_events"
SAME = "originator_id, originator_version + 9, topic, state, gen_random_uuid(), metadata, recorded_at, said, hash"


@pytest_asyncio.fixture
async def logs(start: Make, vault: Vault) -> AsyncIterator[Logs]:
    """Two logs: the shop's, and the clerk's, who heard what the shop said."""
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(*(order(n) for n in range(ORDERS)))
    await clerk.handle(*await said_by(shop))
    yield Logs({"shop": shop.log, "clerk": clerk.log}, vault, vault.master)


async def taken_out(log: EventLog) -> None:
    await write(log, f"delete from {TABLE} where notification_id = 50")


async def put_in(log: EventLog) -> None:
    await write(log, f"update {TABLE} set notification_id = -notification_id - 1 where notification_id >= 50")
    await write(log, f"update {TABLE} set notification_id = -notification_id where notification_id < 0")
    await write(log, f"insert into {TABLE} select 50, {SAME} from {TABLE} where notification_id = 49")


async def exchanged(log: EventLog) -> None:
    await write(log, f"update {TABLE} set notification_id = -notification_id where notification_id in (50, 60)")
    await write(log, f"update {TABLE} set notification_id = 110 + notification_id where notification_id < 0")


async def cut_off(log: EventLog) -> None:
    await write(log, f"delete from {TABLE} where notification_id > 90")


@pytest.mark.parametrize("change", [taken_out, put_in, exchanged, cut_off])
async def test_rows_that_are_not_as_they_were_recorded_break_the_chain(
    logs: Logs, change: Callable[[EventLog], Awaitable[None]]
) -> None:
    assert await logs["shop"].verify() == 2 * ORDERS
    await change(logs["shop"])
    with pytest.raises(IntegrityError):
        await logs["shop"].verify()


async def cut_off_with_its_head(log: EventLog) -> None:
    """The end is gone, and the head row says that it never was."""
    await cut_off(log)
    last = f"from {TABLE} where notification_id = 90"
    await write(log, f"update {{s}}.head set notification_id = 90, said = 90, hash = (select hash {last})")


async def written_anew(log: EventLog) -> None:
    """One amount is another one, and every hash from there on fits it."""
    previous = GENESIS
    for row in await log.rows(0, 1000):
        row = replace(row, state=row.state.replace(b'"amount":1', b'"amount":2')) if row.id == 1 else row
        previous = chain(previous, row)
        await write(
            log, f"update {TABLE} set state = %s, hash = %s where notification_id = {row.id}", row.state, previous
        )
    await write(log, "update {s}.head set hash = %s", previous)


async def write(log: EventLog, query: str, *params: bytes) -> None:
    """As the owner of the tables, past the service."""
    async with log.pool.connection() as conn:
        await conn.execute(log.sql(query), params)


FITS = pytest.mark.parametrize("change", [cut_off_with_its_head, written_anew])


@FITS
async def test_a_log_that_was_made_to_fit_is_not_the_one_that_its_listeners_heard(
    logs: Logs, change: Callable[[EventLog], Awaitable[None]]
) -> None:
    assert all([(await verify(logs, name)).whole for name in logs.by_name])
    await change(logs["shop"])
    verdicts = [await verify(logs, name) for name in logs.by_name]
    [problem] = [problem for verdict in verdicts for problem in verdict.problems]
    assert problem.startswith("log shop: row ")
    assert "which clerk heard" in problem


@FITS
async def test_control_without_comparing_logs_it_is_not_found(
    logs: Logs, change: Callable[[EventLog], Awaitable[None]]
) -> None:
    await change(logs["shop"])
    alone = Logs({"shop": logs["shop"]}, logs.vault, logs.master)
    assert (await verify(alone, "shop")).whole
    assert await logs["shop"].verify() == (90 if change is cut_off_with_its_head else 2 * ORDERS)
