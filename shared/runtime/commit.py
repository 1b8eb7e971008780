"""The way of a batch of messages into the log and of what follows from them, in one transaction: all of a message or
nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from shared.base.meters import Meters
from shared.base.tracing import Tracer, commit_spans
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.privacy.vault import Vault
from shared.store.append import Loaded, Read
from shared.store.codec import Envelope
from shared.store.draft import Draft
from shared.store.event_log import EventLog
from shared.store.rows import Head, Recorded, copied

from .answers import Answers
from .batch import Batch, Load
from .changes import Changes
from .decoding import Arrived, Decoder
from .loading import hold
from .losses import own_loss, says_itself
from .memory import Memory
from .ordering import WentBack
from .outbox import Outbox
from .outcome import NOTHING, Known, Outcome, Result
from .passing import PassedOver
from .planned import Incoming
from .position import Position
from .reconciling import Copies, Reconciling
from .rules import Rules
from .snapshots import Snapshots


@dataclass(frozen=True, slots=True)
class Done:
    """A commit: what was taken in and what came of each message; where the log ended and how far others were heard
    before; whether nobody else had written."""

    batch: Batch
    results: Sequence[Result]
    began: Head
    tracked: Mapping[str, int]
    alone: bool


class Committer:
    """Writes one batch after the other; ``shared/runtime/inbox.py`` makes them."""

    def __init__(
        self, rules: Rules, log: EventLog, vault: Vault, *, streams: int = 50_000, tracer: Tracer | None = None
    ):
        """``streams``: how many stay in memory."""
        self.rules, self.log, self.vault, self.tracer = rules, log, vault, tracer
        self.memory = Memory(rules.decider, rules.views, rules.parsers)
        self.position, self.leads = Position(), False
        self.tracked: Mapping[str, int] = {}
        """How far others are heard: what was passed over since the last commit included."""
        self.copies: Copies | None = None
        """While a log is reconciled: what is just coming back."""
        self.decoder, self.outbox, self.changes = Decoder(rules, vault), Outbox(), Changes()
        self.meters, self._passed = Meters(rules.name), PassedOver(rules.sources)
        self._answers = Answers(rules, log, vault, self.decoder)
        self._snapshots = Snapshots(log, self.memory, rules.fingerprint, streams)

    async def load(self) -> None:
        """Read resident tables, head and trackings as of one instant of the log, and forget all else."""
        tables = {name: self.rules.tables[name] for name in self.memory.resident}
        stand = await self.log.stand(self.rules.views_schema, tables)
        self.memory.reset(stand.resident)
        self.position, self.tracked = Position(stand.head, stand.tracked), stand.tracked
        self.outbox.clear()
        self.changes.loads += 1

    async def commit(self, batch: Sequence[Arrived], unwritable: Exception | None = None) -> list[Outcome | Exception]:
        """Record what is new in the batch and everything that follows from it. ``unwritable``: why what follows could
        not be written; then the batch is parked. Raises what kept all of it from being written."""
        messages = await self.decoder.heard(batch)
        if self._pass_over(messages):
            return [NOTHING] * len(messages)
        incoming = Incoming(messages, {m.message.id: m.state for m in batch if isinstance(m, Envelope)}, unwritable)
        try:
            with self.meters.commit(), commit_spans(self.tracer, messages) as told:
                done = await self._write(incoming)
                taken, head = done.batch, done.batch.draft.head
                told.noted |= {"heard": len(messages), "rows": len(taken.draft.rows), "position": head.position}
                told.recorded = taken.planned
        except BaseException:
            self.memory.undo.back_to(0)
            self.position = self.position.doubted()
            raise
        self._move(done)
        if taken.planned:
            self.changes.wake()
            await self._snapshots.keep(head.position, self.leads)
            self._snapshots.evict()
        return [
            await self._answers.of(message, head.epoch) if isinstance(result, Known) else result
            for message, result in zip(messages, done.results, strict=True)
        ]

    def _pass_over(self, messages: Sequence[Message]) -> bool:
        """Whether nobody here listens to any of these, so that nothing is to be written."""
        if not messages:
            return False
        moved = self._passed.take(messages, self.tracked) if self.leads else None
        if not self.leads:
            self._passed.clear()
        if moved is None:
            return False
        self.tracked = moved
        return True

    async def _write(self, incoming: Incoming) -> Done:
        if incoming.unwritable is None and self._may_go_ahead(incoming.messages):
            if done := await self._ahead(incoming):
                return done
            self.memory.undo.back_to(0)
        return await self._under_lock(incoming)

    def _may_go_ahead(self, messages: Sequence[Message]) -> bool:
        """Whether all of these look new, so that they may be decided before the log was asked."""
        if not messages or not self.position.certain or self.copies or own_loss(self.memory):
            return False
        return not any(
            isinstance(m.event, DeadlineReached)
            or says_itself(m)
            or (m.position and not m.late and m.position <= self.tracked.get(m.source, 0))
            for m in messages
        )

    async def _ahead(self, incoming: Incoming) -> Done | None:
        """Decide on what this process knows and write it in one round trip, if the log still ends where it did and
        holds none of it. None when it has to be looked up under the lock: then nothing was written."""
        messages = incoming.messages
        for message in messages:
            if message.event and message.event.begins and not message.late:
                self.memory.begin(message.event.stream)  # were it otherwise, its first version would be there already
        expected, tracked, missing = self.position.head, self.position.tracked, self._missing(messages)
        draft = self.log.draft(expected)
        answered = await self.log.answered([m.id for m in messages]) if expected.epoch > 1 else {}
        if missing:
            loaded = await self.log.load(missing, self.rules.fingerprint)
            hold(self.memory, self.rules.mapper, missing, loaded)
        read = Read(seen=set(), tail=[], tracked=dict(tracked), armed={}, loaded=Loaded([], {}))
        taken = self._batch(draft, self.log.load, read, incoming, answered)
        results = await taken.take_all(self._passed)
        both = zip(messages, results, strict=True)
        if not taken.planned or not all(isinstance(r, Outcome) and (r.position or m.event is None) for m, r in both):
            return None
        await self._fill(taken)
        return Done(taken, results, expected, tracked, True) if await self.log.put(draft, expected) else None

    async def _under_lock(self, incoming: Incoming) -> Done:
        """Lock the head of the log, fold what others wrote, and then take the batch in."""
        messages, rules, ends = incoming.messages, self.rules, self.position.head.position
        missing = self._missing(messages)
        deadlines = [m.event.key for m in messages if isinstance(m.event, DeadlineReached)]
        ids = [i for m in messages for i in ((m.id, m.causation) if m.recovered else (m.id,))]
        async with self.log.append() as tx:
            read = await tx.read(ids, missing, rules.fingerprint, ends, (rules.views_schema, deadlines))
            if tx.head.position < ends:
                raise WentBack(f"the log ends at {tx.head.position}, it had {ends} rows")
            began, tracked = copied(tx.head), dict(read.tracked)
            answered = await tx.answered(ids) if tx.head.epoch > 1 else {}
            self._catch_up(read.tail)
            hold(self.memory, rules.mapper, missing, read.loaded)
            taken = self._batch(tx, tx.load, read, incoming, answered)
            results = await taken.take_all(self._passed)
            await self._fill(taken)
        return Done(taken, results, began, tracked, not read.tail)

    def _batch(
        self, draft: Draft, load: Load, read: Read, incoming: Incoming, answered: Mapping[UUID, Sequence[int]]
    ) -> Batch:
        parts = (self.rules, self.memory, draft, load, read, incoming)
        if draft.head.epoch > 1 or self.copies or any(map(says_itself, incoming.messages)):
            return Reconciling(*parts, copies=self.copies or Copies(), answered=answered)
        return Batch(*parts)

    def _missing(self, messages: Sequence[Message]) -> list[str]:
        """Streams of these that are not in memory; of a further stream only where it has a state here."""
        memory, initial = self.memory, self.rules.decider.initial
        streams = {m.event.stream for m in messages if m.event}
        streams |= {s for m in messages if m.event for s in m.event.also if initial(s) is not None}
        return sorted(s for s in streams if s not in memory.streams)

    def _catch_up(self, tail: Sequence[Recorded]) -> None:
        """Fold the rows that another process wrote since this memory's position."""
        for row in tail:
            message, notes = self.decoder.sealed(row)
            if notes.parked:
                self.memory.pass_over(message)
            else:
                self.changes.note(self.memory.apply(message))

    async def _fill(self, taken: Batch) -> None:
        """Put it into its draft, sealed. How far the bus has what was said goes with what is recorded."""
        taken.write(await self.vault.keys_for(taken.subjects()))
        if taken.planned and (unkept := self.outbox.unkept(self.position.tracked)):
            taken.draft.trackings = {**taken.draft.trackings, **unkept}

    def _move(self, done: Done) -> None:
        """It is written: from here on this is what the log holds."""
        draft = done.batch.draft
        self.memory.undo.forget()
        self.outbox.add(done.began.said, draft.rows)
        self.position = Position(draft.head, {**done.tracked, **draft.trackings}, certain=done.alone)
        self.tracked = self.position.tracked
        self._passed.clear()
        self.meters.recorded(len(done.batch.planned))
        self.changes.note(done.batch.ops)

    async def note_relayed(self) -> None:
        """Note in the log how far the bus has what was said, unless a commit did."""
        for name, position in self.outbox.unkept(self.position.tracked).items():
            await self.log.track(name, position)
            tracked = {**self.position.tracked, name: max(position, self.position.tracked.get(name, 0))}
            self.position = replace(self.position, tracked=tracked)
