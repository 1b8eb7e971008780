"""NATS is disposable: it is stopped, loses all its data, or has a bit of it flipped; every listener hears every event
all the same, in order and once."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
from nats.js.errors import NotFoundError

from shared.bus.jetstream import STREAM
from shared.store.rebuild import check
from tests.conftest import FreshNats
from tests.sizes import sized
from tests.waiting import PATIENCE, until

from .nodes import Join, Node
from .trade import OrderPacked, OrderPlaced, order

EVENTS = sized(5000, 1000, "VEFA_PROOF_EVENTS")
ORDERS, FEW, AT_ONCE = EVENTS // 2, min(500, EVENTS // 4), 250
"""Each is said by the shop and packed by the clerk: two events."""
SECONDS = 300 + EVENTS / 50
"""So long may take what a NATS that lost everything leaves to be read from the logs."""
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900 + EVENTS / 20)]


class Trade:
    """A shop, a clerk who hears it, and a courier who hears both."""

    def __init__(self, shop: Node, clerk: Node, courier: Node):
        self.shop, self.clerk, self.courier = shop, clerk, courier

    async def say(self, orders: range) -> None:
        for at in range(orders.start, orders.stop, AT_ONCE):
            await self.shop.service.handle(*(order(n) for n in range(at, min(at + AT_ONCE, orders.stop))))

    @property
    def listeners(self) -> tuple[Node, Node]:
        return self.clerk, self.courier

    def heard_all(self) -> bool:
        return all(
            hearer.service.tracked.get(name) == teller.service.said
            for hearer, name, teller in (
                (self.clerk, "shop", self.shop), (self.courier, "shop", self.shop), (self.courier, "clerk", self.clerk)
            )
        ) and self.clerk.service.said > 0  # fmt: skip

    async def whole(self, orders: int) -> None:
        """Every event at every listener, in order, and nothing done twice."""
        await until(self.heard_all, seconds=SECONDS)
        wanted = [f"order:{n}" for n in range(orders)]
        clerk, courier = self.clerk.service.log, self.courier.service.log
        for log, topic in ((clerk, OrderPlaced), (clerk, OrderPacked), (courier, OrderPlaced), (courier, OrderPacked)):
            rows = await log.rows(0, 100_000, topics=[topic.TOPIC])
            assert [str(row.originator_id) for row in rows] == wanted, (log.schema, topic)
            assert len({row.event_id for row in rows}) == orders
        result = await check(clerk, self.clerk.service.views, "clerk_views")
        assert all(table.equal for table in result.values())
        async with clerk.pool.connection() as conn:
            row = await (await conn.execute("select orders, amount from clerk_views.packed")).fetchone()
        assert row == (orders, orders), "each order was packed once"


async def trade(join: Join) -> Trade:
    return Trade(await join("shop"), await join("clerk"), await join("courier"))


async def kept(server: FreshNats) -> int:
    """How many messages of the shop a listener could still get of the stream alone."""
    client = await nats.connect(server.url)
    try:
        js = client.jetstream()
        info = await js.stream_info(STREAM)
        found = 0
        for number in range(info.state.first_seq, info.state.last_seq + 1):
            try:
                found += (await js.get_msg(STREAM, number)).subject.startswith("vefa.event.shop.")
            except NotFoundError:
                pass
        return found
    except NotFoundError:
        return 0
    finally:
        await client.close()


def flip_a_bit(store: Path) -> None:
    """In the middle of the largest file that holds messages. What the server noted of its files is gone with that, as
    after a kill -9: it reads them anew."""
    block = max(store.rglob("*.blk"), key=lambda path: path.stat().st_size)
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.write_bytes(content)
    for noted in store.rglob("index.db"):
        noted.unlink()


async def test_a_nats_that_loses_all_its_data_costs_nobody_an_event(
    join: Join, fresh_nats: FreshNats, record_property: Callable[[str, object], None]
) -> None:
    everybody = await trade(join)
    await everybody.say(range(ORDERS // 2))
    fresh_nats.wipe()
    await everybody.say(range(ORDERS // 2, ORDERS))
    await asyncio.sleep(1)
    fresh_nats.start()
    began = time.monotonic()
    await everybody.whole(ORDERS)
    record_property("figures", f"{EVENTS} events whole {time.monotonic() - began:.0f} s after NATS was back")


async def bit_flipped(join: Join, server: FreshNats) -> tuple[Trade, int]:
    """Orders were said while nobody listened, then a bit of them was flipped; and how many of them the stream has."""
    everybody = await trade(join)
    for listener in everybody.listeners:
        await listener.bus.rest()
    await everybody.say(range(FEW))
    await until(lambda: everybody.shop.bus.relayed == everybody.shop.service.said)
    server.stop()
    flip_a_bit(server.server.own)
    server.start()
    left = await kept(server)
    for listener in everybody.listeners:
        await listener.bus.act()
    await everybody.say(range(FEW, 2 * FEW))
    return everybody, left


@pytest.mark.long
async def test_a_flipped_bit_costs_nobody_an_event(join: Join, fresh_nats: FreshNats) -> None:
    everybody, left = await bit_flipped(join, fresh_nats)
    assert left < FEW, "the stream alone has lost some"
    await everybody.whole(2 * FEW)


@pytest.mark.long
async def test_control_who_does_not_look_for_gaps_misses_what_the_bit_cost(
    join: Join, fresh_nats: FreshNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        pass

    monkeypatch.setattr("shared.runtime.batch.gap_before", lambda *_: None)
    monkeypatch.setattr("shared.runtime.passing.gap_before", lambda *_: None)
    monkeypatch.setattr("shared.bus.listener.Listener.backfill", nothing)
    everybody, left = await bit_flipped(join, fresh_nats)
    await until(everybody.heard_all)
    heard = await everybody.clerk.service.log.rows(0, 100_000, topics=[OrderPlaced.TOPIC])
    assert len(heard) == left + FEW < 2 * FEW


@pytest.mark.long
async def test_what_is_delivered_again_is_not_done_again(join: Join, fresh_nats: FreshNats) -> None:
    everybody = await trade(join)
    await everybody.say(range(FEW))
    await everybody.whole(FEW)
    heads = [await node.service.log.head() for node in everybody.listeners]
    client = await nats.connect(fresh_nats.url)
    for node, again in zip(everybody.listeners, (FEW, 2 * FEW), strict=True):
        await node.bus.rest()
        await client.jetstream().delete_consumer(STREAM, node.service.name)
        await node.bus.act()
        await until(lambda node=node: node.bus.problem is None)  # type: ignore[misc]
        async with asyncio.timeout(PATIENCE):  # control: all of it comes once more
            while (await client.jetstream().consumer_info(STREAM, node.service.name)).delivered.consumer_seq < again:
                await asyncio.sleep(0.05)
    await client.close()
    await everybody.whole(FEW)
    assert [await node.service.log.head() for node in everybody.listeners] == heads
