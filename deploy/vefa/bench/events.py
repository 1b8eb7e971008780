"""Events per second through each service: hear, decide, say, views, relay, with every check.

Concerns go through all seven on one stream, one service after the other, so that each hears what those before it
said."""

from contextlib import AsyncExitStack

import nats

from deploy.vefa.services import app_of, names
from shared.bus.jetstream import STREAM

from .concerns import submitted
from .frame import Figure, Meter, Options, Run, in_loop
from .plain import plain
from .room import Room, room
from .station import Station, station

PER_CONCERN = 50
"""A concern for so many of the events that are asked for: it makes about that many rows in seven logs."""
BATCH = 500
GOAL = "5,000 (near the limit 18,000)"


@in_loop
async def measure(options: Options) -> list[Figure]:
    concerns = max(1, options.events // PER_CONCERN)
    runs: dict[str, list[Run]] = {name: [] for name in names()}
    floors: dict[str, list[Run]] = {name: [] for name in names()}
    with room() as made:
        await made.empty_streams()
        ready = await _prepared(made)
        for _ in range(options.rounds):
            await made.empty_streams()
            database = made.database(ready)
            await _round(made, database, concerns, runs, floors)
            made.drop(database)
    floor_is = "the same messages fetched, the same rows inserted, the same messages published"
    return [
        Figure(f"events, {name}", "heard/s", runs[name], floors[name], floor_is, GOAL)
        for name in names() if runs[name]
    ]  # fmt: skip


async def _prepared(made: Room) -> str:
    """A database where every policy is in force, also where others hear of it."""
    database = made.database()
    async with AsyncExitStack() as stack:
        stations = await _stations(made, database, stack)
        for one in stations.values():
            await one.ship_policies()
        for one in (*stations.values(), *stations.values()):
            async with one.leading():
                await one.until({name: s.bus.relayed for name, s in stations.items()})
    return database


async def _stations(made: Room, database: str, stack: AsyncExitStack) -> dict[str, Station]:
    return {name: await stack.enter_async_context(station(made, app_of(name), database)) for name in names()}


async def _round(
    made: Room, database: str, concerns: int, runs: dict[str, list[Run]], floors: dict[str, list[Run]]
) -> None:
    async with AsyncExitStack() as stack:
        stations = await _stations(made, database, stack)
        began = {name: one.service.said for name, one in stations.items()}
        for name, one in stations.items():
            before, passed = one.service.position, await _in_stream(made, one)
            ends = {source: s.service.said for source, s in stations.items() if s.service.said > began[source]}
            async with one.leading():
                with Meter() as meter:
                    if name == "intake":
                        await _bring(one, concerns)
                    await one.until(ends)
            rows = await one.service.log.rows(before, 10_000_000)
            heard = concerns if name == "intake" else passed
            taken = sum(1 for r in rows if not r.said)
            if not taken:
                continue
            runs[name].append(meter.rate(taken, rows=len(rows) / meter.seconds, passed_over=heard - taken))
            subjects = [] if name == "intake" else [f"vefa.event.{s}.>" for s in sorted(one.service.sources)]
            async with plain(made, database, f"plain_{name}") as floor:
                with Meter() as meter:
                    await floor.relay(subjects, 1, heard, rows)
            floors[name].append(meter.rate(taken))


async def _bring(one: Station, concerns: int) -> None:
    now = one.clock.now()
    for first in range(0, concerns, BATCH):
        await one.service.handle(*(submitted(n, now) for n in range(first, min(first + BATCH, concerns))))


async def _in_stream(made: Room, one: Station) -> int:
    """How many messages of its sources wait for it."""
    client = await nats.connect(made.servers.nats_url("ops"))
    try:
        info = await client.jetstream().stream_info(STREAM, subjects_filter="vefa.event.>")
        counts = info.state.subjects or {}
        return sum(n for subject, n in counts.items() if subject.split(".")[2] in one.service.sources)
    finally:
        await client.close()
