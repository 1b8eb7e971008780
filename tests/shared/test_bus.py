"""The bus on a real nats-server: what is said reaches everybody once and in order, whatever NATS loses."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import nats
import pytest
from nats.js.errors import NotFoundError

from deploy.vefa.local.nats_server import NatsServer
from shared.bus.jetstream import STREAM, broker_of, declare
from shared.core.message import Message, fresh
from shared.runtime.clock import Deadlines, SteppedClock
from shared.store.rebuild import check
from tests.conftest import FreshNats
from tests.waiting import PATIENCE, until

from .nodes import Join, Node
from .trade import NOON, HurryOrder, OrderHurried, OrderPacked, OrderPlaced, OrderStale, order

pytestmark = [pytest.mark.long, pytest.mark.servers]


def hurry(number: object) -> Message:
    """A command at the clerk's own edge, by somebody who saw there that the order was heard."""
    return fresh(HurryOrder(order=str(number)), NOON, command=True)


def hears_all(listener: Node, publisher: Node) -> bool:
    return listener.service.tracked.get(publisher.service.name) == publisher.service.said


async def packed(clerk: Node) -> list[str]:
    rows = await clerk.service.log.rows(0, 10_000, topics=[OrderPacked.TOPIC])
    return [str(r.originator_id) for r in rows]


async def test_what_is_said_is_heard_and_answered(join: Join) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await shop.service.handle(*(order(n) for n in range(100)))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == [f"order:{n}" for n in range(100)]


async def test_what_is_heard_came_by_the_stream_not_by_reading_back(join: Join, fresh_nats: FreshNats) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await shop.service.handle(*(order(n) for n in range(10)))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    client = await nats.connect(fresh_nats.url)
    consumer = await client.jetstream().consumer_info(STREAM, "clerk")
    assert consumer.delivered
    assert consumer.delivered.stream_seq == 10
    await client.close()


async def test_a_lone_message_does_not_wait_for_a_batch_to_fill(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.consumer.PULL_SECONDS", 3600.0)  # who waited for it would wait for so long
    shop, clerk = await join("shop"), await join("clerk")
    await until(lambda: clerk.bus.listening)
    for number in range(4):
        await shop.service.handle(order(number))
        await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)


async def test_a_late_joiner_reads_the_past_from_the_publishers_log(join: Join, fresh_nats: FreshNats) -> None:
    shop = await join("shop")
    await shop.service.handle(*(order(n) for n in range(50)))
    await until(lambda: shop.bus.relayed == shop.service.said)
    client = await nats.connect(fresh_nats.url)
    await client.jetstream().purge_stream(STREAM)
    await client.close()
    clerk = await join("clerk")
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == [f"order:{n}" for n in range(50)]


@pytest.mark.parametrize("first_heard", ["shop", "clerk"])
async def test_a_late_joiner_hears_causes_before_effects_also_causes_from_outside(
    join: Join, fresh_nats: FreshNats, first_heard: str
) -> None:
    """``first_heard`` speaks first when the courier is there, and so shows it that it missed something."""
    shop, clerk = await join("shop", head_every=60), await join("clerk", head_every=60)
    for number in range(20):
        await shop.service.handle(order(number))
        await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
        await clerk.service.handle(hurry(number))
    await until(lambda: clerk.bus.relayed == clerk.service.said and shop.bus.relayed == shop.service.said)
    client = await nats.connect(fresh_nats.url)
    await client.jetstream().purge_stream(STREAM)
    await client.close()
    courier = await join("courier")
    speak = {"shop": (shop, order("last")), "clerk": (clerk, hurry("last"))}
    for node, last in (speak.pop(first_heard), *speak.values()):
        await node.service.handle(last)
        await until(partial(hears_all, courier, node))
    heard = [(str(row.originator_id), row.topic) for row in await courier.service.log.rows(0, 999)]
    for number in range(20):
        course = [topic for stream, topic in heard if stream == f"order:{number}"]
        assert course == [OrderPlaced.TOPIC, OrderPacked.TOPIC, OrderHurried.TOPIC]


async def test_a_lost_message_is_read_from_the_log_when_the_next_one_shows_the_gap(
    join: Join, fresh_nats: FreshNats
) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await clerk.bus.rest()
    await shop.service.handle(order(1))
    await until(lambda: shop.bus.relayed == shop.service.said)
    client = await nats.connect(fresh_nats.url)
    await client.jetstream().purge_stream(STREAM)
    await client.close()
    await clerk.bus.act()
    await shop.service.handle(order(2))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == ["order:1", "order:2"]


