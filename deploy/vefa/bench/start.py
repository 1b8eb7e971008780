"""Cold start of everything, on an empty folder and again, and what all services together take of memory then."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from deploy.vefa.local import Servers
from deploy.vefa.services import names

from .frame import Figure, Options, Run
from .processes import below, memory, name_of
from .room import folder

SERVERS = ("postgres", "nats-server")


def measure(options: Options) -> list[Figure]:
    cold, cold_floor, warm, warm_floor = (list[Run]() for _ in range(4))
    together, idle = list[Run](), list[Run]()
    for _ in range(options.rounds):
        with folder() as made, folder() as bare:
            cold.append(_up(made, lambda process: None))
            cold_floor.append(_servers(bare))
            warm.append(_up(made, lambda process: together.append(_together(process))))
            warm_floor.append(_servers(bare))
            idle.append(_idle())
    alone = "PostgreSQL and nats-server alone, on a folder of their own"
    return [
        Figure("start, empty folder", "s", cold, cold_floor, alone, "8, then 5 (near the limit 2)"),
        Figure("start, again", "s", warm, warm_floor, alone, "4, then 3 (near the limit 1)"),
        Figure(
            "memory, all services idle", "MiB proportional", together, idle,
            "as many processes that have imported all of it and do nothing", "350 (near the limit 170-220)",
        ),
    ]  # fmt: skip


def _up(data: Path, look: Callable[[int], None]) -> Run:
    """``vefa up`` until it says that everything answers; then it is looked at and stopped."""
    began = time.monotonic()
    command = [sys.executable, "-m", "deploy.vefa", "up", "--data", str(data / "data"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        try:
            assert process.stdout
            if not process.stdout.readline():
                raise ChildProcessError("the platform did not come up; its message stands above")
            took = time.monotonic() - began
            time.sleep(1)
            look(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return Run(took)


def _servers(data: Path) -> Run:
    began = time.monotonic()
    with Servers.start(data / "data", names()):
        return Run(time.monotonic() - began)


def _together(process: int) -> Run:
    """All of ours: services, those that keep them, and the parent; the servers beside it."""
    everybody = [process, *below(process)]
    services = [p for p in everybody if name_of(p) not in SERVERS]
    taken = {p: memory(p) for p in everybody}
    deepest = [p for p in services if p != process and not below(p)]
    return Run(
        sum(taken[p]["proportional"] for p in services),
        None,
        {
            "servers": sum(taken[p]["proportional"] for p in everybody if p not in services),
            "one_resident": mean(taken[p]["resident"] for p in deepest),
            "one_private": mean(taken[p]["private"] for p in deepest),
        },
    )


IDLE = """
import os, signal, sys
from deploy.vefa import platform
from deploy.vefa.services import app_of, names
apps = [app_of(name) for name in names()]
for _ in range(2 * len(apps)):
    if os.fork() == 0:
        signal.pause()
print(flush=True)
sys.stdin.read()
os.killpg(0, signal.SIGKILL)
"""


def _idle() -> Run:
    command = [sys.executable, "-c", IDLE]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:  # fmt: skip
        assert process.stdout
        process.stdout.readline()
        everybody: Sequence[int] = [process.pid, *below(process.pid)]
        taken = sum(memory(p)["proportional"] for p in everybody)
    return Run(taken)
