"""A consumer that hears nothing although messages wait is noticed: 30 times the connection breaks between its
subscription and its request for messages, and it is never silent for longer than its watchdog plus 2 s."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import FreshNats

from .cutting import Way, way_to
from .nodes import Join, Node, until
from .trade import OrderPlaced, order

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
CUTS, LISTENERS = 30, ("clerk", "courier")
WATCHDOG, NEVER = 1.0, 3600.0
PROMISED = WATCHDOG + 2


@pytest_asyncio.fixture
async def ways(fresh_nats: FreshNats) -> AsyncIterator[list[Way]]:
    """A way to NATS for each listener."""
    async with way_to(fresh_nats.server.port) as first, way_to(fresh_nats.server.port) as second:
        yield [first, second]


async def silences(join: Join, ways: list[Way], cuts: int, watchdog: float) -> list[float]:
    """How long, each time, a listener did not hear what was said after its request was lost. Nothing else than the
    stream tells him: heads are not announced."""
    shop = await join("shop", head_every=NEVER)
    nodes = [
        await join(
            name, port=way.port, head_every=NEVER, silent_after=watchdog, hears=[("shop", OrderPlaced.TOPIC)]
        )
        for name, way in zip(LISTENERS, ways, strict=True)
    ]  # fmt: skip
    found = list[float]()
    for number in range(cuts // len(nodes)):
        await shop.service.hear(order(f"before-{number}"))
        await asyncio.gather(*(heard(node, shop) for node in nodes))
        await asyncio.gather(*(loses_its_request(*pair) for pair in zip(nodes, ways, strict=True)))
        began = time.monotonic()
        await shop.service.hear(order(f"after-{number}"))

        async def silent(node: Node, began: float = began) -> float:
            await heard(node, shop)
            return time.monotonic() - began

        found += await asyncio.gather(*(silent(node) for node in nodes))
    return found


async def heard(node: Node, shop: Node) -> None:
    await until(lambda: node.bus.listening and node.service.tracked.get("shop") == shop.service.said, 30)


async def loses_its_request(node: Node, way: Way) -> None:
    lost = way.lost
    way.lose_next_fetch()
    await node.bus._stop_consumer()
    await node.bus._start_consumer()
    await until(lambda: way.lost > lost)


async def test_a_listener_whose_request_is_lost_is_never_silent_for_long(join: Join, ways: list[Way]) -> None:
    found = await silences(join, ways, CUTS, WATCHDOG)
    assert len(found) == sum(way.lost for way in ways) == CUTS
    assert max(found) <= PROMISED


async def test_control_without_the_watchdog_it_is_silent_until_its_request_would_have_ended(
    join: Join, ways: list[Way]
) -> None:
    assert max(await silences(join, ways, len(LISTENERS), NEVER)) > PROMISED
