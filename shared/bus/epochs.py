"""Whether a log may go on: whether others know more of it than it holds, and what of the logs that it hears was lost.

A database that was restored behind NATS would use positions a second time, and who heard the first ones would ignore
the second. So a service compares its log with the bus before it speaks, and listeners stop at what does not fit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import orjson
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from shared.core.facts import EpochReconciled
from shared.runtime.losses import Loss, epoch_of, unsettled
from shared.runtime.ordering import Silent, UsedTwice
from shared.runtime.service import Service
from shared.store.codec import Envelope
from shared.store.event_log import EventLog
from shared.store.rows import Recorded

from .catch_up import Hearer
from .transport import TROUBLES, Transport

PAGE = 1000
log = logging.getLogger("vefa.epochs")


class Epochs:
    """What one process knows of the epochs of its own log and of those that it hears."""

    def __init__(self, service: Service, transport: Transport, hearer: Hearer, announce: Callable[[], Awaitable[None]]):
        """``hearer`` reads and hears other logs; ``announce`` says where this one ends."""
        self.service, self._transport, self._hearer, self._announce = service, transport, hearer, announce
        self.compared = asyncio.Event()
        """Set once it is known how this log stands, or why that cannot be known."""
        self._wanted = asyncio.Event()
        self._low: dict[str, int] = {}
        self._below: dict[str, int] = {}
        self._held: dict[tuple[str, int], int] = {}
        self._released: set[tuple[str, int]] = set()
        self._twice: dict[str, int] = {}
        self._announced: dict[str, int] = {}

    @property
    def stopped(self) -> bool:
        """Whether this service waits for somebody to say what is to become of its log."""
        return self.compared.is_set() and bool(self.service.silent or self.service.lost)

    @property
    def problem(self) -> str | None:
        """Why this service is not ready; None when all it knows is whole."""
        name = self.service.name
        if self.service.silent:
            return f"{self.service.silent}: {self.service.silent.remedy}"
        if loss := self.service.lost:
            return (
                f"{loss} of this log were lost in a restore; it hears nothing, and older deadlines and effects wait:"
                f" vefa reconcile {name}"
            )
        for loss in self._stops():
            return (
                f"{loss.source} lost {loss} in a restore, and {self._held[loss.source, loss.epoch]} events of it are"
                f" here; no more of it is heard before: vefa reconcile {loss.source}"
            )
        for source, position in self._twice.items():
            if self._renewed(source):
                continue
            return (
                f"{source} says something else at positions that were heard, such as {position}: it was restored and"
                f" went on; nothing of it is heard before: vefa epoch new {source}"
            )
        for source, position in self._low.items():
            return (
                f"{source} was restored behind this log: it ends at {position},"
                f" {self.service.tracked.get(source, 0)} was heard: vefa epoch new {source}"
            )
        return None

    # this log -------------------------------------------------------------------------------------------------------
    def begin(self) -> "asyncio.Task[None]":
        """Nothing is recorded before this log was compared with what others know of it."""
        self.service.silent = Silent(f"{self.service.name} has not compared its log with the bus yet")
        return asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            try:
                if self.service.silent or self._wanted.is_set():
                    await self._compare(ask=self.compared.is_set())
                    self._wanted.clear()
                elif self.service.lost:
                    await self.service.handle_each()  # another process may have settled it
            except (*TROUBLES, OperationalError, PoolTimeout) as error:
                reason = f"{self.service.name} cannot compare its log with the bus ({type(error).__name__})"
                if self.service.silent:
                    self.service.silent = Silent(reason)
                log.warning("%s", reason)
            self.compared.set()
            await asyncio.sleep(1)

    async def _compare(self, ask: bool) -> None:
        service, transport = self.service, self._transport
        known = {"the stream": await transport.own_last()}
        head = await service.log.head()
        if ask or known["the stream"] < head.said:
            known |= await transport.listeners()
            head = await service.log.head()
        if behind := {who: position for who, position in known.items() if position > head.said}:
            who, position = max(behind.items(), key=lambda item: item[1])
            text = (
                f"the log of {service.name} was restored behind what others know of it: it says nothing above"
                f" {head.said}, {who} knows {position}"
            )
            if str(service.silent) != text:
                log.error("%s", text)
            service.silent = Silent(text, f"vefa epoch new {service.name}")
            await self._announce()
        elif service.silent:
            await service.handle_each()
            service.silent = None

    def on_heard(self, position: int) -> None:
        """Somebody announces how far they heard this log: maybe further than it goes."""
        if position > max(self.service.said, self.service.outbox.relayed):
            self._wanted.set()

    async def settled(self) -> None:
        """Returns once nothing of this log is lost: until then it would answer again what it had answered before."""
        await self.service.handle_each()
        while self.service.lost:
            await asyncio.sleep(1)
            await self.service.handle_each()

    # others ---------------------------------------------------------------------------------------------------------
    def _stops(self) -> Iterable[Loss]:
        """Losses of others of which this log holds something."""
        for loss in unsettled(self.service.memory):
            key = (loss.source, loss.epoch)
            if self._held.get(key) and key not in self._released:
                yield loss

    def distrust(self, twice: UsedTwice) -> None:
        """Hear nothing more of who used a position twice, until it is in another epoch."""
        if twice.source not in self._twice:
            log.error("%s: %s, and goes on: it says something else at %d", self.service.name, twice, twice.position)
            self._twice[twice.source] = twice.position

    def _renewed(self, source: str) -> bool:
        """Whether a source is in an epoch of which this log has not heard yet."""
        return self._announced.get(source, 1) > epoch_of(self.service.memory, source)

    async def holds(self, envelope: Envelope) -> bool:
        """Whether this is said after a loss of which this log holds something, or by who uses positions twice."""
        source = envelope.message.source
        above = envelope.message.position > self.service.tracked.get(source, 0)
        if source in self._twice and above and not self._renewed(source):
            return True
        await self._count_held(source)
        return any(loss.source == source and envelope.message.position > loss.began for loss in self._stops())

    async def _count_held(self, source: str) -> None:
        """How much of what a source lost is here; looked up once for each loss."""
        for loss in unsettled(self.service.memory):
            if loss.source == source and (source, loss.epoch) not in self._held:
                self._held[source, loss.epoch] = len(await held(self.service.log, loss))

    async def on_source(self, source: str, position: int, epoch: int) -> None:
        """A source announces its head."""
        self._announced[source] = epoch
        if source in self._twice and self._renewed(source):
            await self._hearer.backfill(source, position)
            if not self._renewed(source):
                del self._twice[source]
        tracked = self.service.tracked.get(source, 0)
        self._below[source] = self._below.get(source, 0) + 1 if position < tracked else 0
        if self._below[source] > 1:  # once is a head that was overtaken
            self._low[source] = position
        else:
            self._low.pop(source, None)
        await self._count_held(source)  # a log that lost something says nothing that would ask for it
        for loss in [loss for loss in self._stops() if loss.source == source]:
            found, _ = await self._hearer.read(source, loss.began, topics=[EpochReconciled.TOPIC])
            if any(orjson.loads(e.state)["epoch"] >= loss.epoch for e in found):
                await self._hear_between(loss)
                self._released.add((source, loss.epoch))

    async def _hear_between(self, loss: Loss) -> None:
        """What the source said after it was restored and before it noticed stands at positions that were heard with
        other events; none of it was taken in."""
        after, end = loss.restored_to, loss.began - 1
        while after < end:
            envelopes, looked = await self._hearer.read(loss.source, after, end, late=True)
            await self._hearer.settle(envelopes)
            after = max(looked, after + 1)


async def held(event_log: EventLog, loss: Loss) -> list[Recorded]:
    """What a log holds of another's loss."""
    found = await heard_above(event_log, loss.source, loss.restored_to)
    return [row for row, position, epoch in found if position <= loss.lost_to and epoch < loss.epoch]


async def heard_above(event_log: EventLog, source: str, above: int) -> list[tuple[Recorded, int, int]]:
    """(row, position, epoch) of everything that a log heard of ``source`` above a position, the last one first."""
    if (await event_log.trackings()).get(source, 0) <= above:
        return []
    found, before = list[tuple[Recorded, int, int]](), 2**62
    while rows := await event_log.before(before, PAGE):
        for row in rows:
            notes = orjson.loads(row.metadata)
            if row.said or notes.get("source") != source:
                continue
            if notes["position"] > above:
                found.append((row, notes["position"], notes["epoch"]))
            elif not notes.get("late"):
                return found  # positions of a source only rise in a log
        before = rows[-1].id
    return found
