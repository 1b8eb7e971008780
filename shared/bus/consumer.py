"""Fetching from JetStream without waiting: what has arrived is handed over at once, and a lost consumer is renewed.

nats-py's own fetch waits until a batch is full or its time is over, and FastStream's batch subscriber, which calls it,
drops what it holds when that ends in a TimeoutError."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import ConsumerConfig
from nats.js.client import JetStreamContext

from shared.base.tasks import end

PULL_SECONDS = 5.0
"""So long a request for messages is open."""
LATE_SECONDS = 0.5
"""So long after that its end is awaited, before another one is made."""
TOGETHER_SECONDS = 0.003
"""So long a batch waits for what else arrives, if nobody wants longer: a commit costs the same for one message and for
ten."""
RENEW_SECONDS = 0.5
OVER = ("404", "408")
"""Statuses of a request that just ran out: no messages, or its time is over."""
log = logging.getLogger("vefa.bus")


class Consumer:
    """A durable consumer of a stream, with one request for messages open at a time."""

    def __init__(
        self, client: Client, stream: str, config: ConsumerConfig, inbox: str, batch: int,
        gathers: float = TOGETHER_SECONDS,
    ):  # fmt: skip
        """``inbox``: a prefix of subjects where only this client listens; ``batch``: the most messages at once;
        ``gathers``: seconds that a batch waits for what else arrives."""
        self._client, self._stream, self._config, self._inbox, self._batch = client, stream, config, inbox, batch
        self._gathers = gathers
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{config.durable_name}"
        self._arrived = list[Msg]()
        self._wake, self._full = asyncio.Event(), asyncio.Event()
        self._lost = False
        self._wanted, self._open_until = 0, 0.0
        self._subscription: Any = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, hear: Callable[[Sequence[Msg]], Awaitable[None]], again_seconds: float) -> None:
        """Make the consumer and hand over what comes. A batch at which ``hear`` raises is delivered again after so many
        seconds. Raises NatsError, NotFoundError when there is no stream."""
        await self._client.jetstream().add_consumer(self._stream, self._config)
        self._reply = f"{self._inbox}.{self._client.new_inbox().rpartition('.')[2]}"
        self._subscription = await self._client.subscribe(self._reply, cb=self._on_message)
        self._task = asyncio.create_task(self._run(hear, again_seconds))

    async def stop(self) -> None:
        if self._task:
            await end(self._task)
        with contextlib.suppress(NatsError):
            await self._subscription.unsubscribe()

    async def _on_message(self, message: Msg) -> None:
        if status := JetStreamContext.is_status_msg(message):
            self._wanted = 0
            self._lost = self._lost or status not in OVER
        else:
            self._wanted -= 1
            self._arrived.append(message)
        if self._wanted <= 0:
            self._full.set()
        self._wake.set()

    async def _run(self, hear: Callable[[Sequence[Msg]], Awaitable[None]], again_seconds: float) -> None:
        while True:
            try:
                if messages := await self._fetch():
                    await self._hand_over(messages, hear, again_seconds)
                elif self._lost:
                    await self._renew()
            except (NatsError, TimeoutError) as error:  # the connection: it comes back, or the process is told to end
                log.warning("%s cannot fetch (%s); tried again", self._config.durable_name, type(error).__name__)
                self._wanted = 0
                await asyncio.sleep(RENEW_SECONDS)

    async def _fetch(self) -> list[Msg]:
        """What has arrived, as soon as something has; [] when the request ended with nothing."""
        loop = asyncio.get_running_loop()
        if not self._arrived:
            if self._wanted <= 0 or loop.time() >= self._open_until:
                await self._ask(loop.time())
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._open_until + LATE_SECONDS):
                    await self._wake.wait()
        if self._arrived and self._wanted > 0:  # what comes a moment later shares the commit
            self._full.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._gathers):
                    await self._full.wait()
        messages, self._arrived = self._arrived[: self._batch], self._arrived[self._batch :]
        return messages

    async def _ask(self, now: float) -> None:
        request = orjson.dumps({"batch": self._batch, "expires": int(PULL_SECONDS * 1e9)})
        self._wanted, self._open_until = self._batch, now + PULL_SECONDS
        await self._client.publish(self._next, request, self._reply)

    async def _hand_over(
        self, messages: Sequence[Msg], hear: Callable[[Sequence[Msg]], Awaitable[None]], again_seconds: float
    ) -> None:
        try:
            await hear(messages)
        except Exception:  # whoever hears has said why
            for message in messages:
                await message.nak(delay=again_seconds)
            return
        for message in messages:
            await message.ack()

    async def _renew(self) -> None:
        """Get the consumer again, however long NATS takes."""
        await asyncio.sleep(RENEW_SECONDS)
        with contextlib.suppress(NatsError, TimeoutError):
            await self._client.jetstream().add_consumer(self._stream, self._config)
            self._lost, self._wanted = False, 0
