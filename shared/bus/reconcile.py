"""A log that was restored behind others: a new epoch above everything that anybody knows of it, and what it had said
since then brought back from the copies on the stream and in the logs of its listeners."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID, uuid5

import orjson
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from shared.core.facts import EpochBegan, EpochReconciled
from shared.core.message import NAMESPACE, Actor, Message, fresh
from shared.runtime.ordering import Gap
from shared.runtime.reconciling import Copies
from shared.runtime.service import Service
from shared.store.codec import Envelope, from_row, key_ids, to_wire
from shared.store.event_log import EventLog

from .catch_up import Hearer
from .epochs import heard_above
from .jetstream import STREAM, last_of

MARGIN, PAGE, TOGETHER = 1000, 1000, 500
EPOCHS = (EpochBegan.TOPIC, EpochReconciled.TOPIC)
UNREADABLE = "kernel.unreadable.v1"
ACTOR = Actor("ops", "vefa")
Logs = Mapping[str, EventLog]


@dataclass(frozen=True)
class LogHealth:
    """How a log stands: its epoch, where it ends, who knows of more, and what of it is lost and not settled."""

    service: str
    epoch: int
    ends: int
    """Position of the last event that it said."""
    known: Mapping[str, int]
    """Who knows of positions above that, and the highest of each."""
    agrees: bool
    """Whether it holds what others heard of it, and nothing else at these positions."""
    lost: tuple[int, int] | None
    """First and last position of what is neither brought back nor given up."""
    held: Mapping[str, int]
    """How many events of the lost range others hold, by who holds them."""

    @property
    def behind(self) -> bool:
        """Whether positions would be used twice if it went on."""
        return bool(self.known) or not self.agrees


async def health_of(logs: Logs, service: str, client: Client) -> LogHealth:
    """Look at one log and at everybody who may know of it."""
    known, head = await _known(logs, service, client), await logs[service].head()
    open_ = await _unsettled(logs[service])
    lost = (min(e.restored_to for e in open_) + 1, max(e.lost_to for e in open_)) if open_ else None
    held: dict[str, int] = {}
    if lost:
        copies = await _copies(logs, service, client, lost[0] - 1)
        held = {who: n for who, found in copies.items() if (n := sum(_is_lost(e, lost[1]) for e in found))}
    agrees = await _agreed(logs, service, client, head.position) == head.position
    above = {who: position for who, position in known.items() if position > head.said}
    return LogHealth(service, head.epoch, head.said, above, agrees, lost, held)


async def begin(runtime: Service, logs: Logs, client: Client, now: datetime) -> EpochBegan | None:
    """Let a log that is behind go on in a new epoch above everything that anybody knows of it; None when it is not
    behind."""
    name, head = runtime.name, await runtime.log.head()
    highest = max((await _known(logs, name, client)).values())
    restored_to = await _agreed(logs, name, client, head.position)
    if highest <= head.said and restored_to == head.position:
        return None
    told = [e for found in (await _copies(logs, name, client, restored_to)).values() for e in found]
    epoch = max([head.epoch, *(e.message.epoch for e in told)]) + 1
    event = EpochBegan(
        epoch=epoch, restored_to=restored_to, lost_from=restored_to + 1, lost_to=max(highest, head.position)
    )
    await _say(runtime, event, now)
    return event


async def reconcile(
    runtime: Service, logs: Logs, client: Client, now: datetime, *, give_up: bool = False
) -> EpochReconciled | None:
    """Bring back what others hold of what a log lost, after the causes where these can be heard again, and say that it
    is settled; with ``give_up`` only say so. None when nothing is lost."""
    name, log = runtime.name, runtime.log
    epochs = await _unsettled(log)
    if not epochs:
        return None
    copies = await _lost_of(logs, name, client)
    recovered = 0
    if not give_up:
        others = {s: await _lost_of(logs, s, client) for s in sorted(runtime.sources & logs.keys())}
        recovered = await _Return(runtime, logs, others, now).bring_back(copies)
    settled = {e.epoch: EpochReconciled(epoch=e.epoch, recovered=0, given_up=0) for e in epochs}
    last = epochs[-1].epoch
    settled[last] = EpochReconciled(epoch=last, recovered=recovered, given_up=len(copies) - recovered)
    for event in settled.values():
        await _say(runtime, event, now)
    return settled[last]


class _Return(Hearer):
    """A service hears again what it had heard before the restore, and says what it had said then in the place of what
    its rules would say now."""

    def __init__(self, service: Service, logs: Logs, others: Mapping[str, list[Envelope]], now: datetime):
        """``others``: what the logs that it hears have themselves lost and not brought back yet."""
        super().__init__(service)
        self._logs, self._others, self._now = logs, others, now

    async def read(
        self, source: str, after: int, upto: int | None = None, topics: Sequence[str] = (), late: bool = False
    ) -> tuple[list[Envelope], int]:
        head = await self._logs[source].head()
        rows = await self._logs[source].rows(after, PAGE, upto=upto, said=True, topics=topics)
        envelopes = [Envelope.parse(to_wire(source, row).body, self._now, late=late) for row in rows]
        end = head.position if upto is None else min(upto, head.position)
        return envelopes, rows[-1].id if len(rows) == PAGE else end

    async def bring_back(self, copies: Sequence[Envelope]) -> int:
        """``copies`` in the order of their positions; returns how many came back."""
        before = await self.service.log.known(e.message.id for e in copies)
        keys = await self.service.vault.keys(key_ids(e.state for e in copies))
        messages = [
            replace(
                e.message, event=self.service.rules.mapper.decode(e.topic, e.message.id, e.state, keys), source="",
                position=0, previous=0, after={}, recovered=e.message.position, heard_at=self._now, command=True,
            )
            for e in copies
        ]  # fmt: skip
        groups = [(cause, list(group)) for cause, group in groupby(messages, key=lambda m: m.causation)]
        places = await self._places([cause for cause, _ in groups])
        self.service.committer.copies = Copies(dict(groups), {e.message.id: e.state for e in copies})
        try:
            await self._say_again(groups, places)
        finally:
            self.service.committer.copies = None
        return len(await self.service.log.known(m.id for m in messages) - before)

    async def _say_again(
        self, groups: Sequence[tuple[UUID, list[Message]]], places: Mapping[UUID, tuple[str, int]]
    ) -> None:
        """Each group after its cause, where that can be heard again."""
        alone = list[Message]()
        for cause, group in groups:
            if cause in places:
                await self._take_in(alone)
                alone = []
                await self._hear(*places[cause])
            alone += group
            if len(alone) >= TOGETHER:
                await self._take_in(alone)
                alone = []
        await self._take_in(alone)

    async def _places(self, causes: Sequence[UUID]) -> dict[UUID, tuple[str, int]]:
        """Where each cause can be heard again: the log and the position there."""
        found: dict[UUID, tuple[str, int]] = {}
        for source, lost in self._others.items():
            found |= {e.message.id: (source, e.message.position) for e in lost}
            at = await self._logs[source].said_at(causes)
            found |= {cause: (source, position) for cause, position in at.items()}
        return {cause: found[cause] for cause in causes if cause in found}

    async def _hear(self, source: str, position: int) -> None:
        """Hear a source up to a position, as far as it can be heard; what it has lost itself from copies."""
        lost = [e for e in self._others[source] if self.service.tracked.get(source, 0) < e.message.position <= position]
        if lost:
            await self.settle([replace(e, message=replace(e.message, late=True)) for e in lost])
            return
        try:
            await self.backfill(source, position)
        except (LookupError, Gap):
            return  # its consequences come back without it

    async def _take_in(self, messages: Sequence[Message]) -> None:
        known = await self.service.log.known(m.id for m in messages)
        await self.service.handle(*(m for m in messages if m.id not in known))


async def _say(runtime: Service, event: EpochBegan | EpochReconciled, now: datetime) -> None:
    event_id = uuid5(NAMESPACE, f"{runtime.name}|{event.TOPIC}|{event.epoch}")
    await runtime.handle(fresh(event, now, id=event_id, actor=ACTOR, command=True))


async def _known(logs: Logs, service: str, client: Client) -> dict[str, int]:
    """The highest position of a log that each witness knows."""
    known = {"the stream": await last_of(client, service)}
    for name, log in logs.items():
        if name != service:
            told = (await log.head()).after.get(service, 0)
            known[name] = max(told, (await log.trackings()).get(service, 0))
    return known


@dataclass(frozen=True)
class Lost:
    """What the restore before an epoch cost a log, and whether it was brought back or given up."""

    began: EpochBegan
    settled: bool

    def costs(self, epoch: int, position: int) -> bool:
        """Whether what was said in ``epoch`` at ``position`` is lost."""
        return epoch < self.began.epoch and self.began.lost_from <= position <= self.began.lost_to


async def losses(log: EventLog) -> list[Lost]:
    """Of every epoch of a log, in order."""
    found = list[Lost]()
    for epoch in range(2, (await log.head()).epoch + 1):
        said = {row.topic: row for row in await log.stream(f"epoch:{epoch}") if row.said}
        if row := said.get(EpochBegan.TOPIC):
            found.append(Lost(EpochBegan.model_validate_json(row.state), EpochReconciled.TOPIC in said))
    return found


async def _unsettled(log: EventLog) -> list[EpochBegan]:
    return [lost.began for lost in await losses(log) if not lost.settled]


async def _agreed(logs: Logs, service: str, client: Client, ends: int) -> int:
    """Up to where a log holds what others heard of it: its end, or less when it said something at positions that
    others know with other events."""
    above, margin, before = ends, MARGIN, await losses(logs[service])
    while True:
        above, margin = max(0, above - margin), margin * 10
        told = [e.message for found in (await _copies(logs, service, client, above)).values() for e in found]
        copies = [m for m in told if not any(lost.costs(m.epoch, m.position) for lost in before)]
        there = {m.position: m.id for m in copies if m.position <= ends}
        rows = {row.id: row.event_id for row in await logs[service].at(sorted(there))}
        strange = [m.position for m in copies if rows.get(m.position, m.id) != m.id]
        strange += [p for p in there if p not in rows]
        if not strange:
            return ends
        agreed = [p for p in there if p < min(strange)]
        if agreed or not above:
            return max(agreed, default=0)


async def _copies(logs: Logs, service: str, client: Client, above: int) -> dict[str, list[Envelope]]:
    """What others hold of a log above a position, by who holds it: on the stream, and in the logs of its listeners."""
    found = {"the stream": await _on_stream(client, service, above)}
    for name, log in logs.items():
        if name != service:
            rows = [row for row, *_ in await heard_above(log, service, above)]
            found[name] = [
                Envelope(row.topic, row.state, from_row(row, None)[0]) for row in rows if row.topic != UNREADABLE
            ]
    return found


def _is_lost(envelope: Envelope, lost_to: int) -> bool:
    return envelope.message.position <= lost_to and envelope.topic not in EPOCHS


async def _missing(log: EventLog, copies: Mapping[str, list[Envelope]], lost_to: int) -> list[Envelope]:
    """Each lost event once, in the order of positions."""
    every = {e.message.id: e for found in copies.values() for e in found if _is_lost(e, lost_to)}
    known = await log.known(every)
    return sorted((e for i, e in every.items() if i not in known), key=lambda e: e.message.position)


async def _lost_of(logs: Logs, service: str, client: Client) -> list[Envelope]:
    """What a log has lost and not brought back, as far as others hold it."""
    epochs = await _unsettled(logs[service])
    if not epochs:
        return []
    copies = await _copies(logs, service, client, min(e.restored_to for e in epochs))
    return await _missing(logs[service], copies, max(e.lost_to for e in epochs))


async def _on_stream(client: Client, service: str, above: int) -> list[Envelope]:
    """What the stream holds of a log above a position."""
    js, subject = client.jetstream(), f"vefa.event.{service}.>"
    try:
        state = (await js.stream_info(STREAM)).state
    except NotFoundError:
        return []
    low, high = state.first_seq, state.last_seq + 1
    while low < high:  # positions rise with the sequence
        middle = (low + high) // 2
        try:
            there = await js.get_msg(STREAM, middle, subject=subject, next=True)
        except NotFoundError:
            high = middle
            continue
        if orjson.loads(there.data or b"{}").get("position", 0) > above:
            high = middle
        else:
            low = (there.seq or middle) + 1
    if low > state.last_seq:
        return []
    config = ConsumerConfig(
        filter_subject=subject, deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=low,
        ack_policy=AckPolicy.NONE, inactive_threshold=60,
    )  # fmt: skip
    found = list[Envelope]()
    reader = await js.pull_subscribe(subject, stream=STREAM, config=config)
    try:
        while (await reader.consumer_info()).num_pending:
            for message in await reader.fetch(PAGE, timeout=5):
                envelope = Envelope.parse(message.data, message.metadata.timestamp)
                if envelope.message.position > above:
                    found.append(envelope)
    finally:
        await reader.unsubscribe()
    return found
