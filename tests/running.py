"""The whole platform as a user runs it: ``vefa up`` in a process of its own, and the commands beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.waiting import PATIENCE, until_true

ROOT = Path(__file__).parents[1]


def run_vefa(*words: str) -> "subprocess.CompletedProcess[str]":
    """A command as it is typed: status, output and complaint."""
    command = [sys.executable, "-m", "deploy.vefa", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Running:
    """A running platform and its data folder."""

    data: Path

    @property
    def noted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "running.json").read_text())
        return found

    @property
    def services(self) -> list[str]:
        return list(self.noted["services"])

    def address(self, service: str) -> str:
        return str(self.noted["services"][service]["http"])

    def count(self, service: str, query: str) -> int:
        """The number that a query on a service's database finds, as the service's own role."""
        with psycopg.connect(self.noted["databases"][service]) as conn:
            row = conn.execute(query.encode()).fetchone()
        assert row
        return int(row[0])

    def ready(self) -> bool:
        """Whether every service says that it is."""
        with httpx.Client(timeout=PATIENCE) as client:
            return all(client.get(f"{self.address(n)}/{n}/ready").status_code == 200 for n in self.services)

    def vefa(self, *words: str) -> str:
        """What a command prints; AssertionError with its complaint when it fails."""
        done = run_vefa(*words, "--data", str(self.data))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def settled(self) -> None:
        """Returns when every service has heard and published everything."""
        until_true(self.still, "something is still under way")

    def still(self, *also: str) -> bool:
        """Whether every service answers and has heard and published everything; ``also``: nothing is left of these
        either (``effects``). Asked twice: services answer one after the other, and one that had nothing to do may have
        heard more meanwhile."""
        before = self._positions_at_rest(*also)
        return before is not None and before == self._positions_at_rest(*also)

    def _positions_at_rest(self, *also: str) -> dict[str, int] | None:
        """How long each log is; None while something is under way."""
        asked = run_vefa("lag", "--json", "--data", str(self.data))
        lag = json.loads(asked.stdout) if asked.returncode == 0 else {"": {}}
        left = ("unpublished", "waiting", *also)
        rest = all("heard" in s and not (any(s["heard"].values()) or any(s[k] for k in left)) for s in lag.values())
        return {name: s["position"] for name, s in lag.items()} if rest else None


def is_up(process: "subprocess.Popen[bytes]", data: Path, lines: Path | None) -> bool:
    assert process.poll() is None, f"the platform ended: {lines.read_text() if lines else 'see above'}"
    return (data / "running.json").exists()


@contextmanager
def up(data: Path, *, lines: Path | None = None, **environment: str) -> Iterator[Running]:
    """``vefa up`` on a data folder, with these environment variables, until the block ends. What the processes log
    goes to the file ``lines``, or where that of the tests goes."""
    command = [sys.executable, "-m", "deploy.vefa", "up", "--data", str(data)]
    with (
        lines.open("ab") if lines else nullcontext() as log,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **environment}
        ) as process,
    ):
        try:
            until_true(lambda: is_up(process, data, lines), "the platform is not up")
            yield Running(data)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            if lines:
                print(lines.read_text())  # shown when a test fails
