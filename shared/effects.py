"""Side effects: mail, webhooks, destroying keys. What is to be done is an event, what came of it another; between
them a row is open.

Only the acting process runs them: at least once, with the same key each time. A replay has no sender."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import groupby
from uuid import uuid5

from psycopg import OperationalError, sql

from .clock import Clock, NextDue
from .events import Actor, Event, Message, fresh
from .service import Service

PAGE = 200
AT_ONCE = 8
log = logging.getLogger("vefa.effects")

Sender = Callable[[Message, str, int, bool], Awaitable[Event]]
"""``sender(message, key, attempt, stale)`` does the effect that ``message`` asked for and returns what came of it;
``key`` is its idempotency key, ``attempt`` is 1 for the first try. When ``stale`` it must not do anything and says
so. It handles its own errors."""


class Effects:
    """Runs what is due, in order for each recipient."""

    def __init__(self, service: Service, clock: Clock, senders: Mapping[str, Sender]):
        self._service, self._clock, self._senders = service, clock, senders
        self.woken = service.wakes()
        self.next = NextDue(service, "effects", "next_attempt", list(senders))

    async def run(self) -> None:
        while True:
            self.woken.clear()
            try:
                due = await self.next.at()
                done = await self.send_due() if due and due <= self._clock.now() else 0
            except OperationalError:
                done = 0
            if not done:
                try:
                    async with asyncio.timeout(1):
                        await self.woken.wait()
                except TimeoutError:
                    pass

    async def send_due(self) -> int:
        """Do everything that is due now, once; returns how many were tried."""
        query = sql.SQL(
            "select key, kind, recipient, row, attempt, not_after from {} where next_attempt <= %s and kind = any(%s)"
            " order by next_attempt, key limit %s"
        ).format(sql.Identifier(self._service.views_schema, "effects"))
        async with self._service.log.pool.connection() as conn:
            cursor = await conn.execute(query, (self._clock.now(), list(self._senders), PAGE))
            due = await cursor.fetchall()
        by_recipient = sorted(due, key=lambda row: str(row[2]))
        limit = asyncio.Semaphore(AT_ONCE)

        async def in_order(rows: list[tuple[str, str, str, int, int, object]]) -> None:
            async with limit:
                for row in rows:
                    await self._send(*row)

        await asyncio.gather(*(in_order(list(g)) for _, g in groupby(by_recipient, key=lambda row: str(row[2]))))
        return len(due)

    async def _send(self, key: str, kind: str, recipient: str, row: int, attempt: int, not_after: object) -> None:
        [recorded] = await self._service.log.rows(row - 1, 1)
        [message] = await self._service.open([recorded])
        now = self._clock.now()
        stale = not_after < now  # type: ignore[operator]
        try:
            outcome = await self._senders[kind](message, key, attempt + 1, stale)
        except Exception as error:  # a sender that raises is a bug of ours: the row stays open and is seen
            log.error("%s: sender %s raised %s", self._service.name, kind, type(error).__name__)
            await asyncio.sleep(1)
            return
        # made of the effect and the try: a crash between sending and hearing sends once more, and hears once
        event_id = uuid5(recorded.event_id, f"effect|{key}|{attempt + 1}")
        await self._service.hear(
            fresh(
                outcome, self._clock.now(), id=event_id, actor=Actor("service", self._service.name),
                correlation=message.correlation, trace=message.trace,
            )
        )  # fmt: skip
