"""Processes of the test trade over simulated ports, for tests of the kernel that need no servers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from shared.bus.bus import Bus
from shared.runtime.clock import SteppedClock
from shared.runtime.service import Service
from tests.shared import trade

from .disk import Disk
from .fate import CALM, Fate, Planned, Ports
from .log import SimulatedLog
from .loop import Life, Loop
from .transport import SimulatedBus, SimulatedTransport
from .vault import SimulatedVault

SERVICES: dict[str, Callable[..., Service]] = {"shop": trade.shop, "clerk": trade.clerk, "courier": trade.courier}


@dataclass
class Desk:
    """A process; ``disk`` outlives it."""

    service: Service
    bus: Bus
    ports: Ports


class Trade:
    """A bus, and a disk for each service."""

    def __init__(self, *plans: Planned):
        self.loop = Loop("trade")  # type: ignore[abstract]  # without what nobody asks it for
        self.fate = Fate("trade", self.loop, list(plans), CALM)
        self.fate.befalls = lambda life: None
        self.bus = SimulatedBus(self.loop, self.fate)
        self.disks: dict[str, Disk] = {name: Disk() for name in SERVICES}
        self.keys: dict[str, Any] = {}

    def run(self, play: Callable[["Trade"], Awaitable[None]]) -> None:
        async def played() -> None:
            await play(self)

        self.loop.run(played())
        assert not self.loop.troubles

    async def process(self, name: str, *, acts: bool = True, head_every: float = 1.0) -> Desk:
        """Another process of a service, begun."""
        ports = Ports(Life(name), self.fate)
        vault = SimulatedVault(self.keys, ports)
        service = SERVICES[name](SimulatedLog(self.disks[name], ports, name), vault)

        async def told(_: bytes) -> bytes:
            return b"{}"

        transport = SimulatedTransport(name, self.bus, ports)
        bus = Bus(
            service, transport, SteppedClock(trade.NOON), told,  # type: ignore[arg-type]  # it knows no epochs
            head_every=head_every, look_every=1, silent_after=2,
        )  # fmt: skip

        async def start() -> None:
            await service.start()
            if acts:
                service.leads = True
                await bus.act()

        await self.loop.create_task(start(), context=ports.life.context)
        return Desk(service, bus, ports)
