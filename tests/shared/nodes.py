"""Services of the test trade on a bus."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
