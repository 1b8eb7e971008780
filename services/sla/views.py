"""What sla shows: clocks with their results, the legs that explain them, and counts of what was kept.

``clocks`` has a row for each case, metric and cycle; ``legs`` one for each change of a clock, in order of ``key``;
``compliance`` counts results by the UTC day of the result and the pin; ``open_clocks`` is what still runs; ``cases``
knows the numbers of cases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from contracts.intake import CaseOpened
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
    PinnedFact,
    TargetBreached,
    TargetMet,
    TargetWarned,
)
from shared.core.event import Event
from shared.core.message import Message
from shared.core.projection import Add, Drop, Index, Put, RowOp, Table, arm, disarm
from shared.core.views import Views

Counted = Literal["met", "breached", "cancelled"]

TABLES = {
    "clocks": Table(
        {
            "case": "text", "metric": "text", "cycle": "bigint", "state": "text", "started_at": "timestamptz",
            "target": "bigint", "due": "timestamptz", "carried": "bigint", "ended_at": "timestamptz", "why": "text",
            "elapsed": "bigint", "message": "text", "breached_at": "timestamptz", "detected_at": "timestamptz",
            "retracted_at": "timestamptz", "warned_at": "timestamptz", "level": "text",
            "policy": "bigint", "rule": "text", "condition": "text", "calendar": "text", "calendar_version": "bigint",
            "priority": "text",
        },
        indexes=(Index(("case", "started_at", "key")),),
    ),
    "legs": Table(
        {
            "clock": "text", "what": "text", "at": "timestamptz", "carried": "bigint", "running": "bool",
            "category": "text", "calendar": "text", "calendar_version": "bigint", "target": "bigint",
        },
        indexes=("clock",),
    ),
    "compliance": Table(
        {
            "day": "text", "metric": "text", "priority": "text", "policy": "bigint", "rule": "text", "met": "bigint",
            "breached": "bigint", "cancelled": "bigint",
        },
        indexes=("day",),
    ),
    "open_clocks": Table({"case": "text", "metric": "text", "cycle": "bigint"}, resident=True),
    "cases": Table({"number": "text"}, indexes=("number",)),
}  # fmt: skip


def clock_key(event: ClockFact) -> str:
    """``<case>/<metric>/<cycle>``: the key of a clock's row and of its deadline."""
    return f"{event.case}/{event.metric}/{event.cycle}"


def project(message: Message) -> Iterator[RowOp]:
    """The rows of one message."""
    event = message.event
    if isinstance(event, CaseOpened):
        yield Put("cases", event.case, {"number": event.number})
    if not isinstance(event, ClockFact):
        return
    yield from _clock(event)
    yield from _leg(message, event)
    yield from _counts(event)
    yield from _deadline(message, event)
    match event:
        case ClockStarted() | ClockResumed() | FulfilmentWithdrawn():
            columns = {"case": event.case, "metric": event.metric, "cycle": event.cycle}
            yield Put("open_clocks", clock_key(event), columns)
        case TargetMet() | ClockStopped() | ClockCancelled():
            yield Drop("open_clocks", clock_key(event))


def _clock(event: ClockFact) -> Iterator[RowOp]:
    columns = _columns(event)
    if columns:
        yield Put("clocks", clock_key(event), columns)


def _columns(event: Event) -> dict[str, Any]:
    match event:
        case ClockStarted() as e:
            return {
                "case": e.case, "metric": e.metric, "cycle": e.cycle, "state": _state(e.due),
                "started_at": e.started_at, "due": e.due, "carried": 0, **_pin(e),
            }  # fmt: skip
        case ClockRetargeted() as e:
            return {"state": _state(e.due), "due": e.due, "carried": e.carried, **_pin(e)}
        case ClockPaused() as e:
            return {"state": "paused", "due": None, "carried": e.carried}
        case ClockResumed() as e:
            again = {"ended_at": None, "why": None, "elapsed": None, "message": None}
            breach = {"breached_at": e.breached_at} if e.breached_at else {}
            return {"state": "running", "due": e.due, "carried": e.carried, **again, **breach}
        case TargetMet() as e:
            return {
                "state": "met", "due": e.due, **_end(e.at, e.elapsed), "why": "fulfilled", "message": e.message,
            }  # fmt: skip
        case ClockStopped() as e:
            return {"state": "late", **_end(e.at, e.elapsed), "why": e.why, "message": e.message}
        case ClockCancelled() as e:
            return {"state": "cancelled", **_end(e.at, e.carried), "why": e.why, "breached_at": None}
        case TargetWarned() as e:
            return {"warned_at": e.at}
        case CaseEscalated() as e:
            return {"level": e.level}
        case TargetBreached() as e:
            return {"breached_at": e.breached_at, "detected_at": e.detected_at, "due": e.breached_at}
        case BreachRetracted() as e:
            return {"breached_at": None, "detected_at": None, "retracted_at": e.at}
        case FulfilmentWithdrawn() as e:
            return {
                "state": _state(e.due),
                "due": e.due,
                "ended_at": None,
                "why": None,
                "elapsed": None,
                "message": None,
            }
    return {}


