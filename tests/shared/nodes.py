"""Services of the test trade on a bus."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from faststream.nats import NatsBroker

from shared.bus.bus import Bus
from shared.runtime.service import Service


@dataclass
class Node:
    """A service on the bus."""

    service: Service
    bus: Bus
    broker: NatsBroker

    async def stop(self) -> None:
        await self.bus.rest()
        await self.broker.stop()


Join = Callable[..., Awaitable[Node]]


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
