"""A database restored behind NATS: the epoch is noticed, no position is used twice, nothing is swallowed, and after
``vefa reconcile`` every log is whole and every view equals a clean rebuild."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import nats
import orjson
import psycopg
import pytest

from deploy.vefa.base import Failed, opened
from deploy.vefa.epoch import may_write
from shared.bus.epochs import Epochs
from shared.bus.jetstream import STREAM
from shared.core.event import Event
from shared.core.facts import EpochBegan
from shared.core.message import Message
from shared.runtime.batch import Batch
from shared.runtime.decoding import Arrived
from shared.runtime.ordering import Overloaded, Silent
from shared.runtime.outcome import Outcome
from shared.runtime.parking import retry_parked
from shared.runtime.service import Service
from shared.store.codec import Envelope
from tests.shared.trade import NOON, OrderPacked, OrderPlaced, OrderStale, PlaceOrder, order
from tests.sizes import sized
from tests.waiting import PATIENCE, until

from .restored import APPS, PARCEL, POSTED, ParcelLeft, Traders, traders

__all__ = ["traders"]
pytestmark = [pytest.mark.servers]
BEFORE, LOST, NEW, FEW = sized(200, 50), sized(1000, 100), sized(1000, 100), 100


async def lose(everybody: Traders, *restored: str, before: int = BEFORE, lost: int = LOST) -> int:
    """A backup, 1,000 orders, the backup put back; the position that the shop's log had reached."""
    await everybody.start()
    await everybody.place(range(before))
    await everybody.heard()
    await everybody.stop(*restored)
    everybody.back_up(*restored)
    await everybody.start(*restored)
    await everybody.place(range(before, before + lost))
    await everybody.heard()
    said = everybody["shop"].said
    await everybody.stop(*restored)
    everybody.restore(*restored)
    return said


async def whole(everybody: Traders) -> None:
    """Logs, what each holds of another's, views and readiness."""
    result = await everybody.vefa("verify", "--json")
    assert result.status == 0, result.out + result.err
    assert await everybody.rebuilt_equal()
    assert (await everybody.vefa("epoch", "show")).status == 0
    await until(lambda: all(p.problem is None for p in everybody.processes.values()))


async def each_once(everybody: Traders, orders: int) -> None:
    wanted = sorted(str(n) for n in range(orders))
    for name in ("shop", "clerk", "courier"):
        assert sorted(await everybody.orders(name, OrderPlaced)) == wanted, name
    for name in ("clerk", "courier"):
        assert sorted(await everybody.orders(name, OrderPacked)) == wanted, name


async def test_a_restored_log_says_nothing_until_its_epoch_and_brings_back_what_it_lost(traders: Traders) -> None:
    said = await lose(traders, "shop")
    [lost] = await traders["clerk"].log.rows(0, 1, topics=[OrderPlaced.TOPIC])
    before = {r.event_id for r in await traders["courier"].log.rows(0, 9999, topics=[OrderPlaced.TOPIC])}
    await traders.start("shop")

    await traders.noticed("shop")
    status, problem = await traders.ready("shop")
    assert (status, "vefa epoch new shop" in problem) == (503, True)
    answer = await traders.post("urgent")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["remedy"] == "vefa epoch new shop"
    with pytest.raises(Silent):
        await traders["shop"].handle(order("urgent"))
    await until(lambda: "vefa epoch new shop" in (traders.processes["clerk"].problem or ""))
    shown = await traders.vefa("epoch", "--json")
    assert shown.status == 1
    [shop] = [s for s in shown.json if s["service"] == "shop"]
    assert shop["known"] == {"the stream": said, "clerk": said, "courier": said}

    [begun] = (await traders.vefa("epoch", "new", "shop", "--json")).json.values()
    assert (begun["epoch"], begun["lost_to"]) == (2, said)
    assert "nothing to do" in (await traders.vefa("epoch", "new", "shop")).out
    await until(lambda: traders["shop"].silent is None)
    for name in ("clerk", "courier"):
        await until(lambda name=name: "vefa reconcile shop" in (traders.processes[name].problem or ""))
    await refuses_until_settled(traders)
    await until(lambda: traders.processes["shop"].bus.relayed == traders["shop"].said)
    await until(lambda: traders["clerk"].tracked["shop"] == traders["courier"].tracked["shop"] == said + 1)
    await asyncio.sleep(2)  # for what should not come
    assert traders["shop"].said == traders["clerk"].tracked["shop"] == traders["courier"].tracked["shop"] == said + 1
    assert await traders.orders("clerk", OrderPlaced) == [str(n) for n in range(BEFORE + LOST)]
    assert (await traders.ready("clerk"))[0] == 503
    assert (await traders.vefa("verify")).status == 1

    [settled] = (await traders.vefa("reconcile", "shop", "--json")).json.values()
    assert (settled["recovered"], settled["given_up"]) == (LOST, 0)
    assert "nothing to do" in (await traders.vefa("reconcile", "shop")).out
    await until(lambda: traders["shop"].lost is None)
    await traders.place(range(BEFORE + LOST, BEFORE + LOST + NEW))
    await traders.heard()
    await each_once(traders, BEFORE + LOST + NEW)
    assert await nths(traders) == list(range(1, BEFORE + LOST + NEW + 1)), "no number twice, none left out"
    assert before <= {r.event_id for r in await traders["shop"].log.rows(0, 9999, topics=[OrderPlaced.TOPIC])}
    assert lost.event_id in before
    await whole(traders)


