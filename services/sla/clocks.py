"""The arithmetic of one clock: legs of business time, what is used, what is due, what is next (spec: sla, Arithmetic).

A clock is a row of legs. A leg begins at an instant with the seconds used until then and runs or stands still; whatever
changes a clock (pause, resume, retarget, end) begins a new leg, so that every past instant can still be looked at."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from contracts.sla import Metric
from shared.core.calendar import Calendar, NoOpenTime, due, elapsed
from shared.core.event import State
from shared.core.vocabulary import Priority

from .policy import Level, Targets

End = Literal["met", "late", "cancelled"]
HORIZON = timedelta(days=3653)
"""So far a calendar looks ahead."""


class Pin(State):
    """By what a clock is measured, until it is retargeted."""

    policy: int
    rule: str
    condition: str
    calendar: str
    calendar_version: int
    priority: Priority
    target: int


class Leg(State):
    """From ``at`` on the clock runs by this calendar, or stands still; ``carried`` seconds were used before."""

    at: datetime
    carried: int
    running: bool
    calendar: str
    calendar_version: int


class Step(NamedTuple):
    """What a clock says next, and when: its breach (``level`` None) or an escalation level with its number."""

    at: datetime
    level: Level | None
    number: int


class Clock(State):
    """A metric of a case in one of its cycles."""

    metric: Metric
    cycle: int
    started_at: datetime
    pin: Pin
    legs: tuple[Leg, ...]
    reached: tuple[str, ...] = ()
    """Names of the levels that were said."""
    breached_at: datetime | None = None
    ended: End | None = None
    ended_at: datetime | None = None
    why: str = ""
    """Why it ended: fulfilled, resolved, spam, merged, closed."""
    message: str | None = None
    """The reply that fulfilled it."""
    counted: Pin | None = None
    """The pin under which its result is counted in reports."""

    @property
    def name(self) -> tuple[Metric, int]:
        return self.metric, self.cycle

    @property
    def running(self) -> bool:
        return self.legs[-1].running

    @property
    def report(self) -> Pin:
        return self.counted or self.pin

    def leg(self, at: datetime, carried: int, running: bool, pin: Pin | None = None) -> "Clock":
        """The clock with one more leg. Legs that begin later are dropped: they were not to be."""
        pin = pin or self.pin
        new = Leg(at=at, carried=carried, running=running, calendar=pin.calendar, calendar_version=pin.calendar_version)
        return self.model_copy(update={"legs": with_leg(self.legs, new)})

    def change(self, at: datetime) -> datetime:
        """The instant at which a change heard for ``at`` takes effect: never before the last one."""
        return max(at, self.legs[-1].at)

    def ending(self, ended: End, at: datetime, carried: int, why: str, message: str | None = None) -> "Clock":
        update = {"ended": ended, "ended_at": at, "why": why, "message": message, "counted": self.report}
        return self.leg(at, carried, running=False).model_copy(update=update)

    def going_on(self) -> "Clock":
        """As if it had not ended: without the leg of the end."""
        update = {
            "legs": self.legs[:-1], "ended": None, "ended_at": None, "why": "", "message": None,
            "counted": self.counted if self.breached_at else None,
        }  # fmt: skip
        return self.model_copy(update=update)


def with_leg(legs: Iterable[Leg], new: Leg) -> tuple[Leg, ...]:
    """The legs that begin before the new one or with it, and the new one."""
    return (*(leg for leg in legs if leg.at <= new.at), new)


class Arithmetic:
    """Clocks counted by the calendars and targets that they are pinned to."""

    def __init__(self, calendar: Callable[[str, int], Calendar]):
        """``calendar(name, version)`` is the calendar that a pin names."""
        self._calendar = calendar

    def used(self, clock: Clock, at: datetime) -> int:
        """Seconds of business time used until ``at``."""
        begun = [leg for leg in clock.legs if leg.at <= at]
        return self.leg_used(begun[-1], at) if begun else 0

    def leg_used(self, leg: Leg, at: datetime) -> int:
        """Seconds used until ``at``, which lies in this leg."""
        if not leg.running:
            return leg.carried
        return leg.carried + elapsed(self._calendar(leg.calendar, leg.calendar_version), leg.at, at)

    def due(self, clock: Clock, at: datetime, carried: int) -> datetime:
        """When the target is used up if the clock runs on from ``at``; of a breached clock, when it was."""
        return clock.breached_at or self._reached(clock, at, clock.pin.target - carried)

    def running_due(self, clock: Clock) -> datetime | None:
        """When the target is used up if nothing changes; None while the clock stands still."""
        return self.due(clock, clock.legs[-1].at, clock.legs[-1].carried) if clock.running else None

    def next_step(self, clock: Clock, targets: Targets) -> Step | None:
        """What the clock says next if nothing changes; None while it stands still and when all is said."""
        if not clock.running:
            return None
        steps: list[tuple[int, Level | None, int]] = [
            (after, level, number)
            for number, (after, level) in enumerate(targets.steps(clock.metric, clock.pin.target), 1)
            if level.name not in clock.reached
        ]
        if clock.breached_at is None:
            steps.append((clock.pin.target, None, 0))
        if not steps:
            return None
        after, level, number = min(steps, key=lambda step: (step[0], step[2]))
        leg = clock.legs[-1]
        return Step(self._reached(clock, leg.at, after - leg.carried), level, number)

    def _reached(self, clock: Clock, at: datetime, missing: int) -> datetime:
        if missing <= 0:
            return at
        try:
            return due(self._calendar(clock.pin.calendar, clock.pin.calendar_version), at, missing)
        except NoOpenTime:  # it sufficed when the clock was pinned to it, and no more after a pause
            return at + HORIZON
