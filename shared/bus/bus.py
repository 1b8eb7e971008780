"""The quick path between logs. NATS carries what a service said to the others; the publisher's log stays the true path.

A message says where it stands in its publisher's log (position, previous, after). A consumer that finds something
missing - a lost message, a wiped stream, a service with no past - reads it from the publisher's log and goes on."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import orjson

from shared.base.tasks import end
from shared.runtime.clock import Clock
from shared.runtime.ordering import Gap, Stopped, UsedTwice
from shared.runtime.outbox import RELAY
from shared.runtime.service import Service
from shared.store.codec import Envelope
from shared.store.event_log import EPOCH_BEGAN

from . import log_reader as reading
from .catch_up import Hearer
from .epochs import Epochs
from .transport import TROUBLES, Delivery, Handler, StreamLost, Transport

LOOK_SECONDS = 1.0
"""How often it is asked whether another process has written."""
log = logging.getLogger("vefa.bus")


class Bus(Hearer):
    """In, out, and back reading for one service. ``answer`` parts run in every process, ``act`` only in the
    leader."""

    def __init__(
        self, service: Service, transport: Transport, clock: Clock, told: Handler,
        *, head_every: float = 5.0, look_every: float = 5.0, silent_after: float = 10.0,
    ):  # fmt: skip
        """Seconds: ``head_every`` its head is announced; ``look_every`` it is asked whether messages wait, once none
        came for ``silent_after``."""
        super().__init__(service)
        self.transport, self.clock = transport, clock
        self.head_every, self.look_every, self.silent_after = head_every, look_every, silent_after
        self.listening = False
        """What others say from now on is fetched."""
        self.troubles: dict[str, str] = {}
        """What does not go at the moment, by part of the bus; readiness is red until it goes again."""
        self.fetched_at = 0.0
        self.heads: dict[str, int] = {}
        self._announced = set[str]()
        """Who has told its head since this process began to listen."""
        self.epochs = Epochs(self)
        self._committed = service.changes.wakes()
        self._consuming = False
        self.tasks: list[asyncio.Task[None]] = []
        transport.serve(sorted(service.sources), read=self.on_read, told=told, head=self.on_head, heard=self.on_heard)

    # the leader -----------------------------------------------------------------------------------------------------
    async def act(self) -> None:
        """Start to fetch, relay and compare heads."""
        self.service.outbox.relayed = (await self.service.log.trackings()).get(RELAY, 0)
        self.fetched_at = asyncio.get_running_loop().time()
        self.tasks = [asyncio.create_task(t) for t in (self._relay(), self._announce())]
        if self.service.sources:
            self.tasks += [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        else:
            self.listening = True

    async def rest(self) -> None:
        """Be the leader no more."""
        await end(*self.tasks)
        self.tasks, self.listening = [], False
        self.troubles.clear()
        await self._stop_consumer()

    @property
    def relayed(self) -> int:
        """The position up to which the bus has what was said."""
        return self.service.outbox.relayed

    @property
    def problem(self) -> str | None:
        """Why the leader is not ready; None when nothing stands in its way."""
        if not self.transport.connected:
            return "NATS cannot be reached"
        if trouble := self.epochs.problem:
            return trouble
        if not self.listening:
            return "reads what it has not heard yet"
        return next(iter(self.troubles.values()), None)

    async def _listen(self) -> None:
        self.troubles["past"] = "hears what was said before it started"
        await self.epochs.settled()
        while True:
            try:
                await self._hear_new_topics()
                break
            except Exception as error:  # a publisher that does not answer yet, most of all
                log.warning("%s cannot read the past yet (%s); tried again", self.service.name, type(error).__name__)
                await asyncio.sleep(1)
        await self._start_consumer()
        self.listening = True
        await self._hear_the_past()
        del self.troubles["past"]

    async def _hear_the_past(self) -> None:
        """Returns when everything was heard that stood in the stream at the start, or that others announced since then:
        what NATS had delivered to a process that died it delivers again only after its time for an answer."""
        pause, last = 0.05, 0
        self._announced.clear()
        while True:
            with contextlib.suppress(*TROUBLES):
                last = last or await self.transport.last()
                waiting = await self.transport.waiting()
                if not (waiting.undelivered or waiting.unanswered) or waiting.floor >= last:
                    return
                if self._announced >= self.service.sources and not any(self.lag().values()):
                    return
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 2)

    async def _start_consumer(self) -> None:
        while True:
            try:
                await self.transport.consume(sorted(self.service.sources), self.service.inbox.size, self.on_batch)
                self._consuming = True
                return
            except StreamLost:  # whoever speaks next would make it: that may be long
                await self._declare()
            except TROUBLES as error:
                log.warning("%s cannot listen yet (%s); tried again", self.service.name, type(error).__name__)
            await asyncio.sleep(1)

    async def _stop_consumer(self) -> None:
        if self._consuming:
            self._consuming = False
            with contextlib.suppress(*TROUBLES):
                await self.transport.rest()

    # in -------------------------------------------------------------------------------------------------------------
    async def on_batch(self, batch: Sequence[Delivery]) -> None:
        """One fetch, one transaction, then one ack each; when this raises, the batch is delivered again."""
        self.fetched_at = asyncio.get_running_loop().time()
        self.troubles.pop("silent", None)
        now, envelopes = self.clock.now(), []
        for carried in batch:
            try:
                envelopes.append(Envelope.parse(carried.data, now))
            except (ValueError, KeyError, TypeError):
                log.error("a message on %s is no CloudEvent of ours; it is skipped: its log has it", carried.subject)
        try:
            await self.settle(envelopes)
        except UsedTwice as twice:
            self.epochs.distrust(twice)
            raise
        except Stopped as stopped:  # nothing is put back: it is read from the logs when they are whole again
            log.warning("%s: %s; no more of it is heard", self.service.name, stopped)
        except Exception as error:
            log.warning("%s cannot record what it hears (%s); tried again", self.service.name, type(error).__name__)
            self.troubles["hearing"] = f"cannot record what it hears ({type(error).__name__})"
            raise
        self.troubles.pop("hearing", None)

    async def holds(self, envelope: Envelope) -> bool:
        return await self.epochs.holds(envelope)

    async def read(
        self, source: str, after: int, upto: int | None = None, topics: Sequence[str] = (), late: bool = False
    ) -> tuple[list[Envelope], int]:
        """A page of what ``source`` said above ``after``, and how far that page looked."""
        question = reading.Ask(after=after, upto=upto, topics=topics)
        page = await self.transport.ask(source, question.model_dump_json().encode())
        return reading.read(source, page, self.clock.now(), late)

    async def _hear_new_topics(self) -> None:
        """A topic that is listened to from now on: its past is read from its publisher's log first, marked late."""
        for source, topic in sorted(self.service.rules.hears - await self.service.log.listened()):
            since = self.service.tracked.get(source, 0)
            after = 0
            while after < since:
                envelopes, looked = await self.read(source, after, since, [topic], late=True)
                await self.settle(envelopes)
                after = max(looked, after + 1)
            await self.service.log.listen(source, topic, since)

    # out ------------------------------------------------------------------------------------------------------------
    async def on_read(self, question: bytes) -> bytes:
        """Another service, or an auditor, reads what this log said."""
        return await reading.answer(self.service.log, self.service.name, question)

    async def _relay(self) -> None:
        """Publish what was said, in order, from where it stopped: at least once, with the event id as message id."""
        service, looked, loop = self.service, 0.0, asyncio.get_running_loop()
        while True:
            self._committed.clear()
            try:
                rows = service.outbox.after(self.relayed, reading.PAGE_ROWS)
                idle = loop.time() - looked
                if not rows and service.said <= self.relayed and idle < LOOK_SECONDS:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS - idle):
                            await self._committed.wait()
                    continue
                if not rows:
                    looked = loop.time()
                    await service.look()
                    if service.said > self.relayed:
                        rows = await service.log.rows(self.relayed, reading.PAGE_ROWS, said=True)
                    else:
                        await service.note_relayed()
                if rows:
                    if any(row.topic == EPOCH_BEGAN for row in rows):
                        await service.handle_each()  # somebody else said that: be in this epoch before it is known
                    await self.transport.publish(rows)
                    service.outbox.relayed = rows[-1].id
                self.troubles.pop("relay", None)
            except StreamLost as error:
                await self._declare()
                await self._cannot_publish(error)
            except Exception as error:  # infrastructure: tried again for ever
                log.warning("%s cannot publish what it said (%s); tried again", service.name, type(error).__name__)
                await self._cannot_publish(error)

    async def _cannot_publish(self, error: Exception) -> None:
        self.troubles["relay"] = f"cannot publish what it said ({type(error).__name__})"
        await asyncio.sleep(0.5)

    async def _declare(self) -> None:
        name = self.service.name
        log.warning("%s: nobody at NATS keeps what it says; a stream that is gone is made again", name)
        with contextlib.suppress(*TROUBLES):
            await self.transport.declare()

    # heads ----------------------------------------------------------------------------------------------------------
    async def _announce(self) -> None:
        while True:
            with contextlib.suppress(*TROUBLES):
                await self.announce()
            await asyncio.sleep(self.head_every)

    async def announce(self) -> None:
        """Say where this log ends and how far it has heard others: who knows more, or less, notices."""
        service = self.service
        heard = {source: service.tracked.get(source, 0) for source in sorted(service.sources)}
        ends = max(service.said, 0 if service.silent else self.relayed)
        await self.transport.announce(orjson.dumps({"epoch": service.epoch, "position": ends, "heard": heard}))

    async def on_head(self, source: str, announced: bytes) -> None:
        """What was announced the time before must have been heard by now; and who announces may have heard more of this
        log than it holds."""
        head = orjson.loads(announced)
        self.epochs.on_heard(head.get("heard", {}).get(self.service.name, 0))
        if source not in self.service.sources:
            return
        self._announced.add(source)
        before, self.heads[source] = self.heads.get(source, 0), int(head["position"])
        if self.service.leads and self.listening:
            with contextlib.suppress(*TROUBLES, LookupError, Gap, Stopped):
                await self.epochs.on_source(source, self.heads[source], int(head["epoch"]))
                await self.backfill(source, before)

    async def on_heard(self, source: str) -> bytes:
        """A log asks who heard how much of it."""
        return orjson.dumps({"service": self.service.name, "heard": self.service.tracked.get(source, 0)})

    async def _watch(self) -> None:
        """A pull request can be lost on a reconnect: if messages wait and none is fetched, subscribe anew."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.look_every)
            if not self._consuming or loop.time() - self.fetched_at < self.silent_after:
                continue
            with contextlib.suppress(*TROUBLES):
                waiting = await self.transport.waiting()
                if not (waiting.undelivered or waiting.unanswered):  # heard from the log, or by another process
                    self.troubles.pop("hearing", None)
                    self.troubles.pop("silent", None)
                if waiting.undelivered:
                    if "silent" in self.troubles:
                        self.troubles["silent"] = "NATS delivers nothing although messages wait: see this service's log"
                    self.troubles.setdefault("silent", "messages wait at NATS; subscribing anew")
                    log.warning("%s: messages wait at NATS and none comes; subscribing anew", self.service.name)
                    await self._stop_consumer()
                    await self._start_consumer()
            self.fetched_at = loop.time()

    def lag(self) -> dict[str, int]:
        """Positions announced by each source and not heard yet."""
        return {s: max(0, self.heads.get(s, 0) - self.service.tracked.get(s, 0)) for s in sorted(self.service.sources)}
