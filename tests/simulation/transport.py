"""A bus that loses, repeats, delays and reorders what it carries, and forgets all that it held."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg import OperationalError

from shared.base.tasks import end
from shared.bus.transport import AGAIN_SECONDS, Delivery, Handler, StreamLost, Waiting
from shared.edge.edge import Edge
from shared.store.codec import to_wire
from shared.store.rows import Recorded

from .fate import Fate, Ports
from .loop import Loop

TOGETHER_SECONDS = 0.003
ACK_SECONDS = 3.0
"""After so long a message that nobody answered is delivered again."""
PATIENCE = 2.0
"""So long an answer is waited for."""
Head = Callable[[str, bytes], Awaitable[None]]


class Kept(NamedTuple):
    """A message in the stream; ``number`` counts them, ``source`` said it."""

    number: int
    source: str
    subject: str
    data: bytes


@dataclass
class Consumer:
    """What the bus knows of a listener: ``arrived`` may be fetched, ``fetched`` was not answered yet."""

    sources: frozenset[str]
    arrived: list[Kept] = field(default_factory=list)
    fetched: dict[int, Kept] = field(default_factory=dict)
    under_way: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class SimulatedBus:
    """The one stream, its consumers, and who can be asked."""

    def __init__(self, loop: Loop, fate: Fate):
        self.loop, self.fate = loop, fate
        self.declared, self.generation, self.last = True, 0, 0
        self.kept: list[Kept] = []
        self.ids: set[str] = set()
        self.consumers: dict[str, Consumer] = {}
        self.transports: list[SimulatedTransport] = []

    def wipe(self) -> None:
        """All that it held is gone."""
        self.declared, self.generation, self.last = False, self.generation + 1, 0
        self.kept, self.ids = [], set()
        self.consumers = {name: Consumer(c.sources, wake=c.wake) for name, c in self.consumers.items()}

    def declare(self) -> None:
        self.declared = True

    def store(self, name: str, rows: Sequence[Recorded]) -> None:
        for row in rows:
            if not self.declared:
                raise StreamLost
            body, headers = to_wire(name, row)
            if headers["Nats-Msg-Id"] in self.ids:
                continue
            self.last += 1
            self.ids.add(headers["Nats-Msg-Id"])
            kept = Kept(self.last, name, row.topic, body)
            self.kept.append(kept)
            for consumer in self.consumers.values():
                if name in consumer.sources:
                    self._send(consumer, kept)

    def subscribe(self, name: str, sources: Sequence[str]) -> None:
        """A durable consumer; a new one gets all that is still held."""
        if not self.declared:
            raise StreamLost
        if name not in self.consumers:
            self.consumers[name] = consumer = Consumer(frozenset(sources))
            for kept in self.kept:
                if kept.source in consumer.sources:
                    self._send(consumer, kept)

    def _send(self, consumer: Consumer, kept: Kept) -> None:
        chances, fate = self.fate.chances, self.fate
        if fate.happens(chances.lost):
            return
        late = fate.random.random() * 2 if fate.happens(chances.late) else 0.0
        self._arrive_in(consumer, kept, 0.001 + late)
        if fate.happens(chances.twice):
            self._arrive_in(consumer, kept, 0.001 + fate.random.random() * 2)

    def _arrive_in(self, consumer: Consumer, kept: Kept, seconds: float) -> None:
        def arrive() -> None:
            consumer.under_way -= 1
            consumer.arrived.append(kept)
            consumer.wake.set()

        consumer.under_way += 1
        self.loop.call_later(seconds, arrive, context=self.loop.outside.context)

    def fetch(self, name: str, batch: int) -> list[Kept]:
        consumer = self.consumers[name]
        taken, consumer.arrived = consumer.arrived[:batch], consumer.arrived[batch:]
        if not consumer.arrived:
            consumer.wake.clear()
        consumer.fetched |= {kept.number: kept for kept in taken}
        if taken:
            context = self.loop.outside.context
            self.loop.call_later(ACK_SECONDS, self.put_back, consumer, taken, 0.0, context=context)
        return taken

    def ack(self, name: str, messages: Sequence[Kept]) -> None:
        for kept in messages:
            self.consumers[name].fetched.pop(kept.number, None)

    def put_back(self, consumer: Consumer, messages: Sequence[Kept], seconds: float) -> None:
        for kept in messages:
            if consumer.fetched.pop(kept.number, None) is not None:
                self._arrive_in(consumer, kept, seconds)

    def waiting(self, name: str) -> Waiting:
        consumer = self.consumers[name]
        open_ = [*consumer.arrived, *consumer.fetched.values()]
        floor = min((kept.number for kept in open_), default=self.last + 1) - 1
        return Waiting(len(consumer.arrived) + consumer.under_way, len(consumer.fetched), floor)

    def carriers_of(self, name: str) -> list["SimulatedTransport"]:
        self.transports = [c for c in self.transports if c.ports.life.alive]
        return [c for c in self.transports if c.name == name]

    async def call(self, name: str, act: Callable[["SimulatedTransport"], Awaitable[Any]]) -> Any:
        """What a process of a service answers. TimeoutError when none does, or its answer is lost."""
        await asyncio.sleep(self.fate.delay)
        serving = self.carriers_of(name)
        reply = self.loop.create_future()
        if serving and not self.fate.happens(self.fate.chances.lost):
            transport = serving[int(self.fate.random.random() * len(serving))]
            self.loop.create_task(self._answer(transport, act, reply), context=transport.ports.life.context)
        async with asyncio.timeout(PATIENCE):
            return await reply

    async def _answer(
        self, transport: "SimulatedTransport", act: Callable[["SimulatedTransport"], Awaitable[Any]],
        reply: asyncio.Future[Any],
    ) -> None:  # fmt: skip
        try:
            answer = await act(transport)
            failed = None
        except Exception as error:
            failed = error

        def deliver() -> None:
            if reply.done() or self.fate.happens(self.fate.chances.lost):
                return
            if failed is None:
                reply.set_result(answer)
            else:
                reply.set_exception(failed)

        await transport.ports.call("edge.answer", deliver)


class SimulatedTransport:
    """One process's way to the bus."""

    def __init__(self, name: str, bus: SimulatedBus, ports: Ports):
        self.name, self.bus, self.ports = name, bus, ports
        self.connected = True
        self._fetching: asyncio.Task[None] | None = None
        self._sources: Sequence[str] = ()
        self.read: Handler
        self.told: Handler
        self.edge: Callable[[], Edge]
        self._head: Head

    def serve(
        self,
        sources: Sequence[str],
        *,
        read: Handler,
        told: Handler,
        head: Head,
        heard: Callable[[str], Awaitable[bytes]],
    ) -> None:
        self._sources, self.read, self.told, self._head = sources, read, told, head
        self.bus.transports.append(self)

    async def announce(self, head: bytes) -> None:
        await self.ports.call("bus.announce", self._announce, head)

    def _announce(self, head: bytes) -> None:
        bus, loop = self.bus, self.bus.loop
        bus.transports = [c for c in bus.transports if c.ports.life.alive]
        for other in bus.transports:
            if self.name in other._sources and not bus.fate.happens(bus.fate.chances.lost):
                loop.create_task(other.headed(self.name, head), context=other.ports.life.context)

    async def headed(self, source: str, head: bytes) -> None:
        """What a subscriber raises ends nothing, as on the real bus; the next head comes soon."""
        try:
            await self._head(source, head)
        except OperationalError:
            pass

    async def ask(self, source: str, question: bytes) -> bytes:
        await self.ports.call("bus.ask", int)
        answer: bytes = await self.bus.call(source, lambda transport: transport.read(question))
        return answer

    async def publish(self, rows: Sequence[Recorded]) -> None:
        cut = 1 + int(self.bus.fate.random.random() * len(rows))
        for part in (rows[:cut], rows[cut:]):
            if part:
                await self.ports.call("bus.publish", self.bus.store, self.name, part)

    async def declare(self) -> None:
        await self.ports.call("bus.declare", self.bus.declare)

    async def consume(
        self, sources: Sequence[str], batch: int, hear: Callable[[Sequence[Delivery]], Awaitable[None]]
    ) -> None:
        await self.ports.call("bus.consume", self.bus.subscribe, self.name, sources)
        self._fetching = asyncio.create_task(self._fetch(batch, hear))

    async def _fetch(self, batch: int, hear: Callable[[Sequence[Delivery]], Awaitable[None]]) -> None:
        while True:
            consumer = self.bus.consumers[self.name]
            await consumer.wake.wait()
            await asyncio.sleep(TOGETHER_SECONDS)
            try:
                taken = await self.ports.call("bus.fetch", self.bus.fetch, self.name, batch)
            except TimeoutError:
                continue
            if not taken:
                continue
            try:
                await hear(taken)
            except Exception:
                self.bus.put_back(consumer, taken, AGAIN_SECONDS)
                continue
            try:
                await self.ports.call("bus.ack", self.bus.ack, self.name, taken)
            except TimeoutError:
                continue

    async def rest(self) -> None:
        if self._fetching is not None:
            task, self._fetching = self._fetching, None
            await end(task)

    async def last(self) -> int:
        return await self.ports.call("bus.last", lambda: self.bus.last)

    async def waiting(self) -> Waiting:
        return await self.ports.call("bus.waiting", self.bus.waiting, self.name)