async def test_a_lost_last_message_is_found_by_the_announced_head(join: Join, fresh_nats: FreshNats) -> None:
    shop = await join("shop")
    clerk = await join("clerk")
    await until(lambda: clerk.bus.listening)
    await clerk.bus.listener.stop()
    await shop.service.handle(order(1))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == ["order:1"]


async def listens(server: FreshNats, service: str) -> bool:
    """Whether a service gets a consumer of the stream."""
    client = await nats.connect(server.url)
    for _ in range(int(PATIENCE / 0.1)):
        with suppress(NotFoundError):
            await client.jetstream().consumer_info(STREAM, service)
            await client.close()
            return True
        await asyncio.sleep(0.1)
    await client.close()
    return False


async def test_nats_may_lose_everything_while_services_run(join: Join, fresh_nats: FreshNats) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await shop.service.handle(*(order(n) for n in range(30)))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    fresh_nats.wipe()
    await shop.service.handle(*(order(n) for n in range(30, 60)))
    fresh_nats.start()
    client = await nats.connect(fresh_nats.url)
    await declare(client)
    await client.close()
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == [f"order:{n}" for n in range(60)]
    assert await listens(fresh_nats, "clerk")
    result = await check(clerk.service.log, clerk.service.views, "clerk_views")
    assert all(table.equal for table in result.values())


async def test_a_log_is_read_in_pages_that_say_how_far_they_looked(join: Join) -> None:
    shop = await join("shop")
    await shop.service.handle(*(order(n, text="x" * 2000) for n in range(300)))
    ask = json.dumps({"after": 0}).encode()
    client = shop.broker.config.connection_state.connection
    page = json.loads((await client.request("vefa.log.shop", ask, timeout=PATIENCE)).data)
    assert 0 < len(page["events"]) < 300
    assert page["looked"] == page["events"][-1]["position"]
    assert "xxxxxxxx" not in json.dumps(page)


@pytest.mark.parametrize("turns", range(6))
async def test_a_service_rests_also_when_it_is_asked_in_the_moment_of_a_commit(join: Join, turns: int) -> None:
    shop = await join("shop")
    await asyncio.sleep(0.1)
    shop.bus.relay.woken.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await shop.bus.rest()


async def test_the_stream_does_not_wait_for_the_disk_also_when_it_is_of_an_older_version(fresh_nats: FreshNats) -> None:
    client = await nats.connect(fresh_nats.url)
    js = client.jetstream()
    await js.add_stream(name=STREAM, subjects=["vefa.event.>"])
    for _ in range(2):
        await declare(client)
        assert (await js.stream_info(STREAM)).config.persist_mode == "async"
    await client.close()


async def test_a_topic_that_is_new_to_a_service_with_a_past_is_heard_from_its_beginning(join: Join) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await shop.service.handle(order(1))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    await Deadlines(shop.service, SteppedClock(NOON + timedelta(hours=2))).fire()
    await shop.service.handle(order(2))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    await clerk.stop()
    await shop.stop()
    hears = [("shop", OrderPlaced.TOPIC), ("shop", OrderStale.TOPIC)]
    clerk = await join("clerk", subscribes=hears)
    await asyncio.sleep(1.2)  # nobody answers yet
    assert not clerk.bus.listening
    await until(lambda: clerk.bus.problem)
    shop = await join("shop")
    await until(lambda: clerk.bus.problem is None)
    rows = await clerk.service.log.rows(0, 99, topics=[topic for _, topic in hears])
    heard = await clerk.service.open(rows)
    found = [(m.event.stream, m.event.TOPIC, m.late) for m in heard]
    assert found[:2] == [("order:1", OrderPlaced.TOPIC, False), ("order:2", OrderPlaced.TOPIC, False)]
    assert found[2:] == [("order:1", OrderStale.TOPIC, True)]
    await shop.service.handle(order(3))
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    assert await packed(clerk) == ["order:1", "order:2", "order:3"]


