"""One run of a service's process over simulated ports: what shared/host/process.py puts together, without servers."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from uuid import uuid5

from psycopg import OperationalError

from contracts.notification import DeliveryReported, Withholding
from deploy.vefa.services import app_of, names
from shared.base.errors import raised_at
from shared.base.settings import Settings
from shared.bus.bus import Bus
from shared.core.event import Event
from shared.core.facts import PublishPolicy
from shared.core.message import NAMESPACE, Actor, Message, fresh
from shared.edge.edge import Edge
from shared.edge.nats import told
from shared.host.app import App
from shared.privacy.sealing import Key, Links
from shared.runtime.clock import Deadlines
from shared.runtime.effects import EffectHandler, Effects
from shared.runtime.rules import Rules
from shared.runtime.service import Service

from .disk import Disk
from .fate import Fate, Ports
from .log import SimulatedLog
from .loop import Life, Loop
from .transport import SimulatedBus, SimulatedTransport
from .vault import SimulatedVault

APPS: Mapping[str, App] = {name: app_of(name) for name in names()}
HEAD_SECONDS, LOOK_SECONDS, SILENT_SECONDS = 2.0, 2.0, 4.0
TROUBLES = (OperationalError, TimeoutError)
SETTINGS = Settings(database_url="", nats_url="", secrets=Path())


@cache
def shipped(name: str) -> Mapping[str, str]:
    return APPS[name].shipped()


@cache
def rules(name: str) -> Rules:
    """A document is read once for all worlds: it is frozen."""
    found = APPS[name].rules()
    return replace(found, parsers={kind: lru_cache(64)(parse) for kind, parse in found.parsers.items()})


class Clock:
    """The platform clock: virtual time, and what was skipped of it."""

    def __init__(self, loop: Loop, start: datetime):
        self.loop, self.start = loop, start

    @property
    def at(self) -> datetime:
        return self.start + timedelta(seconds=self.loop.time())

    def skip_to(self, instant: datetime) -> None:
        self.start += max(timedelta(0), instant - self.at)


class ClockPort:
    """The clock as a process reads it."""

    def __init__(self, clock: Clock, ports: Ports):
        self._clock, self._ports = clock, ports

    def now(self) -> datetime:
        self._ports.glance("clock.now")
        return self._clock.at


class Process:
    """``leads`` once it is the leader of its service."""

    def __init__(self, app: App, world: "Outside"):
        self.app, self.world, self.life = app, world, Life(app.name)
        self.ports = ports = Ports(self.life, world.fate)
        self.clock = ClockPort(world.clock, ports)
        self.vault = SimulatedVault(world.keys, ports)
        self.log = SimulatedLog(world.disks[app.name], ports, app.name)
        self.transport = SimulatedTransport(app.name, world.bus, ports)
        self.transport.edge = lambda: self.edge
        self.bus: Bus | None = None

    @property
    def leads(self) -> bool:
        return self.bus is not None and self.service.leads and self.bus.listening

    async def run(self) -> None:
        """Until it ends. What ends it by itself is a trouble of the world, unless a server could not be reached."""
        try:
            await self._run()
        except TROUBLES:
            self.world.crash(self.life)
        except Exception as error:
            self.world.trouble(f"the process of {self.app.name} ended: {type(error).__name__} at {raised_at(error)}")
            raise

    async def _run(self) -> None:
        app, log = self.app, self.log
        self.service = service = Service(rules(app.name), log, self.vault, streams=self.world.streams)
        await service.start()
        self.edge = Edge(
            service, self.vault, self.clock, Links(b"l" * 32), None, SETTINGS, b"i" * 32,  # type: ignore[arg-type]
            Actor("service", app.name),
        )  # fmt: skip
        self.bus = Bus(
            service, self.transport, self.clock, self._on_told,  # type: ignore[arg-type]  # it knows no epochs
            head_every=HEAD_SECONDS, look_every=LOOK_SECONDS, silent_after=SILENT_SECONDS,
        )  # fmt: skip
        handlers: dict[str, EffectHandler] = {"mail": self._mail} if app.name == "notification" else {}
        self.deadlines, self.effects = Deadlines(service, self.clock), Effects(service, self.clock, handlers)
        service.leads = True
        await self._ship_policies()
        await self.bus.act()
        tasks = [asyncio.create_task(self.deadlines.run()), asyncio.create_task(self.effects.run())]
        for task in (*tasks, *self.bus.tasks):
            task.add_done_callback(self._on_end)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.world.trouble(f"a loop of {self.app.name} ended: {type(error).__name__} at {raised_at(error)}")

    async def _ship_policies(self) -> None:
        for name, document in shipped(self.app.name).items():
            if not self.service.memory.has_policy(name):
                command = PublishPolicy(
                    service=self.app.name, name=name, document=document, by="shipped", reason="shipped default"
                )
                event_id = uuid5(NAMESPACE, f"{self.app.name}/{name}/shipped")
                await self.service.handle(fresh(command, self.clock.now(), id=event_id, command=True))

    async def _on_told(self, body: bytes) -> bytes:
        return await told(self.edge, self.app.accepts, body)

    async def _mail(self, message: Message, key: str, attempt: int, stale: bool) -> Event:
        self.world.begun(key, attempt, self.life)
        if stale:
            withheld = Withholding(reason="stale")
            return DeliveryReported(notice=key, attempt=attempt, result="withheld", withheld=withheld)
        if await self.ports.call("sender.send", self.world.mail, key, attempt):
            return DeliveryReported(notice=key, attempt=attempt, result="sent")
        return DeliveryReported(notice=key, attempt=attempt, result="failed", error="unreachable")


class Outside:
    """What a process finds around it."""

    fate: Fate
    clock: Clock
    bus: SimulatedBus
    disks: Mapping[str, Disk]
    keys: dict[str, Key]
    streams: int

    def crash(self, life: Life) -> None:
        raise NotImplementedError

    def trouble(self, text: str) -> None:
        raise NotImplementedError

    def begun(self, key: str, attempt: int, life: Life) -> None:
        """A mail is about to be sent."""
        raise NotImplementedError

    def mail(self, key: str, attempt: int) -> bool:
        """Whether the mail server took it."""
        raise NotImplementedError
