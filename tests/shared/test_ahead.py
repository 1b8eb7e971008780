"""Deciding before the log was asked: in one round trip while this process alone writes, and never on what is no longer
so."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from psycopg import OperationalError

from shared.core.event import Event, Id
from shared.core.message import Message, fresh
from shared.core.world import Decider, Refused
from shared.store import append, event_log
from shared.store.event_log import EventLog
from shared.store.guesses import IN_A_ROW
from shared.store.rebuild import rebuild

from . import trade
from .conftest import Make
from .test_service import views_equal
from .trade import NOON, Order, OrderPacked, OrderPlaced, order, said_by

pytestmark = pytest.mark.servers


class OrderMade(Event, topic="shop.order-made.v1", stream="order:{order}", begins=True):
    """Says that it is the first of its order."""

    order: Id


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The logs whose head was locked, in order."""
    found, append = list[str](), EventLog.append

    def noted(log: EventLog) -> Any:
        found.append(log.schema)
        return append(log)

    monkeypatch.setattr(EventLog, "append", noted)
    return found


async def test_a_process_that_writes_alone_locks_nothing_after_its_first_commit(start: Make, locked: list[str]) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    locked.clear()
    for number in range(1, 6):
        await shop.handle(order(number, amount=number))
    await shop.handle(*(order(number) for number in range(6, 9)))
    await clerk.handle(*await said_by(shop))
    await shop.handle(order(9))
    await clerk.handle(*await said_by(shop, 16))
    assert locked == ["shop", "clerk"]
    assert [row.id for row in await shop.log.rows(0, 100)] == list(range(1, 19))
    assert await shop.log.verify() == 18
    assert await clerk.log.verify() == 18
    assert clerk.tracked["shop"] == shop.said == 18
    assert await clerk.log.trackings() == {"shop": 18}
    for service in (shop, clerk):
        assert await views_equal(service)


async def test_two_processes_that_write_by_turns_decide_on_what_the_other_wrote(start: Make) -> None:
    one, two = await start("shop"), await start("shop")
    nth = []
    for number, service in enumerate((one, one, two, two, one, two, one, one), 1):
        [outcome] = await service.handle(order(number))
        nth.append(outcome.said[0].event.nth)
    assert nth == list(range(1, 9))
    assert await one.log.verify() == 16
    assert await views_equal(one)


async def test_many_at_once_in_two_processes_lose_and_double_nothing(start: Make) -> None:
    shops = (await start("shop"), await start("shop"))
    await asyncio.gather(*(shops[n % 2].handle(order(n)) for n in range(60)))
    rows = await shops[0].open(await shops[0].log.rows(0, 1000, said=True))
    assert sorted(m.event.nth for m in rows) == list(range(1, 61))
    assert await shops[0].log.verify() == 120
    assert await views_equal(shops[0])


async def test_what_another_process_took_in_is_refused_or_answered_and_not_recorded_again(start: Make) -> None:
    one, two, message = await start("shop"), await start("shop"), order(1)
    await one.handle(order(2))
    [first] = await two.handle(message)
    [again] = await one.handle(message)
    assert [m.event for m in again.said] == [m.event for m in first.said]
    with pytest.raises(Refused, match="placed"):
        await one.handle(order(1))
    assert (await one.log.head()).position == 4


async def test_a_repeat_of_what_would_be_refused_now_gets_its_answer_of_then(start: Make) -> None:
    shop, message = await start("shop"), order(1)
    [first] = await shop.handle(message)
    [again] = await shop.handle(message)  # decided anew, the order would be placed already
    _, beside = await shop.handle(order(2), message)
    assert [m.event for m in again.said] == [m.event for m in beside.said] == [m.event for m in first.said]
    assert (await shop.log.head()).position == 4


