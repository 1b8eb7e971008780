"""Two versions of a service at once: views that both have filled are built again once the older one has gone."""

import asyncio
from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection

from shared.core.message import Message
from shared.core.projection import Put, RowOp, Table
from shared.core.views import Views
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from shared.store.versions import Versions
from tests.waiting import PATIENCE

from .conftest import Make
from .trade import SHOP_VIEWS, OrderPlaced, order

pytestmark = pytest.mark.servers
SCHEMA = "shop_views"


def doubled(message: Message) -> Iterable[RowOp]:
    """Like the shop's, with a column more."""
    yield from SHOP_VIEWS.project(message)
    if isinstance(message.event, OrderPlaced):
        yield Put("orders", message.event.order, {"doubled": 2 * message.event.amount})


ORDERS = Table({**SHOP_VIEWS.tables["orders"].columns, "doubled": "bigint"})
NEWER = Views({**SHOP_VIEWS.tables, "orders": ORDERS}, doubled)


@pytest_asyncio.fixture
async def sessions(database: str) -> Any:
    """The session of the older process and of the newer one."""
    both = [await AsyncConnection.connect(database, autocommit=True) for _ in range(2)]
    yield both
    for conn in both:
        await conn.close()


async def equal(log: EventLog) -> bool:
    return all(table.equal for table in (await check(log, NEWER, SCHEMA)).values())


async def test_views_are_built_again_once_nobody_else_fills_them(
    start: Make, pool: Any, sessions: list[AsyncConnection[Any]]
) -> None:
    older, newer = sessions
    shop, log = await start("shop"), EventLog(pool, "shop")
    await Versions(log, SHOP_VIEWS, SCHEMA).announce(older)
    versions = Versions(log, NEWER, SCHEMA)
    assert await versions.look(newer)
    await prepare(log, NEWER, SCHEMA)
    await versions.announce(newer)
    await shop.handle(order(1))
    assert not await equal(log), "control: the older process has filled it"
    assert not await versions.mend(newer), "it goes on to"
    await older.close()
    async with asyncio.timeout(PATIENCE):
        while await versions.look(newer):  # the server takes a moment to see that it has gone
            await asyncio.sleep(0.01)
    assert await versions.mend(newer)
    assert await equal(log)
    assert not await versions.mend(newer), "once is enough"


async def test_views_that_nobody_else_filled_are_left_as_they_are(
    start: Make, pool: Any, sessions: list[AsyncConnection[Any]]
) -> None:
    await start("shop")
    log = EventLog(pool, "shop")
    first, second = (Versions(log, SHOP_VIEWS, SCHEMA) for _ in sessions)
    await first.announce(sessions[0])
    await second.announce(sessions[1])
    assert not await second.look(sessions[1])
    assert not await second.mend(sessions[1])


async def test_views_that_were_made_anew_for_a_version_are_not_built_twice(
    start: Make, pool: Any, sessions: list[AsyncConnection[Any]]
) -> None:
    await start("shop")
    log = EventLog(pool, "shop")
    versions = Versions(log, NEWER, SCHEMA)
    assert not await versions.look(sessions[1])
    await prepare(log, NEWER, SCHEMA)
    assert not await versions.mend(sessions[1])


async def test_a_version_that_is_left_alone_with_the_views_of_another_makes_its_own(
    start: Make, pool: Any, sessions: list[AsyncConnection[Any]]
) -> None:
    """The newer one was taken back."""
    await start("shop")
    log = EventLog(pool, "shop")
    older = Versions(log, SHOP_VIEWS, SCHEMA)
    await older.announce(sessions[0])
    await prepare(log, NEWER, SCHEMA)
    assert await older.mend(sessions[0])
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await sessions[0].execute("select doubled from shop_views.orders")
