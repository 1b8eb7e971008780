"""A service on the bus as its leader runs it, in this process and without HTTP and timers."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid5

from shared.base.database import connect
from shared.bus.bus import Bus
from shared.bus.jetstream import broker_of
from shared.bus.transport import NatsTransport
from shared.core.facts import PublishPolicy
from shared.core.message import NAMESPACE, fresh
from shared.host.app import App
from shared.privacy.vault import Vault
from shared.runtime.clock import SystemClock
from shared.runtime.service import Service
from shared.store.rebuild import prepare

from .room import Room

PATIENCE_SECONDS = 120


@dataclass
class Station:
    """A service and its bus."""

    app: App
    service: Service
    bus: Bus
    clock: SystemClock

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """It hears and publishes while the block runs."""
        self.service.leads = True
        await self.bus.act()
        try:
            while not self.bus.listening:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
            yield
        finally:
            await self.bus.rest()
            self.service.leads = False

    async def until(self, ends: Mapping[str, int]) -> None:
        """Returns when it has heard each of its sources up to there and published all it said."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while self._behind(ends):
            if time.monotonic() > patience:
                raise TimeoutError(f"{self.app.name} heard {self.service.tracked} of {ends}; {self.bus.problem}")
            await asyncio.sleep(0.002)

    def _behind(self, ends: Mapping[str, int]) -> bool:
        heard = self.service.tracked
        return self.bus.relayed < self.service.said or any(
            heard.get(source, 0) < ends.get(source, 0) for source in self.service.sources
        )

    async def ship_policies(self) -> None:
        """What comes with it is in force."""
        for name, document in self.app.shipped().items():
            if not self.service.memory.has_policy(name):
                command = PublishPolicy(
                    service=self.app.name, name=name, document=document, by="shipped", reason="bench"
                )
                event_id = uuid5(NAMESPACE, f"{self.app.name}/{name}")
                await self.service.handle(fresh(command, self.clock.now(), id=event_id, command=True))


@asynccontextmanager
async def station(room: Room, app: App, database: str) -> AsyncIterator[Station]:
    """``app`` on this database."""
    async with connect(database) as pool:
        vault, log, clock = Vault(pool, room.master), app.log_on(pool), SystemClock()
        await vault.create()
        await prepare(log, app.views, f"{app.name}_views")
        service = app.service_on(log, vault)
        await service.start()
        broker = broker_of(app.name, room.servers.nats_url(app.name))
        bus = Bus(service, NatsTransport(app.name, broker), clock, _refuse)
        await broker.start()
        try:
            yield Station(app, service, bus, clock)
        finally:
            await service.stop()
            await broker.stop()


async def _refuse(body: bytes) -> bytes:
    raise NotImplementedError("nobody speaks to a service in a benchmark")
