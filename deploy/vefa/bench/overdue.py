"""What fell due while a service was stopped: sla took cases in, each at an instant of its own, and comes back when the
deadlines of all have passed."""

from datetime import UTC, datetime, timedelta

from deploy.vefa.services import app_of
from shared.core.facts import DeadlineReached
from shared.core.message import fresh
from shared.runtime.clock import Deadlines, SteppedClock

from .frame import Figure, Meter, Options, Run, in_loop
from .made import case_opened
from .plain import plain
from .room import Room, room
from .station import station

SERVICE = "sla"
CASES = 1000
"""At most: what the promise of no lost timer names."""


@in_loop
async def measure(options: Options) -> list[Figure]:
    runs, floors = list[Run](), list[Run]()
    with room() as made:
        await made.empty_streams()
        for _ in range(options.rounds):
            run, floor = await _round(made, min(CASES, options.cases))
            runs.append(run)
            floors.append(floor)
    floor_is = "the same rows inserted, a transaction for each deadline"
    return [Figure("overdue", "deadlines/s", runs, floors, floor_is, "100")]


async def _round(made: Room, cases: int) -> tuple[Run, Run]:
    database, began = made.database(), datetime.now(UTC) - timedelta(days=30)
    async with station(made, app_of(SERVICE), database) as sla:
        await sla.ship_policies()
        for n in range(cases):
            event = case_opened(n, f"ffffffff-0000-7000-{n:04x}-")
            await sla.service.handle(fresh(event, began + timedelta(seconds=n)))
        before = sla.service.position
        with Meter() as meter:
            fired = await Deadlines(sla.service, SteppedClock(datetime.now(UTC))).fire()
        rows = await sla.service.log.rows(before, 10_000_000)
    assert fired == sum(row.topic == DeadlineReached.TOPIC for row in rows)
    async with plain(made, database) as floor:
        with Meter() as plainly:
            for n in range(fired):
                first, last = (len(rows) * at // fired for at in (n, n + 1))
                await floor.insert(rows[first:last])
    made.drop(database)
    return meter.rate(fired, rows=len(rows)), plainly.rate(fired)
