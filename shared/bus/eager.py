"""Fetching from JetStream without waiting: what has arrived is handed over at once, and a lost consumer is renewed."""

import asyncio
import contextlib
import time
from typing import Any

import orjson
from faststream.nats.subscriber.usecases import BatchPullStreamSubscriber
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext

PULL_SECONDS = 5.0
TOGETHER_SECONDS = 0.003
"""So long a fetch waits for what else arrives: a commit costs the same for one message and for ten."""
OVER = ("404", "408")
"""Statuses of a pull request that just ran out: no messages, or its time is over."""


class EagerBatch(BatchPullStreamSubscriber):
    """FastStream's batch subscriber fetches by nats-py, which waits until a batch is full or its timeout is over, and
    drops what it holds when nats-py raises the plain TimeoutError. This one keeps one pull request open and hands over
    at once whatever has arrived, and renews a consumer that was lost."""

    __slots__ = ()

    async def _consume_pull(self) -> None:
        open_until, wanted = 0.0, 0
        while self.running:
            try:
                assert self.subscription is not None
                if wanted <= 0 or time.monotonic() >= open_until:
                    wanted, open_until = self.pull_sub.batch_size, time.monotonic() + PULL_SECONDS
                    await _pull(self.subscription, wanted)
                messages, over = await _arrived(self.subscription, wanted, open_until - time.monotonic() + 0.5)
                wanted = 0 if over else wanted - len(messages)
            except TimeoutError:
                continue
            except NatsError:
                wanted = 0
                await self._renew()
                continue
            if messages and self.running:
                await self.consume(messages)

    async def _renew(self) -> None:
        """Get the consumer and a subscription to it again, however long NATS takes."""
        old = self.subscription
        while self.running and self.subscription is old:
            await asyncio.sleep(0.5)
            with contextlib.suppress(NatsError, TimeoutError):
                self.subscription = await self.jetstream.pull_subscribe(
                    subject=self.subject.broker_address, config=self.config, **self.extra_options
                )
        if old is not None and self.subscription is not old:
            with contextlib.suppress(NatsError):
                await old.unsubscribe()


async def _pull(subscription: Any, batch: int) -> None:
    """Ask the server for up to ``batch`` messages, as they come, for PULL_SECONDS."""
    request = orjson.dumps({"batch": batch, "expires": int(PULL_SECONDS * 1e9)})
    await subscription._nc.publish(subscription._nms, request, subscription._deliver)


async def _arrived(subscription: Any, most: int, seconds: float) -> tuple[list[Msg], bool]:
    """Waits for the first message, then takes what else is there; True when the server ended the request. NatsError
    when there is no consumer to ask any more."""
    inner, messages = subscription._sub, list[Msg]()
    message = await inner.next_msg(seconds)
    until = time.monotonic() + TOGETHER_SECONDS
    while True:
        if status := JetStreamContext.is_status_msg(message):
            if status not in OVER and not messages:
                raise NatsError(f"the server ended a pull request with status {status}")
            return messages, True
        messages.append(message)
        if inner._pending_queue.empty() and len(messages) < most and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(left)  # what comes a moment later shares the commit
        if len(messages) >= most or inner._pending_queue.empty():
            return messages, False
        message = await inner.next_msg(seconds)
