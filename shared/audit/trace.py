"""The traces of a case as spans: every row of every log that belongs to one, found by the ids of causes and of what
follows. Nothing is opened: no text of a person is read."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from shared.base.tracing import hearing_of, outer_parent, span_of, trace_id
from shared.core.facts import DeadlineReached
from shared.core.message import Message, deadline_id
from shared.core.projection import Put
from shared.core.views import Views
from shared.runtime.effects import outcome_id
from shared.store.codec import EventMapper, RowNotes, from_row
from shared.store.event_log import EventLog
from shared.store.rows import Recorded, rows_of

from .logs import Logs

TRIES = 64
"""Tries of one effect that are looked for."""
ZERO = timedelta(0)
UNHAPPY = ("refused", "withheld", "failed", "bounced", "quarantined", "parked")
"""Last words of the topics that say that something was not done."""
Place = tuple[str, int]
"""A log and a position."""


@dataclass(frozen=True)
class Step:
    """A row of a log: an event that was said, heard from outside, or heard from another log."""

    log: str
    row: Recorded
    message: Message
    notes: RowNotes

    @property
    def id(self) -> UUID:
        return self.row.event_id

    @property
    def at(self) -> datetime:
        """When it was heard; what it led to in the same log was said at the same instant."""
        return self.row.recorded_at

    @property
    def hearing(self) -> bool:
        """Whether another log said it."""
        return bool(self.message.source)

    @property
    def trace(self) -> str:
        return trace_id(self.message.trace, self.message.correlation)

    @property
    def span(self) -> str:
        return hearing_of(self.log, self.id) if self.hearing else span_of(self.id)

    @property
    def marks(self) -> list[str]:
        """What is not as usual about it."""
        late = self.at - self.message.occurred_at if isinstance(self.message.event, DeadlineReached) else ZERO
        last = self.row.topic.rpartition(".v")[0].rpartition("-")[2]
        found = {
            last: not self.hearing and last in UNHAPPY,
            f"parked: {self.notes.parked}": bool(self.notes.parked),
            "late": self.message.late,
            f"late by {late.total_seconds():.0f} s": late > timedelta(seconds=1),
            "heard again": self.message.retry_of is not None,
        }
        return [mark for mark, so in found.items() if so]

    def next_ids(self, views: Views) -> Iterator[UUID]:
        """Ids of events that may belong to the same trace; what was said because of it follows it in its log. ``views``
        of its service know the effects that it opens."""
        message = self.message
        yield from (i for i in (self.id, message.causation, message.correlation) if i.int)
        if self.notes.parked:
            yield uuid5(self.id, "1")
        elif not self.hearing:
            for op in views.rows_of(message):
                if isinstance(op, Put) and op.table == "effects" and "kind" in op.columns:
                    yield from (outcome_id(self.id, op.key, n + 1) for n in range(TRIES))


@dataclass(frozen=True)
class Line:
    """An event of a trace: where it was said or first heard, who heard it then, and what it followed from."""

    home: Step
    hearings: tuple[Step, ...]
    cause: Step | None
    depth: int

    @property
    def waited(self) -> timedelta:
        """From its cause; never below zero, whatever the clocks of two services say."""
        return max(ZERO, self.home.at - self.cause.at) if self.cause else ZERO


class Trace:
    """The rows of one trace over all logs."""

    def __init__(self, name: str, steps: Iterable[Step]):
        self.id = name
        self.steps = sorted(steps, key=_order)
        self._heard = {(step.log, step.id): step for step in self.steps}
        self.armed_by: UUID | None = None
        """The event that armed the deadline that this trace begins with."""

    @property
    def begun(self) -> datetime:
        return self.steps[0].at

    @property
    def took(self) -> timedelta:
        return self.steps[-1].at - self.begun

    @property
    def services(self) -> list[str]:
        return list(dict.fromkeys(step.log for step in self.steps))

    @cached_property
    def homes(self) -> dict[UUID, Step]:
        """Where each event was said, or heard from outside."""
        ranked = sorted(self.steps, key=lambda s: (s.row.said, not s.hearing))
        return {step.id: step for step in ranked}

    def parent(self, step: Step) -> str:
        """The span that a row goes on from; '' when it begins the trace."""
        cause = step.message.causation
        if step.hearing:
            return span_of(step.id)
        if not cause.int:
            return outer_parent(step.message.trace, step.message.correlation, step.id)
        heard = self._heard.get((step.log, cause))
        return heard.span if heard else span_of(cause)

    def lines(self) -> Iterator[Line]:
        """Its events as a tree: each below its cause, in time order."""
        by_span = {span_of(event): home for event, home in self.homes.items()}
        hearings: dict[UUID, list[Step]] = defaultdict(list)
        for step in self.steps:
            if step is not self.homes[step.id]:
                hearings[step.id].append(step)
        below: dict[UUID | None, list[Line]] = defaultdict(list)
        for home in sorted(self.homes.values(), key=_order):
            cause = self.homes.get(home.message.causation) or by_span.get(self.parent(home))
            below[cause.id if cause else None].append(Line(home, tuple(hearings[home.id]), cause, 0))
        yield from _tree(below, None, 0)

    def spans(self) -> list[dict[str, Any]]:
        """OpenTelemetry's words: an event that was said is a span of no length, for a log knows its instant alone;
        hearing one lasts from its saying until its hearer took it in."""
        return [self._span(step) for step in self.steps]

    def _span(self, step: Step) -> dict[str, Any]:
        message, row = step.message, step.row
        kind = "consumer" if step.hearing else "producer" if row.said else "server"
        links = [{"event": self.armed_by}] if self.armed_by and step is self.steps[0] else []
        return {
            "trace_id": self.id, "span_id": step.span, "parent_id": self.parent(step), "service": step.log,
            "name": row.topic, "kind": kind, "start": min(self.homes[step.id].at, step.at), "end": step.at,
            "links": links,
            "attributes": {
                "event": step.id, "position": row.id, "stream": str(row.originator_id), "role": message.actor.role,
                "source": message.source, "occurred_at": message.occurred_at, "parked": step.notes.parked,
                "late": message.late, "retry_of": message.retry_of, "marks": step.marks,
            },
        }  # fmt: skip

    def as_data(self) -> dict[str, Any]:
        return {
            "trace_id": self.id, "begun": self.begun, "milliseconds": round(self.took.total_seconds() * 1000),
            "services": self.services, "spans": self.spans(),
        }  # fmt: skip


def _order(step: Step) -> tuple[datetime, int, str, int]:
    return step.at, step.message.depth, step.log, step.row.id


def _tree(below: dict[UUID | None, list[Line]], cause: UUID | None, depth: int) -> Iterator[Line]:
    for line in below.pop(cause, ()):
        yield Line(line.home, line.hearings, line.cause, depth)
        yield from _tree(below, line.home.id, depth + 1)


async def traces_of(logs: Logs, ids: Iterable[UUID], views_of: Callable[[str], Views]) -> list[Trace]:
    """The traces that hold these events, whole, in time order. ``views_of``: name of a service -> its read models."""
    wanted, asked = set(ids), set[UUID]()
    found: dict[Place, Step] = {}
    while wanted:
        asked |= wanted
        new: dict[Place, Step] = {}
        for name, log in logs.by_name.items():
            steps = [_step(name, row) for row in await _by_ids(log, wanted)]
            said = [s.row.id + n for s in steps for n in range(1, s.notes.said + 1)]
            steps += [_step(name, row) for row in (await log.at(said) if said else ())]
            new |= {(name, s.row.id): s for s in steps if (name, s.row.id) not in found}
        found |= new
        wanted = {i for step in new.values() for i in step.next_ids(views_of(step.log))} - asked
    by_trace: dict[str, list[Step]] = defaultdict(list)
    for step in found.values():
        by_trace[step.trace].append(step)
    traces = sorted((Trace(name, steps) for name, steps in by_trace.items()), key=lambda t: (t.begun, t.id))
    for trace in traces:
        trace.armed_by = await _armer(logs, trace.steps[0])
    return traces


async def ids_of_trace(logs: Logs, trace: str) -> list[UUID]:
    """Events that went on from a caller's trace. Looks at every row of every log: nothing else knows its name."""
    found = []
    for log in logs.by_name.values():
        query = log.sql("select event_id from {s}.stored_events where position(%s::bytea in metadata) > 0")
        async with log.pool.connection() as conn:
            cursor = await conn.execute(query, (f'"trace":"00-{trace}-'.encode(),))
            found += [event_id for (event_id,) in await cursor.fetchall()]
    return found


def _step(log: str, row: Recorded) -> Step:
    return Step(log, row, *from_row(row, EventMapper().decode(row.topic, row.event_id, row.state)))


async def _by_ids(log: EventLog, ids: Iterable[UUID]) -> list[Recorded]:
    query = log.sql("select {columns} from {s}.stored_events where event_id = any(%s) order by notification_id")
    async with log.pool.connection() as conn:
        return rows_of(await (await conn.execute(query, (list(ids),), binary=True)).fetchall())


async def _armer(logs: Logs, first: Step) -> UUID | None:
    """The event that armed the deadline that a trace begins with; None for what begins otherwise."""
    event = first.message.event
    if not isinstance(event, DeadlineReached) or first.message.causation.int:
        return None
    ids = [row.event_id for row in await logs[first.log].stream(event.of)]
    return next((i for i in reversed(ids) if deadline_id(str(i), event.key) == first.id), None)


__all__ = ["Line", "Step", "Trace", "ids_of_trace", "traces_of"]
