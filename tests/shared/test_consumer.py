"""What a batch waits for: for as many messages as were asked for, and no longer than it is told."""

import asyncio
from collections.abc import Sequence
from typing import Any

from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from shared.bus.consumer import Consumer
from tests.waiting import until


class Client:
    """A connection where messages arrive by hand."""

    def __init__(self) -> None:
        self.arrives: Any = None
        self.requests = 0
        self.acknowledged = list[Msg]()

    def jetstream(self) -> Any:
        return self

    async def add_consumer(self, stream: str, config: ConsumerConfig) -> None: ...

    def new_inbox(self) -> str:
        return "inbox.1"

    async def subscribe(self, subject: str, cb: Any) -> Any:
        self.arrives = cb
        return self

    async def unsubscribe(self) -> None: ...

    async def publish(self, subject: str, payload: bytes, reply: str) -> None:
        self.requests += 1

    def message(self, status: str = "") -> Msg:
        made = Msg(self, headers={"Status": status} if status else None)  # type: ignore[arg-type]
        object.__setattr__(made, "ack", lambda: asyncio.sleep(0))
        return made


async def consuming(batch: int, gathers: float) -> tuple[Client, Consumer, list[int]]:
    """A consumer that has asked for messages, and how many it hands over at a time."""
    client, handed = Client(), list[int]()
    consumer = Consumer(client, "S", ConsumerConfig(durable_name="x"), "own", batch, gathers)  # type: ignore[arg-type]

    async def hear(messages: Sequence[Msg]) -> None:
        handed.append(len(messages))

    await consumer.start(hear, 1.0)
    await until(lambda: client.requests)
    return client, consumer, handed


async def arrive(client: Client, *statuses: str) -> None:
    """One after the other: what fetches has looked at the first before the next one comes."""
    for status in statuses:
        await client.arrives(client.message(status))
        for _ in range(20):
            await asyncio.sleep(0)


async def test_a_full_batch_waits_for_nothing_more() -> None:
    client, consumer, handed = await consuming(3, 3600)
    await arrive(client, "", "", "")
    await until(lambda: handed)
    await until(lambda: client.requests == 2)
    assert handed == [3]
    await consumer.stop()


async def test_a_request_that_has_ended_brings_nothing_more_to_wait_for() -> None:
    client, consumer, handed = await consuming(3, 3600)
    await arrive(client, "", "", "408")
    await until(lambda: handed)
    assert handed == [2]
    await consumer.stop()


async def test_what_comes_within_the_time_shares_the_batch() -> None:
    client, consumer, handed = await consuming(3, 0.5)
    await arrive(client, "", "")
    await until(lambda: handed)
    assert (handed, client.requests) == ([2], 1)
    await consumer.stop()
