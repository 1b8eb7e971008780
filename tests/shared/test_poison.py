"""Poison cannot block: of 2,000 messages every hundredth makes a rule raise or cannot be parsed; all others are heard
in order as if nothing were, what is wrong is parked with the reason, and goes through once the rule is mended."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import nats
import pytest
import pytest_asyncio

from shared.core.facts import EventParked
from shared.core.world import Decider
from shared.runtime.parking import retry_parked
from shared.runtime.service import Service
from shared.store.codec import Envelope
from shared.store.rebuild import check
from tests.conftest import FreshNats
from tests.sizes import sized
from tests.waiting import until

from . import trade
from .conftest import Make
from .nodes import Join
from .trade import OrderPacked, OrderPlaced, order, said_by

pytestmark = pytest.mark.servers
MESSAGES, EVERY, BATCH = sized(2000, 400), 100, 250
RAISES, UNREADABLE = range(50, MESSAGES, 2 * EVERY), range(150, MESSAGES, 2 * EVERY)
SOUND = [n for n in range(MESSAGES) if n not in RAISES and n not in UNREADABLE]
UNLUCKY = 13
"""The amount at which the clerk's rule raises."""
BROKEN = (b"{", b"null", b'{"order": 7}', b"\xff\xfe\x00", b'{"order":"x","contact":"ada"}')


@dataclass
class Trade:
    clerk: Service
    told: list[Envelope]
    """What the shop said, one order each, as it travels; some of it was broken on its way."""


@pytest_asyncio.fixture
async def trade_with_poison(start: Make) -> AsyncIterator[Trade]:
    shop = await start("shop", batch=MESSAGES)
    await shop.handle(*(order(n, amount=UNLUCKY if n in RAISES else 1) for n in range(MESSAGES)))
    told = await said_by(shop)
    for nth, number in enumerate(UNREADABLE):
        told[number] = replace(told[number], state=BROKEN[nth % len(BROKEN)])
    yield Trade(await start("clerk"), told)


async def handle(clerk: Service, told: list[Envelope]) -> None:
    for at in range(0, len(told), BATCH):
        await clerk.handle(*told[at : at + BATCH])


async def packed(clerk: Service) -> list[str]:
    rows = await clerk.log.rows(0, 10_000, topics=[OrderPacked.TOPIC])
    return [str(row.originator_id) for row in rows]


async def parked(clerk: Service) -> list[EventParked]:
    return [m.event for m in await clerk.open(await clerk.log.rows(0, 10_000, topics=[EventParked.TOPIC]))]


async def views_equal(clerk: Service) -> bool:
    return all(table.equal for table in (await check(clerk.log, clerk.views, clerk.views_schema)).values())


async def test_every_hundredth_message_is_parked_with_its_reason_and_the_others_are_heard_in_order(
    trade_with_poison: Trade,
) -> None:
    clerk = trade_with_poison.clerk
    await handle(clerk, trade_with_poison.told)
    assert clerk.tracked["shop"] == 2 * MESSAGES
    assert await packed(clerk) == [f"order:{n}" for n in SOUND]
    found = await parked(clerk)
    raised = [(p.of, p.error, p.where.partition(":")[0]) for p in found if p.reason == "rule-raised"]
    assert raised == [(f"order:{n}", "ZeroDivisionError", "trade.py") for n in RAISES]
    unreadable = [p.parked for p in found if p.reason == "unreadable"]
    assert unreadable == [str(trade_with_poison.told[n].message.id) for n in UNREADABLE]
    assert len(found) == len(RAISES) + len(UNREADABLE) == MESSAGES // EVERY
    assert all(p.remedy for p in found)
    assert await clerk.log.verify()
    assert await views_equal(clerk)


def mended(world: Any, message: Any) -> Iterator[Any]:
    if isinstance(message.event, OrderPlaced):
        yield OrderPacked(order=message.event.order, amount=message.event.amount)


@pytest.mark.long
async def test_once_the_rule_is_mended_a_retry_goes_through_once(trade_with_poison: Trade, start: Make) -> None:
    await handle(trade_with_poison.clerk, trade_with_poison.told)
    first = f"order:{RAISES[0]}"
    [(_, again)] = await retry_parked(trade_with_poison.clerk, first)
    assert again.startswith("ZeroDivisionError"), "as long as the rule raises it stays parked"
    unread = await retry_parked(trade_with_poison.clerk, "unreadable:shop")
    assert [text.startswith("it cannot be read") for _, text in unread] == [True] * len(UNREADABLE)
    clerk = await start("clerk", decider=Decider(trade.STATES, trade.evolve, mended))
    for number in RAISES:
        assert [result for _, result in await retry_parked(clerk, f"order:{number}")] == ["heard"]
        assert await retry_parked(clerk, f"order:{number}") == []
    assert await packed(clerk) == [f"order:{n}" for n in (*SOUND, *RAISES)]
    assert await views_equal(clerk)


@pytest.mark.long
async def test_control_a_consumer_that_does_not_park_stands_still_at_the_first(
    trade_with_poison: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a service is without parking: the error of a fact is the error of its batch."""

    def raises(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("shared.runtime.batch.Batch._park", raises)
    with pytest.raises(ZeroDivisionError):
        await handle(trade_with_poison.clerk, trade_with_poison.told)
    assert await packed(trade_with_poison.clerk) == [f"order:{n}" for n in range(RAISES[0])]


async def test_what_is_no_event_at_all_is_passed_over_on_its_way(join: Join, fresh_nats: FreshNats) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    client = await nats.connect(fresh_nats.url)
    for nth, number in enumerate(range(EVERY)):
        await shop.service.handle(order(number))
        if number % 10 == 0:
            await client.jetstream().publish("vefa.event.shop.order-placed.v1", BROKEN[nth % len(BROKEN)])
    await client.close()
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk.service) == [f"order:{n}" for n in range(EVERY)]
    assert await parked(clerk.service) == []
