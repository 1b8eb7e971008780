"""Whether logs are whole: each one's chain, positions and gaps, and what every listener holds of another's rows.

Each published message carries its row's hash and listeners keep it: each is an anchor of the logs that it hears."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import orjson
from eventsourcing.persistence import IntegrityError

from shared.bus import reconcile
from shared.store.event_log import EventLog
from shared.store.rows import Recorded

from .logs import Logs

PAGE = 5000
UNREADABLE = "kernel.unreadable.v1"
"""What a message is kept as that could not be read."""


@dataclass
class Verdict:
    """What was found of one log: how many rows, how many of them were compared with their publisher, what is wrong."""

    service: str
    rows: int = 0
    compared: int = 0
    position: int = 0
    """Where it ended when it was looked at."""
    head: str = ""
    """Hash of its last row then: kept elsewhere, it proves later that nothing up to there was changed or cut off."""
    problems: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.problems


class Anchor(NamedTuple):
    """What a listener knows of a row that it heard."""

    event_id: UUID
    position: int
    epoch: int
    hash: str


async def verify(logs: Logs, service: str, progress: Callable[[int], None] | None = None) -> Verdict:
    """Look at one log and at what it holds of the logs that it hears, as far as these are open."""
    log, verdict = logs[service], Verdict(service)
    head = await log.head()
    verdict.position, verdict.head = head.position, head.hash.hex()
    try:
        verdict.rows = await log.verify(PAGE, progress)
    except IntegrityError as e:
        verdict.problems.append(str(e))
    await _said_chain(log, verdict)
    await _anchors(logs, log, verdict)
    await _heard_all(logs, log, verdict)
    return verdict


async def _pages(log: EventLog, said: bool = False, upto: int | None = None) -> AsyncIterator[list[Recorded]]:
    after = 0
    while rows := await log.rows(after, PAGE, said=said, upto=upto):
        yield rows
        after = rows[-1].id


async def _said_chain(log: EventLog, verdict: Verdict) -> None:
    """``previous`` of each said row is the said row before it: a listener finds gaps by it."""
    last = 0
    async for rows in _pages(log, said=True):
        for row in rows:
            if (previous := orjson.loads(row.metadata).get("previous", 0)) != last:
                verdict.problems.append(
                    f"log {log.schema}: row {row.id} names {previous} as said before it, it was {last}"
                )
                return
            last = row.id


async def _anchors(logs: Logs, log: EventLog, verdict: Verdict) -> None:
    """Every heard row has the hash that its publisher's row has today."""
    async for rows in _pages(log):
        held: dict[str, list[Anchor]] = {}
        for row in rows:
            notes = orjson.loads(row.metadata)
            if not row.said and notes.get("hash") and notes.get("source") in logs.by_name:
                anchor = Anchor(row.event_id, notes["position"], notes["epoch"], notes["hash"])
                held.setdefault(notes["source"], []).append(anchor)
        for source, anchors in held.items():
            there = await _hashes(logs[source], [a.position for a in anchors])
            verdict.compared += len(anchors)
            others = [a for a in anchors if there.get(a.position) != a.hash]
            if others and (problem := await _lost(logs[source], log, others, there)):
                verdict.problems.append(problem)
                return


async def _lost(source: EventLog, log: EventLog, anchors: list[Anchor], there: Mapping[int, str]) -> str | None:
    """What is wrong with rows that are not where they were heard; nothing is with those that a restore cost, once they
    were brought back with the content that they had, or given up."""
    losses = await reconcile.losses(source)
    for anchor in anchors:
        heard = f"log {source.schema}: row {anchor.position}, which {log.schema} heard,"
        epochs = [e for e in losses if e.costs(anchor.epoch, anchor.position)]
        if not epochs:
            return f"{heard} {'is another one' if anchor.position in there else 'is missing'} now"
        back = await source.by_id(anchor.event_id)
        if back and orjson.loads(back.metadata).get("hash") != anchor.hash:
            return f"{heard} is another one since it was brought back"
        if not (back or epochs[-1].settled):
            return f"{heard} was lost in a restore: vefa reconcile {source.schema}"
    return None


async def _hashes(log: EventLog, positions: Sequence[int]) -> dict[int, str]:
    query = log.sql("select notification_id, hash from {s}.stored_events where notification_id = any(%s)")
    async with log.pool.connection() as conn:
        cursor = await conn.execute(query, (list(positions),))
        return {int(position): bytes(content).hex() for position, content in await cursor.fetchall()}


async def _heard_all(logs: Logs, log: EventLog, verdict: Verdict) -> None:
    """Everything that a publisher said on a topic that is listened to, up to where it was heard, is in this log."""
    tracked = await log.trackings()
    async with log.pool.connection() as conn:
        cursor = await conn.execute(log.sql("select source, topic from {s}.hears"))
        topics: dict[str, list[str]] = {}
        for source, topic in await cursor.fetchall():
            topics.setdefault(source, []).append(topic)
    for source in sorted(topics.keys() & logs.by_name.keys()):
        if missing := await _missing(logs[source], log, tracked.get(source, 0), topics[source]):
            verdict.problems.append(
                f"log {log.schema}: row {missing} of {source} was passed and is not here; rows heard from it end at"
                f" {tracked.get(source, 0)}"
            )


async def _missing(source: EventLog, log: EventLog, upto: int, topics: list[str]) -> int | None:
    after, query = 0, log.sql("select event_id, topic from {s}.stored_events where event_id = any(%s) and not said")
    while rows := await source.rows(after, PAGE, upto=upto, said=True, topics=topics):
        async with log.pool.connection() as conn:
            cursor = await conn.execute(query, ([r.event_id for r in rows],))
            here: dict[UUID, str] = dict(await cursor.fetchall())
        if lost := next((r.id for r in rows if here.get(r.event_id) not in (r.topic, UNREADABLE)), None):
            return lost
        after = rows[-1].id
    return None
