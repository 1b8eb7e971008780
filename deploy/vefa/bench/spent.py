"""What a whole platform spends: CPU of each service and server, transactions of PostgreSQL, rows of the logs."""

import time
from dataclasses import dataclass, field
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql

from .build import Up
from .processes import cpu

TELL_SECONDS = 10.5
"""A connection of PostgreSQL that went idle tells its counts after ten seconds at the latest."""
STILL_SECONDS = 1.5
"""Nothing was written to any log for so long: what followed from the last case is done."""
PATIENCE_SECONDS = 120
LAST = "select coalesce(max(notification_id), 0) from {}.stored_events"
SINCE = "select count(*), count(*) filter (where not said) from {}.stored_events where notification_id > %s"
COMMITS = "select sum(xact_commit) from pg_stat_database where datname = current_database()"


@dataclass(frozen=True)
class Spent:
    """CPU seconds by process, committed transactions, rows and those of them that were heard by service, and how many
    seconds CPU and transactions were counted for."""

    cpu: dict[str, float]
    commits: float
    rows: dict[str, int]
    heard: dict[str, int]
    cpu_seconds: float
    commit_seconds: float

    def without(self, idle: "Spent") -> "Spent":
        """Less what a platform that does nothing spends in this time."""
        return Spent(
            {name: used - idle.cpu[name] / idle.cpu_seconds * self.cpu_seconds for name, used in self.cpu.items()},
            self.commits - idle.commits / idle.commit_seconds * self.commit_seconds,
            self.rows, self.heard, self.cpu_seconds, self.commit_seconds,
        )  # fmt: skip

    def seen(self, cases: int) -> dict[str, float]:
        """Per case: CPU ms of each process, transactions, rows, rows heard."""
        each = {f"{name}_ms": used / cases * 1e3 for name, used in self.cpu.items()}
        rows, heard = (sum(counts.values()) / cases for counts in (self.rows, self.heard))
        return {**each, "transactions": self.commits / cases, "rows": rows, "heard": heard}


@dataclass
class Account:
    """Counts what a running platform spends between ``open`` and ``close``; what the counting itself asks PostgreSQL
    is left out."""

    platform: Up
    _connections: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    _asked: int = 0

    def __enter__(self) -> Self:
        for name, dsn in self.platform.noted["databases"].items():
            self._connections[name] = psycopg.connect(dsn, autocommit=True)
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections.values():
            connection.close()

    def open(self) -> None:
        """From now on it counts. What went before must have ended ``TELL_SECONDS`` ago."""
        self._commits, self._commits_at = self._counted(), time.monotonic()
        self._ends = self._last()
        self._cpu, self._cpu_at = self._used(), time.monotonic()

    def close(self, *, told: bool = False) -> Spent:
        """What was spent since ``open``; ``told``: by a platform that does the same all the time, so that what is not
        told yet at both ends is equal."""
        used, cpu_at = self._used(), time.monotonic()
        if not told:
            time.sleep(TELL_SECONDS)
        commits, commits_at = self._counted(), time.monotonic()
        found = {name: self._ask(name, SINCE, (end,)) for name, end in self._ends.items()}
        return Spent(
            {name: used[name] - before for name, before in self._cpu.items()}, commits - self._commits,
            {name: rows for name, (rows, _) in found.items()}, {name: heard for name, (_, heard) in found.items()},
            cpu_at - self._cpu_at, commits_at - self._commits_at,
        )  # fmt: skip

    def until_still(self) -> float:
        """Waits until no log grows any more; returns when the last one did (``time.monotonic``)."""
        patience = time.monotonic() + PATIENCE_SECONDS
        before, at = self._last(), time.monotonic()
        while time.monotonic() < at + STILL_SECONDS:
            if time.monotonic() > patience:
                raise TimeoutError(f"logs still grow after {PATIENCE_SECONDS} s")
            time.sleep(0.1)
            if (now := self._last()) != before:
                before, at = now, time.monotonic()
        return at

    def _used(self) -> dict[str, float]:
        return {name: cpu(process) for name, process in self.platform.processes.items()}

    def _last(self) -> dict[str, int]:
        return {name: self._ask(name, LAST)[0] for name in self._connections}

    def _counted(self) -> int:
        return int(self._ask(next(iter(self._connections)), COMMITS)[0]) - self._asked + 1

    def _ask(self, name: str, query: LiteralString, values: tuple[int, ...] = ()) -> tuple[Any, ...]:
        self._asked += 1
        statement = sql.SQL(query).format(sql.Identifier(name))
        found: tuple[Any, ...] | None = self._connections[name].execute(statement, values).fetchone()
        assert found
        return found
