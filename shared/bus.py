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
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy, PersistMode, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NoStreamResponseError, NotFoundError, ServerError

from .clock import Clock
from .eager import PULL_SECONDS, EagerBatch
from .mapper import Envelope, to_wire
from .service import Gap, Outcome, Service
from .tasks import end

STREAM = "VEFA"
SUBJECTS = "vefa.event.>"
CANNOT_CHANGE = 10052
"""JetStream's error code: this part of a stream's configuration is what it was made with."""
PAGE_BYTES = 512 * 1024
PAGE_ROWS = 1000
log = logging.getLogger("vefa.bus")


async def declare(client: Client) -> None:
    """Create or update the one stream: when the platform comes up, and by a relay that finds it gone. It holds only
    what a log holds."""
    stream = StreamConfig(
        name=STREAM, subjects=[SUBJECTS], duplicate_window=120, max_age=7 * 86_400, max_bytes=2 * 1024**3,
        storage=StorageType.FILE, retention=RetentionPolicy.LIMITS, num_replicas=1,
        persist_mode=PersistMode.ASYNC,  # the logs have waited for the disk already
    )  # fmt: skip
    js = client.jetstream()
    try:
        await js.update_stream(stream)
    except NotFoundError:
        await js.add_stream(stream)
    except ServerError as e:
        if e.err_code != CANNOT_CHANGE:
            raise
        await js.delete_stream(STREAM)  # made by an older version; what is in it is in the logs
        await js.add_stream(stream)


def subject_of(service: str, topic: str) -> str:
    """``vefa.event.<service>.<event>.<version>``; no ids in subjects."""
    return f"vefa.event.{service}.{topic.partition('.')[2]}"


def inbox_of(user: str) -> str:
    """Where answers to a service come: an inbox of its own, which no other service may listen to."""
    return f"_INBOX_{user}"


def broker_of(name: str, url: str) -> NatsBroker:
    """A service's way to NATS; it is tried for ever, and what the server refuses is in the log."""

    async def refused(error: Exception) -> None:
        log.warning("%s: NATS: %s", name, error)

    return NatsBroker(
        url, logger=None, max_reconnect_attempts=-1, reconnect_time_wait=1, inbox_prefix=inbox_of(name),
        error_cb=refused,
    )  # fmt: skip


Told = Callable[[bytes], Awaitable[bytes]]


