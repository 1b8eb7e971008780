"""What happened on a stream over the logs of all services, in order, and what led to an event."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.core.facts import DeadlineReached
from shared.core.message import deadline_id

from .logs import Logs, Seen

WHYS = (
    "rule", "policy", "version", "definition", "definition_version", "condition", "cause", "why", "reason", "basis",
    "arithmetic", "strategy", "calendar", "calendar_version", "trigger", "statement", "by",
)  # fmt: skip
OF_A_CASE = ("notice", "survey", "recovery", "grant", "mail")
"""Kinds of streams that belong to one case: what is on them is part of its history."""


@dataclass
class Happening:
    """One event and every log that has it: ``home`` is the log that said it, or heard it from outside."""

    home: Seen
    hearers: list[str] = field(default_factory=list)

    @property
    def why(self) -> dict[str, Any]:
        content = self.home.content
        return {name: content[name] for name in WHYS if content.get(name) not in (None, "")}

    def as_data(self) -> dict[str, Any]:
        return {**self.home.as_data(), "heard_by": self.hearers, "why": self.why}


async def history_of(logs: Logs, stream: str) -> list[Happening]:
    """Everything that happened on a stream and on those that belong to it, in order; empty when that is nothing."""
    found = dict[tuple[str, int], Seen]()
    streams = {stream, f"parked:{stream}"}
    looked = set[str]()
    while more := streams - looked:
        for stream in sorted(more):
            for name, log in logs.by_name.items():
                for seen in await logs.open(name, await log.stream(stream)):
                    found[name, seen.row.id] = seen
                    streams |= {s for s in (seen.event.stream, *seen.event.also) if s.partition(":")[0] in OF_A_CASE}
        looked |= more
    for name, cause in sorted({(n, s.message.causation) for (n, _), s in found.items()}):
        if cause.int and (row := await logs[name].by_id(cause)):
            [found[name, row.id]] = await logs.open(name, [row])
    return in_order(merged(found.values()))


def merged(seen: Iterable[Seen]) -> list[Happening]:
    """One happening for each event: its home is the log that said it, or the first that heard it from outside."""
    by_id: dict[UUID, list[Seen]] = {}
    for one in seen:
        by_id.setdefault(one.row.event_id, []).append(one)
    result = []
    for same in by_id.values():
        home = min(same, key=lambda s: (not s.row.said, bool(s.message.source), s.row.recorded_at, s.log))
        result.append(Happening(home, sorted(s.log for s in same if s is not home)))
    return result


def in_order(happenings: Sequence[Happening]) -> list[Happening]:
    """By time; where the clocks of two services disagree, a log's own order and cause before effect hold. Where these
    two disagree (a command that was repeated after its consequences were brought back) the earliest comes first."""
    by_id = {h.home.row.event_id: h for h in happenings}
    waits: dict[UUID, int] = dict.fromkeys(by_id, 0)
    then: dict[UUID, list[UUID]] = {i: [] for i in by_id}
    last: dict[str, UUID] = {}
    for h in sorted(happenings, key=lambda h: (h.home.log, h.home.row.id)):
        own = h.home.row.event_id
        before = {last.get(h.home.log, own), h.home.message.causation} & by_id.keys() - {own}
        for other in before:
            then[other].append(own)
        waits[own], last[h.home.log] = len(before), own
    waiting = [(_key(by_id[i]), i) for i in by_id]
    ready = [found for found in waiting if not waits[found[1]]]
    heapq.heapify(waiting)
    heapq.heapify(ready)
    result = dict[UUID, Happening]()
    while waiting:
        own = heapq.heappop(ready or waiting)[1]
        if own in result:
            continue
        result[own] = by_id[own]
        for other in then[own]:
            waits[other] -= 1
            if not waits[other]:
                heapq.heappush(ready, (_key(by_id[other]), other))
    return list(result.values())


def _key(h: Happening) -> tuple[Any, ...]:
    return h.home.row.recorded_at, h.home.message.depth, h.home.log, h.home.row.id


async def causes_of(logs: Logs, wanted: UUID) -> list[tuple[str, Happening]]:
    """The event and its causes, nearest first, each with how it is linked to the one before."""
    chain: list[tuple[str, Happening]] = []
    link, following, met = "this", wanted, set[UUID]()
    while following.int and following not in met and (found := await _find(logs, following)):
        met.add(following)
        chain.append((link, found))
        link, following = await _cause_of(logs, found.home)
    return chain


async def _find(logs: Logs, event_id: UUID) -> Happening | None:
    rows = [(name, row) for name, log in logs.by_name.items() if (row := await log.by_id(event_id))]
    seen = [s for name, row in rows for s in await logs.open(name, [row])]
    return next(iter(merged(seen)), None)


async def _cause_of(logs: Logs, home: Seen) -> tuple[str, UUID]:
    """How an event came about: because of one that was heard, by a deadline that one armed, or of an effect."""
    message = home.message
    if message.retry_of:
        return "heard again after it was parked:", message.retry_of
    if message.causation.int:
        return "because of", message.causation
    if isinstance(message.event, DeadlineReached):
        for row in reversed(await logs[home.log].stream(message.event.of)):
            if deadline_id(str(row.event_id), message.event.key) == message.id:
                return "a deadline armed by", row.event_id
    elif message.correlation != message.id:
        return "in the course of", message.correlation
    return "", UUID(int=0)


def texts_of(seen: Seen) -> list[str]:
    """What a person wrote, each text in plain."""
    return [
        v for n, v in seen.content.items() if v and isinstance(v, str) and n in seen.event.PERSONAL and n not in WHYS
    ]
