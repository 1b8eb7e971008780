"""Memory and start-up of a service with a short and with a long log of closed cases: both must be the same."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import nats

from deploy.vefa.services import app_of
from shared.base.database import connect
from shared.base.settings import Settings
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog

from .frame import Figure, Options, Run, in_loop
from .longlog import SERVICE, long_log
from .made import opened
from .processes import memory
from .publisher import SUBJECT
from .room import Room, room
from .station import station

HEARD = 2000
"""New cases that it hears, so that it is looked at after work too."""


@in_loop
async def measure(options: Options) -> list[Figure]:
    sizes = {"short": options.cases // 10, "long": options.cases}
    found: dict[str, list[tuple[Run, Run, Run]]] = {}
    with room() as made:
        await made.empty_streams()
        databases = {"empty": made.database()}
        async with station(made, app_of(SERVICE), databases["empty"]) as sla:
            await sla.ship_policies()
        for name, cases in sizes.items():
            databases[name] = made.database()
            async with long_log(made, databases[name], cases=cases):
                pass
        heard = min(HEARD, options.cases)
        for _ in range(options.rounds):
            for name, database in databases.items():
                found.setdefault(name, []).append(await _looked_at(made, made.database(database), heard))
    figures = []
    kinds = (("start-up", "s"), ("resident", "MiB"), (f"resident after {heard:,} cases", "MiB"))
    for number, (what, unit) in enumerate(kinds):
        for name, cases in sizes.items():
            runs, floors = ([r[number] for r in found[which]] for which in (name, "empty"))
            figures.append(
                Figure(
                    f"memory, {what}, {cases:,} cases", unit, runs, floors, f"{SERVICE} with an empty log",
                    "within 20 %",
                )
            )  # fmt: skip
    return figures


async def _looked_at(made: Room, database: str, heard: int) -> tuple[Run, Run, Run]:
    """Start it, look, let it hear new cases, look again."""
    await made.empty_streams()
    began = time.monotonic()
    with _running(made, database) as process:
        started, first = Run(time.monotonic() - began), memory(process)
        await _hear(made, database, heard)
        second = memory(process)
    return started, Run(first["resident"]), Run(second["resident"])


@contextmanager
def _running(made: Room, database: str) -> Iterator[int]:
    settings = Settings(
        database_url=database, nats_url=made.servers.nats_url(SERVICE), secrets=made.folder / "secrets"
    )  # fmt: skip
    for name in ("index.key", "link.key", "token.pub"):
        (made.folder / "secrets" / name).write_bytes(bytes(32))
    command = [sys.executable, "-m", "deploy.vefa.bench.one", SERVICE]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as process:  # fmt: skip
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(settings.model_dump_json().encode() + b"\n")
            process.stdin.flush()
            if not process.stdout.readline():
                raise ChildProcessError(f"{SERVICE} did not start; its message stands above")
            yield process.pid
        finally:
            process.terminate()
            process.wait()


async def _hear(made: Room, database: str, count: int) -> None:
    """Publish new cases to it; returns when it has heard them."""
    async with connect(database, size=2) as pool:
        wires = await opened(Vault(pool, made.master), count, datetime.now(UTC))
        client = await nats.connect(made.servers.nats_url("ops"))
        for wire in wires:
            await client.publish(SUBJECT, wire.body, headers=wire.headers)
        await client.close()
        async with asyncio.timeout(120):
            while (await EventLog(pool, SERVICE).trackings()).get("intake", 0) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
