"""One batch of messages on its way into the log: each is taken in turn, decided, parked or refused; what follows from
them makes a draft."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.base.errors import raised_at
from shared.core.event import Event
from shared.core.facts import (
    DeadlineReached,
    EpochBegan,
    EpochReconciled,
    EventParked,
    EventUnparked,
    PolicyPublished,
    PublishPolicy,
    Unreadable,
)
from shared.core.following import follow, said_because, say
from shared.core.message import Message, deadline_id, said_id
from shared.core.personal import personal_values
from shared.core.projection import Drop, Put, RowOp
from shared.core.world import NotLoaded
from shared.privacy.sealing import Key
from shared.store.append import Loaded, Read
from shared.store.codec import MAX_BYTES, RowNotes, to_metadata
from shared.store.draft import Draft

from .loading import hold
from .losses import epoch_of
from .memory import Memory
from .ordering import Stopped, UsedTwice, gap_before
from .outcome import KNOWN, NOTHING, Outcome, Result, RetryFailed
from .planned import Decided, Incoming, PlannedRow
from .policies import next_version
from .rules import Rules
from .trial import Trial

MAX_DEPTH = 16
Load = Callable[[Sequence[str], str], Awaitable[Loaded]]
"""Gives the past of streams; with the fingerprint that snapshots must have."""


class Batch:
    """What a transaction of a service takes in and says."""

    def __init__(self, rules: Rules, memory: Memory, draft: Draft, load: Load, read: Read, incoming: Incoming):
        self.rules, self.memory, self.draft, self.incoming = rules, memory, draft, incoming
        self.messages, self._load = incoming.messages, load
        self.seen, self.tracked = read.seen, read.tracked
        self.armed: dict[str, str | None] = dict(read.armed)
        self.position, self.after = draft.head.position, dict(draft.head.after)
        self.moved: dict[str, int] = {}
        self.distrusted = set[str]()
        self.planned: list[PlannedRow] = []
        self.ops: list[RowOp] = []

    async def take_all(self, passed: Iterable[Message]) -> list[Result]:
        """What becomes of each message. ``passed``: what was passed over since the last commit."""
        for message in passed:
            self.move(message)
        return [await self.take(index) for index in range(len(self.messages))]

    async def take(self, index: int) -> Result:
        """What becomes of one of the messages."""
        message = self.messages[index]
        if result := self._guard(message):
            return result
        parked = ("rule-raised", self.incoming.unwritable) if self.incoming.unwritable else None
        while True:
            savepoint = self.memory.undo.savepoint()
            try:
                decided = self._park(message, *parked) if parked else self._decide(message)
            except NotLoaded as asked:
                self.memory.undo.back_to(savepoint)
                await self._load_streams(asked.streams, self.messages[index:])
            except Exception as error:
                self.memory.undo.back_to(savepoint)
                if message.command:
                    return error
                if message.retry_of:
                    told = isinstance(error, RetryFailed)
                    return error if told else RetryFailed(f"{type(error).__name__} at {raised_at(error)}")
                if parked:
                    raise
                parked = ("rule-raised", error)
            else:
                return self._keep(message, decided)

    # guards ---------------------------------------------------------------------------------------------------------
    def _guard(self, message: Message) -> Result | None:
        """What keeps a message from being decided; None when nothing does."""
        return (
            self._recorded(message)
            or self._position_used(message)
            or self._stopped(message)
            or gap_before(message, self.tracked, self.rules.sources)
            or self._empty(message)
            or self._disarmed(message)
        )

    def _recorded(self, message: Message) -> Result | None:
        """It is in the log already."""
        if message.id not in self.seen:
            return None
        self.move(message)
        return KNOWN

    def _position_used(self, message: Message) -> Result | None:
        """Its source was heard further than it: it was heard, and left nothing, or its source says something else."""
        if not message.position or message.late or message.position > self.tracked.get(message.source, 0):
            return None
        if not self._used_twice(message):
            return NOTHING
        self.distrusted.add(message.source)
        return UsedTwice(message.source, message.position)

    def _used_twice(self, message: Message) -> bool:
        """Whether another event stood at this position when it was heard: the publisher's log was restored behind this
        one and went on. What an earlier epoch said there comes again if it was brought back."""
        return message.event is not None and message.epoch >= epoch_of(self.memory, message.source)

    def _stopped(self, message: Message) -> Result | None:
        """Nothing is heard after a position that was used twice."""
        return Stopped(message.source) if message.source in self.distrusted and not message.late else None

    def _empty(self, message: Message) -> Result | None:
        """Nobody here listens to it: only the cursor moves."""
        if message.event is not None:
            return None
        self.move(message)
        return NOTHING

    def _disarmed(self, message: Message) -> Result | None:
        """A deadline that was moved or disarmed meanwhile is not reached."""
        if not isinstance(message.event, DeadlineReached) or message.retry_of:
            return None
        return None if _still_armed(message, self.armed) else NOTHING

    # deciding -------------------------------------------------------------------------------------------------------
    async def _load_streams(self, asked: Iterable[str], messages: Sequence[Message]) -> None:
        """Hold what was asked for, and what the rest of the batch is going to ask for."""
        undecided = (m for m in messages if m.event is not None and m.id not in self.seen)
        missing = sorted({*asked, *Trial(self.memory, self._decide).missing(undecided)})
        hold(self.memory, self.rules.mapper, missing, await self._load(missing, self.rules.fingerprint))

    def _decide(self, message: Message) -> Decided:
        """What follows from a message, applied to the memory; nothing else changes."""
        event = message.event
        if isinstance(event, Unreadable):  # whatever else of its sender is parked: no order is lost by it
            return self._park(message, "unreadable", None)
        parked = self.memory.table("parked").get(event.stream)
        if parked and (parked["count"] or 0) > 0 and message.retry_of is None and not message.command:
            return self._park(message, "behind-a-parked-event", None)
        if message.depth > MAX_DEPTH:
            if message.retry_of:
                raise RetryFailed(f"it follows from more than {MAX_DEPTH} others: break the circle that it came from")
            return self._park(message, "causation-too-deep", None)
        heard = replace(message, row=self.position + 1)
        version, ops, said = self._next_version(event.stream), self.memory.apply(heard), list[PlannedRow]()
        for row, changed in follow(self._follows(heard), self.memory.apply):
            said.append(PlannedRow(row, RowNotes(), True, self.memory.version(row.event.stream)))
            ops += changed
        first = PlannedRow(heard, RowNotes(said=len(said)), False, version)
        return Decided(Outcome(heard.row, tuple(row.message for row in said)), [first, *said], ops)

    def _follows(self, heard: Message) -> Iterator[Message]:
        """The rows because of a heard one."""
        epoch = self.draft.head.epoch
        return say(heard, self._says(heard), lambda index: said_id(self.rules.name, heard.id, epoch, index), epoch)

    def _says(self, heard: Message) -> Iterator[Event]:
        rules, event = self.rules, heard.event
        if isinstance(event, EpochBegan | EpochReconciled):
            return
        if isinstance(event, PublishPolicy):
            yield next_version(event, rules.name, self.memory, rules.parsers, rules.checks, heard.heard_at)
        elif not isinstance(event, PolicyPublished) or heard.source:
            yield from rules.decider.decide(self.memory, heard)
        if heard.retry_of:
            yield EventUnparked(of=heard.parked_in or event.stream, parked=str(heard.retry_of))

    def _park(self, message: Message, reason: Any, error: Exception | None) -> Decided:
        heard, event = replace(message, row=self.position + 1), message.event
        said = EventParked(
            of=event.stream, parked=str(message.id), parked_topic=event.TOPIC, reason=reason,
            error=type(error).__name__ if error else "", where=raised_at(error) if error else "",
            remedy=f"correct what raised, then: vefa parked retry {self.rules.name} {event.stream}",
            deadline=event.key if isinstance(event, DeadlineReached) else "",
        )  # fmt: skip
        epoch = self.draft.head.epoch
        row = said_because(heard, said, said_id(self.rules.name, heard.id, epoch, 0), 0, epoch)
        rows = [
            PlannedRow(heard, RowNotes(said=1, parked=reason), False, self._next_version(event.stream)),
            PlannedRow(row, RowNotes(), True, self._next_version(said.stream)),
        ]
        self.memory.pass_over(heard)
        return Decided(Outcome(heard.row, (row,)), rows, self.memory.apply(row))

    def _next_version(self, stream: str) -> int:
        return self.memory.version(stream) + 1

    # keeping --------------------------------------------------------------------------------------------------------
    def _keep(self, message: Message, decided: Decided) -> Outcome:
        """From here on it is part of what is to be written."""
        self.planned += decided.rows
        self.ops += decided.ops
        self.position += len(decided.rows)
        for op in decided.ops:
            if op.table == "deadlines":
                self.armed[op.key] = op.columns["armed_by"] if isinstance(op, Put) and "armed_by" in op.columns else (
                    None if isinstance(op, Drop) else self.armed.get(op.key)
                )  # fmt: skip
        self.seen.add(message.id)
        self.move(message)
        return decided.outcome

    def move(self, message: Message) -> None:
        """Its source was heard up to it."""
        if message.source and message.position > self.tracked.get(message.source, 0):
            self.tracked[message.source] = self.moved[message.source] = message.position
            for source, position in (*message.after.items(), (message.source, message.position)):
                self.after[source] = max(position, self.after.get(source, 0))

    def subjects(self) -> set[str]:
        """The data subjects whose keys ``write`` needs."""
        return subjects(row.message.event for row in self.planned if not self._as_heard(row.message))

    def write(self, keys: Mapping[str, Key]) -> None:
        """Put all that was planned into the draft."""
        draft = self.draft
        draft.durable = bool(self.planned)
        head = draft.head
        head.after = self.after
        after = {k: v for k, v in self.after.items() if k != self.rules.name}
        for message, notes, said, version in self.planned:
            if said:
                message = replace(message, previous=head.said, after=after)
            event = message.event
            state = self._as_heard(message) or self.rules.mapper.encode(event, message.id, keys)
            draft.record(
                event.stream, version, event.TOPIC, state, message.id, to_metadata(message, notes), message.heard_at,
                said=said, also=self._also(message),
            )  # fmt: skip
        draft.trackings = self.moved
        draft.fold(self.rules.views_schema, self.rules.tables, self.ops)

    def _also(self, message: Message) -> Sequence[str]:
        """The further streams that a row is found by."""
        also: Sequence[str] = message.event.also
        return also

    def _as_heard(self, message: Message) -> bytes | None:
        """Its publisher's own bytes, also what a later version of it added; not of what is too long or unreadable."""
        state = self._bytes_of(message)
        return None if state is None or len(state) > MAX_BYTES or isinstance(message.event, Unreadable) else state

    def _bytes_of(self, message: Message) -> bytes | None:
        return self.incoming.states.get(message.id) if message.source else None


def subjects(events: Iterable[Event]) -> set[str]:
    """The data subjects of everything personal in these events."""
    return {
        event.subject_of(name)
        for event in events
        for name in event.PERSONAL
        if getattr(event, name) is not None and any(t.sealed is None for _, t in personal_values(getattr(event, name)))
    }


def _still_armed(message: Message, armed: Mapping[str, str | None]) -> bool:
    """Whether the deadline is armed by the event that it is made of."""
    by = armed.get(message.event.key)
    return by is not None and deadline_id(by, message.event.key) == message.id
