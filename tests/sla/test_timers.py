"""200 deadlines on a real log: each is reached once and at its due instant, whatever the clock, the process and its
restarts do."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta

import pytest

from contracts.sla import CaseEscalated, TargetBreached
from services.sla.app import app
from shared.base.database import connect
from shared.core.event import Event
from shared.core.facts import DeadlineReached, PublishPolicy
from shared.core.message import Message, fresh, uuid7
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare

from .words import POLICY, Watched, opened, t

pytestmark = pytest.mark.servers
CASES = [(t(26, "09:00") + timedelta(minutes=number), f"c{number}") for number in range(100)]
"""When each is opened: first_response and resolution of each are deadlines."""
LAST = CASES[-1][0]


@asynccontextmanager
async def processes(database: str, number: int) -> AsyncIterator[list[Service]]:
    """So many processes of sla on one database, which end with the block."""
    async with AsyncExitStack() as stack:
        running = []
        for _ in range(number):
            pool = await stack.enter_async_context(connect(database))
            log, vault = EventLog(pool, "sla"), Vault(pool, MasterKey(b"m" * 32))
            await vault.create()
            await prepare(log, app.views, "sla_views")
            service = app.service_on(log, vault)
            await service.start()
            stack.push_async_callback(service.stop)
            running.append(service)
        yield running


async def open_cases(sla: Service) -> None:
    for name, document in {**app.shipped(), "targets": json.dumps(POLICY)}.items():
        command = PublishPolicy(service="sla", name=name, document=document, by="shipped", reason="test")
        await sla.handle(fresh(command, LAST, id=uuid7(LAST, name), command=True))
    await sla.handle(*(fresh(opened(case=case), at, id=uuid7(at, case)) for at, case in CASES))


async def fired_by_all(running: list[Service], clock: SteppedClock) -> None:
    await asyncio.gather(*(Deadlines(service, clock).fire() for service in running))


async def killed_while_it_fires(sla: Service, clock: SteppedClock) -> None:
    firing, before = asyncio.create_task(Deadlines(sla, clock).fire()), sla.position
    while sla.position < before + 60:
        await asyncio.sleep(0)
    firing.cancel()
    with suppress(asyncio.CancelledError):
        await firing


def expected(until: datetime) -> Watched:
    """The same cases on a desk that hears every deadline in time."""
    desk = Watched()
    for at, case in CASES:
        desk.handle(at, opened(case=case))
    desk.until(until)
    return desk


async def recorded(sla: Service) -> list[Message]:
    return await sla.open(await sla.log.rows(0, 100_000))


def counted(events: list[Event]) -> Counter[tuple[str, str, str]]:
    """How often each level and each breach of a case was said."""
    return Counter(
        (e.case, e.metric, e.level if isinstance(e, CaseEscalated) else "breached")
        for e in events if isinstance(e, CaseEscalated | TargetBreached)
    )  # fmt: skip


async def test_every_timer_fires_once_across_restarts_two_processes_and_steps_of_an_hour_and_a_day(
    database: str,
) -> None:
    clock = SteppedClock(LAST)
    async with processes(database, 1) as [sla]:
        await open_cases(sla)
        assert await Deadlines(sla, clock).next.count() == 200
    clock.set(LAST + timedelta(hours=1))
    async with processes(database, 2) as running:
        await fired_by_all(running, clock)
    clock.set(clock.now() + timedelta(days=1))
    async with processes(database, 1) as [sla]:
        await killed_while_it_fires(sla, clock)
    async with processes(database, 2) as running:
        assert await Deadlines(running[0], clock).next.count() > 0, "it was killed on its way"
        await fired_by_all(running, clock)
        sla, desk = running[0], expected(clock.now())
        found = await recorded(sla)
        reached = [m for m in found if isinstance(m.event, DeadlineReached)]
        assert sorted((m.event.key, m.event.due) for m in reached) == sorted((e.key, e.due) for e in desk.fired)
        assert all(m.occurred_at == m.event.due for m in reached)
        assert len({m.id for m in reached}) == len(reached) > 200
        assert counted([m.event for m in found]) == counted(desk.said)
        assert set(counted(desk.said).values()) == {1}
        assert all(table.equal for table in (await check(sla.log, sla.views, "sla_views")).values())
