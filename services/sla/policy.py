"""The policy document ``targets``: which case is promised what, by which calendar, and who is told when it comes near.

A decision table with hit policy FIRST (spec: sla, Policy and calendar; Warnings and escalation)."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, model_validator

from contracts.sla import Metric
from shared.core.decisions import DecisionTable
from shared.core.event import Code, Value
from shared.core.vocabulary import Category

FACTS = frozenset({"kind", "topic", "urgency", "priority", "channel", "language", "tier", "recovery", "team"})
METRICS: tuple[Metric, ...] = get_args(Metric)
LONGEST = 2 * 365 * 24 * 3600
"""Seconds of any duration, two years: what is promised comes to an end within the ten years that a calendar looks
ahead, even by a week of 40 hours."""
_DURATION = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_OFFSET = re.compile(r"([+-])(\w+)")
_SHARE = re.compile(r"(\d{1,3})%")


def seconds(value: Any) -> int:
    """Whole seconds of ``"4h"``, ``"30m"``, ``"1h30m"`` or a number of seconds; ValueError says how to write it."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        parts = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
        if not parts:
            raise ValueError(f"{str(value)[:40]!r} is not a duration; write for example '4h', '30m' or '1h30m'")
        hours, minutes, rest = (int(part or 0) for part in parts.groups())
        found = hours * 3600 + minutes * 60 + rest
    if found <= 0:
        raise ValueError(f"{value!r} is no time at all; write a duration above zero, like '30m'")
    if found > LONGEST:
        raise ValueError(f"{value!r} is longer than two years; write at most '{LONGEST // 3600}h'")
    return found


def _checked_at(at: str) -> str:
    offset = _OFFSET.fullmatch(at)
    if offset:
        seconds(offset[2])
    elif not _SHARE.fullmatch(at) or at.startswith("0"):
        raise ValueError(f"{at!r} is no level; write '-30m' before due, '80%' of the target, or '+2h' after due")
    return at


Duration = Annotated[int, BeforeValidator(seconds)]
At = Annotated[str, AfterValidator(_checked_at)]


class Level(Value):
    """One step of an escalation: fires once per cycle, is held by a pause and cancelled by the fulfilment."""

    name: Code
    at: At
    """``-30m`` before due, ``80%`` of the target, ``+2h`` after due; in business time."""
    target: Literal["owner", "manager", "team", "queue_owner"]
    action: Literal["notify", "reassign", "raise_priority"]
    metrics: tuple[Metric, ...] = METRICS
    """Clocks that have this level."""

    def after(self, target: int) -> int:
        """Seconds of business time from the start of a clock with this target until the level is reached."""
        if share := _SHARE.fullmatch(self.at):
            return target * int(share[1]) // 100
        offset = seconds(self.at[1:])
        return target + offset if self.at[0] == "+" else target - offset


class Pauses(Value):
    """The status categories in which each clock stands still."""

    first_response: tuple[Category, ...] = ()
    next_response: tuple[Category, ...] = ()
    resolution: tuple[Category, ...] = ("waiting_customer", "waiting_third_party")


class Targets(Value):
    """What one row promises."""

    calendar: Code
    """The policy document ``calendar/<name>`` by which business time is counted."""
    first_response: Duration
    next_response: Duration
    resolution: Duration
    pauses: Pauses = Pauses()
    levels: tuple[Level, ...] = ()

    @model_validator(mode="after")
    def _levels_can_be_reached(self) -> Self:
        names = [level.name for level in self.levels]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"levels: names must be unique, {sorted(twice)} occur more than once")
        for level in self.levels:
            for metric in level.metrics:
                if level.after(self.target(metric)) > LONGEST:
                    raise ValueError(
                        f"levels: {level.name} at {level.at} lies more than two years after the start of {metric}; "
                        f"write a shorter time, or leave {metric} out"
                    )
                if level.after(self.target(metric)) <= 0:
                    raise ValueError(
                        f"levels: {level.name} at {level.at} lies before the start of {metric}, whose target is "
                        f"{self.target(metric)} seconds; write a share, like '80%', or leave {metric} out"
                    )
        return self

    def target(self, metric: Metric) -> int:
        """Seconds of business time."""
        return int(getattr(self, metric))

    def longest(self, metric: Metric) -> int:
        """Seconds of business time until the last that such a clock says: its breach or a level after it."""
        target = self.target(metric)
        return max([target, *(after for after, _ in self.steps(metric, target))])

    def paused(self, metric: Metric, category: Category) -> bool:
        return category in getattr(self.pauses, metric)

    def steps(self, metric: Metric, target: int) -> list[tuple[int, Level]]:
        """The levels of a clock with their business seconds from its start, in the order in which they are reached."""
        levels = [(level.after(target), level) for level in self.levels if metric in level.metrics]
        return sorted(levels, key=lambda step: step[0])


class TargetsPolicy(Value):
    """The whole document."""

    targets: DecisionTable[Targets]
    """Ordered rows; the last one answers for every case that no other row matches."""
    on_change: Literal["carry_over", "restart", "keep"] = "carry_over"
    """What becomes of the seconds used when a case falls under another row."""

    @model_validator(mode="after")
    def _facts_are_known(self) -> Self:
        self.targets.check_facts(FACTS)
        return self

    def choose(self, facts: Mapping[str, Any]) -> tuple[str, str, Targets]:
        """The first row that matches: its name, its conditions in words and what it promises."""
        match = self.targets.first(facts)
        return match.rule, match.condition, match.then

    def row(self, name: str) -> Targets:
        """What the row of that name promises."""
        for rule in self.targets.rules:
            if rule.name == name:
                return rule.then
        raise LookupError(f"no row {name!r} in this version of targets")
