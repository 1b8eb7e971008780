"""A consumer that hears nothing although messages wait is noticed: 30 times the connection breaks between its
subscription and its request for messages, and it is never silent for longer than its watchdog plus 2 s."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import pytest
import pytest_asyncio

from tests.conftest import FreshNats
from tests.sizes import sized
from tests.waiting import PATIENCE, until

from .cutting import DELIVERY, FETCH, Way, way_to
from .nodes import Join, Node
from .trade import OrderPlaced, order

pytestmark = [pytest.mark.servers]
CUTS, FEW, LISTENERS = sized(30, 6), sized(10, 4), ("clerk", "courier")
WATCHDOG, NEVER = 1.0, 3600.0
"""Seconds. Heads are announced and looks taken twice as often, in the proportions of Bus."""
PROMISED, REDELIVERED, GIVEN_UP = WATCHDOG + 2, 25.0, 7.0
"""Seconds: what is promised; before NATS delivers again, which it does after 30; when a control is over."""


@pytest_asyncio.fixture
async def ways(fresh_nats: FreshNats) -> AsyncIterator[list[Way]]:
    """A way to NATS for each listener."""
    async with way_to(fresh_nats.server.port) as first, way_to(fresh_nats.server.port) as second:
        yield [first, second]


@dataclass
class Trade:
    """A shop, and who hears it, each by its own way."""

    shop: Node
    listeners: list[tuple[Node, Way]]
    patience: float = PATIENCE

    @classmethod
    async def on(
        cls, join: Join, ways: list[Way], watchdog: float, head_every: float, patience: float = PATIENCE
    ) -> Self:
        shop = await join("shop", head_every=head_every)
        options = {"head_every": NEVER, "silent_after": watchdog, "subscribes": [("shop", OrderPlaced.TOPIC)]}
        pairs = zip(LISTENERS, ways, strict=True)
        return cls(shop, [(await join(name, port=way.port, **options), way) for name, way in pairs], patience)

    async def silences(self, cuts: int, what: bytes) -> list[float]:
        """How long, each time, a listener did not hear what was said when this was lost."""
        found = list[float]()
        for _ in range(cuts // len(self.listeners)):
            await self._say()
            await asyncio.gather(*(self._heard(node) for node, _ in self.listeners))
            await asyncio.gather(*(loses(node, way, what) for node, way in self.listeners))
            began = time.monotonic()
            await self._say()
            found += await asyncio.gather(*(self._silent(node, began) for node, _ in self.listeners))
        return found

    async def _say(self) -> None:
        await self.shop.service.handle(order(self.shop.service.said))

    async def _heard(self, node: Node, seconds: float = PATIENCE) -> None:
        said = self.shop.service.said
        await until(lambda: node.bus.listening and node.service.tracked.get("shop") == said, seconds=seconds)

    async def _silent(self, node: Node, began: float) -> float:
        with suppress(AssertionError):
            await self._heard(node, self.patience)
        return time.monotonic() - began


def in_time(silences: list[float]) -> bool:
    """Every second one at least; a busy machine lengthens some of them."""
    return statistics.median(silences) <= PROMISED


async def loses(node: Node, way: Way, what: bytes) -> None:
    """A request is lost between a subscription and itself; a delivery with what is said next."""
    lost = way.lost
    way.lose_next(what)
    if what == FETCH:
        await node.bus.listener.stop()
        await node.bus.listener.start()
        await until(lambda: way.lost > lost)


async def test_a_listener_whose_request_is_lost_is_never_silent_for_long(
    join: Join, ways: list[Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.bus.consumer.PULL_SECONDS", NEVER)  # nothing but the watchdog ends it
    found = await (await Trade.on(join, ways, WATCHDOG, NEVER)).silences(CUTS, FETCH)
    assert len(found) == sum(way.lost for way in ways) == CUTS
    assert in_time(found)


@pytest.mark.long
async def test_control_without_the_watchdog_it_is_silent_until_its_request_would_have_ended(
    join: Join, ways: list[Way]
) -> None:
    found = await (await Trade.on(join, ways, NEVER, NEVER, GIVEN_UP)).silences(len(LISTENERS), FETCH)
    assert max(found) > PROMISED


@pytest.mark.long
async def test_a_listener_who_loses_what_was_delivered_is_never_silent_for_long(join: Join, ways: list[Way]) -> None:
    """NATS waits for its acknowledgement and has nothing more for it: the announced head tells it."""
    found = await (await Trade.on(join, ways, WATCHDOG, WATCHDOG / 2)).silences(FEW, DELIVERY)
    assert len(found) == sum(way.lost for way in ways) == FEW
    assert in_time(found)
    assert max(found) < REDELIVERED


@pytest.mark.long
async def test_control_without_announced_heads_he_is_silent_until_nats_delivers_again(
    join: Join, ways: list[Way]
) -> None:
    found = await (await Trade.on(join, ways, WATCHDOG, NEVER, GIVEN_UP)).silences(len(LISTENERS), DELIVERY)
    assert max(found) > PROMISED
