"""What sla knows of a case, its clocks and its customer, and how that changes with each fact."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contracts.classifier import CaseClassified
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CustomerKnown,
    MessageReceived,
    ReplySent,
    StatusChanged,
)
from contracts.loyalty import TierChanged
from contracts.router import CaseAssigned
from contracts.sla import (
    BreachRetracted,
    CaseEscalated,
    ClockCancelled,
    ClockFact,
    ClockPaused,
    ClockResumed,
    ClockRetargeted,
    ClockStarted,
    ClockStopped,
    FulfilmentWithdrawn,
    Metric,
    ReplyUndelivered,
    TargetBreached,
    TargetMet,
)
from shared.core.event import Event, State
from shared.core.message import Message
from shared.core.vocabulary import Category, Priority

from .clocks import Clock, Pin

KEPT = 20
"""Replies, changes of status and ended cycles that a state remembers, for what is heard late about them."""


class Facts(State):
    """What the rows of ``targets`` may ask about a case; the tier is asked of the customer."""

    kind: str | None = None
    topic: str | None = None
    urgency: int | None = None
    priority: Priority = "normal"
    channel: str | None = None
    language: str | None = None
    recovery: bool = False
    team: str | None = None


class Reply(State):
    """A public message of an agent."""

    message: str
    at: datetime


class Change(State):
    """A change of status category."""

    at: datetime
    category: Category


class Case(State):
    """What sla knows of a case; ``opened_at`` None: nothing yet."""

    opened_at: datetime | None = None
    customer: str = ""
    facts: Facts = Facts()
    before: Facts = Facts()
    """The facts before the last event that gave some."""
    replies: tuple[Reply, ...] = ()
    """In order of their instants, without those that never reached the customer."""
    unanswered: datetime | None = None
    """The oldest customer message that no reply followed."""
    changes: tuple[Change, ...] = ()
    clocks: tuple[Clock, ...] = ()

    @property
    def category(self) -> Category:
        return self.changes[-1].category if self.changes else "new"

    def find(self, metric: Metric, cycle: int) -> Clock:
        return next(clock for clock in self.clocks if clock.name == (metric, cycle))

    def of(self, metric: Metric) -> list[Clock]:
        return [clock for clock in self.clocks if clock.metric == metric]

    def open(self) -> list[Clock]:
        return [clock for clock in self.clocks if clock.ended is None]


class Customer(State):
    """What sla knows of a customer."""

    tier: str | None = None


def evolve(state: Any, message: Message) -> Any:
    """The next state of a case or a customer."""
    if isinstance(state, Customer):
        return _evolve_customer(state, message)
    match message.event:
        case ClockFact() as e:
            return _evolve_clocks(state, e)
        case e:
            return _evolve_case(state, e, message.occurred_at)


def _evolve_customer(customer: Customer, message: Message) -> Customer:
    match message.event:
        case CustomerKnown(tier=str() as tier) | TierChanged(tier=tier):
            return Customer(tier=tier)
    return customer


def _evolve_case(case: Case, event: Event, at: datetime) -> Case:
    match event:
        case CaseOpened() as e:
            facts = Facts(
                kind=e.kind, topic=e.topic, channel=e.channel, language=e.language, recovery=e.recovery is not None
            )
            since = e.received_at or at
            update: dict[str, Any] = {"opened_at": since, "customer": e.customer, "facts": facts, "before": facts}
        case CaseClassified() as e:
            urgency = e.urgency.chosen
            labels = {
                "kind": e.kind.chosen, "topic": e.topic.chosen, "urgency": int(urgency) if urgency else None,
                "priority": e.priority, "language": e.language.value,
            }  # fmt: skip
            update = {"facts": case.facts.model_copy(update=labels), "before": case.facts}
        case CaseAssigned() as e:
            update = {"facts": case.facts.model_copy(update={"team": e.team}), "before": case.facts}
        case MessageReceived(acknowledgement=False) as e:
            since = e.received_at or at
            update = {"unanswered": min(since, case.unanswered or since)}
        case ReplySent() as e:
            update = _replied(case, Reply(message=e.message, at=at))
        case ReplyUndelivered() as e:
            update = {"replies": tuple(reply for reply in case.replies if reply.message != e.message)}
        case StatusChanged(category=category):
            update = _changed(case, at, category)
        case CaseResolved():
            update = {**_changed(case, at, "resolved"), "unanswered": None}
        case CaseClosed():
            update = _changed(case, at, "closed")
        case CaseReopened():
            update = _changed(case, at, "open")
        case _:
            return case
    return case.model_copy(update=update)


def _replied(case: Case, reply: Reply) -> dict[str, Any]:
    replies = sorted((*case.replies, reply), key=lambda known: known.at)
    answered = case.unanswered is not None and case.unanswered <= reply.at
    return {"replies": tuple(replies[-KEPT:]), "unanswered": None if answered else case.unanswered}


def _changed(case: Case, at: datetime, category: Category) -> dict[str, Any]:
    at = max(at, case.changes[-1].at) if case.changes else at
    return {"changes": (*case.changes, Change(at=at, category=category))[-KEPT:]}


def _evolve_clocks(case: Case, event: ClockFact) -> Case:
    match event:
        case ClockStarted() as e:
            return case.model_copy(update={"clocks": tuple(_kept((*case.clocks, started(e))))})
    changed = tuple(
        evolve_clock(clock, event) if clock.name == (event.metric, event.cycle) else clock for clock in case.clocks
    )
    return case.model_copy(update={"clocks": changed})


def _kept(clocks: tuple[Clock, ...]) -> Iterator[Clock]:
    ended = [clock.name for clock in clocks if clock.metric == "next_response" and clock.ended]
    return (clock for clock in clocks if clock.name not in ended[:-KEPT])


def started(e: ClockStarted) -> Clock:
    """A new clock."""
    pin = Pin(
        policy=e.policy, rule=e.rule, condition=e.condition, calendar=e.calendar, calendar_version=e.calendar_version,
        priority=e.priority, target=e.target,
    )  # fmt: skip
    clock = Clock(metric=e.metric, cycle=e.cycle, started_at=e.started_at, pin=pin, legs=())
    return clock.leg(e.started_at, 0, running=e.due is not None)


def evolve_clock(clock: Clock, event: Event) -> Clock:
    """A clock after one fact about it."""
    match event:
        case ClockPaused() as e:
            return clock.leg(e.at, e.carried, running=False)
        case ClockResumed() as e:
            if clock.ended is None:
                return clock.leg(e.at, e.carried, running=True)
            breached_at = e.breached_at or clock.breached_at
            update = {"ended": None, "ended_at": None, "why": "", "message": None, "breached_at": breached_at}
            again = clock.leg(e.at, e.carried, running=True).model_copy(update=update)
            return again if again.breached_at else again.model_copy(update={"counted": None})
        case ClockRetargeted() as e:
            pin = Pin(
                policy=e.policy, rule=e.rule, condition=e.condition, calendar=e.calendar,
                calendar_version=e.calendar_version, priority=e.priority, target=e.target,
            )  # fmt: skip
            return clock.leg(e.at, e.carried, e.due is not None, pin).model_copy(update={"pin": pin})
        case ClockCancelled() as e:
            return clock.ending("cancelled", e.at, e.carried, e.why)
        case ClockStopped() as e:
            return clock.ending("late", e.at, e.elapsed, e.why, e.message)
        case TargetMet() as e:
            return clock.ending("met", e.at, e.elapsed, "fulfilled", e.message)
        case TargetBreached() as e:
            return clock.model_copy(update={"breached_at": e.breached_at, "counted": clock.pin})
        case BreachRetracted():
            return clock.model_copy(update={"breached_at": None, "counted": None})
        case FulfilmentWithdrawn():
            return clock.going_on()
        case CaseEscalated() as e:
            return clock.model_copy(update={"reached": (*clock.reached, e.level)})
    return clock
