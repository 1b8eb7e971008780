"""Verifying the chain of a generated log, beside reading and hashing its bytes."""

from hashlib import sha256
from typing import Any

from .frame import Figure, Meter, Options, Run, by_turns, in_loop
from .longlog import long_log, read_all
from .room import room

PAGE = 5000


@in_loop
async def measure(options: Options) -> list[Figure]:
    with room() as made:
        await made.empty_streams()
        async with long_log(made, made.database(), events=options.events) as (sla, rows):

            async def verified() -> Run:
                with Meter() as meter:
                    assert await sla.service.log.verify() == rows
                return meter.rate(rows)

            async def hashed() -> Run:
                previous = b""

                def each(row: tuple[Any, ...]) -> None:
                    nonlocal previous
                    previous = sha256(previous + row[1] + row[2]).digest()

                with Meter() as meter:
                    await read_all(sla, PAGE, each)
                return meter.rate(rows)

            runs, floors = await by_turns(options.rounds, verified, hashed)
    floor_is = "state and envelope of the same rows read as bytes and hashed"
    return [Figure("verify", "rows/s", runs, floors, floor_is, "100,000 (near the limit 300,000)")]
