"""What sla says: clocks, targets and escalations. Durations are whole seconds of business time, instants are UTC."""

from datetime import datetime
from typing import Literal

from shared.core.event import Code, Event, Id
from shared.core.parts import Words
from shared.core.vocabulary import Category, Priority

from .common import CaseFact, Count

Metric = Literal["first_response", "next_response", "resolution"]


class ClockFact(CaseFact):
    """A fact about one clock: a metric of a case in one of its cycles."""

    metric: Metric
    """What is measured."""
    cycle: int
    """1, 2, 3 ...: next_response starts a new cycle with each unanswered message."""


class PinnedFact(ClockFact):
    """A fact with the pin that the clock is counted under in reports."""

    policy: int
    """Version of the targets policy."""
    rule: Code
    """Row that matched."""
    priority: Priority
    """Priority it was chosen by."""


class ClockStarted(
    PinnedFact,
    topic="sla.clock-started.v1",
    summary="{metric} within {target}, due {due}, for {condition}"
    " (row {rule}, policy {policy}, calendar {calendar} {calendar_version})",
):
    """A clock runs; what it is measured by is pinned here."""

    started_at: datetime
    """Start."""
    target: int
    """Seconds of business time."""
    due: datetime | None
    """When the target is used up if nothing pauses it; None while it is paused from the start."""
    condition: Words
    """Conditions of the row."""
    calendar: Code
    """Calendar."""
    calendar_version: int
    """Its version."""
    wake: datetime | None = None
    """The next instant with something to say: a level or the due instant."""


class ClockPaused(ClockFact, topic="sla.clock-paused.v1", summary="{metric} stands still after {carried}: {category}"):
    """A clock stands still."""

    at: datetime
    """Since when."""
    carried: int
    """Seconds used so far."""
    category: Category
    """Status category that pauses it."""


class ClockResumed(
    PinnedFact,
    topic="sla.clock-resumed.v1",
    summary="{metric} goes on after {carried}, due {due} (row {rule}, policy {policy})",
):
    """A clock goes on: after a pause, or after the case was reopened or restored."""

    at: datetime
    """Since when."""
    carried: int
    """Seconds used before."""
    due: datetime
    """New due instant; the old one of a clock that is breached."""
    undoes: Literal["met", "cancelled"] | None = None
    """The result that the clock had until now and that no longer counts; None after a pause."""
    undone_at: datetime | None = None
    """Instant of that result."""
    breached_at: datetime | None = None
    """Breach that had been cancelled with the clock and counts again."""
    wake: datetime | None = None
    """The next instant with something to say."""


class ClockRetargeted(
    PinnedFact,
    topic="sla.clock-retargeted.v1",
    summary="{metric} within {target}, before {target_before}, due {due}, for {condition}"
    " (row {rule}, policy {policy}, calendar {calendar} {calendar_version})",
):
    """A clock has another target or another calendar: its pin changed."""

    at: datetime
    """Instant of the change."""
    mode: Literal["carry_over", "restart", "keep"]
    """What became of the seconds used before; keep: target and calendar stay, only the priority is noted."""
    carried: int
    """Seconds used before, as they count now."""
    target_before: int
    """Old target, seconds."""
    target: int
    """New target, seconds."""
    due: datetime | None
    """New due instant; None while paused."""
    condition: Words
    """Conditions of the row that matches now."""
    calendar: Code
    """Calendar now."""
    calendar_version: int
    """Its version."""
    wake: datetime | None = None
    """The next instant with something to say."""


class ClockCancelled(
    PinnedFact, topic="sla.clock-cancelled.v1", summary="{metric} after {carried}: {why} (row {rule}, policy {policy})"
):
    """A clock ended neither met nor missed."""

    at: datetime
    """When."""
    carried: int = 0
    """Seconds used."""
    why: Literal["resolved", "spam", "merged", "closed"]
    """Why."""
    breached_at: datetime | None = None
    """A breach that was said before and no longer counts."""


class ClockStopped(
    ClockFact, topic="sla.clock-stopped.v1", summary="{metric} after {elapsed}, wanted within {target}: {why}"
):
    """A breached clock ended: what it waited for happened late, or can no longer happen. The breach stays."""

    at: datetime
    """When."""
    elapsed: int
    """Seconds used."""
    target: int
    """Seconds allowed."""
    why: Literal["fulfilled", "resolved", "closed"]
    """fulfilled late; or the case was resolved or closed without it."""
    message: Id | None = None
    """The reply that fulfilled it."""


class TargetWarned(ClockFact, topic="sla.target-warned.v1", summary="{metric} due {due}, level {level}"):
    """A target is near."""

    level: Code
    """Name of the level."""
    at: datetime
    """Instant of the level."""
    due: datetime
    """When the target is used up."""


class TargetMet(
    PinnedFact,
    topic="sla.target-met.v1",
    summary="{metric} after {elapsed}, wanted within {target} (row {rule}, policy {policy})",
):
    """What the clock waited for happened in time."""

    at: datetime
    """When."""
    due: datetime
    """When the target would have been used up."""
    elapsed: int
    """Seconds used."""
    target: int
    """Seconds allowed."""
    message: Id | None = None
    """The reply that fulfilled it."""


class TargetBreached(
    PinnedFact,
    topic="sla.target-breached.v1",
    summary="{metric} of {target} missed at {breached_at} (row {rule}, policy {policy})",
):
    """Nothing that fulfils the target occurred until it was used up; a fact about event time."""

    breached_at: datetime
    """The due instant."""
    detected_at: datetime
    """When it was noticed."""
    target: int
    """Seconds allowed."""
    wake: datetime | None = None
    """The next instant with something to say: a level after the breach."""


class BreachRetracted(PinnedFact, topic="sla.breach-retracted.v1"):
    """What is heard late occurred in time: a fulfilment (target-met follows), a pause, the end of the case."""

    at: datetime
    """When what is heard late occurred."""
    breached_at: datetime
    """What had been said."""


class FulfilmentWithdrawn(
    PinnedFact,
    topic="sla.fulfilment-withdrawn.v1",
    summary="{metric} goes on, the reply never came; due {due} (row {rule}, policy {policy})",
):
    """The reply that fulfilled the target never reached the customer: the clock goes on as if it had not been sent."""

    at: datetime
    """When it had been fulfilled."""
    message: Id
    """The reply."""
    met: bool = True
    """Whether it had met the target; False: it had come late."""
    due: datetime | None
    """When the target is or was used up; None: the clock stands still."""
    wake: datetime | None = None
    """The next instant with something to say."""


class CaseEscalated(
    ClockFact, topic="sla.case-escalated.v1", summary="{metric} due {due}, level {level}: {action}, {target}"
):
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
    wake: datetime | None = None
    """The next instant with something to say."""


class TargetsApplied(Event, topic="sla.targets-applied.v1", stream="targets:{policy}"):
    """A batch of retargets was ordered for all running clocks."""

    policy: int
    """Version of the targets policy."""
    clocks: int
    """How many clocks were looked at."""


class ApplyTargets(Event, topic="to.sla.apply-targets.v1", stream="targets:{policy}"):
    """A command: measure every running clock by this version of the targets policy from now on."""

    policy: Count
    """Version of the targets policy."""


class ReplyUndelivered(CaseFact, topic="to.sla.reply-undelivered.v1"):
    """Noted by sla for itself: this reply never reached the customer and fulfils nothing."""

    message: Id
    """The reply."""
