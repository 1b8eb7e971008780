"""The quick path between logs. NATS carries what a service said to the others; the publisher's log stays the true path.

A message says where it stands in its publisher's log (position, previous, after). A consumer that finds something
missing - a lost message, a wiped stream, a service with no past - reads it from the publisher's log and goes on."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from faststream import AckPolicy
from faststream.exceptions import NackMessage
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NoStreamResponseError

from . import reading
from .clock import Clock
from .eager import PULL_SECONDS, EagerBatch
from .mapper import Envelope, to_wire
from .service import Gap, Outcome, Service
from .stream import STREAM, declare, inbox_of, subject_of
from .tasks import end

log = logging.getLogger("vefa.bus")
Told = Callable[[bytes], Awaitable[bytes]]


class Bus:
    """In, out, and back reading for one service. ``answer`` parts run in every process, ``act`` only in the acting
    one."""

    def __init__(
        self, service: Service, broker: NatsBroker, clock: Clock, told: Told,
        *, head_every: float = 5.0, look_every: float = 5.0, silent_after: float = 10.0,
    ):  # fmt: skip
        """Seconds: ``head_every`` its head is announced; ``look_every`` it is asked whether messages wait, once none
        came for ``silent_after``."""
        self.service, self.broker, self.clock, self._told = service, broker, clock, told
        self.head_every, self.look_every, self.silent_after = head_every, look_every, silent_after
        self.listening = False
        """What others say from now on is fetched."""
        self.troubles: dict[str, str] = {}
        """What does not go at the moment, by part of the bus; readiness is red until it goes again."""
        self.fetched_at = time.monotonic()
        self.relayed = 0
        self.heads: dict[str, int] = {}
        self._committed = service.wakes()
        self._consumer: Any = None
        self.tasks: list[asyncio.Task[None]] = []
        name = service.name
        broker.subscriber(f"vefa.log.{name}", queue=name)(self.on_read)
        broker.subscriber(f"vefa.hear.{name}", queue=name)(self.on_told)
        for source in sorted(service.sources):
            broker.subscriber(f"vefa.head.{source}")(self._on_head(source))

    # the acting process ---------------------------------------------------------------------------------------------
    async def act(self) -> None:
        """Start to fetch, relay and compare heads."""
        self.relayed = (await self.service.log.trackings()).get("relay", 0)
        self.tasks = [asyncio.create_task(t) for t in (self._relay(), self._announce())]
        if self.service.sources:
            self.tasks += [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        else:
            self.listening = True

    async def rest(self) -> None:
        """Stop acting."""
        await end(*self.tasks)
        self.tasks, self.listening = [], False
        self.troubles.clear()
        await self._stop_consumer()

    @property
    def problem(self) -> str | None:
        """Why the acting process of this service is not ready; None when nothing stands in its way."""
        if not self.broker.config.connection_state.connection.is_connected:
            return "NATS cannot be reached"
        if not self.listening:
            return "reads what it has not heard yet"
        return next(iter(self.troubles.values()), None)

    async def _listen(self) -> None:
        self.troubles["past"] = "hears what was said before it started"
        while True:
            try:
                await self._hear_new_topics()
                break
            except Exception as error:  # a publisher that does not answer yet, most of all
                log.warning("%s cannot read the past of a topic yet: %s", self.service.name, type(error).__name__)
                await asyncio.sleep(1)
        await self._start_consumer()
        self.listening = True
        await self._hear_the_past()
        del self.troubles["past"]

    async def _hear_the_past(self) -> None:
        """Returns when everything was heard that stood in the stream at the start."""
        js, pause, last = self.broker.config.connection_state.connection.jetstream(), 0.05, None
        while True:
            with contextlib.suppress(NatsError, TimeoutError):
                last = last or (await js.stream_info(STREAM)).state.last_seq
                info = await js.consumer_info(STREAM, self.service.name)
                if not (info.num_pending or info.num_ack_pending):
                    return
                if info.ack_floor and info.ack_floor.stream_seq >= last:
                    return
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 2)

    async def _start_consumer(self) -> None:
        name, sources = self.service.name, sorted(self.service.sources)
        config = ConsumerConfig(
            durable_name=name, filter_subjects=[f"vefa.event.{s}.>" for s in sources], deliver_policy=DeliverPolicy.ALL,
            max_ack_pending=4 * self.service.batch, ack_wait=30,
        )  # fmt: skip
        while True:
            try:
                await self.broker.config.connection_state.connection.jetstream().add_consumer(STREAM, config)
                subscriber = self.broker.subscriber(
                    stream=JStream(STREAM, declare=False), durable=name, config=config, no_reply=True,
                    pull_sub=PullSub(batch_size=self.service.batch, timeout=PULL_SECONDS, batch=True),
                    ack_policy=AckPolicy.NACK_ON_ERROR, inbox_prefix=f"{inbox_of(name)}.".encode(),
                )  # fmt: skip
                subscriber.__class__ = EagerBatch
                subscriber(self.on_batch)
                await subscriber.start()
                self._consumer = subscriber
                return
            except (NatsError, TimeoutError) as error:
                log.warning("%s cannot listen yet: %s", name, type(error).__name__)
                await asyncio.sleep(1)

    async def _stop_consumer(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            with contextlib.suppress(NatsError, TimeoutError):
                await consumer.stop()

    # in -------------------------------------------------------------------------------------------------------------
    async def on_batch(self, batch: NatsMessage) -> None:
        """One fetch, one transaction, then one ack each."""
        self.fetched_at = time.monotonic()
        self.troubles.pop("silent", None)
        now, envelopes = self.clock.now(), []
        for raw in batch.raw_message:  # type: ignore[attr-defined]
            try:
                envelopes.append(Envelope.parse(raw.data, now))
            except (ValueError, KeyError, TypeError):
                log.error("a message on %s is no CloudEvent of ours; it is skipped: its log has it", raw.subject)
        try:
            await self.settle(envelopes)
        except Exception as error:
            log.warning("%s: batch put back: %s", self.service.name, type(error).__name__)
            self.troubles["hearing"] = f"cannot record what it hears ({type(error).__name__})"
            raise NackMessage(delay=1.0) from error
        self.troubles.pop("hearing", None)

    async def settle(self, envelopes: Sequence[Envelope]) -> None:
        """Hear these, and first whatever must come before them."""
        waiting = list(envelopes)
        while waiting:
            results = await self.service.hear_each(*waiting)
            failed = [(e, r) for e, r in zip(waiting, results, strict=True) if isinstance(r, Exception)]
            if hard := next((r for _, r in failed if not isinstance(r, Gap)), None):
                raise hard
            if failed:
                gap = failed[0][1]
                assert isinstance(gap, Gap)
                await self.backfill(gap.source, gap.upto)
            waiting = [e for e, _ in failed]

    async def backfill(self, source: str, upto: int) -> None:
        """Read from the publisher's log what lies between the last heard position and ``upto``."""
        while (after := self.service.tracked.get(source, 0)) < upto:
            envelopes, looked = await self.read(source, after, upto)
            await self.settle(envelopes)
            if self.service.tracked.get(source, 0) <= after:
                if looked <= after:
                    raise LookupError(f"the log of {source} ends at {looked}, position {upto} was announced")
                return

    async def read(
        self, source: str, after: int, upto: int | None = None, topics: Sequence[str] = (), late: bool = False
    ) -> tuple[list[Envelope], int]:
        """A page of what ``source`` said above ``after``, and how far that page looked."""
        client = self.broker.config.connection_state.connection
        return await reading.ask(
            client, source, reading.Ask(after=after, upto=upto, topics=topics), self.clock.now(), late
        )

    async def _hear_new_topics(self) -> None:
        """A topic that is listened to from now on: its past is read from its publisher's log first, marked late."""
        async with self.service.log.pool.connection() as conn:
            cursor = await conn.execute(self.service.log.sql("select source, topic from {s}.hears"))
            known = {(s, t) for s, t in await cursor.fetchall()}
        for source, topic in sorted(self.service.hears - known):
            since = self.service.tracked.get(source, 0)
            after = 0
            while after < since:
                envelopes, looked = await self.read(source, after, since, [topic], late=True)
                await self.settle(envelopes)
                after = max(looked, after + 1)
            async with self.service.log.pool.connection() as conn:
                await conn.execute(
                    self.service.log.sql("insert into {s}.hears values (%s, %s, %s) on conflict do nothing"),
                    (source, topic, since),
                )

    # out ------------------------------------------------------------------------------------------------------------
    async def on_read(self, message: NatsMessage) -> bytes:
        """Another service, or an auditor, reads what this log said."""
        return await reading.answer(self.service.log, self.service.name, bytes(message.body))

    async def on_told(self, message: NatsMessage) -> bytes:
        """Somebody outside says something to this service; answered after the commit."""
        return await self._told(message.body if isinstance(message.body, bytes) else bytes(message.body))

    async def _relay(self) -> None:
        """Publish what was said, in order, from where it stopped: at least once, with the event id as message id."""
        name, asked = self.service.name, 0.0
        while True:
            self._committed.clear()
            try:
                idle = time.monotonic() - asked
                if (
                    self.service.said <= self.relayed and idle < 1
                ):  # another process may have written: asked each second
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1 - idle):
                            await self._committed.wait()
                    continue
                asked = time.monotonic()
                rows = await self.service.log.rows(self.relayed, reading.PAGE_ROWS, said=True)
                if not rows:
                    continue
                js = self.broker.config.connection_state.connection.jetstream()
                acks = []
                for row in rows:
                    body, headers = to_wire(name, row)
                    acks.append(
                        await js.publish_async(subject_of(name, row.topic), body, stream=STREAM, headers=headers)
                    )
                async with asyncio.timeout(15):
                    results = await asyncio.gather(*acks, return_exceptions=True)
                if failed := next((r for r in results if isinstance(r, BaseException)), None):
                    raise failed
                await self.service.log.track("relay", rows[-1].id)
                self.relayed = rows[-1].id
                self.troubles.pop("relay", None)
            except NoStreamResponseError:
                log.warning("%s: NATS has lost its stream; it is made again, what it held is read from the logs", name)
                with contextlib.suppress(NatsError, TimeoutError):
                    await declare(self.broker.config.connection_state.connection)
            except Exception as error:  # infrastructure: tried again for ever
                log.warning("%s: relay waits: %s", name, type(error).__name__)
                self.troubles["relay"] = f"cannot publish what it said ({type(error).__name__})"
                await asyncio.sleep(0.5)

    # heads ----------------------------------------------------------------------------------------------------------
    async def _announce(self) -> None:
        while True:
            with contextlib.suppress(NatsError, TimeoutError):
                head = orjson.dumps({"epoch": self.service.epoch, "position": self.service.said})
                await self.broker.config.connection_state.connection.publish(f"vefa.head.{self.service.name}", head)
            await asyncio.sleep(self.head_every)

    def _on_head(self, source: str) -> Callable[[NatsMessage], Awaitable[None]]:
        async def on_head(message: NatsMessage) -> None:
            head = orjson.loads(message.body)
            before, self.heads[source] = self.heads.get(source, 0), int(head["position"])
            if self.service.acting and self.listening and self.service.tracked.get(source, 0) < before:
                with contextlib.suppress(NatsError, TimeoutError, LookupError, Gap):
                    await self.backfill(source, before)

        return on_head

    async def _watch(self) -> None:
        """A pull request can be lost on a reconnect: if messages wait and none is fetched, subscribe anew."""
        while True:
            await asyncio.sleep(self.look_every)
            if self._consumer is None or time.monotonic() - self.fetched_at < self.silent_after:
                continue
            with contextlib.suppress(NatsError, TimeoutError):
                js = self.broker.config.connection_state.connection.jetstream()
                info = await js.consumer_info(STREAM, self.service.name)
                if info.num_pending:
                    if "silent" in self.troubles:
                        self.troubles["silent"] = "NATS delivers nothing although messages wait: see this service's log"
                    self.troubles.setdefault("silent", "messages wait at NATS; subscribing anew")
                    log.warning("%s: messages wait at NATS and none comes; subscribing anew", self.service.name)
                    await self._stop_consumer()
                    await self._start_consumer()
            self.fetched_at = time.monotonic()

    def lag(self) -> dict[str, int]:
        """Positions announced by each source and not heard yet."""
        return {s: max(0, self.heads.get(s, 0) - self.service.tracked.get(s, 0)) for s in sorted(self.service.sources)}


__all__ = ["Bus", "Outcome"]
