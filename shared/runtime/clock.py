"""The platform clock, and the deadlines that the leader hears when they are due. PostgreSQL's clock decides
nothing."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from shared.core.facts import DeadlineReached
from shared.core.message import Actor, Message, deadline_id
from shared.store.queries import DueDeadline

from .service import Service

PAGE = 500
log = logging.getLogger("vefa.clock")


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


class NextDue:
    """When the next row of a table of the views falls due, and how many rows wait."""

    def __init__(self, service: Service, table: str, column: str, kinds: Sequence[str] | None = None):
        self._service, self._table, self._column, self._kinds = service, table, column, kinds
        self._asked, self._loads = (-1, 0.0), -1
        self._answer: tuple[datetime | None, int] = (None, 0)

    async def at(self) -> datetime | None:
        return (await self._now())[0]

    async def count(self) -> int:
        return (await self._now())[1]

    async def not_before(self) -> datetime | None:
        """No row falls due before this instant, though maybe later: what every commit wrote is known, so that
        PostgreSQL is asked at first, and when this instant has come."""
        if self._loads != self._service.changes.loads:
            loads, self._asked = self._service.changes.loads, (-1, 0.0)
            await self._now()
            self._loads = loads
        return min((at for at in (self._answer[0], self._service.changes.due.get(self._table)) if at), default=None)

    async def _now(self) -> tuple[datetime | None, int]:
        """PostgreSQL is asked again only after a commit that touched the table, or a second later."""
        service, asked = self._service, asyncio.get_running_loop().time()
        changes = service.changes.counts[self._table]
        if self._asked[0] != changes or asked - self._asked[1] > 1:
            noted = service.changes.due.pop(self._table, None)
            try:
                answer = await service.log.next_due(service.views_schema, self._table, self._column, self._kinds)
            except BaseException:
                if noted:
                    service.changes.due[self._table] = min(noted, service.changes.due.get(self._table, noted))
                raise
            self._asked, self._answer = (changes, asked), answer
        return self._answer


class Deadlines:
    """Hears ``deadline-reached`` for every armed row that is due, in the order of due instants, each once."""

    def __init__(self, service: Service, clock: Clock):
        self._service, self._clock = service, clock
        self.woken = service.changes.wakes()
        self.next = NextDue(service, "deadlines", "due")

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                following = None if self._service.lost else await self.next.not_before()
                if following and following <= self._clock.now():
                    following = await self.next.at()
                if following and following <= self._clock.now():
                    await self.fire()
                    continue
            except Exception as error:  # whatever it is: a loop that ended would let nothing be reached any more
                log.warning("%s cannot reach deadlines (%s); tried again", self._service.name, type(error).__name__)
                following = None
                await asyncio.sleep(1)
            wait = 1.0 if following is None else min(1.0, max(0.0, (following - self._clock.now()).total_seconds()))
            try:
                async with asyncio.timeout(wait):
                    await self.woken.wait()
            except TimeoutError:
                pass

    async def fire(self) -> int:
        """Hear everything that is due now; returns how many."""
        fired, before = 0, list[DueDeadline]()
        while True:
            now = self._clock.now()
            # one instant at a time: what is decided at an earlier one may disarm a later one
            due = await self._service.log.due_deadlines(self._service.views_schema, now, PAGE)
            if not due:
                return fired
            if due == before:
                log.error("%s: deadlines of %s are not taken in", self._service.name, due[0].stream.partition(":")[0])
                await asyncio.sleep(1)
                return fired
            before = due
            results = await self._service.handle_each(
                *(
                    Message(
                        event=DeadlineReached(key=key, of=stream, kind=kind, due=at),
                        id=deadline_id(armed_by, key), occurred_at=at, heard_at=now,
                        actor=Actor("service", self._service.name), late=False,
                        correlation=deadline_id(armed_by, key),
                    )
                    for key, stream, kind, at, armed_by in due
                )
            )  # fmt: skip
            fired += len(due)
            if failed := next((r for r in results if isinstance(r, Exception)), None):
                log.error("%s: a deadline could not be heard: %s", self._service.name, type(failed).__name__)
                await asyncio.sleep(1)
                return fired
