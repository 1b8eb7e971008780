"""Side effects: mail, webhooks, destroying keys. What is to be done is an event, what came of it another; between
them a row is open.

Only the leader runs them: at least once, with the same key each time. A replay has no sender."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import groupby
from uuid import UUID, uuid5

from shared.base.tracing import traceparent
from shared.core.event import Event
from shared.core.message import Actor, Message, fresh
from shared.store.codec import from_row
from shared.store.queries import DueEffect, Tried
from shared.store.rows import Recorded

from .clock import Clock, NextDue
from .service import Service

PAGE = 200
AT_ONCE = 8
FRESH_SECONDS = 8.0
"""So long what was found due is done. Another process may act 10 s after a look of this one: a lease is lost after
15 s without a touch, and touched every 5 s (shared/host/process.py)."""
log = logging.getLogger("vefa.effects")

EffectHandler = Callable[[Message, str, int, bool], Awaitable[Event]]
"""``sender(message, key, attempt, stale)`` does the effect that ``message`` asked for and returns what came of it;
``key`` is its idempotency key, ``attempt`` is 1 for the first try. When ``stale`` it must not do anything and says
so. It handles its own errors."""


def result_id(effect: DueEffect, asked: UUID) -> UUID:
    """Made of the effect and the try: a crash between doing and hearing does it once more, and hears once."""
    return outcome_id(asked, effect.key, effect.attempt + 1)


def outcome_id(asked: UUID, key: str, attempt: int) -> UUID:
    """Of the event that asked for the effect, its key, and the try: 1 is the first."""
    return uuid5(asked, f"effect|{key}|{attempt}")


class Effects:
    """Runs what is due, in order for each recipient."""

    def __init__(self, service: Service, clock: Clock, handlers: Mapping[str, EffectHandler]):
        self._service, self._clock, self._handlers = service, clock, handlers
        self.woken = service.changes.wakes()
        self.next = NextDue(service, "effects", "next_attempt", list(handlers))
        self._told: set[Tried] = set()
        """Tries (key, row, attempt) that were done and whose result is parked: not again before it is retried."""

    async def run(self) -> None:
        while True:
            self.woken.clear()
            done = 0
            try:
                due = await self.next.not_before()
                if due and due <= self._clock.now():
                    done = await self.send_due()
                    await self.next.at()
            except Exception as error:  # whatever it is: a loop that ended would send nothing any more
                log.warning("%s cannot do its effects (%s); tried again", self._service.name, type(error).__name__)
                await asyncio.sleep(1)
            if not done:
                try:
                    async with asyncio.timeout(1):
                        await self.woken.wait()
                except TimeoutError:
                    pass

    async def send_due(self) -> int:
        """Do everything that is due now, once; returns how many were tried."""
        service, now, looked = self._service, self._clock.now(), asyncio.get_running_loop().time()
        older = service.lost.restored_to if service.lost else 0  # what came of these may be lost
        due = await service.log.due_effects(service.views_schema, now, self._handlers, self._told, PAGE, older)
        asked = {row.id: row for row in await service.log.at(sorted({d.row for d in due}))}
        if service.lost:  # and what came of these may just be coming back
            due = [d for d in due if not from_row(asked[d.row], None)[0].recovered]
        results = (result_id(d, asked[d.row].event_id) for d in due)
        told = await service.log.known(results) if self._may_be_told() else set()
        again = [d for d in due if result_id(d, asked[d.row].event_id) in told]
        self._told |= {(d.key, d.row, d.attempt) for d in again}
        by_recipient = sorted((d for d in due if d not in again), key=lambda d: d.recipient)
        limit = asyncio.Semaphore(AT_ONCE)

        async def in_order(effects: list[DueEffect]) -> None:
            async with limit:
                for effect in effects:
                    await self._send(effect, asked[effect.row], looked + FRESH_SECONDS)

        groups = (list(group) for _, group in groupby(by_recipient, key=lambda d: d.recipient))
        # all of them end before the next look: what is still on its way would be sent beside itself
        ended = await asyncio.gather(*map(in_order, groups), return_exceptions=True)
        if failed := next((error for error in ended if error is not None), None):
            raise failed
        return len(by_recipient)

    def _may_be_told(self) -> bool:
        """Whether the result of something that is still open may stand in the log: where it could not be taken in, or
        was brought back after a restore."""
        parked = self._service.memory.table("parked")
        return self._service.epoch > 1 or any((row["count"] or 0) > 0 for _, row in parked)

    async def _send(self, effect: DueEffect, asked: Recorded, until: float) -> None:
        """``until``: from then on (time of the event loop) it has to be looked up again."""
        [message] = await self._service.open([asked])
        stale = effect.not_after < self._clock.now()
        if asyncio.get_running_loop().time() > until:
            return  # this process may have stood still, and another has done it
        try:
            outcome = await self._handlers[effect.kind](message, effect.key, effect.attempt + 1, stale)
        except Exception as error:  # a sender that raises is a bug of ours: the row stays open and is seen
            log.error("%s: sender %s raised %s", self._service.name, effect.kind, type(error).__name__)
            await asyncio.sleep(1)
            return
        await self._service.handle(
            fresh(
                outcome, self._clock.now(), id=result_id(effect, asked.event_id),
                actor=Actor("service", self._service.name), correlation=message.correlation,
                trace=traceparent(message.trace, message.correlation, asked.event_id),
            )
        )  # fmt: skip
