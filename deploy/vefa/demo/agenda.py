"""What is planned in the demo: who does what at which instant of stepped time, in a fixed order."""

import heapq
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

ISTANBUL = ZoneInfo("Europe/Istanbul")
START = datetime(2026, 10, 26, 5, 30, tzinfo=UTC)
"""Monday 08:30 in Istanbul; Wednesday afternoon and Thursday are a public holiday."""
END = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
GRID = timedelta(minutes=15)
Act = Callable[[], Awaitable[None]]


class Turn(IntEnum):
    """In which order acts of one instant happen: the desk falls silent between two of these."""

    RESOLVE = 0
    REPLY = 1
    CUSTOMER = 2
    COMPLAIN = 3


class Agenda:
    """Planned acts, the earliest first; ``now`` is the instant at which the play stands."""

    def __init__(self, seed: int):
        self.now, self._seed = START, seed
        self._acts: list[tuple[datetime, Turn, str, Act]] = []

    def next(self) -> datetime | None:
        """When the next act is due."""
        return self._acts[0][0] if self._acts else None

    def take(self) -> list[Act]:
        """The acts that are due and whose turn is next."""
        taken, turn = [], self._acts[0][1] if self._acts else None
        while self._acts and self._acts[0][0] <= self.now and self._acts[0][1] == turn:
            taken.append(heapq.heappop(self._acts)[3])
        return taken

    def dice(self, *what: object) -> random.Random:
        """Chances for one decision."""
        return random.Random(f"{self._seed}|{'|'.join(map(str, what))}")  # noqa: S311 - a play, not a secret

    def at(self, when: datetime, turn: Turn, name: str, act: Act) -> None:
        """Plan an act; its name is unique and says who does what."""
        heapq.heappush(self._acts, (ceil(max(when, self.now)), turn, name, act))

    def within(self, least: int, most: int, turn: Turn, name: str, act: Act) -> None:
        """Plan an act in some minutes, within working hours."""
        minutes = self.dice(name).randint(least, most)
        self.at(_working(self.now + timedelta(minutes=minutes)), turn, name, act)


def ceil(at: datetime) -> datetime:
    """The next instant of the grid: everybody acts on it, so that steps are few."""
    over = (at - START) % GRID
    return at + (GRID - over) if over else at


def _working(at: datetime) -> datetime:
    """The same instant, or the next morning when nobody works."""
    local = at.astimezone(ISTANBUL)
    while True:
        day = local.date().isoformat()
        closes = 13 if day == "2026-10-28" else 18
        if local.weekday() < 5 and day != "2026-10-29" and local.hour < closes:
            return at if local.hour >= 9 else local.replace(hour=9, minute=10).astimezone(UTC)
        local = (local + timedelta(days=1)).replace(hour=9, minute=10)
        at = local.astimezone(UTC)
