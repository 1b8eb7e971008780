"""What befalls a world: every call of a port passes here, where it may take long, fail, or be the last of its process.
All of it is drawn from the seed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Literal, NamedTuple, TypeVar

from psycopg import OperationalError

from .loop import Life, Loop

T = TypeVar("T")
Side = Literal["before", "after"]
PORTS = (
    "log.stand", "log.read", "log.load", "log.commit", "log.put", "log.head", "log.rows", "log.by_id", "log.at",
    "log.known", "log.trackings", "log.track", "log.next_due", "log.due_deadlines", "log.due_effects",
    "log.keep_snapshots", "log.listened", "log.listen", "vault.keys_for", "vault.keys",
    "bus.publish", "bus.declare", "bus.ask", "bus.announce",
    "bus.consume", "bus.fetch", "bus.ack", "bus.last", "bus.waiting", "clock.now", "sender.send",
    "edge.answer",
)  # fmt: skip
"""Everything that a process does to, or asks of, what is not itself."""
SIDES: tuple[Side, ...] = ("before", "after")


class Point(NamedTuple):
    """A moment of a run: a call of a port, before or after it took effect."""

    port: str
    side: Side


class Planned(NamedTuple):
    """What is to happen when a point comes up for the ``nth`` time, counted over all processes."""

    what: Literal["crash", "stall", "fail"]
    point: Point
    nth: int


class Chances(NamedTuple):
    """How bad the ways are: chances per message that it is lost, comes twice, comes late; per call, that it is slow."""

    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    slow: float = 0.0


CALM = Chances()
WEATHER = (CALM, Chances(0.01, 0.02, 0.05, 0.02), Chances(0.08, 0.08, 0.15, 0.03), Chances(0.0, 0.0, 0.5, 0.0))


class Fate:
    """``crash`` and ``stall`` are called with the life that they befall, ``befalls`` before anything does."""

    def __init__(self, seed: object, loop: Loop, plans: list[Planned], chances: Chances):
        self.random, self.loop, self.chances = Random(f"fate|{seed}"), loop, chances
        self.plans = {(plan.point, plan.nth): plan for plan in plans}
        self.seen: Counter[Point] = Counter()
        self.befell: list[tuple[str, str, Point]] = []
        """What happened: to which service, what, where."""
        self.crash: Callable[[Life], None]
        self.stall: Callable[[Life], None]
        self.befalls: Callable[[Life], None]

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.plans, self.chances = {}, CALM

    @property
    def delay(self) -> float:
        """Seconds that a way takes."""
        draw = self.random.random
        return 3.0 * draw() if self.chances.slow and draw() < self.chances.slow else 0.004 * draw()

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.random.random() < chance

    def meet(self, life: Life, point: Point) -> None:
        """Raises OperationalError or TimeoutError when the call fails here."""
        self.seen[point] += 1
        plan = self.plans.get((point, self.seen[point])) if self.plans else None
        if plan is None or not life.alive or life.stalled:
            return
        self.befell.append((life.name, plan.what, point))
        self.befalls(life)
        if plan.what == "crash":
            self.crash(life)
        elif plan.what == "stall":
            self.stall(life)
        elif point.port.startswith("bus."):
            raise TimeoutError
        elif point.port.startswith(("log.", "vault.")):
            raise OperationalError("the connection is lost")


POINTS: Mapping[str, tuple[Point, Point]] = {port: (Point(port, "before"), Point(port, "after")) for port in PORTS}


class Ports:
    """The ports of one life. Once it has ended, no call returns; none has an effect."""

    def __init__(self, life: Life, fate: Fate):
        self.life, self.fate = life, fate

    async def call(self, port: str, effect: Callable[..., T], *args: Any) -> T:
        fate, life, (before, after) = self.fate, self.life, POINTS[port]
        await fate.loop.pause(fate.delay)
        fate.meet(life, before)
        if not life.alive or life.stalled:
            await asyncio.sleep(0)  # for ever, or until it is woken
        result = effect(*args)
        fate.meet(life, after)
        if not life.alive or life.stalled or fate.random.random() < 0.2:
            await fate.loop.pause(fate.delay)  # the effect is there, and the caller does not know yet
        return result

    def glance(self, port: str) -> None:
        """A call that does not wait: what befalls its process shows when that waits next."""
        before, after = POINTS[port]
        self.fate.meet(self.life, before)
        self.fate.meet(self.life, after)


class NoFate(Ports):
    """For a log by itself: nothing befalls it."""

    def __init__(self) -> None:
        pass

    async def call(self, port: str, effect: Callable[..., T], *args: Any) -> T:
        await asyncio.sleep(0)
        return effect(*args)