async def nths(everybody: Traders) -> list[int]:
    """The numbers that the shop gave, as intake gives them to cases."""
    rows = await everybody["shop"].log.rows(0, 100_000, topics=[OrderPlaced.TOPIC])
    return sorted(orjson.loads(row.state)["nth"] for row in rows)


async def refuses_until_settled(everybody: Traders) -> None:
    """Over HTTP, over NATS, by mail (a fact that its sender keeps), and on the command line."""
    answer = await everybody.post("urgent")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["remedy"] == "vefa reconcile shop"
    assert int(answer.headers["Retry-After"]) > 0
    process = everybody.processes["shop"]
    client = await nats.connect(everybody.nats.url)
    said = {"specversion": "1.0", "id": "n1", "source": "/web", "type": PlaceOrder.TOPIC}
    content = {"order": "told", "contact": "ada", "text": "please"}
    told = await client.request("vefa.hear.shop", orjson.dumps({**said, "data": content}), timeout=PATIENCE)
    await client.close()
    assert orjson.loads(told.data) | {"text": ""} == {
        "problem": "busy", "status": 503, "text": "", "remedy": "vefa reconcile shop",
    }  # fmt: skip
    with pytest.raises(Silent, match="were lost in a restore"):
        await process.edge.send(PlaceOrder(**content), command=False)
    with pytest.raises(Silent):
        await retry_parked(process.service, "order:1")
    retry = await everybody.vefa("parked", "retry", "shop", "order:1")
    assert (retry.status, "nothing is parked" in retry.err) == (2, True)
    with pytest.raises(Failed, match="first: vefa reconcile shop"):
        async with opened(everybody.data) as logs:
            await may_write(everybody.data, logs, "shop")
    assert (await everybody.ready("shop"))[0] == 503