@pytest.mark.parametrize(
    ("ask", "field"),
    [(b"{", "question"), (b"null", "question"), (b"{}", "after"), (b'{"after": -1}', "after"),
     (b'{"after": "x"}', "after"), (b'{"after": 0, "upto": 1e300}', "upto"),
     (b'{"after": 9223372036854775808}', "after"),
     (b'{"after": 0, "topics": "all"}', "topics"), (b'{"after": 0, "topics": ["a\\u0000"]}', "topics.0")],
)  # fmt: skip
async def test_a_question_that_cannot_be_asked_gets_a_problem_that_names_the_field(
    join: Join, ask: bytes, field: str
) -> None:
    shop = await join("shop")
    client = shop.broker.config.connection_state.connection
    answer = json.loads((await client.request("vefa.log.shop", ask, timeout=PATIENCE)).data)
    assert [wrong["field"] for wrong in answer["fields"]] == [field]


async def test_a_log_that_said_nothing_of_a_topic_says_so(join: Join) -> None:
    shop = await join("shop")
    await shop.service.handle(order(1))
    client = shop.broker.config.connection_state.connection
    ask = json.dumps({"after": 0, "topics": ["shop.nothing.v1"]}).encode()
    assert json.loads((await client.request("vefa.log.shop", ask, timeout=PATIENCE)).data) == {
        "events": [],
        "looked": 2,
    }


async def test_a_service_says_that_it_is_not_ready_while_nats_is_gone(join: Join, fresh_nats: FreshNats) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await until(lambda: clerk.bus.problem is None and shop.bus.problem is None)
    fresh_nats.stop()
    await until(lambda: clerk.bus.problem == "NATS cannot be reached")
    await shop.service.handle(order(1))
    fresh_nats.start()
    await until(lambda: clerk.service.tracked.get("shop") == shop.service.said)
    await until(lambda: clerk.bus.problem is None and shop.bus.problem is None)


async def test_a_service_is_ready_once_it_has_heard_all_also_after_one_that_died_with_messages(
    join: Join, fresh_nats: FreshNats
) -> None:
    """NATS delivers them again after 30 s only; they were read from the log long before."""
    shop, clerk = await join("shop"), await join("clerk")
    await until(lambda: clerk.bus.problem is None)
    await clerk.bus.rest()
    await shop.service.handle(order(1))
    client = await nats.connect(fresh_nats.url)
    died = await client.jetstream().pull_subscribe_bind("clerk", STREAM)
    assert len(await died.fetch(1)) == 1
    await clerk.bus.act()
    await until(lambda: clerk.bus.problem is None)
    again = await client.jetstream().consumer_info(STREAM, "clerk")
    assert not again.num_redelivered
    await client.close()
    assert await packed(clerk) == ["order:1"]


async def test_who_is_no_user_of_nats_any_more_is_told_that_it_is_over(fresh_nats: FreshNats) -> None:
    over = asyncio.Event()

    async def cut_off() -> None:
        over.set()

    broker = broker_of("shop", fresh_nats.server.url("shop"), cut_off)
    await broker.start()
    fresh_nats.stop()
    fresh_nats.server = NatsServer(fresh_nats.home, fresh_nats.server.port, ("clerk",))
    fresh_nats.server.start()
    async with asyncio.timeout(PATIENCE):
        await over.wait()
        client = broker.config.connection_state.connection
        await asyncio.wait([client._reconnection_task])
    assert client._reconnection_task.exception(), "the client itself has given up"
    await client.close()


async def test_a_service_that_finds_no_stream_makes_it_though_nobody_speaks(join: Join, fresh_nats: FreshNats) -> None:
    shop = await join("shop")
    await shop.service.handle(order(1))
    await until(lambda: shop.bus.relayed == shop.service.said)
    client = await nats.connect(fresh_nats.url)
    await client.jetstream().delete_stream(STREAM)
    await client.close()
    clerk = await join("clerk")
    await until(lambda: clerk.bus.listening)
    await until(lambda: clerk.service.said > 0)
    assert await packed(clerk) == ["order:1"]


async def test_a_service_that_cannot_record_what_it_hears_says_so(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, clerk = await join("shop"), await join("clerk")
    await until(lambda: clerk.bus.problem is None)

    async def gone(_: Any) -> Any:
        raise ConnectionResetError

    with monkeypatch.context() as broken:
        broken.setattr(clerk.service.committer, "commit", gone)
        await shop.service.handle(order(1))
        await until(lambda: "cannot record" in str(clerk.bus.problem))
    await until(lambda: clerk.bus.problem is None)
    assert await packed(clerk) == ["order:1"]
