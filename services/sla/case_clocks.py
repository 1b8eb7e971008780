"""The watch over one case: every clock is brought to the instant of what was heard, then that takes effect.

All is judged by event time: a step that lies before a fact is said before it, however late either is heard."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from contracts.sla import (
    BreachRetracted,
    CaseEscalated,
    ClockCancelled,
    ClockPaused,
    ClockResumed,
    ClockRetargeted,
    ClockStarted,
    ClockStopped,
    FulfilmentWithdrawn,
    Metric,
    TargetBreached,
    TargetMet,
    TargetWarned,
)
from shared.core.calendar import Calendar
from shared.core.event import Event
from shared.core.message import Message
from shared.core.vocabulary import Category
from shared.core.world import World

from .clocks import Arithmetic, Clock, Pin, Step
from .policy import Targets, TargetsPolicy
from .policy_calendars import counting
from .state import Case

Name = tuple[Metric, int]
VOID: tuple[Category, ...] = ("spam", "merged")
"""Categories in which a case counts neither as met nor as missed."""
OVER: tuple[Category, ...] = (*VOID, "resolved", "closed")


class Watch:
    """The clocks of one case as they stand while a message is decided."""

    def __init__(self, world: World, message: Message, case: str):
        self._world, self._id = world, case
        self.at, self._heard_at = message.occurred_at, message.heard_at
        self._count = Arithmetic(self._calendar)

    @property
    def case(self) -> Case:
        case: Case = self._world[f"case:{self._id}"]
        return case

    def names(self, *metrics: Metric) -> list[Name]:
        """Open clocks, of these metrics or of all."""
        return [clock.name for clock in self.case.open() if not metrics or clock.metric in metrics]

    # steps
    def catch_up(self, name: Name, until: datetime, *, before: bool = False) -> Iterator[Event]:
        """Levels and breach up to ``until``; with ``before`` only what lies before it: a reply at due is in time."""
        while step := self._step(self._clock(name)):
            if step.at > until or (before and step.at == until):
                return
            yield from self._say(self._clock(name), step)

    def catch_up_all(self) -> Iterator[Event]:
        for name in self.names():
            yield from self.catch_up(name, self.at)

    def _say(self, clock: Clock, step: Step) -> Iterator[Event]:
        if step.level is None:
            after = clock.model_copy(update={"breached_at": step.at})
            yield TargetBreached(
                **self._of(clock), **_pinned(clock.pin), breached_at=step.at, detected_at=self._heard_at,
                target=clock.pin.target, wake=self._wake(after),
            )  # fmt: skip
            return
        due = self._count.due(clock, step.at, self._count.used(clock, step.at))
        if clock.breached_at is None:
            yield TargetWarned(**self._of(clock), level=step.level.name, at=step.at, due=due)
        after = clock.model_copy(update={"reached": (*clock.reached, step.level.name)})
        yield CaseEscalated(
            **self._of(clock), level=step.level.name, step=step.number, action=step.level.action,
            target=step.level.target, at=step.at, due=due, wake=self._wake(after),
        )  # fmt: skip

    # beginning and end
    def start(self, metric: Metric, at: datetime) -> Iterator[Event]:
        """A new cycle begins at ``at``."""
        cycle = max((clock.cycle for clock in self.case.of(metric)), default=0) + 1
        pin, targets = self._choose(metric, at)
        running = not targets.paused(metric, self.case.category)
        clock = Clock(metric=metric, cycle=cycle, started_at=at, pin=pin, legs=()).leg(at, 0, running)
        due = self._count.running_due(clock)
        yield ClockStarted(**self._of(clock), **pin.model_dump(), started_at=at, due=due, wake=self._wake(clock))

    def await_answer(self, since: datetime) -> Iterator[Event]:
        """The customer waits since then, unless that is already waited for, was answered, or the case is over."""
        case = self.case
        waiting = (*case.of("first_response"), *case.of("next_response"))
        if case.opened_at is None or case.category in OVER or any(_covers(clock, since) for clock in waiting):
            return
        yield from self.start("next_response", since)
        name = self.case.of("next_response")[-1].name
        answer = next((reply for reply in self.case.replies if reply.at >= since), None)
        if answer:
            yield from self.fulfil(name, answer.at, answer.message)
        yield from self.catch_up(name, self.at)

    def fulfil(self, name: Name, at: datetime, message: str | None = None) -> Iterator[Event]:
        """What the clock waits for occurred at ``at``: in time, late, or in time after a breach was said."""
        yield from self.catch_up(name, at, before=True)
        clock = self._clock(name)
        in_time = clock.breached_at is None or at <= clock.breached_at
        if at < clock.started_at or clock.ended in ("met", "cancelled") or (clock.ended == "late" and not in_time):
            return
        elapsed = self._count.used(clock, at)
        due = self._count.due(clock, at, elapsed)
        if not in_time:
            yield ClockStopped(
                **self._of(clock), at=at, elapsed=elapsed, target=clock.pin.target, why="fulfilled", message=message
            )
            return
        if clock.breached_at:
            yield BreachRetracted(**self._of(clock), **_pinned(clock.report), at=at, breached_at=clock.breached_at)
        yield TargetMet(
            **self._of(clock), **_pinned(clock.pin), at=at, due=due, elapsed=elapsed, target=clock.pin.target,
            message=message,
        )  # fmt: skip

    def dismiss(
        self, name: Name, why: Literal["resolved", "spam", "merged", "closed"], at: datetime
    ) -> Iterator[Event]:
        """The clock ends without what it waited for; a breach stays unless the case counts for nothing."""
        yield from self.catch_up(name, at)
        at = self._clock(name).change(at)
        yield from self._retract(name, at)
        clock = self._clock(name)
        used = self._count.used(clock, at)
        if clock.breached_at and (why == "resolved" or why == "closed"):
            yield ClockStopped(**self._of(clock), at=at, elapsed=used, target=clock.pin.target, why=why)
        else:
            yield ClockCancelled(
                **self._of(clock), **_pinned(clock.report), at=at, carried=used, why=why, breached_at=clock.breached_at
            )

    def _retract(self, name: Name, at: datetime) -> Iterator[Event]:
        """What is heard only now had changed the clock before it was used up: the breach was not to be."""
        clock = self._clock(name)
        if clock.breached_at and at < clock.breached_at:
            yield BreachRetracted(**self._of(clock), **_pinned(clock.report), at=at, breached_at=clock.breached_at)

    def withdraw(self, name: Name) -> Iterator[Event]:
        """The reply that fulfilled it never arrived: the clock goes on, up to another reply if there was one."""
        ended = self._clock(name)
        assert ended.ended_at is not None
        assert ended.message is not None
        going_on = ended.going_on()
        yield FulfilmentWithdrawn(
            **self._of(ended), **_pinned(ended.report), at=ended.ended_at, message=ended.message,
            met=ended.ended == "met", due=self._count.running_due(going_on), wake=self._wake(going_on),
        )  # fmt: skip
        answer = next((reply for reply in self.case.replies if reply.at >= ended.started_at), None)
        for change in self.case.changes:
            if change.at <= ended.ended_at or (answer and change.at > answer.at):
                continue
            if change.category in ("resolved", "closed", "spam", "merged"):
                yield from self.dismiss(name, change.category, change.at)
                return
            yield from self.catch_up(name, change.at)
            yield from self.hold(name, change.category, change.at)
        if answer:
            yield from self.fulfil(name, answer.at, answer.message)
        yield from self.catch_up(name, self.at)

    # on its way
    def hold(self, name: Name, category: Category, at: datetime) -> Iterator[Event]:
        """Pause or go on, as the row says of this status category; a pause that is heard late may undo a breach."""
        clock = self._clock(name)
        at = clock.change(at)
        used = self._count.used(clock, at)
        paused = self._targets(clock.pin).paused(clock.metric, category)
        if paused and clock.running:
            yield from self._retract(name, at)
            yield ClockPaused(**self._of(clock), at=at, carried=used, category=category)
        elif not paused and not clock.running:
            after = clock.leg(at, used, running=True)
            yield ClockResumed(
                **self._of(clock), **_pinned(clock.report), at=at, carried=used, due=self._count.due(after, at, used),
                wake=self._wake(after),
            )  # fmt: skip

    def resume(self, name: Name) -> Iterator[Event]:
        """A clock that had ended goes on with what was carried; its result no longer counts, a breach does."""
        clock = self._clock(name)
        at = clock.change(self.at)
        carried = self._count.used(clock, at)
        after = clock.leg(at, carried, running=True)
        undoes = clock.ended if clock.ended != "late" else None
        yield ClockResumed(
            **self._of(clock), **_pinned(clock.report), at=at, carried=carried, due=self._count.due(after, at, carried),
            undoes=undoes, undone_at=clock.ended_at if undoes else None,
            breached_at=clock.breached_at if undoes == "cancelled" else None, wake=self._wake(after),
        )  # fmt: skip
        yield from self.hold(name, self.case.category, at)
        yield from self.catch_up(name, at)

    def retarget(self, name: Name, version: int | None = None) -> Iterator[Event]:
        """Measure by the row that matches now, in the newest version or a given one; the same row says nothing."""
        yield from self.catch_up(name, self.at)
        clock = self._clock(name)
        policy: TargetsPolicy = self._world.policy("targets", version).document
        pin, targets = self._choose(clock.metric, self.at, version)
        mode = policy.on_change
        if mode == "keep" and version is None:
            pin, targets = clock.pin.model_copy(update={"priority": pin.priority}), self._targets(clock.pin)
        if _same(pin, clock.pin, edited=version is not None):
            return
        at = clock.change(self.at)
        carried = 0 if mode == "restart" else self._count.used(clock, at)
        running = not targets.paused(clock.metric, self.case.category)
        after = clock.leg(at, carried, running, pin).model_copy(update={"pin": pin})
        yield ClockRetargeted(
            **self._of(clock), **pin.model_dump(), at=at, mode=mode, carried=carried, target_before=clock.pin.target,
            due=self._count.running_due(after), wake=self._wake(after),
        )  # fmt: skip
        yield from self.catch_up(name, self.at)

    # what the world says
    def _clock(self, name: Name) -> Clock:
        return self.case.find(*name)

    def _calendar(self, name: str, version: int) -> Calendar:
        calendar: Calendar = self._world.policy(f"calendar/{name}", version).document
        return calendar

    def _targets(self, pin: Pin) -> Targets:
        policy: TargetsPolicy = self._world.policy("targets", pin.policy).document
        return policy.row(pin.rule)

    def _choose(self, metric: Metric, at: datetime, version: int | None = None) -> tuple[Pin, Targets]:
        case = self.case
        published = self._world.policy("targets", version)
        tier = self._world[f"customer:{case.customer}"].tier
        rule, condition, targets = published.document.choose({**case.facts.model_dump(), "tier": tier})
        calendar, instead = counting(self._world, published.document, targets, metric, at)
        pin = Pin(
            policy=published.version, rule=rule, condition="; ".join(filter(None, (condition, instead))),
            calendar=calendar.name.removeprefix("calendar/"),
            calendar_version=calendar.version, priority=case.facts.priority, target=targets.target(metric),
        )  # fmt: skip
        return pin, targets

    def _step(self, clock: Clock) -> Step | None:
        return self._count.next_step(clock, self._targets(clock.pin))

    def _wake(self, clock: Clock) -> datetime | None:
        step = self._step(clock)
        return step.at if step else None

    def _of(self, clock: Clock) -> dict[str, Any]:
        return {"case": self._id, "metric": clock.metric, "cycle": clock.cycle}


def _pinned(pin: Pin) -> dict[str, Any]:
    return {"policy": pin.policy, "rule": pin.rule, "priority": pin.priority}


def _same(new: Pin, old: Pin, *, edited: bool) -> bool:
    fields = {"rule", "target", "calendar", "priority"} | ({"calendar_version"} if edited else set())
    return new.model_dump(include=fields) == old.model_dump(include=fields)


def _covers(clock: Clock, since: datetime) -> bool:
    """Whether the wait since then is part of what this clock measures, or of a wait that goes on."""
    if clock.ended_at is None:
        return True
    return clock.started_at <= since <= clock.ended_at
