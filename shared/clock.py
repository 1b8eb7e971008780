"""The platform clock, and the deadlines that the acting process hears when they are due. PostgreSQL's clock decides
nothing."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Protocol

from psycopg import OperationalError, sql

from contracts.kernel import DeadlineReached

from .events import Actor, Message
from .service import Service, deadline_id

PAGE = 500
log = logging.getLogger("vefa.clock")
LATE = timedelta(minutes=1)


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SteppedClock:
    """A clock that stands still until it is set: simulations and the demo. It never goes back."""

    def __init__(self, at: datetime):
        self._at = at

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        self._at = max(self._at, at)


class Deadlines:
    """Hears ``deadline-reached`` for every armed row that is due, in the order of due instants, each once."""

    def __init__(self, service: Service, clock: Clock):
        self._service, self._clock = service, clock
        self.woken = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self.fire()
                following = await self.following()
            except OperationalError:
                following = None
            self.woken.clear()
            wait = 1.0 if following is None else min(1.0, max(0.0, (following - self._clock.now()).total_seconds()))
            try:
                await asyncio.wait_for(self.woken.wait(), wait)
            except TimeoutError:
                pass

    async def fire(self) -> int:
        """Hear everything that is due now; returns how many."""
        fired = 0
        query = sql.SQL("select key, stream, kind, due, armed_by from {} where due <= %s order by due, key limit %s")
        query_ = query.format(sql.Identifier(self._service.views_schema, "deadlines"))
        while True:
            now = self._clock.now()
            async with self._service.log.pool.connection() as conn:
                rows = await (await conn.execute(query_, (now, PAGE))).fetchall()
            if not rows:
                return fired
            # one instant at a time: what is decided at an earlier one may disarm a later one
            first = rows[0][3]
            due = [row for row in rows if row[3] == first]
            results = await self._service.hear_each(
                *(
                    Message(
                        event=DeadlineReached(key=key, of=stream, kind=kind, due=at.astimezone(UTC)),
                        id=deadline_id(armed_by, key), occurred_at=at.astimezone(UTC), heard_at=now,
                        actor=Actor("service", self._service.name), late=False,
                        correlation=deadline_id(armed_by, key),
                    )
                    for key, stream, kind, at, armed_by in due
                )
            )  # fmt: skip
            fired += len(due)
            if failed := next((r for r in results if isinstance(r, Exception)), None):
                log.error("%s: a deadline could not be heard: %s", self._service.name, type(failed).__name__)
                return fired

    async def following(self) -> datetime | None:
        """The next due instant."""
        query = sql.SQL("select min(due) from {}").format(sql.Identifier(self._service.views_schema, "deadlines"))
        async with self._service.log.pool.connection() as conn:
            row = await (await conn.execute(query)).fetchone()
        return row[0].astimezone(UTC) if row and row[0] else None
