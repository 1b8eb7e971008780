"""What sla says: clocks, targets and escalations. Every duration is in whole seconds of business time, every instant UTC."""

from datetime import datetime
from typing import Literal

from shared.events import Code, Event, Id

from .common import CaseFact, Category, Priority, Words

Metric = Literal["first_response", "next_response", "resolution"]


class ClockFact(CaseFact):
    """A fact about one clock: a metric of a case in one of its cycles."""

    metric: Metric
    """What is measured."""
    cycle: int
    """1, 2, 3 ...: next_response starts a new cycle with each unanswered message."""


class ClockStarted(ClockFact, topic="sla.clock-started.v1"):
    """A clock runs; what it is measured by is pinned here."""

    started_at: datetime
    """Start."""
    target: int
    """Seconds of business time."""
    due: datetime | None
    """When the target is used up if nothing pauses it; None while it is paused from the start."""
    policy: int
    """Version of the targets policy."""
    rule: Code
    """Row that matched."""
    condition: Words
    """Its conditions."""
    calendar: Code
    """Calendar."""
    calendar_version: int
    """Its version."""
    priority: Priority
    """Priority it was chosen by."""


class ClockPaused(ClockFact, topic="sla.clock-paused.v1"):
    """A clock stands still."""

    at: datetime
    """Since when."""
    carried: int
    """Seconds used so far."""
    category: Category
    """Status category that pauses it."""


class ClockResumed(ClockFact, topic="sla.clock-resumed.v1"):
    """A clock goes on."""

    at: datetime
    """Since when."""
    carried: int
    """Seconds used before."""
    due: datetime
    """New due instant."""


class ClockRetargeted(ClockFact, topic="sla.clock-retargeted.v1"):
    """A clock has another target or another calendar: its pin changed."""

    at: datetime
    """Instant of the change."""
    mode: Literal["carry_over", "restart", "keep"]
    """What became of the seconds used before."""
    carried: int
    """Seconds used before, as they count now."""
    target_before: int
    """Old target, seconds."""
    target: int
    """New target, seconds."""
    due: datetime | None
    """New due instant; None while paused."""
    policy: int
    """Version of the targets policy."""
    rule: Code
    """Row that matches now."""
    condition: Words
    """Its conditions."""
    calendar: Code
    """Calendar now."""
    calendar_version: int
    """Its version."""
    priority: Priority
    """Priority now."""


class ClockCancelled(ClockFact, topic="sla.clock-cancelled.v1"):
    """A clock ended neither met nor missed."""

    at: datetime
    """When."""
    why: Literal["resolved", "spam", "merged", "closed"]
    """Why."""


class TargetWarned(ClockFact, topic="sla.target-warned.v1"):
    """A target is near."""

    level: Code
    """Name of the level."""
    at: datetime
    """Instant of the level."""
    due: datetime
    """When the target is used up."""


class TargetMet(ClockFact, topic="sla.target-met.v1"):
    """What the clock waited for happened in time."""

    at: datetime
    """When."""
    due: datetime
    """When the target would have been used up."""
    elapsed: int
    """Seconds used."""
    target: int
    """Seconds allowed."""


class TargetBreached(ClockFact, topic="sla.target-breached.v1"):
    """Nothing that fulfils the target occurred until it was used up; a fact about event time."""

    breached_at: datetime
    """The due instant."""
    detected_at: datetime
    """When it was noticed."""
    target: int
    """Seconds allowed."""
    priority: Priority
    """Priority of the clock."""


class BreachRetracted(ClockFact, topic="sla.breach-retracted.v1"):
    """A fulfilling event that arrived late had occurred in time; both facts stay."""

    at: datetime
    """When the fulfilling event occurred."""
    breached_at: datetime
    """What had been said."""


class FulfilmentWithdrawn(ClockFact, topic="sla.fulfilment-withdrawn.v1"):
    """The reply that met the target never reached the customer: the clock goes on."""

    at: datetime
    """When it had been met."""
    message: Id
    """The reply."""


class CaseEscalated(ClockFact, topic="sla.case-escalated.v1"):
    """A level of the escalation was reached: a wish that its owner hears and decides."""

    level: Code
    """Name of the level."""
    step: int
    """1, 2 ... in order."""
    action: Literal["notify", "reassign", "raise_priority"]
    """What is wished."""
    target: Literal["owner", "manager", "team", "queue_owner"]
    """Who is meant."""
    at: datetime
    """Instant of the level."""
    due: datetime
    """When the target is, or was, used up."""


class TargetsApplied(Event, topic="sla.targets-applied.v1", stream="targets:{policy}"):
    """A batch of retargets was ordered for all running clocks."""

    policy: int
    """Version of the targets policy."""
    clocks: int
    """How many clocks were looked at."""
