"""Durable submissions over HTTP per second: 64 connections, each answer after the commit."""

import asyncio
import subprocess
import sys
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
    brought = await _load(intake, min(1.0, options.seconds), 0)  # the first of everything is slow
    rows = _rows_each(platform.backing.postgres_dsn(SERVICE))
    bare = _bare(platform.backing.postgres_admin_dsn, rows)

    async def post() -> Run:
        nonlocal brought
        with Meter(process) as meter:
            done = await _load(intake, options.seconds, brought)
        brought += done
        return meter.rate(done)

    async def plainly() -> Run:
        with Meter(bare.pid) as meter:
            done = await _load(address, options.seconds, 0)
        return meter.rate(done)

    try:
        assert bare.stdout
        address = bare.stdout.readline().decode().strip()
        runs, floors = await by_turns(options.rounds, post, plainly)
    finally:
        bare.terminate()
        bare.wait()
    floor_is = f"a bare ASGI application that inserts {rows} rows for each body, many in one commit"
    return [Figure("submissions", "answers/s", runs, floors, floor_is, "3,000 (near the limit 8,000-10,000)")]


def _rows_each(dsn: str) -> int:
    """How many rows a submission makes in intake's log."""
    with psycopg.connect(dsn) as conn:
        found = conn.execute("select count(*), count(*) filter (where not said) from intake.stored_events").fetchone()
    assert found
    return round(int(found[0]) / max(1, int(found[1])))


def _bare(dsn: str, rows: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "deploy.vefa.bench.bare", dsn, str(rows)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])  # noqa: S603


async def _load(address: str, seconds: float, first: int) -> int:
    """Post concerns for so long over all connections; returns how many were answered with 201."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    until = asyncio.get_running_loop().time() + seconds
    counts = await asyncio.gather(
        *(_client(host, int(port), until, first + n * 10_000_000) for n in range(CONNECTIONS))
    )  # fmt: skip
    return sum(counts)


async def _client(host: str, port: int, until: float, number: int) -> int:
    """One connection: a request, its answer, the next request."""
    reader, writer = await asyncio.open_connection(host, port)
    done, clock = 0, asyncio.get_running_loop().time
    try:
        while clock() < until:
            content = orjson.dumps(body(number + done))
            writer.write(
                b"POST /v1/cases HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
                b"idempotency-key: bench-%d\r\ncontent-length: %d\r\n\r\n" % (number + done, len(content)) + content
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            answer = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 201"):
                raise RuntimeError(f"not taken: {head.splitlines()[0].decode()} {answer[:200].decode()}")
            done += 1
        return done
    finally:
        writer.close()
