"""Rebuilding views from a generated log, beside only reading it."""

from shared.store.rebuild import rebuild

from .frame import Figure, Meter, Options, Run, by_turns, in_loop
from .longlog import long_log, read_all
from .room import room

PAGE = 5000


@in_loop
async def measure(options: Options) -> list[Figure]:
    with room() as made:
        await made.empty_streams()
        async with long_log(made, made.database(), events=options.events) as (sla, rows):

            async def rebuilt() -> Run:
                with Meter() as meter:
                    await rebuild(sla.service.log, sla.app.views, sla.service.views_schema)
                return meter.rate(rows)

            async def read() -> Run:
                with Meter() as meter:
                    await read_all(sla, PAGE)
                return meter.rate(rows)

            runs, floors = await by_turns(options.rounds, rebuilt, read)
    floor_is = "the same rows read as bytes, nothing made of them"
    return [Figure("rebuild", "rows/s", runs, floors, floor_is, "100,000 (near the limit 300,000)")]
