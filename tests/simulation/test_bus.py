"""What the simulation found in the bus, each by itself: the number is that of the seed that showed it first."""

import asyncio
from typing import Any

import orjson
import pytest
from psycopg import OperationalError

from tests.shared.trade import order

from .trading import Trade


def test_a_head_counts_what_another_process_said() -> None:
    """5666: what a process that does not act said last, and the bus lost, was never missed."""

    async def play(trade: Trade) -> None:
        shop, clerk = await trade.process("shop"), await trade.process("clerk")
        other = await trade.process("shop", acts=False)
        announced: list[int] = []

        async def on_head(source: str, head: bytes) -> None:
            announced.append(orjson.loads(head)["position"])

        clerk.bus.transport._head = on_head  # type: ignore[attr-defined]
        await other.service.handle(order(1))
        await asyncio.sleep(5)
        assert announced[-1] == shop.service.said == trade.disks["shop"].head.said == 2

    Trade().run(play)


def test_who_finds_no_stream_makes_it_and_listens() -> None:
    """6272: NATS had lost its stream, and nobody had anything to say: a service that started then was deaf."""

    async def play(trade: Trade) -> None:
        shop = await trade.process("shop")
        await shop.service.handle(order(1))
        await asyncio.sleep(2)
        trade.bus.wipe()
        clerk = await trade.process("clerk")
        await asyncio.sleep(5)
        assert clerk.bus.listening
        assert clerk.service.tracked["shop"] == trade.disks["shop"].head.said

    Trade().run(play)


def test_a_relay_whose_stream_cannot_be_made_says_so_and_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that lacks servers for the stream refuses at once: it was asked without a pause, and all was green."""

    async def play(trade: Trade) -> None:
        shop, asked = await trade.process("shop"), list[float]()

        async def refused() -> None:
            asked.append(trade.loop.time())
            raise TimeoutError

        await asyncio.sleep(1)
        trade.bus.wipe()
        with monkeypatch.context() as broken:
            broken.setattr(shop.bus.transport, "declare", refused)
            await shop.service.handle(order(1))
            await asyncio.sleep(5)
            assert "cannot publish" in str(shop.bus.problem)
            assert 5 <= len(asked) <= 10
        await asyncio.sleep(3)
        assert shop.bus.problem is None
        assert shop.bus.relayed == trade.disks["shop"].head.said

    Trade().run(play)


async def _broken(*_: Any, **__: Any) -> Any:
    raise OperationalError("the connection is lost")


def test_a_relay_with_nothing_to_say_goes_well_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """51: it had failed to look for what others said, and was red until the next thing was said."""

    async def play(trade: Trade) -> None:
        shop = await trade.process("shop")
        with monkeypatch.context() as broken:
            broken.setattr(shop.service.log, "head", _broken)
            await asyncio.sleep(3)
            assert "cannot publish" in str(shop.bus.problem)
        await asyncio.sleep(3)
        assert shop.bus.problem is None

    Trade().run(play)


def test_what_was_heard_from_its_log_meanwhile_troubles_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """9: a batch could not be recorded, NATS lost it, and the service was red until the next one."""

    async def play(trade: Trade) -> None:
        shop, clerk = await trade.process("shop"), await trade.process("clerk")
        await asyncio.sleep(1)
        with monkeypatch.context() as broken:
            broken.setattr(clerk.service.log, "append", _raise)
            await shop.service.handle(order(1))
            await asyncio.sleep(0.5)
            assert "cannot record" in str(clerk.bus.problem)
            trade.bus.wipe()
        await asyncio.sleep(12)
        assert clerk.bus.problem is None
        assert clerk.service.tracked["shop"] == trade.disks["shop"].head.said

    Trade().run(play)


def _raise(*_: Any) -> Any:
    raise OperationalError("the connection is lost")
