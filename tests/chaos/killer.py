"""kill -9 of whatever a platform consists of, by a seeded choice."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.running import Running

from .load import process_on


class Killer:
    """Kills processes of a platform on embedded servers; ``killed`` counts them by kind."""

    def __init__(self, platform: Running, seed: int):
        self._dice, self.killed = random.Random(seed), Counter[str]()
        ports = {name: int(platform.address(name).rpartition(":")[2]) for name in platform.services}
        nats = int(str(platform.noted["nats"]).rpartition(":")[2])
        self._noted = platform.data / "postgres" / "data" / "postmaster.pid"
        listening = {name: self._listening(port) for name, port in ports.items()}
        self._targets: dict[str, Callable[[], int]] = {
            **listening, "nats": self._listening(nats), "postgres": self._postmaster, "backend": self._backend,
        }  # fmt: skip
        """What may be killed, with a way to find its process: 0 for none at the moment."""
        self._weights = [1] * len(ports) + [2, 2, 2]
        print(f"seed {seed}")

    def during(self, seconds: float, every: tuple[float, float]) -> float:
        """Kill something again and again for so long, in pauses between these two; returns the instant (monotonic) of
        the last."""
        until = last = time.monotonic()
        until += seconds
        while (pause := self._dice.uniform(*every)) < until - time.monotonic():
            time.sleep(pause)
            [name] = self._dice.choices(list(self._targets), self._weights)
            if process := self._targets[name]():
                os.kill(process, signal.SIGKILL)
                last = time.monotonic()
                self.killed[name] += 1
                print(f"{seconds - until + last:6.1f} s  kill -9 {name} ({process})", flush=True)
        return last

    @staticmethod
    def _listening(port: int) -> Callable[[], int]:
        return lambda: process_on(port)

    def _postmaster(self) -> int:
        """The server itself; what the file names may be gone, or somebody else by now."""
        try:
            process = int(self._noted.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return 0
        return process if command(process).partition(b"\0")[0].endswith(b"/postgres") else 0

    def _backend(self) -> int:
        """One of the processes that serve a connection of a service."""
        parent = self._postmaster()
        every = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
        found = sorted(p for p in every if command(p).startswith(b"postgres: vefa_") and parent_of(p) == parent)
        return self._dice.choice(found) if found else 0


def command(process: int) -> bytes:
    """The command line of a process; nothing when it is gone."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def parent_of(process: int) -> int:
    """The process that started it; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
