"""No timer is lost while a service is stopped: 1,000 instants pass, and then all are reached, each once, in order, and
marked late."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.base.tasks import end
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.service import Service
from shared.store.rebuild import check, rebuild
from tests.sizes import sized
from tests.waiting import PATIENCE

from .conftest import Make
from .trade import NOON, OrderStale, order

pytestmark = pytest.mark.servers
DUE, FEW = sized(1000, 200), 100
LATER = NOON + timedelta(hours=5)
"""When the service comes back: every order became stale an hour after it was placed, one each second from then on."""


async def started_late(start: Make, orders: int) -> Service:
    """A shop that took orders, stopped before the first of them became stale, and starts when all have."""
    shop = await start("shop")
    await shop.handle(*(order(n, at=NOON + timedelta(seconds=n)) for n in range(orders)))
    await shop.stop()
    return await start("shop")


def running(*shops: Service) -> list[asyncio.Task[None]]:
    """Each of them waits for deadlines as a process does, at the later time."""
    return [asyncio.create_task(Deadlines(shop, SteppedClock(LATER)).run()) for shop in shops]


async def reached(shop: Service, topic: str = DeadlineReached.TOPIC) -> list[Message]:
    return await shop.open(await shop.log.rows(0, 100_000, topics=[topic]))


async def until_reached(shop: Service, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(await shop.log.rows(0, 100_000, topics=[DeadlineReached.TOPIC])) < count:
            await asyncio.sleep(0.2)


async def at_rest(shop: Service, tasks: list[asyncio.Task[None]]) -> None:
    """A moment later, so that what is reached twice would be seen."""
    await asyncio.sleep(1.5)
    await end(*tasks)
    assert await Deadlines(shop, SteppedClock(LATER)).fire() == 0


async def test_what_fell_due_while_a_service_was_stopped_is_reached_once_in_order_and_marked_late(start: Make) -> None:
    shop = await started_late(start, DUE)
    tasks = running(shop)
    await until_reached(shop, DUE)
    await at_rest(shop, tasks)
    found = await reached(shop)
    assert [m.event.of for m in found] == [f"order:{n}" for n in range(DUE)]
    assert [m.occurred_at for m in found] == [NOON + timedelta(hours=1, seconds=n) for n in range(DUE)]
    assert all(m.heard_at == LATER > m.occurred_at for m in found), "who reads it sees how late it was"
    assert [m.event.order for m in await reached(shop, OrderStale.TOPIC)] == [str(n) for n in range(DUE)]
    assert all(table.equal for table in (await check(shop.log, shop.views, "shop_views")).values())


@pytest.mark.long
async def test_each_is_reached_once_also_by_two_processes_that_are_stopped_half_way(start: Make) -> None:
    shop = await started_late(start, FEW)
    for part in (FEW // 4, FEW // 2, FEW):
        tasks = running(shop, await start("shop"))
        await until_reached(shop, part)
        if part == FEW:
            await asyncio.sleep(1.5)
        await end(*tasks)
    assert sorted(int(m.event.order) for m in await reached(shop, OrderStale.TOPIC)) == list(range(FEW))


@pytest.mark.long
async def test_control_without_its_own_id_and_the_look_at_who_armed_it_two_processes_reach_one_twice(
    start: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.clock.deadline_id", lambda *_: uuid4())
    monkeypatch.setattr("shared.runtime.batch._still_armed", lambda *_: True)
    shop = await started_late(start, FEW)
    tasks = running(shop, await start("shop"))
    with suppress(TimeoutError):
        await until_reached(shop, FEW)
    await end(*tasks)
    found = [m.event.of for m in await reached(shop)]
    assert len(found) > len(set(found))


@pytest.mark.long
async def test_control_timers_without_rows_are_lost_and_the_log_has_them_again(start: Make) -> None:
    """What becomes of timers that are in memory only; the rows can be lost, for they are made of the log."""
    shop = await started_late(start, FEW)
    async with shop.log.pool.connection() as conn:
        await conn.execute("delete from shop_views.deadlines")
    assert await Deadlines(shop, SteppedClock(LATER)).fire() == 0
    await rebuild(shop.log, shop.views, "shop_views")
    assert await Deadlines(shop, SteppedClock(LATER)).fire() == FEW
