"""Hear, decide, record, project: once, in order, all of a message or nothing of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from shared.core.facts import EventParked, EventUnparked
from shared.core.message import fresh, said_id
from shared.core.world import Decider, Refused
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.memory import SNAPSHOT_EVERY
from shared.runtime.ordering import Gap
from shared.runtime.outcome import Outcome
from shared.runtime.parking import retry_parked
from shared.runtime.service import Service
from shared.store.append import Append, Loaded
from shared.store.rebuild import check, rebuild

from . import trade
from .conftest import Make
from .trade import NOON, HurryOrder, OrderPacked, OrderPlaced, order, said_by

pytestmark = pytest.mark.servers


async def views_equal(service: Service) -> bool:
    result = await check(service.log, service.views, service.views_schema)
    return all(table.equal for table in result.values())


async def test_a_command_is_recorded_with_what_follows_from_it(start: Make) -> None:
    shop = await start("shop")
    [outcome] = await shop.handle(order(1, amount=3))
    placed = outcome.first(OrderPlaced)
    assert placed is not None
    assert (outcome.position, placed.amount, placed.nth, placed.text) == (1, 3, 1, "please wrap number 1")
    assert [(r.id, r.topic, r.said) for r in await shop.log.rows(0, 10)] == [
        (1, "to.shop.place-order.v1", False),
        (2, "shop.order-placed.v1", True),
    ]


async def test_what_a_later_version_of_its_publisher_added_stays_in_a_heard_row(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1))
    [placed] = await said_by(shop)
    later = replace(placed, state=orjson.dumps({**orjson.loads(placed.state), "season": "autumn"}))
    await clerk.handle(later)
    [heard] = await clerk.log.rows(0, 10, topics=[OrderPlaced.TOPIC])
    assert heard.state == later.state
    [message] = await clerk.open([heard])
    assert message.event.text == "please wrap number 1"


async def test_a_repeat_gets_the_same_answer_and_records_nothing(start: Make) -> None:
    shop, message = await start("shop"), order(1)
    [first] = await shop.handle(message)
    [second] = await shop.handle(message)
    assert second.position == first.position
    assert [m.event for m in second.said] == [m.event for m in first.said]
    assert (await shop.log.head()).position == 2


async def test_a_repeat_in_the_same_batch_records_nothing(start: Make) -> None:
    shop, message = await start("shop"), order(1)
    outcomes = await shop.handle(message, message)
    assert {o.position for o in outcomes} == {1}


async def test_the_same_key_with_other_content_is_refused(start: Make) -> None:
    shop, message = await start("shop"), order(1)
    await shop.handle(message)
    with pytest.raises(Refused, match="key-reused"):
        await shop.handle(order(1, amount=2, id=message.id))


async def test_a_repeat_after_an_erasure_is_gone(start: Make) -> None:
    shop, message = await start("shop"), order(1)
    await shop.handle(message)
    await shop.vault.destroy(["ada"], NOON)
    with pytest.raises(Refused) as refused:
        await shop.handle(message)
    assert refused.value.status == 410


async def test_a_refusal_leaves_nothing_behind_and_does_not_touch_the_others(start: Make) -> None:
    shop = await start("shop")
    results = await shop.handle_each(order(1), order(1), order(2))
    assert isinstance(results[1], Refused)
    assert isinstance(results[2], Outcome)
    assert [str(r.originator_id) for r in await shop.log.rows(0, 10)] == ["order:1", "order:1", "order:2", "order:2"]


@pytest.mark.parametrize(("made", "looked_for"), [(True, []), (False, ["order:made-1", "order:made-2"])])
async def test_a_stream_that_begins_with_its_message_is_not_looked_for(
    start: Make, monkeypatch: pytest.MonkeyPatch, made: bool, looked_for: list[str]
) -> None:
    asked: list[str] = []

    async def load(tx: Append, streams: Sequence[str], fingerprint: str) -> Loaded:
        asked.extend(streams)
        return Loaded([], {})

    def copies(world: Any, message: Any) -> Any:
        stream = f"{message.event.stream[:6]}made-{message.event.order}"
        state = world.new(stream) if made else world[stream]
        assert state.packed == 0
        yield OrderPacked(order=stream[6:], amount=1)

    monkeypatch.setattr(Append, "load", load)
    clerk = await start("clerk", decider=Decider(trade.STATES, trade.evolve, copies))
    await clerk.handle(order(1), order(2))
    assert asked == looked_for
    assert clerk.memory["order:made-2"].packed == 1


async def test_a_rule_reads_what_was_said_before_in_the_same_batch(start: Make) -> None:
    shop = await start("shop")
    outcomes = await shop.handle(order(1), order(2), order(3))
    assert [o.said[0].event.nth for o in outcomes] == [1, 2, 3]


async def test_a_rule_reads_the_same_after_a_restart(start: Make) -> None:
    await (await start("shop")).handle(order(1), order(2))
    [outcome] = await (await start("shop")).handle(order(3))
    assert outcome.said[0].event.nth == 3


async def test_what_rules_keep_in_memory_is_read_again_between_two_commits(start: Make) -> None:
    clerk = await start("clerk")
    async with clerk.log.pool.connection() as conn:
        await conn.execute("insert into clerk_views.bench values ('order:9', 5)")
    assert clerk.memory.table("bench").get("order:9") is None
    await clerk.read_again()
    assert clerk.memory.table("bench").get("order:9") == {"amount": 5}


async def test_two_processes_take_turns_and_never_contradict_each_other(start: Make) -> None:
    one, two = await start("shop"), await start("shop")
    results = await asyncio.gather(*(s.handle_each(order(n)) for n in range(40) for s in (one, two)))
    outcomes = [r for [r] in results if isinstance(r, Outcome)]
    assert len(outcomes) == 40
    assert sorted(o.said[0].event.nth for o in outcomes) == list(range(1, 41))
    assert await one.log.verify() == 80
    assert await views_equal(one)


async def test_a_clerk_hears_each_order_once_however_often_it_comes(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(*(order(n) for n in range(5)))
    said = await said_by(shop)
    await clerk.handle(*said, *said)
    await clerk.handle(*said)
    packed = [r for r in await clerk.log.rows(0, 100) if r.topic == OrderPacked.TOPIC]
    assert len(packed) == 5
    assert clerk.tracked["shop"] == shop.said


@pytest.mark.parametrize(
    ("opens", "read"), [(None, "please wrap number 1"), ({"shop.order-placed.v1"}, "please wrap number 1"), (set(), "")]
)
async def test_texts_are_opened_only_where_rules_read_them(start: Make, opens: set[str] | None, read: str) -> None:
    texts = list[str]()

    def reads(world: Any, message: Any) -> Any:
        if isinstance(message.event, OrderPlaced):
            texts.append(str(message.event.text))
        yield from ()

    shop = await start("shop")
    await shop.handle(order(1))
    clerk = await start("clerk", decider=Decider(trade.STATES, trade.evolve, reads), reads_personal=opens)
    await clerk.handle(*await said_by(shop))
    assert texts == [read]
    [heard] = await clerk.open(await clerk.log.rows(0, 10))
    assert heard.event.text == "please wrap number 1"


async def test_two_services_that_hear_the_same_fact_never_say_under_the_same_id() -> None:
    heard = uuid4()
    assert said_id("router", heard, 1, 0) != said_id("sla", heard, 1, 0)
    assert said_id("router", heard, 1, 0) == said_id("router", heard, 1, 0)


async def test_a_missing_message_is_a_gap(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1), order(2))
    first, second = await said_by(shop)
    with pytest.raises(Gap) as gap:
        await clerk.handle(second)
    assert (gap.value.source, gap.value.after, gap.value.upto) == ("shop", 0, 2)
    await clerk.handle(first, second)


async def test_what_nobody_listens_to_moves_the_cursor_without_a_commit(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    clerk.leads = True
    clock = SteppedClock(NOON + timedelta(hours=2))
    await shop.handle(order(1))
    await Deadlines(shop, clock).fire()
    placed, stale = await said_by(shop)
    await clerk.handle(placed)
    before = await clerk.log.trackings()
    assert await clerk.handle(stale) == [Outcome(0)]
    assert clerk.tracked["shop"] == shop.said
    assert await clerk.log.trackings() == before
    after_a_crash = await start("clerk")
    await shop.handle(order(2))
    *_, following = await said_by(shop)
    with pytest.raises(Gap) as gap:
        await after_a_crash.handle(following)
    assert (gap.value.after, gap.value.upto) == (before["shop"], stale.message.position)
    await clerk.handle(following)
    assert (await clerk.log.trackings())["shop"] == shop.said
    assert (await clerk.log.head()).after["shop"] == shop.said


async def test_what_is_passed_over_is_still_missed_when_something_before_it_is(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    clerk.leads = True
    await shop.handle(order(1))
    await Deadlines(shop, SteppedClock(NOON + timedelta(hours=2))).fire()
    _, stale = await said_by(shop)
    with pytest.raises(Gap):
        await clerk.handle(stale)
    assert clerk.tracked.get("shop", 0) == 0


async def test_a_cause_is_heard_before_its_effect(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    late = await start("clerk", subscribes=[("shop", OrderPlaced.TOPIC), ("clerk", OrderPacked.TOPIC)])
    await shop.handle(order(1))
    [placed] = await said_by(shop)
    await clerk.handle(placed)
    [packed] = await said_by(clerk)
    assert packed.message.after == {"shop": 2}
    other = replace(packed, message=replace(packed.message, id=uuid4(), source="packer", after={"shop": 99}))
    with pytest.raises(Gap, match="shop"):
        await late.handle(other)


async def test_a_poisoned_order_is_parked_with_what_follows_it_and_others_go_on(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1, amount=13), order(2))
    await clerk.handle(*await said_by(shop))
    parked = [m.event for m in await clerk.open(await clerk.log.rows(0, 100)) if isinstance(m.event, EventParked)]
    assert [(p.of, p.reason, p.error) for p in parked] == [("order:1", "rule-raised", "ZeroDivisionError")]
    assert "unlucky" not in str(parked)
    packed = [r for r in await clerk.log.rows(0, 100) if r.topic == OrderPacked.TOPIC]
    assert [str(r.originator_id) for r in packed] == ["order:2"]
    assert await views_equal(clerk)


async def test_a_parked_order_goes_through_once_the_rule_is_mended(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1, amount=13))
    await clerk.handle(*await said_by(shop))
    [(_, result)] = await retry_parked(clerk, "order:1")
    assert result.startswith("ZeroDivisionError")

    def packs(world: Any, message: Any) -> Any:
        if isinstance(message.event, OrderPlaced):
            yield OrderPacked(order=message.event.order, amount=message.event.amount)

    mended = await start("clerk", decider=Decider(trade.STATES, trade.evolve, packs))
    [(_, result)] = await retry_parked(mended, "order:1")
    assert result == "heard"
    assert await retry_parked(mended, "order:1") == []
    topics = [r.topic for r in await mended.log.rows(0, 100)]
    assert topics.count(OrderPacked.TOPIC) == 1
    assert EventUnparked.TOPIC in topics
    assert await views_equal(mended)


@pytest.mark.parametrize("amount", [2**64, 2**63])  # beyond what JSON is written with, beyond a column of a view
async def test_what_cannot_be_written_fails_alone(start: Make, amount: int) -> None:
    shop = await start("shop")
    results = await shop.handle_each(order(1), order(2, amount=amount), order(3))
    assert [isinstance(r, Outcome) for r in results] == [True, False, True]
    assert [str(r.originator_id) for r in await shop.log.rows(0, 99, said=True)] == ["order:1", "order:3"]
    assert await views_equal(shop)


async def test_a_fact_whose_consequences_cannot_be_written_is_parked_and_others_go_on(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(*(order(n, amount=7) for n in range(3)))
    first, second, third = [
        replace(e, state=e.state.replace(b'"amount":7', b'"amount":4611686018427387904')) for e in await said_by(shop)
    ]
    third = replace(third, state=third.state.replace(b"4611686018427387904", b"1"))
    await clerk.handle(first)
    await clerk.handle(second, third)  # the sum of both does not fit its column
    parked = [m.event for m in await clerk.open(await clerk.log.rows(0, 99)) if isinstance(m.event, EventParked)]
    assert [(p.of, p.reason, p.error) for p in parked] == [("order:1", "rule-raised", "NumericValueOutOfRange")]
    assert clerk.tracked["shop"] == shop.said
    [(_, result)] = await retry_parked(clerk, "order:1")
    assert result.startswith("NumericValueOutOfRange")
    assert clerk.memory.table("parked").get("order:1")["count"] == 1  # type: ignore[index]
    assert await views_equal(clerk)


async def test_an_event_larger_than_all_may_be_is_refused_before_it_is_in_the_log(start: Make) -> None:
    shop = await start("shop")
    with pytest.raises(ValueError, match="at most 262144"):
        await shop.handle(order(1, text="x" * 300_000))
    assert (await shop.log.head()).position == 0


async def test_a_key_that_can_be_none_does_not_hold_up_a_batch(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1), order(2))
    first, second = await said_by(shop)
    await clerk.handle(replace(first, state=first.state.replace(b'"k":"', b'"k":"no uuid ')), second)
    assert clerk.tracked["shop"] == shop.said


async def test_what_cannot_be_read_is_kept_sealed_and_parked(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1))
    [placed] = await said_by(shop)
    await clerk.handle(replace(placed, state=b'{"order": 7}'))
    [parked] = [m.event for m in await clerk.open(await clerk.log.rows(0, 9)) if isinstance(m.event, EventParked)]
    assert parked.reason == "unreadable"
    assert clerk.tracked["shop"] == 2


async def test_each_of_what_cannot_be_read_says_so_and_a_retry_of_it_changes_nothing(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1), order(2))
    await clerk.handle(*(replace(placed, state=b"null") for placed in await said_by(shop)))
    parked = [m.event for m in await clerk.open(await clerk.log.rows(0, 9)) if isinstance(m.event, EventParked)]
    assert [p.reason for p in parked] == ["unreadable", "unreadable"]
    before = (await clerk.log.head()).position
    results = await retry_parked(clerk, "unreadable:shop")
    assert [(event, result.partition(" (")[0]) for event, result in results] == [
        (p.parked, "it cannot be read") for p in parked
    ]
    assert (await clerk.log.head()).position == before
    assert await views_equal(clerk)


async def test_newer_code_hears_again_what_it_can_read_and_leaves_the_rest(
    start: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(*(order(n) for n in range(4)))
    first, second, *others = await said_by(shop)
    decode = clerk.rules.mapper.decode

    def older(topic: str, event_id: UUID, *more: Any) -> Any:
        if event_id == second.message.id:
            raise ValueError("a field that this version does not know")
        return decode(topic, event_id, *more)

    with monkeypatch.context() as patched:
        patched.setattr(clerk.rules.mapper, "decode", older)
        await clerk.handle(replace(first, state=b"null"), second, *others)
    results = await retry_parked(clerk, "unreadable:shop")
    assert [result.partition(" (")[0] for _, result in results] == ["it cannot be read", "heard"]
    heard, packed, unparked = await clerk.open((await clerk.log.rows(0, 99))[-3:])
    assert (heard.retry_of, heard.event.stream, heard.event.text) == (
        second.message.id,
        "order:1",
        "please wrap number 1",
    )
    assert (packed.event, unparked.event.of) == (OrderPacked(order="1", amount=1), "unreadable:shop")
    assert (clerk.memory.table("parked").get("unreadable:shop") or {})["count"] == 1
    assert [event for event, _ in await retry_parked(clerk, "unreadable:shop")] == [str(first.message.id)]
    assert await views_equal(clerk)


async def test_what_was_destroyed_in_quarantine_is_not_heard_again(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1))
    [placed] = await said_by(shop)
    await clerk.handle(replace(placed, state=b"null"))
    assert await clerk.vault.destroy_quarantine(NOON + timedelta(days=99))
    [(_, result)] = await retry_parked(clerk, "unreadable:shop")
    assert result.startswith("its bytes are destroyed")


async def test_a_cause_of_a_cause_of_too_many_is_parked_so_that_no_circle_turns_for_ever(start: Make) -> None:
    shop, clerk = await start("shop"), await start("clerk")
    await shop.handle(order(1), order(2))
    placed = zip(await said_by(shop), (16, 17), strict=True)
    await clerk.handle(*(replace(e, message=replace(e.message, depth=depth)) for e, depth in placed))
    packed, parked = (m.event for m in await clerk.open(await clerk.log.rows(0, 9, said=True)))
    assert (packed.TOPIC, packed.order) == (OrderPacked.TOPIC, "1")
    assert (parked.TOPIC, parked.of, parked.reason) == (EventParked.TOPIC, "order:2", "causation-too-deep")
    assert [e.message.depth for e in await said_by(clerk)] == [17, 18]
    [(_, again)] = await retry_parked(clerk, "order:2")
    assert again.startswith("it follows from more than 16 others")


async def test_a_deadline_fires_once_at_its_instant(start: Make) -> None:
    shop = await start("shop")
    await shop.handle(order(1))
    clock = SteppedClock(NOON)
    assert await Deadlines(shop, clock).fire() == 0
    clock.set(NOON.replace(hour=12))
    assert await Deadlines(shop, clock).fire() == 1
    assert await Deadlines(shop, clock).fire() == 0
    stale = [m for m in await shop.open(await shop.log.rows(0, 99)) if m.event.TOPIC == "shop.order-stale.v1"]
    assert [(m.occurred_at, m.heard_at) for m in stale] == [(NOON.replace(hour=10), NOON.replace(hour=12))]


async def test_views_built_again_equal_the_live_ones(start: Make) -> None:
    shop = await start("shop")
    await shop.handle(*(order(n, amount=n) for n in range(50)))
    assert await views_equal(shop)
    async with shop.log.pool.connection() as conn:
        await conn.execute("update shop_views.totals set amount = 0")
    assert not await views_equal(shop)
    await rebuild(shop.log, shop.views, shop.views_schema)
    assert await views_equal(shop)


async def test_views_built_again_after_an_erasure_equal_the_live_ones(start: Make) -> None:
    shop = await start("shop")
    await shop.handle(order(1), order(2, contact="bob"))
    await shop.vault.destroy(["ada"], NOON)
    await rebuild(shop.log, shop.views, shop.views_schema)
    assert await views_equal(shop)
    opened = await shop.open(await shop.log.rows(0, 10))
    assert [str(m.event.text) for m in opened] == ["", "", "please wrap number 2", "please wrap number 2"]
    assert await shop.log.verify() == 4


async def test_no_plain_personal_text_is_in_the_database(start: Make, database: str) -> None:
    import psycopg

    shop = await start("shop")
    await shop.handle(order(1, text="Zümrütevler 17"))
    with psycopg.connect(database) as conn:
        for table in ("shop.stored_events", "shop_views.orders", "vault.keys"):
            for row in conn.execute(f"select t::text from {table} t"):  # type: ignore[arg-type]
                assert "Zümrüt" not in row[0]
                assert "Zümrüt".encode().hex() not in row[0]


async def snapshots(service: Service) -> dict[str, int]:
    """Which streams have one, and of which position."""
    async with service.log.pool.connection() as conn:
        cursor = await conn.execute(service.log.sql("select stream, position from {s}.snapshots"))
        return dict(await cursor.fetchall())


async def test_a_long_stream_is_read_from_its_snapshot(start: Make) -> None:
    shop = await start("shop", fingerprint="f1")
    shop.leads = True
    for n in range(3):
        await shop.handle(*(order(f"{n}-{i}") for i in range(100)))
    kept = await snapshots(shop)
    assert kept.keys() == {"buyer:ada"}, "it is no event's own stream: each order is"
    assert shop.position - kept["buyer:ada"] < 2 * SNAPSHOT_EVERY, "what follows it is short"
    other = await start("shop", fingerprint="f1")
    [outcome] = await other.handle(order("next"))
    assert outcome.said[0].event.nth == 301


async def test_a_stream_that_another_process_parked_something_in_goes_on_here(start: Make) -> None:
    one, other = await start("clerk"), await start("clerk")
    shop = await start("shop")
    await shop.handle(order(1, amount=13))
    await other.handle(fresh(HurryOrder(order="1"), NOON, id=uuid4(), command=True))
    await one.handle(*await said_by(shop))
    await other.handle(fresh(HurryOrder(order="1"), NOON, id=uuid4(), command=True))
    assert other.position == (await one.log.head()).position == 6
