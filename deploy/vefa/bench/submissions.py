"""Durable submissions over HTTP per second: 64 connections, each answer after the commit."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import psycopg

from deploy.vefa.platform import Platform
from deploy.vefa.services import app_of

from .concerns import body
from .frame import Figure, Meter, Options, Run, by_turns, in_loop
from .processes import below
from .room import folder

CONNECTIONS = 64
SERVICE = "intake"


def measure(options: Options) -> list[Figure]:
    with folder() as made:
        platform = Platform.start(made, {SERVICE: app_of(SERVICE)}, public_per_minute=10**9)
        try:
            return in_loop(partial(_measure, platform))(options)
        finally:
            platform.stop()


async def _measure(platform: Platform, options: Options) -> list[Figure]:
    assert platform.backing
    intake = platform.addresses[SERVICE]["http"]
    [process] = below(platform.supervisors[0].pid)
    brought = await load(intake, min(1.0, options.seconds), 0)  # the first of everything is slow
    rows = _rows_each(platform.backing.postgres_dsn(SERVICE))
    floor = bare(platform.backing.postgres_admin_dsn, rows)

    async def posted() -> Run:
        nonlocal brought
        with Meter(process) as meter:
            done = await load(intake, options.seconds, brought)
        brought += done
        return meter.rate(done)

    async def plainly() -> Run:
        with Meter(floor.pid) as meter:
            done = await load(address, options.seconds, 0)
        return meter.rate(done)

    try:
        assert floor.stdout
        address = floor.stdout.readline().decode().strip()
        runs, floors = await by_turns(options.rounds, posted, plainly)
    finally:
        floor.terminate()
        floor.wait()
    floor_is = f"a bare ASGI application that inserts {rows} rows for each body, many in one commit"
    return [Figure("submissions", "answers/s", runs, floors, floor_is, "3,000 (near the limit 8,000-10,000)")]


def _rows_each(dsn: str) -> int:
    """How many rows a submission makes in intake's log."""
    with psycopg.connect(dsn) as conn:
        found = conn.execute("select count(*), count(*) filter (where not said) from intake.stored_events").fetchone()
    assert found
    return round(int(found[0]) / max(1, int(found[1])))


def bare(dsn: str, rows: int) -> subprocess.Popen[bytes]:
    """The floor as a process; it prints its address."""
    command = [sys.executable, "-m", "deploy.vefa.bench.bare", dsn, str(rows)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])  # noqa: S603


async def load(address: str, seconds: float, first: int, clients: int = CONNECTIONS, apart: int = 10_000_000) -> int:
    """Post concerns for so long over all connections, whose numbers begin so far apart; returns how many were answered
    with 201."""
    until = asyncio.get_running_loop().time() + seconds
    counts = await asyncio.gather(*(_client(address, until, first + n * apart) for n in range(clients)))
    return sum(counts)


async def _client(address: str, until: float, number: int) -> int:
    """One connection: a request, its answer, the next request."""
    done, clock = 0, asyncio.get_running_loop().time
    async with post(address) as ask:
        while clock() < until:
            await ask(number + done)
            done += 1
    return done


@asynccontextmanager
async def post(address: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """A connection that posts the concern of a number and reads the answer; RuntimeError when it is no 201."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def ask(number: int) -> None:
        content = orjson.dumps(body(number))
        writer.write(
            b"POST /v1/cases HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            b"idempotency-key: bench-%d\r\ncontent-length: %d\r\n\r\n" % (number, len(content)) + content
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"not taken: {head.splitlines()[0].decode()} {answer[:200].decode()}")

    try:
        yield ask
    finally:
        writer.close()