async def test_an_event_that_is_not_the_first_of_its_stream_though_it_says_so_is_decided_on_its_past(
    start: Make,
) -> None:
    def packed_again(world: Any, message: Message) -> Iterator[Event]:
        if isinstance(message.event, OrderMade):
            state: Order = world[message.event.stream]
            yield OrderPacked(order=message.event.order, amount=state.packed)

    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1), order(2))
    await clerk.handle(*await said_by(shop))
    later = await start("clerk", decider=Decider(trade.STATES, trade.evolve, packed_again))
    await later.handle(fresh(OrderMade(order="3"), NOON))
    await later.handle(fresh(OrderMade(order="1"), NOON + timedelta(minutes=1)), fresh(OrderMade(order="4"), NOON))
    assert [m.event.amount for m in await later.open(await later.log.rows(4, 10, said=True))] == [0, 1, 0]
    assert [row.originator_version for row in await later.log.stream("order:1")] == [1, 2, 3, 4]


async def test_views_are_built_again_while_a_process_writes_ahead(start: Make) -> None:
    shop, done = await start("shop"), asyncio.Event()

    async def write() -> int:
        number = 0
        while not done.is_set():
            number += 1
            await shop.handle(order(number))
        return number

    writing = asyncio.create_task(write())
    for _ in range(5):
        await rebuild(shop.log, shop.views, shop.views_schema)
    done.set()
    count = await writing
    assert await shop.log.verify() == 2 * count
    assert await views_equal(shop)


async def test_a_connection_that_is_lost_costs_its_commit_and_no_other(start: Make, locked: list[str]) -> None:
    shop = await start("shop")
    await shop.handle(order(1))
    await shop.handle(order(2))
    locked.clear()
    async with shop.log.pool.connection() as conn:
        await conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'with moved as%'")
    with pytest.raises(OperationalError):
        await shop.handle(order(3))
    [outcome] = await shop.handle(order(3))
    assert (outcome.position, outcome.said[0].event.nth) == (5, 3)
    assert locked == ["shop"], "what was in doubt is looked up"
    assert isinstance((await shop.handle(order(4)))[0].first(OrderPlaced), OrderPlaced)
    assert await shop.log.verify() == 8


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams whose past was asked for without a lock, in order."""
    found = list[str]()

    async def noted(q: Any, conn: Any, streams: Any, fingerprint: str) -> Any:
        found.extend(streams)
        return await append.asked(q, conn, streams, fingerprint)

    monkeypatch.setattr(event_log, "asked", noted)
    return found


async def test_who_comes_after_many_new_ones_is_not_looked_for(start: Make, looked: list[str]) -> None:
    shop = await start("shop")
    for number in range(IN_A_ROW + 5):
        await shop.handle(order(number, contact=f"c{number}"))
    looked_for = [f"{kind}:{number}" for number in range(1, IN_A_ROW + 1) for kind in ("buyer:c", "order")]
    assert looked == [stream.replace("c:", "c") for stream in looked_for]
    looked.clear()
    await shop.handle(*(order(f"many-{n}", contact=f"m{n}") for n in range(IN_A_ROW)))  # one wrong guess would cost all
    assert len(looked) == 2 * IN_A_ROW
    assert await shop.log.verify() == 2 * (2 * IN_A_ROW + 5)
    assert await views_equal(shop)


@pytest.mark.parametrize("forgotten", ["buyer:c1", "order:1"])
async def test_a_stream_that_was_wrongly_taken_for_new_is_decided_on_its_past(
    start: Make, looked: list[str], locked: list[str], forgotten: str
) -> None:
    shop = await start("shop")
    for number in range(IN_A_ROW + 1):
        await shop.handle(order(number, contact=f"c{number}"))
    del shop.memory.streams[forgotten]
    locked.clear()
    looked.clear()
    if forgotten == "order:1":
        with pytest.raises(Refused, match="placed"):
            await shop.handle(order(1, contact="new"))
    else:
        [outcome] = await shop.handle(order("again", contact="c1"))
        assert outcome.said[0].event.nth == 2
    assert (locked, looked) == (["shop"], [])
    await shop.handle(order("later", contact="later"))
    await shop.handle(order("last", contact="last"))
    assert looked  # whoever was wrong once looks again
    assert await shop.log.verify() == (await shop.log.head()).position
    assert await views_equal(shop)
