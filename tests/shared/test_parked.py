"""What is parked lets go of time: its deadline is reached once, its effect is done once, and those of others go on."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.core.event import Event, Id, State
from shared.core.facts import DeadlineReached, EventParked
from shared.core.message import Message, fresh
from shared.core.projection import RowOp, Table, attempt, settled
from shared.core.views import Views
from shared.core.world import Decider, World
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.effects import Effects
from shared.runtime.ordering import Overloaded
from shared.runtime.parking import retry_parked
from shared.runtime.rules import Rules
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from tests.shared import trade
from tests.waiting import PATIENCE, until

from .conftest import Make
from .trade import NOON, OrderStale, order, take_orders

pytestmark = pytest.mark.servers
LATER = SteppedClock(NOON + timedelta(hours=2))


def unlucky(world: World, message: Message) -> Iterator[Event]:
    """The shop's rules, but one order can never become stale."""
    if isinstance(message.event, DeadlineReached) and message.event.of == "order:1":
        raise ZeroDivisionError
    yield from take_orders(world, message)


UNLUCKY = Decider(trade.STATES, trade.evolve, unlucky)


async def stale(shop: Service) -> list[str]:
    return [str(row.originator_id) for row in await shop.log.rows(0, 999, topics=[OrderStale.TOPIC])]


async def parked(service: Service) -> list[str]:
    rows = await service.log.rows(0, 999, topics=[EventParked.TOPIC])
    return [m.event.of for m in await service.open(rows)]


async def test_a_deadline_that_raises_is_parked_once_and_the_next_ones_are_reached(start: Make) -> None:
    shop = await start("shop", decider=UNLUCKY)
    await shop.handle(*(order(n) for n in range(3)))
    assert await Deadlines(shop, LATER).fire() == 3
    assert await Deadlines(shop, LATER).fire() == 0
    assert await stale(shop) == ["order:0", "order:2"]
    assert await parked(shop) == ["order:1"]
    assert all(table.equal for table in (await check(shop.log, shop.views, "shop_views")).values())


async def test_a_parked_deadline_is_heard_again_once_the_rule_is_mended(start: Make) -> None:
    shop = await start("shop", decider=UNLUCKY)
    await shop.handle(order(1))
    await Deadlines(shop, LATER).fire()
    mended = await start("shop")
    assert [result for _, result in await retry_parked(mended, "order:1")] == ["heard"]
    assert await stale(mended) == ["order:1"]
    assert not mended.memory.table("parked").get("order:1")["count"]  # type: ignore[index]


async def test_deadlines_go_on_after_a_moment_with_too_much_to_do(start: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, busy = await start("shop"), 2
    await shop.handle(order(1))
    handle = shop.handle_each

    async def overloaded(*messages: Any) -> Any:
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise Overloaded
        return await handle(*messages)

    monkeypatch.setattr(shop, "handle_each", overloaded)
    running = asyncio.create_task(Deadlines(shop, LATER).run())
    async with asyncio.timeout(PATIENCE):
        while not await stale(shop):
            await asyncio.sleep(0.05)
    running.cancel()


# effects --------------------------------------------------------------------------------------------------------------
class LetterAsked(Event, topic="to.post.letter-asked.v1", stream="letter:{letter}"):
    letter: Id


class LetterSent(Event, topic="to.post.letter-sent.v1", stream="letter:{letter}"):
    letter: Id


def letters(message: Message) -> Iterator[RowOp]:
    match message.event:
        case LetterAsked() as e:
            at = message.occurred_at
            yield attempt(message, e.letter, "post", f"reader of {e.letter}", at, at + timedelta(days=1))
        case LetterSent() as e:
            yield settled(e.letter)


def strike(world: World, message: Message) -> Iterator[Event]:
    """The post cannot take in what became of letter 1."""
    if isinstance(message.event, LetterSent) and message.event.letter == "1":
        raise ZeroDivisionError
    yield from ()


class Letter(State):
    pass


def post(log: EventLog, vault: Vault, rules: Any) -> Service:
    decider = Decider({"letter": Letter()}, lambda state, _: state, rules)
    return Service(Rules("post", decider, Views({"none": Table({"x": "bigint"})}, letters)), log, vault)


async def test_an_effect_whose_result_is_parked_is_not_done_again(pool: Any, vault: Vault) -> None:
    log, sent = EventLog(pool, "post"), list[str]()
    service = post(log, vault, strike)
    await prepare(log, service.views, "post_views")
    await service.start()

    async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
        sent.append(key)
        return LetterSent(letter=key)

    effects = Effects(service, SteppedClock(NOON), {"post": send})
    await service.handle(*(fresh(LetterAsked(letter=n), NOON, id=uuid4()) for n in ("1", "2")))
    for _ in range(3):
        await effects.send_due()
    assert (sorted(sent), await parked(service)) == (["1", "2"], ["letter:1"])
    after_a_restart = Effects(service, SteppedClock(NOON), {"post": send})
    assert [await after_a_restart.send_due() for _ in range(2)] == [0, 0]
    assert sorted(sent) == ["1", "2"]
    await service.handle(fresh(LetterAsked(letter="1"), NOON, id=uuid4(), command=True))  # anew: another effect
    assert [await effects.send_due() for _ in range(2)] == [1, 0]
    assert sorted(sent) == ["1", "1", "2"]
    await service.stop()

    mended = post(log, vault, lambda *_: iter(()))
    await mended.start()
    assert {result for _, result in await retry_parked(mended, "letter:1")} == {"heard"}
    assert await Effects(mended, SteppedClock(NOON), {"post": send}).next.count() == 0
    assert sorted(sent) == ["1", "1", "2"]
    await mended.stop()


async def test_effects_are_not_tried_anew_before_each_of_the_last_try_has_ended(
    pool: Any, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is gone when the first is to be recorded; the second is still under way."""
    log, sent, slow = EventLog(pool, "post"), list[str](), asyncio.Event()
    service = post(log, vault, strike)
    await prepare(log, service.views, "post_views")
    await service.start()

    async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
        sent.append(key)
        if key == "3":
            await slow.wait()
        return LetterSent(letter=key)

    await service.handle(*(fresh(LetterAsked(letter=n), NOON, id=uuid4()) for n in ("2", "3")))
    handle = service.handle

    async def once(*_: Any) -> Any:
        monkeypatch.setattr(service, "handle", handle)
        raise ConnectionResetError

    monkeypatch.setattr(service, "handle", once)
    running = asyncio.create_task(Effects(service, SteppedClock(NOON), {"post": send}).run())
    await until(lambda: len(sent) >= 2)
    await asyncio.sleep(3)  # longer than it waits before it tries anew
    assert sent == ["2", "3"]
    slow.set()
    await until(lambda: len(sent) >= 3)
    assert sent == ["2", "3", "2"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await service.stop()


async def test_effects_go_on_after_a_moment_without_a_database(
    pool: Any, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, sent = EventLog(pool, "post"), asyncio.Event()
    service = post(log, vault, strike)
    await prepare(log, service.views, "post_views")
    await service.start()

    async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
        sent.set()
        return LetterSent(letter=key)

    effects, at = Effects(service, SteppedClock(NOON), {"post": send}), log.at

    async def once(positions: Any) -> Any:
        monkeypatch.setattr(log, "at", at)
        raise ConnectionResetError

    monkeypatch.setattr(log, "at", once)
    await service.handle(fresh(LetterAsked(letter="2"), NOON, id=uuid4()))
    running = asyncio.create_task(effects.run())
    async with asyncio.timeout(PATIENCE):
        await sent.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await service.stop()
