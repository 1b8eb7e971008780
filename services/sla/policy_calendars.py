"""The calendars of a policy: which may be published, and by which is counted when a row's own cannot."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Self

from pydantic import model_validator

from contracts.sla import Metric
from shared.core.calendar import WEEKDAYS, YEARS, Calendar, NoOpenTime, due
from shared.core.world import PolicyInForce, Refused, World

from .policy import METRICS, Targets, TargetsPolicy

SHIPPED = ("tr", "always")
LONGEST_CLOSED = 366
"""Days."""


class WorkingCalendar(Calendar):
    """A calendar with open time in every year, so that whatever is counted by it comes to an end."""

    @model_validator(mode="after")
    def _is_open_every_year(self) -> Self:
        if not any(self.week.values()):
            raise ValueError(
                f"calendar {self.name!r} is open on dates of `exceptions` alone, and never after the last one; "
                "give at least one weekday a window in `week`"
            )
        closed = 0
        for day in self._days():
            windows = self.exceptions.get(day, self.week[WEEKDAYS[day.weekday()]])
            closed = 0 if windows else closed + 1
            if closed > LONGEST_CLOSED:
                since = day - timedelta(days=closed - 1)
                raise ValueError(
                    f"calendar {self.name!r} is closed for more than a year from {since} on; "
                    "leave some of these exceptions out"
                )
        return self

    def _days(self) -> Iterator[date]:
        """Every day from a week before the first exception to a week after the last."""
        known = [day for day in self.exceptions if day.year in YEARS]
        if known:
            first, last = min(known) - timedelta(days=7), max(known) + timedelta(days=7)
            yield from (first + timedelta(days=n) for n in range((last - first).days))


def counting(
    world: World, policy: TargetsPolicy, targets: Targets, metric: Metric, at: datetime
) -> tuple[PolicyInForce, str]:
    """The calendar that a clock which starts ``at`` is counted by, and why it is not the row's own; '' when it is.

    Instead of one that is not published, or is open too little: that of the last row, then those that ship."""
    longest = targets.longest(metric)
    reason = against(world, targets.calendar, longest, at)
    if not reason:
        return world.policy(f"calendar/{targets.calendar}"), ""
    for name in (policy.targets.rules[-1].then.calendar, *SHIPPED):
        if not against(world, name, longest, at):
            return world.policy(f"calendar/{name}"), f"{reason}, so {name} counts"
    always = SHIPPED[-1]
    return world.policy(f"calendar/{always}", 1), f"{reason}, so {always} counts as it shipped"


def against(world: World, name: str, seconds: int, at: datetime) -> str:
    """Why so many seconds cannot be counted by this calendar from ``at`` on; '' when they can."""
    if not world.has_policy(f"calendar/{name}"):
        return f"calendar {name} is not published"
    try:
        due(world.policy(f"calendar/{name}").document, at, seconds)
    except NoOpenTime:
        return f"calendar {name} is open too little for {seconds} seconds within ten years"
    return ""


def check(world: World, policy: TargetsPolicy, at: datetime) -> None:
    """Raises Refused for a policy with a row that could not be counted by its own calendar."""
    for row, rule in enumerate(policy.targets.rules, 1):
        name, longest = rule.then.calendar, max(map(rule.then.longest, METRICS))
        if reason := against(world, name, longest, at):
            text = f"row {row} ({rule.name}): {reason}"
            remedy = f"publish calendar/{name} first, with enough open time, or name another calendar"
            raise Refused("invalid-policy", "calendar", text, remedy, 422)
