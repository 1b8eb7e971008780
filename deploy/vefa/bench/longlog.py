"""A long log of sla to read: closed cases, written by COPY."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.vefa.services import app_of

from .made import live, write
from .room import Room
from .station import Station, station

SERVICE = "sla"


@asynccontextmanager
async def long_log(room: Room, database: str, *, events: int = 0, cases: int = 0) -> AsyncIterator[tuple[Station, int]]:
    """sla on a database that gets so many rows or closed cases; yields how many rows there are."""
    async with station(room, app_of(SERVICE), database) as sla:
        await sla.ship_policies()
        pattern = await live(sla.service, datetime.now(UTC) - timedelta(days=30))
        await write(sla.service.log, sla.service.views_schema, pattern, cases or max(1, events // len(pattern.rows)))
        yield sla, (await sla.service.log.head()).position


async def read_all(station: Station, page: int, each: Any = None) -> None:
    """Pages of the log as bytes, in order of position: the floor of everything that replays."""
    log, after = station.service.log, 0
    query = log.sql(
        "select notification_id, state, metadata from {s}.stored_events where notification_id > %s"
        " order by notification_id limit %s"
    )
    async with log.pool.connection() as conn:
        while rows := await (await conn.execute(query, (after, page), binary=True)).fetchall():
            after = rows[-1][0]
            if each:
                for row in rows:
                    each(row)