@pytest.mark.long
async def test_who_does_not_know_of_the_new_epoch_yet_refuses_too(
    traders: Traders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process looks once a second; what comes in between is decided under the head lock, where it is known."""
    await few_lost(traders, "shop")
    await traders.start("shop")
    await traders.vefa("epoch", "new", "shop")
    shop = traders["shop"]
    await until(lambda: shop.silent is None)
    commit = shop.committer.commit

    async def before_that_row_is_read(batch: Sequence[Arrived]) -> list[Outcome | Exception]:
        if batch:  # otherwise it is a look, which would read the row
            shop.memory.resident["losses"].clear()
            known = shop.committer.position
            shop.committer.position = replace(known, head=replace(known.head, position=known.head.position - 1))
        return await commit(batch)

    with monkeypatch.context() as patch:
        patch.setattr(shop.committer, "commit", before_that_row_is_read)
        with pytest.raises(Silent, match="lost in a restore"):
            await shop.handle(order("between"))
    await traders.vefa("reconcile", "shop")
    await until(lambda: shop.lost is None)
    await shop.handle(order("between"))
    await traders.heard()
    assert await nths(traders) == list(range(1, 2 * FEW + 2))


@pytest.mark.long
async def test_control_without_epochs_positions_are_used_twice_and_events_are_swallowed(
    traders: Traders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def does_not_look(self: Epochs) -> "asyncio.Task[None]":
        self.compared.set()
        return asyncio.create_task(asyncio.sleep(0))

    monkeypatch.setattr(Epochs, "begin", does_not_look)
    monkeypatch.setattr(Batch, "_used_twice", lambda *_: False)
    said = await lose(traders, "shop")
    await traders.start("shop")
    await traders.place(range(BEFORE + LOST, BEFORE + LOST + NEW))
    await until(lambda: traders.processes["shop"].bus.relayed == traders["shop"].said)
    await asyncio.sleep(2)
    assert traders["shop"].said == said
    missed = set(await traders.orders("shop", OrderPlaced)) - set(await traders.orders("clerk", OrderPlaced))
    assert len(missed) == NEW, "the listeners held these positions for heard"
    assert not await traders["shop"].log.rows(0, 1, topics=[EpochBegan.TOPIC])


async def few_lost(everybody: Traders, *restored: str) -> int:
    """The same with 100 orders."""
    return await lose(everybody, *restored, before=FEW, lost=FEW)


async def carried(everybody: Traders, topic: type[Event]) -> list[tuple[str, str]]:
    """(order, event id) of everything on the stream, as somebody outside reads it."""
    client = await nats.connect(everybody.nats.url)
    stream = client.jetstream()
    reader = await stream.subscribe("vefa.event.>", ordered_consumer=True)
    found = []
    for _ in range((await stream.stream_info(STREAM)).state.messages):
        event = orjson.loads((await reader.next_msg(PATIENCE)).data)
        if event["type"] == topic.TOPIC:
            found.append((event["data"]["order"], event["id"]))
    await client.close()
    return found


@pytest.mark.long
async def test_listeners_alone_know_what_was_lost_when_nats_was_lost_too(traders: Traders) -> None:
    said = await few_lost(traders, "shop")
    traders.nats.wipe()
    traders.nats.start()
    await traders.start("shop")
    await traders.noticed("shop")
    assert "vefa epoch new shop" in (await traders.ready("shop"))[1]
    [begun] = (await traders.vefa("epoch", "new", "shop", "--json")).json.values()
    assert begun["lost_to"] == said
    [settled] = (await traders.vefa("reconcile", "shop", "--json")).json.values()
    assert (settled["recovered"], settled["given_up"]) == (FEW, 0)
    await until(lambda: traders["shop"].silent is None)
    await traders.place(range(2 * FEW, 3 * FEW))
    await traders.heard()
    await each_once(traders, 3 * FEW)
    await whole(traders)


@pytest.mark.parametrize("traders", ["one"], indirect=True)
@pytest.mark.long
async def test_everything_restored_together_comes_back_from_the_stream_and_nothing_is_decided_twice(
    traders: Traders,
) -> None:
    await few_lost(traders, *APPS)
    await traders.start()
    for name in ("shop", "clerk"):
        await traders.noticed(name)
        assert f"vefa epoch new {name}" in (await traders.ready(name))[1]
    begun = (await traders.vefa("epoch", "new", "--json")).json
    assert {name: bool(event) for name, event in begun.items()} == {"shop": True, "clerk": True, "courier": False}
    refused = await traders.vefa("verify", "--json")
    assert refused.status == 0, "nobody holds anything of what is lost"
    settled = (await traders.vefa("reconcile", "--json")).json
    assert [settled[name]["recovered"] for name in ("shop", "clerk")] == [FEW, FEW]
    await until(lambda: traders["shop"].silent is None)
    await traders.place(range(2 * FEW, 3 * FEW))
    await traders.heard()
    await each_once(traders, 3 * FEW)
    for topic in (OrderPlaced, OrderPacked):
        assert len(set(await carried(traders, topic))) == 3 * FEW, "each order under one id, before and after"
    await whole(traders)


@pytest.mark.long
async def test_a_restored_listener_hears_its_causes_again_and_says_what_it_had_said(traders: Traders) -> None:
    await few_lost(traders, "clerk")
    await traders.start("clerk")
    assert (await traders.vefa("epoch", "new", "clerk")).status == 0
    await traders.place(range(2 * FEW, 2 * FEW + 10))
    await until(lambda: "vefa reconcile clerk" in (traders.processes["clerk"].problem or ""))
    [settled] = (await traders.vefa("reconcile", "clerk", "--json")).json.values()
    assert settled["recovered"] == FEW
    await traders.heard()
    await each_once(traders, 2 * FEW + 10)
    rows = await traders["clerk"].log.rows(0, 9999)
    packed = [(before, row) for before, row in pairwise(rows) if row.topic == OrderPacked.TOPIC]
    assert all(before.originator_id == row.originator_id for before, row in packed), "each after its cause"
    assert len({order for order, _ in await carried(traders, OrderPacked)}) == 2 * FEW + 10
    assert len(set(await carried(traders, OrderPacked))) == 2 * FEW + 10
    await whole(traders)


@pytest.mark.long
async def test_what_is_given_up_stays_with_those_who_heard_it_and_may_be_said_again(traders: Traders) -> None:
    await few_lost(traders, "shop")
    await traders.start("shop")
    refused = await traders.vefa("reconcile", "shop")
    assert (refused.status, "vefa epoch new shop" in refused.err) == (2, True)
    await traders.vefa("epoch", "new", "shop")
    [settled] = (await traders.vefa("reconcile", "shop", "--give-up", "--json")).json.values()
    assert (settled["recovered"], settled["given_up"]) == (0, FEW)
    await until(lambda: traders["shop"].silent is None)
    await traders.place(range(FEW, FEW + 10))
    await traders.heard()
    assert len(await traders.orders("shop", OrderPlaced)) == FEW + 10
    assert len(await traders.orders("clerk", OrderPlaced)) == 2 * FEW + 10
    await whole(traders)


@pytest.mark.long
async def test_two_who_reconcile_at_once_wait_for_one_another(traders: Traders) -> None:
    await few_lost(traders, "shop")
    await traders.start("shop")
    assert (await traders.vefa("epoch", "new", "shop")).status == 0
    both = await asyncio.gather(*(traders.vefa("reconcile", "shop", "--json") for _ in range(2)))
    assert [(result.status, result.err) for result in both] == [(0, "")] * 2
    assert "".join(result.out for result in both).count('"shop": null') == 1
    await whole(traders)


@pytest.mark.long
async def test_a_command_that_is_repeated_gets_the_answer_of_before_the_restore(traders: Traders) -> None:
    async def asks() -> tuple[int, object]:
        answer = await traders.post("special", key="k1")
        return answer.status_code, answer.json()

    await traders.start()
    await traders.place(range(FEW))
    await traders.heard()
    await traders.stop("shop")
    traders.back_up("shop")
    await traders.start("shop")
    first = await asks()
    assert first == (200, {"order": "special", "nth": FEW + 1})
    await traders.heard()
    await traders.stop("shop")
    traders.restore("shop")
    await traders.start("shop")
    await traders.vefa("epoch", "new", "shop")
    await traders.vefa("reconcile", "shop")
    await until(lambda: traders["shop"].silent is None)
    assert [await asks(), await asks()] == [first, first]
    assert (await traders.orders("shop", OrderPlaced)).count("special") == 1
    await traders.heard()
    await whole(traders)


@pytest.mark.long
async def test_a_deadline_that_was_reached_before_the_restore_waits_and_is_not_answered_twice(traders: Traders) -> None:
    await traders.start()
    await traders.place(range(1))
    await traders.heard()
    await traders.stop("shop")
    traders.back_up("shop")
    await traders.start("shop")
    traders.at(NOON + timedelta(hours=2))
    await until(lambda: traders["shop"].said > 2)
    await traders.heard()
    await traders.stop("shop")
    traders.restore("shop")
    await traders.start("shop")
    await traders.vefa("epoch", "new", "shop")
    await until(lambda: traders["shop"].silent is None)
    traders.at(NOON + timedelta(hours=2))
    await asyncio.sleep(2)
    assert not await traders.orders("shop", OrderStale)
    await traders.vefa("reconcile", "shop")
    await until(lambda: traders["shop"].memory.table("losses").get("/2")["settled"] is not False)
    await asyncio.sleep(2)
    assert await traders.orders("shop", OrderStale) == ["0"]
    assert len({event for _, event in await carried(traders, OrderStale)}) == 1
    await whole(traders)


@pytest.mark.long
async def test_what_was_done_before_the_restore_is_not_done_again_and_what_is_new_is_done_after_it(
    traders: Traders,
) -> None:
    async def asks(name: str, amount: int) -> None:
        await traders["shop"].handle(order(name, amount=amount))

    POSTED.clear()
    await traders.start()
    await asks("old", PARCEL)
    await traders.heard()
    await traders.stop("shop")
    traders.back_up("shop")
    await traders.start("shop")
    await asks("lost", PARCEL + 1)
    traders.at(NOON + timedelta(hours=1))
    await until(lambda: len(POSTED) == 2)
    while len(await traders.orders("shop", OrderStale)) + len(await traders.orders("shop", ParcelLeft)) < 4:
        await asyncio.sleep(0.1)
    await traders.heard()
    await traders.stop("shop")
    traders.restore("shop")
    await traders.start("shop")
    await traders.vefa("epoch", "new", "shop")
    await until(lambda: traders["shop"].silent is None)
    traders.at(NOON + timedelta(hours=1))
    with pytest.raises(Silent):
        await asks("new", PARCEL + 1)
    await asyncio.sleep(2)
    assert sorted(POSTED) == ["lost", "old"]
    settled = (await traders.vefa("reconcile", "shop", "--json")).json["shop"]
    assert (settled["recovered"], settled["given_up"]) == (5, 0)
    await until(lambda: traders["shop"].lost is None)
    await asks("new", PARCEL + 1)
    await until(lambda: len(POSTED) == 3)
    await asyncio.sleep(2)
    assert sorted(POSTED) == ["lost", "new", "old"]
    await traders.heard()
    await whole(traders)


@pytest.mark.long
async def test_what_was_asked_for_is_done_by_nobody_while_it_comes_back(
    traders: Traders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What asked for it comes back before what came of it, and the service runs."""
    slow = Service.handle

    async def slowly(self: Service, *messages: Message | Envelope) -> list[Outcome]:
        """One commit each, so that a running service sees what stands between."""
        if not any(isinstance(m, Message) and m.recovered for m in messages):
            return await slow(self, *messages)
        outcomes = []
        for message in messages:
            outcomes += await slow(self, message)
            await asyncio.sleep(1.5)
        return outcomes

    POSTED.clear()
    await traders.start()
    await traders.place(range(1))
    await traders.heard()
    await traders.stop("shop")
    traders.back_up("shop")
    await traders.start("shop")
    await traders["shop"].handle(order("lost", amount=PARCEL + 1))
    await until(lambda: POSTED == ["lost"])
    await traders.heard()
    await traders.stop("shop")
    traders.restore("shop")
    await traders.start("shop")
    await traders.vefa("epoch", "new", "shop")
    await until(lambda: traders["shop"].silent is None)
    monkeypatch.setattr(Service, "handle", slowly)
    await traders.vefa("reconcile", "shop")
    await until(lambda: traders["shop"].lost is None)
    await asyncio.sleep(2)
    assert POSTED == ["lost"]


@pytest.mark.parametrize("more", [20, 150])
@pytest.mark.long
async def test_what_was_said_before_it_was_noticed_is_heard_after_all(traders: Traders, more: int) -> None:
    """NATS lost too, and no listener there when the shop starts: it cannot know. With 150 it says more than was lost,
    and only its listeners can notice."""
    said = await few_lost(traders, "shop")
    await traders.stop()
    traders.nats.wipe()
    traders.nats.start()
    await traders.start("shop")
    await until(lambda: traders.processes["shop"].problem is None)
    assert (await traders.ready("shop"))[0] == 200
    await traders.place(range(2 * FEW, 2 * FEW + more))
    await until(lambda: traders.processes["shop"].bus.relayed == traders["shop"].said)
    await traders.start("clerk", "courier")
    await until(lambda: "vefa epoch new shop" in (traders.processes["clerk"].problem or ""))
    [begun] = (await traders.vefa("epoch", "new", "shop", "--json")).json.values()
    assert (begun["restored_to"], begun["lost_to"]) == (2 * FEW, max(said, 2 * FEW + 2 * more))
    await until(lambda: "vefa reconcile shop" in (traders.processes["clerk"].problem or ""))
    await traders.vefa("reconcile", "shop")
    await traders.heard()
    await each_once(traders, 2 * FEW + more)
    await whole(traders)


@pytest.mark.long
async def test_a_database_restored_under_a_running_service_stops_it(traders: Traders) -> None:
    await traders.start()
    await traders.place(range(10))
    await traders.heard()
    with psycopg.connect(traders.databases["shop"]) as conn:  # what a restore of the server under it comes to
        conn.execute("delete from shop.stored_events where notification_id > 10")
        conn.execute(
            "update shop.head set notification_id = 10, said = 10,"
            " hash = (select hash from shop.stored_events where notification_id = 10)"
        )
    with pytest.raises(Overloaded):
        await traders["shop"].handle(order("next"))
    await traders.noticed("shop")
    assert (await traders.post("next")).json()["remedy"] == "vefa epoch new shop"
    assert "vefa epoch new shop" in (await traders.vefa("doctor", "--json")).out
    assert "vefa epoch new shop" in (await traders.vefa("lag")).out
