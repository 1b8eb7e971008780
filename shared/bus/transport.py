"""What carries messages between services. It may lose, repeat and delay what it carries, and forget all that it held:
who listens finds out (shared/bus/listener.py)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import orjson
from faststream.nats import NatsBroker, NatsMessage
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NoStreamResponseError, NotFoundError

from shared.store.codec import to_wire
from shared.store.rows import Recorded

from .consumer import TOGETHER_SECONDS, Consumer
from .jetstream import STREAM, declare, inbox_of, last_of, subject_of

TROUBLES = (NatsError, TimeoutError)
"""What a transport raises while it cannot carry."""
AGAIN_SECONDS = 1.0
"""After so long a batch that could not be heard is delivered again."""
LISTENERS_SECONDS = 1.0
"""So long answers of listeners are awaited: who is not there says it with its next head."""
Handler = Callable[[bytes], Awaitable[bytes]]


class StreamLost(Exception):
    """Nothing keeps what is published: the stream is gone."""


class Delivery(Protocol):
    """A message as it arrives."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...


class Waiting(NamedTuple):
    """What a listener has not heard: messages not delivered to it, messages that it has not answered, and the number
    in the stream up to which it has answered all."""

    undelivered: int
    unanswered: int
    floor: int


class Transport(Protocol):
    """One service's way to the others. Raises one of TROUBLES while it cannot carry."""

    @property
    def connected(self) -> bool: ...
    def serve(
        self, sources: Sequence[str], *, read: Handler, told: Handler, head: Callable[[str, bytes], Awaitable[None]],
        heard: Callable[[str], Awaitable[bytes]],
    ) -> None:  # fmt: skip
        """Answer who reads the log or tells the service something; hand on the heads that anybody announces; answer
        ``sources`` how far they were heard."""
        ...

    async def own_last(self) -> int:
        """The position of the last message of this service's log that is kept; 0 when there is none."""
        ...

    async def listeners(self) -> dict[str, int]:
        """How far those who hear this service's log have heard it, as far as they are there."""
        ...

    async def announce(self, head: bytes) -> None:
        """Tell whoever listens where this log ends."""
        ...

    async def ask(self, source: str, question: bytes) -> bytes:
        """A page of the log of another service."""
        ...

    async def publish(self, rows: Sequence[Recorded]) -> None:
        """Returns when all of these said rows are kept for who listens. Raises StreamLost, or whatever stood in the
        way."""
        ...

    async def declare(self) -> None:
        """Make the stream again."""
        ...

    async def consume(
        self, sources: Sequence[str], batch: int, hear: Callable[[Sequence[Delivery]], Awaitable[None]]
    ) -> None:
        """Fetch from now on what ``sources`` say, at most ``batch`` messages at a time; what ``hear`` raises at is
        delivered again. Raises StreamLost."""
        ...

    async def rest(self) -> None:
        """Fetch no more."""
        ...

    async def last(self) -> int:
        """The number of the last message in the stream."""
        ...

    async def waiting(self) -> Waiting: ...


class NatsTransport:
    """By NATS: a durable consumer on the one stream, and plain requests."""

    def __init__(self, name: str, broker: NatsBroker, replicas: int = 1, gathers: float = TOGETHER_SECONDS):
        """``replicas``: of the stream, should it have to be made again; ``gathers``: seconds that a batch waits for
        what else arrives."""
        self.name, self.broker, self._replicas, self._gathers = name, broker, replicas, gathers
        self._consumer: Consumer | None = None

    @property
    def client(self) -> Client:
        client: Client = self.broker.config.connection_state.connection
        return client

    @property
    def connected(self) -> bool:
        return bool(self.client.is_connected)

    def serve(
        self, sources: Sequence[str], *, read: Handler, told: Handler, head: Callable[[str, bytes], Awaitable[None]],
        heard: Callable[[str], Awaitable[bytes]],
    ) -> None:  # fmt: skip
        def answering(answer: Handler) -> Callable[[NatsMessage], Awaitable[bytes]]:
            async def answered(message: NatsMessage) -> bytes:
                return await answer(bytes(message.body))

            return answered

        async def headed(message: NatsMessage) -> None:
            subject = message.raw_message.subject
            await head(subject.rpartition(".")[2], bytes(message.body))

        def of(source: str) -> Callable[[NatsMessage], Awaitable[bytes]]:
            async def asked(_: NatsMessage) -> bytes:
                return await heard(source)

            return asked

        self.broker.subscriber(f"vefa.log.{self.name}", queue=self.name)(answering(read))
        self.broker.subscriber(f"vefa.hear.{self.name}", queue=self.name)(answering(told))
        self.broker.subscriber("vefa.head.*")(headed)
        for source in sources:
            self.broker.subscriber(f"vefa.heard.{source}")(of(source))

    async def own_last(self) -> int:
        return await last_of(self.client, self.name)

    async def listeners(self) -> dict[str, int]:
        inbox, found = self.client.new_inbox(), dict[str, int]()
        answers = await self.client.subscribe(inbox)
        try:
            await self.client.publish(f"vefa.heard.{self.name}", b"", reply=inbox)
            async with asyncio.timeout(LISTENERS_SECONDS):
                async for answer in answers.messages:
                    if not answer.data:
                        break  # nobody listens
                    told = orjson.loads(answer.data)
                    found[told["service"]] = int(told["heard"])
        except TimeoutError:
            pass
        finally:
            await answers.unsubscribe()
        return found

    async def announce(self, head: bytes) -> None:
        await self.client.publish(f"vefa.head.{self.name}", head)

    async def ask(self, source: str, question: bytes) -> bytes:
        return bytes((await self.client.request(f"vefa.log.{source}", question, timeout=10)).data)

    async def publish(self, rows: Sequence[Recorded]) -> None:
        js, acks = self.client.jetstream(), []
        for row in rows:
            body, headers = to_wire(self.name, row)
            acks.append(await js.publish_async(subject_of(self.name, row.topic), body, stream=STREAM, headers=headers))
        async with asyncio.timeout(15):
            results = await asyncio.gather(*acks, return_exceptions=True)
        failed = next((r for r in results if isinstance(r, BaseException)), None)
        if isinstance(failed, NoStreamResponseError):
            raise StreamLost from failed
        if failed:
            raise failed

    async def declare(self) -> None:
        await declare(self.client, self._replicas)

    async def consume(
        self, sources: Sequence[str], batch: int, hear: Callable[[Sequence[Delivery]], Awaitable[None]]
    ) -> None:
        config = ConsumerConfig(
            name=self.name, durable_name=self.name, filter_subjects=[f"vefa.event.{s}.>" for s in sources],
            deliver_policy=DeliverPolicy.ALL, max_ack_pending=4 * batch, ack_wait=30,
        )  # fmt: skip
        consumer = Consumer(self.client, STREAM, config, inbox_of(self.name), batch, self._gathers)
        try:
            await consumer.start(hear, AGAIN_SECONDS)
        except NotFoundError as error:
            raise StreamLost from error
        self._consumer = consumer

    async def rest(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()

    async def last(self) -> int:
        return int((await self.client.jetstream().stream_info(STREAM)).state.last_seq)

    async def waiting(self) -> Waiting:
        info = await self.client.jetstream().consumer_info(STREAM, self.name)
        floor = info.ack_floor.stream_seq if info.ack_floor else 0
        return Waiting(info.num_pending or 0, info.num_ack_pending or 0, floor)
