"""A build of ours as somebody outside sees it: a folder with its Python, its command, and the platform it starts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .processes import below, listener, name_of

ENTRIES = {"deploy.vefa": "deploy/vefa/main.py", "shared.cli": "shared/cli/main.py"}
"""Modules that are the command ``vefa``, now and before it had a folder of its own, and a file that tells which."""
NOT_OURS = ("VIRTUAL_ENV", "PYTHONPATH", "VEFA_DATABASE_URL", "VEFA_NATS_URL", "VEFA_MAIL_PORT", "VEFA_DATA")


@dataclass(frozen=True)
class Build:
    """Where it lies and which Python has its packages."""

    folder: Path
    python: Path

    @classmethod
    def here(cls) -> "Build":
        return cls(Path(__file__).parents[3], Path(sys.executable))

    @property
    def entry(self) -> str:
        """Raises LookupError where no command of ours is."""
        found = next((entry for entry, file in ENTRIES.items() if (self.folder / file).exists()), None)
        if found is None:
            raise LookupError(
                f"{self.folder} holds no build of Vefa: neither of {', '.join(ENTRIES.values())} is there"
            )
        return found

    def command(self, *words: str) -> list[str]:
        return [str(self.python), "-m", self.entry, *words]

    @property
    def environment(self) -> dict[str, str]:
        """No servers of others, and as many requests as come."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        return {**kept, "VEFA_PUBLIC_PER_MINUTE": str(10**9)}


@dataclass(frozen=True)
class Up:
    """A platform that runs: what it noted of itself, and its processes by what they are."""

    noted: dict[str, Any]
    processes: dict[str, int]

    @property
    def intake(self) -> str:
        """Its address."""
        return str(self.noted["services"]["intake"]["http"])


@contextmanager
def up(build: Build, data: Path) -> Iterator[Up]:
    """``vefa up`` of this build in this folder, while the block runs. Raises ChildProcessError when it does not come
    up."""
    command = build.command("up", "--data", str(data), "--json")
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, cwd=build.folder, env=build.environment
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            if not process.stdout.readline():
                raise ChildProcessError(f"the platform of {build.folder} did not come up; its message stands above")
            noted = json.loads((data / "running.json").read_text())
            yield Up(noted, _processes(process.pid, noted))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _processes(root: int, noted: dict[str, Any]) -> dict[str, int]:
    """Each service by the port it listens on, and the servers."""
    everybody = below(root)
    ports = {name: int(kinds["http"].rpartition(":")[2]) for name, kinds in noted["services"].items()}
    found = {name: listener(port, everybody) for name, port in ports.items()}
    found["postgres"] = next(p for p in everybody if name_of(p) == "postgres")  # the eldest is the postmaster
    found["nats"] = next(p for p in everybody if name_of(p) == "nats-server")
    return found
