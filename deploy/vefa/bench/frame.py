"""What every figure is made of: runs and floors by turns, so that both meet the same load, and their medians."""

import asyncio
import os
import resource
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from statistics import median
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    events: int = 100_000
    cases: int = 100_000
    seconds: float = 5.0
    rounds: int = 3

    def words(self) -> list[str]:
        """As the command line has them."""
        return [
            "--events", str(self.events), "--cases", str(self.cases), "--seconds", str(self.seconds),
            "--rounds", str(self.rounds),
        ]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run: its value in the figure's unit, the CPU it took per event, and what else was seen."""

    value: float
    cpu_us: float | None = None
    seen: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """Runs of one kind beside the floor runs of the same minutes."""

    name: str
    unit: str
    runs: list[Run]
    floors: list[Run]
    floor_is: str
    goal: str = ""

    @property
    def ratio(self) -> float:
        """Median over the pairs, for the two of a pair saw the same load."""
        return median(r.value / f.value if f.value else 0.0 for r, f in zip(self.runs, self.floors, strict=True))

    def as_data(self) -> dict[str, Any]:
        seen = {name: median(r.seen[name] for r in self.runs) for name in self.runs[0].seen}
        return {
            "figure": self.name, "unit": self.unit, "value": _middle(self.runs), "goal": self.goal,
            "floor": _middle(self.floors), "floor_is": self.floor_is, "ratio": round(self.ratio, 3),
            "cpu_us": _cpu(self.runs), "floor_cpu_us": _cpu(self.floors),
            "runs": [_short(r.value) for r in self.runs], "floors": [_short(r.value) for r in self.floors],
            "seen": {name: _short(value) for name, value in seen.items()}, "load": _short(os.getloadavg()[0]),
        }  # fmt: skip


async def by_turns(
    rounds: int, measured: Callable[[], Awaitable[Run]], floor: Callable[[], Awaitable[Run]]
) -> tuple[list[Run], list[Run]]:
    """Each round runs the one, then the other."""
    runs, floors = list[Run](), list[Run]()
    for _ in range(rounds):
        runs.append(await measured())
        floors.append(await floor())
    return runs, floors


def in_loop(measure: Callable[[Options], Coroutine[Any, Any, list[Figure]]]) -> Callable[[Options], list[Figure]]:
    """Run it as services run: in their event loop, with their pace of collecting garbage."""

    def run(options: Options) -> list[Figure]:
        import uvloop

        from shared.host.process import collect_seldom

        collect_seldom()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(measure(options))

    return run


class Meter:
    """Seconds and CPU seconds of this process, or of another one by its id, while the block runs."""

    def __init__(self, process: int = 0):
        self._process = process

    def __enter__(self) -> Self:
        self._cpu, self._at = self._used(), time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.seconds, self.cpu = time.monotonic() - self._at, self._used() - self._cpu

    def rate(self, count: int, **seen: float) -> Run:
        """So many in this time."""
        return Run(count / self.seconds, self.cpu / count * 1e6 if count else None, seen)

    def _used(self) -> float:
        if not self._process:
            used = resource.getrusage(resource.RUSAGE_SELF)
            return used.ru_utime + used.ru_stime
        with open(f"/proc/{self._process}/stat") as stat:  # noqa: PTH123 - a file of the kernel
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def _middle(runs: list[Run]) -> float:
    return _short(median(r.value for r in runs))


def _cpu(runs: list[Run]) -> float | None:
    used = [r.cpu_us for r in runs if r.cpu_us is not None]
    return round(median(used), 1) if used else None


def _short(value: float) -> float:
    return round(value) if abs(value) >= 100 else round(value, 2)
