"""Floors: the same rows by multi-row inserts and the same messages by JetStream, without a thought about them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy

from shared.base.database import connect
from shared.bus.jetstream import STREAM
from shared.store.draft import ROWS
from shared.store.event_log import EventLog
from shared.store.rows import Recorded

from .room import PLAIN, Room

BATCH = 500


class Plain:
    """A table like a log's, and a connection to NATS."""

    def __init__(self, log: EventLog, client: Client):
        self.log, self.client = log, client

    async def insert(self, rows: Sequence[Recorded]) -> None:
        """One statement, one transaction."""
        columns: list[list[Any]] = [
            [r.id for r in rows], [str(r.originator_id) for r in rows], [r.originator_version for r in rows],
            [r.topic for r in rows], [r.state for r in rows], [r.event_id for r in rows], [r.metadata for r in rows],
            [r.recorded_at for r in rows], [r.said for r in rows], [r.hash for r in rows],
        ]  # fmt: skip
        async with self.log.pool.connection() as conn:
            await conn.execute(self.log.sql(ROWS), columns)

    async def publish(self, rows: Sequence[Recorded]) -> None:
        js = self.client.jetstream()
        acks = [
            await js.publish_async(
                "plain.event", r.metadata + r.state, stream=PLAIN, headers={"Nats-Msg-Id": str(r.event_id)}
            )
            for r in rows
        ]  # fmt: skip
        await asyncio.gather(*acks)

    async def relay(self, subjects: list[str], since: int, heard: int, rows: Sequence[Recorded]) -> None:
        """Fetch ``heard`` messages from the platform's stream, insert the rows, acknowledge, and publish what is
        said, in batches; without subjects nothing is fetched."""
        fetched = 0
        config = ConsumerConfig(
            filter_subjects=subjects, deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=since,
            max_ack_pending=4 * BATCH,
        )  # fmt: skip
        js = self.client.jetstream()
        source = await js.pull_subscribe("", stream=STREAM, config=config) if subjects else None
        while fetched < heard:
            wanted = min(BATCH, heard - fetched)
            messages = await source.fetch(wanted, timeout=30) if source else ()
            first, last = (len(rows) * at // heard for at in (fetched, fetched + wanted))
            await self.insert(rows[first:last])
            for message in messages:
                await message.ack()
            await self.publish([r for r in rows[first:last] if r.said])
            fetched += wanted
        if source:
            await source.unsubscribe()


@asynccontextmanager
async def plain(room: Room, database: str, name: str = "plain") -> AsyncIterator[Plain]:
    client = await nats.connect(room.servers.nats_url("ops"))
    try:
        async with connect(database) as pool:
            log = EventLog(pool, name)
            await log.create()
            yield Plain(log, client)
    finally:
        await client.close()
