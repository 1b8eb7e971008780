"""The runtime of a service: hear, decide, record, project; many messages in one transaction, all of a message or
nothing of it."""

import asyncio
import base64
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import DataError

from shared.base.meters import Meters
from shared.base.tasks import end
from shared.base.tracing import Tracer, commit_spans
from shared.core.event import Event
from shared.core.facts import DeadlineReached, EpochBegan, EpochReconciled, Unreadable
from shared.core.message import Message
from shared.core.personal import Personal
from shared.core.projection import Put, RowOp
from shared.core.views import Views
from shared.core.world import Check, Decider, Refused
from shared.privacy.vault import Vault
from shared.store.append import Loaded, Read
from shared.store.codec import MAX_BYTES, Envelope, EventMapper, from_row, key_ids
from shared.store.draft import Draft
from shared.store.event_log import EventLog
from shared.store.rows import Head, Recorded, copied

from .batch import NOTHING, Batch, Outcome, RetryFailed, deadline_id, subjects
from .loading import hold
from .losses import Loss, own_loss, says_itself
from .memory import Memory, Parsers
from .ordering import Gap, Overloaded, Silent, Stopped, UsedTwice, gap_before
from .outbox import Outbox

WAITING = 10_000
WRITING = (DataError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""Raised when what follows from a message cannot be written: the message is wrong, or a rule, not the database."""


RELAY = "relay"
"""The tracking that says how far the bus has what this log said."""
DUE = {"deadlines": "due", "effects": "next_attempt"}
"""The column of a kernel table that says when a row falls due."""


class WentBack(Overloaded):
    """The log ends before what this process knows of it: its database was restored while the process ran."""


@dataclass(frozen=True, slots=True)
class Done:
    """A commit: what was taken in and what came of each message; where the log ended and how far others were heard
    before; what was answered before a restore; whether nobody else had written."""

    batch: Batch
    results: list[Outcome | Exception | None]
    began: Head
    tracked: dict[str, int]
    answered: Mapping[UUID, Sequence[int]]
    alone: bool


class Service:
    """One service's rules over one log. Any number of processes may run it; the head row puts their commits in one
    order."""

    def __init__(
        self, name: str, decider: Decider, views: Views, log: EventLog, vault: Vault, parsers: Parsers,
        *, hears: Iterable[tuple[str, str]] = (), fingerprint: str = "", batch: int = 500, streams: int = 50_000,
        tracer: Tracer | None = None, checks: Mapping[str, Check] | None = None,
        opens: Collection[str] | None = None,
    ):  # fmt: skip
        """``hears``: pairs of (log, topic); ``fingerprint``: of the code that folds states, for snapshots; ``opens``:
        heard topics whose personal texts the rules read, None for all."""
        self.name, self.decider, self.views, self.log, self.vault = name, decider, views, log, vault
        heard = frozenset(hears)
        self.sources = frozenset(source for source, _ in heard)
        epochs = (EpochBegan.TOPIC, EpochReconciled.TOPIC)
        self.hears = heard.union((source, topic) for source in self.sources for topic in epochs)
        self.opens = frozenset(topic for _, topic in self.hears) if opens is None else frozenset(opens)
        self.mapper, self.tracer, self.meters = EventMapper(), tracer, Meters(name)
        self.memory = Memory(decider, views, parsers)
        self.views_schema, self.fingerprint, self.batch, self.max_streams = f"{name}_views", fingerprint, batch, streams
        self.tables = views.all_tables()
        self.tracked: dict[str, int] = {}
        self._passed: dict[str, Message] = {}
        self._expected: Head | None = None
        """The end of the log as this process left it; None when somebody else may have written."""
        self._kept: dict[str, int] = {}
        """How far others were heard, as the log holds it."""
        self.outbox, self.relayed = Outbox(), 0
        """What is to be relayed, and the position up to which it was."""
        self.position = self.said = self.waiting = 0
        self.epoch = 1
        self.leads = self._outdated = False
        self.silent: Silent | None = None
        """Why nothing may be recorded."""
        self.copies: Mapping[UUID, Sequence[Message]] = {}
        """While a log is reconciled: what was said before the restore, by the id of its cause."""
        self.copied: dict[UUID, bytes] = {}
        """The bytes of these by their own ids."""
        self._wakes: list[asyncio.Event] = []
        self.changes: Counter[str] = Counter()  # commits that touched each table of the views
        self.loads = 0
        """How often the memory was read anew."""
        self.due: dict[str, datetime] = {}
        """The first instant that was written to each table of what falls due, since somebody took it from here."""
        self.parsers, self.checks = parsers, checks or {}
        self._queue: asyncio.Queue[tuple[Sequence[Message | Envelope], asyncio.Future[list[Outcome | Exception]]]]
        self._queue = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    # life ---------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read what the rules keep in memory; the log and the views must exist (see ``rebuild.prepare``)."""
        await self.load_resident()
        self._task = asyncio.create_task(self._run(), name=f"{self.name} commits")

    async def stop(self) -> None:
        if self._task:
            await end(self._task)
        await self.log.rest()
        if self.tracer:
            await asyncio.to_thread(self.tracer.close)

    async def load_resident(self) -> None:
        """Resident tables, head and trackings as of one instant of the log."""
        tables = {name: self.tables[name] for name in self.memory.resident}
        stand = await self.log.stand(self.views_schema, tables)
        for name, rows in self.memory.resident.items():
            rows.clear()
            rows.load(stand.resident[name])
        self.position, self.said, self.epoch = stand.position, stand.said, stand.epoch
        self.tracked = self._kept = dict(stand.tracked)
        self.memory.streams.clear()
        self.memory.undo.forget()
        self.outbox.clear()
        self._expected = None
        self.loads += 1
        self._outdated = False

    async def read_again(self) -> None:
        """Read anew, between two commits, what the rules keep in memory: the views were made again, or another process
        wrote for long."""
        self._outdated = True
        await self.handle_each()

    def wakes(self) -> asyncio.Event:
        """An event of the caller's own that is set after every commit of this process; the caller clears it."""
        self._wakes.append(asyncio.Event())
        return self._wakes[-1]

    @property
    def lost(self) -> Loss | None:
        """What a restore cost this log, while it is neither brought back nor given up."""
        return own_loss(self.memory)

    # hear -----------------------------------------------------------------------------------------------------------
    async def handle(self, *messages: Message | Envelope) -> list[Outcome]:
        """Returns when all of them are recorded (or were before). Raises the first Refused, Gap or Overloaded among
        them."""
        results = await self.handle_each(*messages)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return [r for r in results if isinstance(r, Outcome)]

    async def handle_each(self, *messages: Message | Envelope) -> list[Outcome | Exception]:
        """Like ``handle``, with an outcome or an exception for each message."""
        if self.silent and messages:
            raise self.silent
        if self.waiting > WAITING:
            raise Overloaded(f"{self.name} has {self.waiting} messages waiting")
        done: asyncio.Future[list[Outcome | Exception]] = asyncio.get_running_loop().create_future()
        self.waiting += len(messages)
        self._queue.put_nowait((messages, done))
        return await done

    async def _run(self) -> None:
        """Group commit: whatever arrived while the last transaction ran goes into the next one."""
        while True:
            waiting = [await self._queue.get()]
            while sum(len(m) for m, _ in waiting) < self.batch and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            flat = [m for messages, _ in waiting for m in messages]
            try:
                if self._outdated:
                    await self.load_resident()
                results = await self.commit(flat)
            except WRITING:
                results = [await self._alone(m) for m in flat]
            except WentBack as e:
                self.silent = Silent(str(e))
                await self.load_resident()
                results = [e] * len(flat)
            except Exception as e:  # nothing was recorded: every waiter hears why
                results = [e] * len(flat)
            self.waiting -= len(flat)
            at = 0
            for messages, done in waiting:
                if not done.done():
                    done.set_result(results[at : at + len(messages)])
                at += len(messages)

    async def _alone(self, message: Message | Envelope) -> Outcome | Exception:
        """Something of a batch could not be written: each of it alone, so that only the one that is wrong fails, as a
        command, or is parked, as a fact."""
        try:
            try:
                [result] = await self.commit([message])
            except WRITING as e:
                if isinstance(message, Message) and message.command:
                    return e
                if isinstance(message, Message) and message.retry_of:
                    return RetryFailed(f"{type(e).__name__}: what follows from it cannot be written")
                [result] = await self.commit([message], unwritable=e)
            return result
        except Exception as e:
            return e

    async def commit(
        self, batch: Sequence[Message | Envelope], unwritable: Exception | None = None
    ) -> list[Outcome | Exception]:
        """Record what is new in the batch and everything that follows from it, in one transaction. ``unwritable``: why
        what follows could not be written; then the batch is parked."""
        messages = await self._decode(batch)
        states = self.copied | {m.message.id: m.state for m in batch if isinstance(m, Envelope)}
        if self._passes_over(messages):
            return [NOTHING] * len(messages)
        try:
            with self.meters.commit(), commit_spans(self.tracer, messages) as told:
                ahead = unwritable is None and self._may_go_ahead(messages)
                done = await self._ahead(messages, states) if ahead else None
                done = done or await self._under_lock(messages, states, unwritable)
                taken, head = done.batch, done.batch.draft.head
                told.noted |= {"heard": len(messages), "rows": len(taken.draft.rows), "position": head.position}
                told.recorded = taken.planned
        except BaseException:
            self.memory.undo.back_to(0)
            self._expected = None
            raise
        self.memory.undo.forget()
        self.outbox.add(done.began.said, taken.draft.rows)
        self._expected = head if done.alone else None
        self.position, self.said, self.epoch = head.position, head.said, head.epoch
        self.tracked = self._kept = {**done.tracked, **taken.draft.trackings}
        self._passed.clear()
        self.meters.recorded(len(taken.planned))
        self._note_changes(taken.ops)
        if taken.planned:
            for wake in self._wakes:
                wake.set()
            await self._snapshot()
            self._evict()
        results = done.results
        for index, message in enumerate(messages):
            if message.command and message.id in done.answered:
                results[index] = None  # what came of it before the restore is its answer
        return [await self._answer(m) if r is None else r for m, r in zip(messages, results, strict=True)]

    def _may_go_ahead(self, messages: Sequence[Message]) -> bool:
        """Whether all of these look new, so that they may be decided before the log was asked."""
        if not messages or self._expected is None or self.copies or own_loss(self.memory):
            return False
        return not any(
            isinstance(m.event, DeadlineReached)
            or says_itself(m)
            or (m.position and not m.late and m.position <= self.tracked.get(m.source, 0))
            for m in messages
        )

    async def _ahead(self, messages: Sequence[Message], states: Mapping[UUID, bytes]) -> "Done | None":
        """Decide on what this process knows and write it in one round trip, if the log still ends where it did and
        holds none of it. None when it has to be looked up under the lock: then nothing is kept."""
        assert self._expected is not None
        for message in messages:
            if message.event and message.event.begins and not message.late:
                self.memory.begin(message.event.stream)  # were it otherwise, its first version would be there already
        expected, missing = self._expected, self._missing(messages)
        draft = self.log.draft(expected)
        answered = await self.log.answered([m.id for m in messages]) if expected.epoch > 1 else {}
        if missing:
            hold(self.memory, self.mapper, missing, await self.log.load(missing, self.fingerprint))
        read = Read(seen=set(), tail=[], tracked=dict(self._kept), armed={}, loaded=Loaded([], {}))
        taken = Batch(self, draft, self.log.load, read, messages, states, None, answered)
        results = await self._take_all(taken, messages)
        both = zip(messages, results, strict=True)
        if taken.planned and all(isinstance(r, Outcome) and (r.position or m.event is None) for m, r in both):
            await taken.write()
            self._add_relayed(draft)
            if await self.log.put(draft, expected):
                return Done(taken, results, expected, self._kept, answered, True)
        self.memory.undo.back_to(0)
        self._expected = None
        return None

    async def _under_lock(
        self, messages: Sequence[Message], states: Mapping[UUID, bytes], unwritable: Exception | None
    ) -> "Done":
        """Lock the head of the log, fold what others wrote, and then take the batch in."""
        missing = self._missing(messages)
        deadlines = [m.event.key for m in messages if isinstance(m.event, DeadlineReached)]
        ids = [i for m in messages for i in ((m.id, m.causation) if m.recovered else (m.id,))]
        async with self.log.append() as tx:
            read = await tx.read(ids, missing, self.fingerprint, self.position, (self.views_schema, deadlines))
            if tx.head.position < self.position:
                raise WentBack(f"the log ends at {tx.head.position}, it had {self.position} rows")
            began, tracked = copied(tx.head), dict(read.tracked)
            answered = await tx.answered(ids) if tx.head.epoch > 1 else {}
            self._catch_up(read.tail)
            hold(self.memory, self.mapper, missing, read.loaded)
            taken = Batch(self, tx, tx.load, read, messages, states, unwritable, answered)
            results = await self._take_all(taken, messages)
            await taken.write()
            if taken.planned:
                self._add_relayed(tx)
        return Done(taken, results, began, tracked, answered, not read.tail)

    def _missing(self, messages: Sequence[Message]) -> list[str]:
        """Streams of these that are not in memory; of a further stream only where it has a state here."""
        memory, initial = self.memory, self.decider.initial
        streams = {m.event.stream for m in messages if m.event}
        streams |= {s for m in messages if m.event for s in m.event.also if initial(s) is not None}
        return sorted(s for s in streams if s not in memory.streams)

    async def _take_all(self, taken: Batch, messages: Sequence[Message]) -> "list[Outcome | Exception | None]":
        for passed in self._passed.values():
            taken.move(passed)
        return [await taken.take(index) for index in range(len(messages))]

    def _add_relayed(self, draft: Draft) -> None:
        """How far the bus has what was said goes with the next commit."""
        if self.relayed > self._kept.get(RELAY, 0):
            draft.trackings = {**draft.trackings, RELAY: self.relayed}

    async def look(self) -> None:
        """Take over what another process has written."""
        if (await self.log.head()).position != self.position:
            await self.handle_each()

    async def keep_relayed(self) -> None:
        """Note in the log how far the bus has what was said, unless a commit did."""
        if self.relayed > self._kept.get(RELAY, 0):
            position = self.relayed
            await self.log.track(RELAY, position)
            self._kept[RELAY] = max(position, self._kept.get(RELAY, 0))

    def _note_changes(self, ops: Iterable[RowOp]) -> None:
        """Which tables of the views changed, and the first instant that now falls due in one of them."""
        touched = set[str]()
        for op in ops:
            touched.add(op.table)
            column = DUE.get(op.table)
            if column and isinstance(op, Put) and (due := op.columns.get(column)):
                self.due[op.table] = min(due, self.due.get(op.table, due))
        self.changes.update(touched)

    def _passes_over(self, messages: Sequence[Message]) -> bool:
        """Whether nobody here listens to any of these: then only the cursor moves, in memory until the next commit
        takes it along. What a crash forgets of it shows as a gap and is read again."""
        if not messages:
            return False
        if not self.leads:
            self._passed.clear()
            return False
        tracked = dict(self.tracked)
        for message in messages:
            if message.event is not None or message.late or gap_before(message, tracked, self.sources):
                return False
            tracked[message.source] = max(message.position, tracked.get(message.source, 0))
        self._passed |= {m.source: m for m in messages if m.position > self.tracked.get(m.source, 0)}
        self.tracked = tracked
        return True

    # a batch --------------------------------------------------------------------------------------------------------
    async def _decode(self, batch: Sequence[Message | Envelope]) -> list[Message]:
        read = [m.state for m in batch if isinstance(m, Envelope) and m.topic in self.opens]
        keys = await self.vault.keys(key_ids(read)) if read else {}
        return [m if isinstance(m, Message) else self._decoded(m, keys) for m in batch]

    def _decoded(self, envelope: Envelope, keys: Mapping[str, Any]) -> Message:
        message = envelope.message
        if (message.source, envelope.topic) not in self.hears:
            return message
        try:
            opened = keys if envelope.topic in self.opens else {}
            event: Event = self.mapper.decode(envelope.topic, message.id, envelope.state, opened)
        except Exception:  # whatever is wrong with the bytes: they are kept, sealed, and the log goes on
            event = unreadable(message.source, envelope.topic, envelope.state, message.heard_at)
        return replace(message, event=event)

    def _catch_up(self, tail: Iterable[Recorded]) -> None:
        """Fold the rows that another process wrote since this memory's position."""
        for row in tail:
            message, notes = from_row(row, self.mapper.decode(row.topic, row.event_id, row.state))
            if notes.parked:
                self.memory.pass_over(message)
            else:
                self._note_changes(self.memory.apply(message))

    # afterwards -----------------------------------------------------------------------------------------------------
    async def _answer(self, message: Message) -> Outcome | Exception:
        """The outcome of a message that had been recorded before, rebuilt from the rows behind it."""
        row = await self.log.by_id(message.id)
        if row is None or message.source or message.event is None or message.recovered:
            return NOTHING
        held = await self.vault.keys(key_ids([row.state]))
        if any(key is None for key in held.values()):
            return Refused(
                "erased", "Idempotency-Key", "the person behind this request was erased", "send a new one", 410
            )
        keys = await self.vault.keys_for(subjects([message.event]))
        if self.mapper.encode(message.event, message.id, keys) != row.state:
            text = "this key was used for a request with other content"
            return Refused("key-reused", "Idempotency-Key", text, "use a new key for a new request", 422)
        _, notes = from_row(row, None)
        rows = await self.log.rows(row.id, notes.said) if notes.said else []
        if self.epoch > 1 and not rows:
            rows = await self.log.answers(message.id)
        return Outcome(row.id, tuple(await self.open(rows)))

    async def open(self, rows: Sequence[Recorded]) -> list[Message]:
        """Rows as messages, with personal text in plain where its key exists."""
        keys = await self.vault.keys(key_ids(row.state for row in rows))
        return [from_row(r, self.mapper.decode(r.topic, r.event_id, r.state, keys))[0] for r in rows]

    async def _snapshot(self) -> None:
        """Keep long streams quick to load; a snapshot only saves time, so it is written after the commit."""
        grown = self.memory.grown()
        if not grown or not self.leads:
            return
        states = [(stream, held.version, held.state.model_dump_json().encode()) for stream, held in grown]
        await self.log.keep_snapshots(self.position, self.fingerprint, states)
        for stream, _ in grown:
            self.memory.saved(stream)

    def _evict(self) -> None:
        streams = self.memory.streams
        while len(streams) > self.max_streams:
            del streams[next(iter(streams))]


def unreadable(source: str, topic: str, content: bytes, at: datetime) -> Unreadable:
    """What could not be parsed, to be kept sealed under the quarantine key of its month."""
    claimed = "".join(c for c in topic[:128] if c.isascii() and (c.isalnum() or c in ".-"))
    return Unreadable(
        source=source or "outside", claimed=claimed, quarantine=f"quarantine:{at:%Y-%m}",
        content=Personal(base64.b64encode(content[: MAX_BYTES // 2]).decode()),
    )  # fmt: skip


__all__ = ["Gap", "Outcome", "Overloaded", "RetryFailed", "Service", "Silent", "Stopped", "UsedTwice", "deadline_id"]