class Bus:
    """In, out, and back reading for one service. ``answer`` parts run in every process, ``act`` only in the acting
    one."""

    def __init__(self, service: Service, broker: NatsBroker, clock: Clock, told: Told, *, head_every: float = 5.0):
        self.service, self.broker, self.clock, self._told = service, broker, clock, told
        self.head_every = head_every
        self.ready = False
        self.fetched_at = time.monotonic()
        self.silent = 0
        """How often in a row messages waited at NATS and none came, whatever was tried."""
        self.relayed = 0
        self.heads: dict[str, int] = {}
        self._committed = service.wakes()
        self._consumer: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        name = service.name
        broker.subscriber(f"vefa.log.{name}", queue=name)(self.on_read)
        broker.subscriber(f"vefa.hear.{name}", queue=name)(self.on_told)
        for source in sorted(service.sources):
            broker.subscriber(f"vefa.head.{source}")(self._on_head(source))

    # the acting process ---------------------------------------------------------------------------------------------
    async def act(self) -> None:
        """Start to fetch, relay and compare heads."""
        self.relayed = (await self.service.log.trackings()).get("relay", 0)
        self._tasks = [asyncio.create_task(t) for t in (self._relay(), self._announce())]
        if self.service.sources:
            self._tasks += [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        else:
            self.ready = True

    async def rest(self) -> None:
        """Stop acting."""
        await end(*self._tasks)
        self._tasks, self.ready = [], False
        await self._stop_consumer()

    async def _listen(self) -> None:
        await self._hear_new_topics()
        await self._start_consumer()
        self.ready = True

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
        self.fetched_at, self.silent = time.monotonic(), 0
        now, envelopes = self.clock.now(), []
        for raw in batch.raw_message:  # type: ignore[attr-defined]
            try:
                envelopes.append(Envelope.parse(raw.data, now, trace=(raw.headers or {}).get("traceparent", "")))
            except (ValueError, KeyError, TypeError):
                log.error("a message on %s is no CloudEvent of ours; it is skipped: its log has it", raw.subject)
        try:
            await self.settle(envelopes)
        except Exception as error:
            log.warning("%s: batch put back: %s", self.service.name, type(error).__name__)
            raise NackMessage(delay=1.0) from error

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
        ask = orjson.dumps({"after": after, "upto": upto, "topics": list(topics)})
        reply = await self.broker.config.connection_state.connection.request(f"vefa.log.{source}", ask, timeout=10)
        page, now = orjson.loads(reply.data), self.clock.now()
        return [Envelope.parse(orjson.dumps(e), now, late=late) for e in page["events"]], int(page["looked"])

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
        """Another service, or an auditor, reads what this log said: pages cut by bytes, each saying how far it
        looked."""
        ask, end = orjson.loads(message.body), (await self.service.log.head()).position
        upto = min(ask.get("upto") or end, end)
        rows = await self.service.log.rows(
            int(ask["after"]), PAGE_ROWS, upto=upto, said=True, topics=ask.get("topics") or ()
        )
        page: list[bytes] = []
        looked = rows[-1].id if len(rows) == PAGE_ROWS else upto
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            page.append(to_wire(self.service.name, row))
            if following and sum(map(len, page)) > PAGE_BYTES:
                looked = row.id
                break
        return b'{"events":[' + b",".join(page) + b'],"looked":%d}' % looked

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
                rows = await self.service.log.rows(self.relayed, PAGE_ROWS, said=True)
                if not rows:
                    continue
                js = self.broker.config.connection_state.connection.jetstream()
                acks = [
                    await js.publish_async(
                        subject_of(name, row.topic), to_wire(name, row), stream=STREAM,
                        headers={"Nats-Msg-Id": str(row.event_id)},
                    )
                    for row in rows
                ]  # fmt: skip
                async with asyncio.timeout(15):
                    results = await asyncio.gather(*acks, return_exceptions=True)
                if failed := next((r for r in results if isinstance(r, BaseException)), None):
                    raise failed
                await self.service.log.track("relay", rows[-1].id)
                self.relayed = rows[-1].id
            except NoStreamResponseError:
                log.warning("%s: NATS has lost its stream; it is made again, what it held is read from the logs", name)
                with contextlib.suppress(NatsError, TimeoutError):
                    await declare(self.broker.config.connection_state.connection)
            except Exception as error:  # infrastructure: tried again for ever
                log.warning("%s: relay waits: %s", name, type(error).__name__)
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
            if self.service.acting and self.ready and self.service.tracked.get(source, 0) < before:
                with contextlib.suppress(NatsError, TimeoutError, LookupError, Gap):
                    await self.backfill(source, before)

        return on_head

    async def _watch(self) -> None:
        """A pull request can be lost on a reconnect: if messages wait and none is fetched, subscribe anew."""
        while True:
            await asyncio.sleep(5)
            if self._consumer is None or time.monotonic() - self.fetched_at < 10:
                continue
            with contextlib.suppress(NatsError, TimeoutError):
                js = self.broker.config.connection_state.connection.jetstream()
                info = await js.consumer_info(STREAM, self.service.name)
                if info.num_pending:
                    self.silent += 1
                    log.warning("%s: messages wait at NATS and none comes; subscribing anew", self.service.name)
                    await self._stop_consumer()
                    await self._start_consumer()
            self.fetched_at = time.monotonic()

    def lag(self) -> dict[str, int]:
        """Positions announced by each source and not heard yet."""
        return {s: max(0, self.heads.get(s, 0) - self.service.tracked.get(s, 0)) for s in sorted(self.service.sources)}


__all__ = ["STREAM", "Bus", "Outcome", "broker_of", "declare", "inbox_of"]