def _state(due: datetime | None) -> str:
    return "running" if due else "paused"


def _end(at: datetime, elapsed: int) -> dict[str, Any]:
    return {"ended_at": at, "elapsed": elapsed, "carried": elapsed}


def _pin(e: ClockStarted | ClockRetargeted) -> dict[str, Any]:
    return {
        "target": e.target, "policy": e.policy, "rule": e.rule, "condition": e.condition, "calendar": e.calendar,
        "calendar_version": e.calendar_version, "priority": e.priority,
    }  # fmt: skip


def _leg(message: Message, event: Event) -> Iterator[RowOp]:
    columns: dict[str, Any]
    match event:
        case ClockStarted() as e:
            columns = {"what": "started", "at": e.started_at, "carried": 0, "running": e.due is not None, **_measure(e)}
        case ClockRetargeted() as e:
            columns = {
                "what": "retargeted",
                "at": e.at,
                "carried": e.carried,
                "running": e.due is not None,
                **_measure(e),
            }
        case ClockPaused() as e:
            columns = {"what": "paused", "at": e.at, "carried": e.carried, "running": False, "category": e.category}
        case ClockResumed() as e:
            columns = {"what": "resumed", "at": e.at, "carried": e.carried, "running": True}
        case TargetMet() as e:
            columns = {"what": "met", "at": e.at, "carried": e.elapsed, "running": False}
        case ClockStopped() as e:
            columns = {"what": "late", "at": e.at, "carried": e.elapsed, "running": False}
        case ClockCancelled() as e:
            columns = {"what": "cancelled", "at": e.at, "carried": e.carried, "running": False}
        case FulfilmentWithdrawn() as e:
            columns = {"what": "withdrawn", "at": e.at}
        case _:
            return
    assert isinstance(event, ClockFact)
    yield Put("legs", f"{clock_key(event)}/{message.row:015d}", {"clock": clock_key(event), **columns})


def _measure(e: ClockStarted | ClockRetargeted) -> dict[str, Any]:
    return {"calendar": e.calendar, "calendar_version": e.calendar_version, "target": e.target}


def _counts(event: Event) -> Iterator[RowOp]:
    match event:
        case TargetMet() as e:
            yield from _count(e, "met", e.at)
        case TargetBreached() as e:
            yield from _count(e, "breached", e.breached_at)
        case BreachRetracted() as e:
            yield from _count(e, "breached", e.breached_at, -1)
        case FulfilmentWithdrawn(met=True) as e:
            yield from _count(e, "met", e.at, -1)
        case ClockCancelled() as e:
            yield from _count(e, "cancelled", e.at)
            if e.breached_at:
                yield from _count(e, "breached", e.breached_at, -1)
        case ClockResumed(undoes=str() as undone, undone_at=datetime() as undone_at) as e:
            yield from _count(e, undone, undone_at, -1)
            if e.breached_at:
                yield from _count(e, "breached", e.breached_at)


def _count(e: PinnedFact, what: Counted, at: datetime, amount: int = 1) -> Iterator[RowOp]:
    day = f"{at.astimezone(UTC):%Y-%m-%d}"
    key = f"{day}/{e.metric}/{e.priority}/{e.policy}/{e.rule}"
    row = {"day": day, "metric": e.metric, "priority": e.priority, "policy": e.policy, "rule": e.rule}
    yield Put("compliance", key, row)
    yield Add("compliance", key, {what: amount})


def _deadline(message: Message, event: Event) -> Iterator[RowOp]:
    match event:
        case TargetBreached() | CaseEscalated() | FulfilmentWithdrawn() as e:
            yield _wake(message, e, e.wake)
        case ClockStarted() | ClockResumed() | ClockRetargeted() as e:
            yield _wake(message, e, e.wake)
        case ClockPaused() | TargetMet() | ClockStopped() | ClockCancelled() as e:
            yield disarm(clock_key(e))


def _wake(message: Message, e: ClockFact, wake: datetime | None) -> RowOp:
    return arm(message, clock_key(e), e.stream, e.metric, wake) if wake else disarm(clock_key(e))


views = Views(TABLES, project, (ClockFact, CaseOpened))
