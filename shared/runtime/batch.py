"""One batch of messages on its way into the log: each is taken in turn, decided, parked or refused; what follows from
them is written in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

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
from shared.core.message import Message, deadline_id, said_id
from shared.core.personal import personal_values
from shared.core.projection import Drop, Put, RowOp
from shared.core.world import NotLoaded, Refused
from shared.privacy.vault import Vault
from shared.store.append import Loaded, Read, answer_to
from shared.store.codec import MAX_BYTES, RowNotes, to_metadata
from shared.store.draft import Draft

from .loading import hold
from .losses import epoch_of, own_loss, says_itself
from .memory import Memory
from .ordering import Stopped, UsedTwice, gap_before, while_lost
from .outcome import NOTHING, Outcome, RetryFailed
from .policies import next_version
from .rules import Rules

MAX_DEPTH = 16
E = TypeVar("E", bound=Event)
Load = Callable[[Sequence[str], str], Awaitable[Loaded]]
Planned = tuple[Message, RowNotes, bool, int]
"""A row to be written: the message, what is noted beside it, whether it is said, its version in its stream."""


class Batch:
    """What a transaction of a service takes in and says."""

    def __init__(
        self, rules: Rules, memory: Memory, vault: Vault, draft: Draft, load: Load, read: Read,
        messages: Sequence[Message], states: Mapping[UUID, bytes], unwritable: Exception | None,
        answered: Mapping[UUID, Sequence[int]], copies: Mapping[UUID, Sequence[Message]],
    ):  # fmt: skip
        """``load``: gives the past of streams.
        ``states``: what was heard from other logs as it stands there, by event id; it is kept as it is.
        ``unwritable``: why what follows from these facts could not be written; they are parked.
        ``answered``: positions of what was brought back after a restore, by the id of its cause; ``copies``: what is
        just coming back."""
        self.states, self.unwritable = states, unwritable
        self.answered: dict[UUID, Sequence[int]] = dict(answered)
        self.rules, self.memory, self.vault, self.draft = rules, memory, vault, draft
        self.load, self.messages, self.copies = load, messages, copies
        self.seen, self.tracked = read.seen, read.tracked
        self.armed: dict[str, str | None] = dict(read.armed)
        self.position, self.after = draft.head.position, dict(draft.head.after)
        self.moved: dict[str, int] = {}
        self.distrusted: set[str] = set()
        self.planned: list[Planned] = []
        self.ops: list[RowOp] = []

    async def take_all(self, passed: Iterable[Message]) -> list[Outcome | Exception | None]:
        """What becomes of each message, see ``take``. ``passed``: what was passed over since the last commit."""
        for message in passed:
            self.move(message)
        return [await self.take(index) for index in range(len(self.messages))]

    async def take(self, index: int) -> Outcome | Exception | None:
        """One of the messages: its outcome, the reason against it, or None for one that was recorded before."""
        message = self.messages[index]
        if message.id in self.seen:
            self.move(message)
            return None
        if message.refusable and (loss := own_loss(self.memory)) and not says_itself(message):
            return while_lost(self.rules.name, str(loss))
        if message.position and not message.late and message.position <= self.tracked.get(message.source, 0):
            if not self._used_twice(message):
                return NOTHING
            self.distrusted.add(message.source)
            return UsedTwice(message.source, message.position)
        if message.source in self.distrusted and not message.late:
            return Stopped(message.source)
        if gap := gap_before(message, self.tracked, self.rules.sources):
            return gap
        if message.event is None:
            self.move(message)
            return NOTHING
        if isinstance(message.event, DeadlineReached) and not (message.retry_of or _still_armed(message, self.armed)):
            return NOTHING
        park = ("rule-raised", self.unwritable) if self.unwritable else None
        while True:
            savepoint = self.memory.undo.savepoint()
            try:
                outcome = self._park(message, *park) if park else self._decide(message)
            except NotLoaded as asked:
                self.memory.undo.back_to(savepoint)
                missing = sorted({*asked.streams, *self._missing(self.messages[index:])})
                hold(self.memory, self.rules.mapper, missing, await self.load(missing, self.rules.fingerprint))
                continue
            except Exception as error:
                self.memory.undo.back_to(savepoint)
                if message.command:
                    return error
                if message.retry_of:
                    told = isinstance(error, RetryFailed)
                    return error if told else RetryFailed(f"{type(error).__name__} at {raised_at(error)}")
                if park:
                    raise
                park = ("rule-raised", error)
                continue
            self.seen.add(message.id)
            self.move(message)
            for row in (m for m in outcome.said if m.recovered):
                self.answered[row.causation] = [*self.answered.get(row.causation, ()), row.row]
            return outcome

    def _used_twice(self, message: Message) -> bool:
        """Whether another event stood at this position when it was heard: the publisher's log was restored behind this
        one and went on. What an earlier epoch said there comes again if it was brought back."""
        return message.event is not None and message.epoch >= epoch_of(self.memory, message.source)

    def _missing(self, messages: Sequence[Message]) -> list[str]:
        """The streams that the rest of the batch asks for and memory lacks: decided once without keeping anything."""
        missing: dict[str, None] = {}
        for message in messages:
            if message.event is None or message.id in self.seen:
                continue
            savepoint = self.memory.undo.savepoint()
            planned, ops, armed, position = len(self.planned), len(self.ops), dict(self.armed), self.position
            try:
                self._decide(message)
            except NotLoaded as e:
                missing.update(dict.fromkeys(e.streams))
            except Exception:  # noqa: S110 - it is decided again, for good, in its turn
                pass
            self.memory.undo.back_to(savepoint)
            del self.planned[planned:], self.ops[ops:]
            self.armed, self.position = armed, position
        return list(missing)

    def _decide(self, message: Message) -> Outcome:
        event = message.event
        if says_itself(message):
            return self._say(message)
        if isinstance(event, Unreadable):  # whatever else of its sender is parked: no order is lost by it
            return self._park(message, "unreadable", None)
        parked = self.memory.table("parked").get(event.stream)
        if parked and (parked["count"] or 0) > 0 and message.retry_of is None and not message.command:
            return self._park(message, "behind-a-parked-event", None)
        if message.depth > MAX_DEPTH:
            if message.retry_of:
                raise RetryFailed(f"it follows from more than {MAX_DEPTH} others: break the circle that it came from")
            return self._park(message, "causation-too-deep", None)
        position = self.position + 1
        heard = replace(message, row=position)
        plan: list[Planned] = [(heard, RowNotes(), False, self._next_version(event.stream))]
        ops = self.memory.apply(heard)
        for row in self._follows(heard):
            version = self._next_version(row.event.stream)
            ops += self.memory.apply(row)
            plan.append((row, RowNotes(), True, version))
        plan[0] = (heard, RowNotes(said=len(plan) - 1), False, plan[0][3])
        self._plan(plan, ops)
        return Outcome(position, tuple(row for row, _, said, _ in plan if said))

    def _say(self, message: Message) -> Outcome:
        """A row that nothing heard led to: an epoch, or what an earlier one had said."""
        event, head = message.event, self.draft.head
        if message.causation in self.seen and message.causation not in self.answered:
            return NOTHING  # its cause was heard again, and it was said anew
        version = self._next_version(event.stream)
        if isinstance(event, EpochBegan):
            if event.lost_to < head.position or event.epoch <= head.epoch or self.planned:
                text = f"the log ends at {head.position} in epoch {head.epoch}"
                raise Refused("not-behind", "lost_to", text, "look again: vefa epoch show")
            head.epoch, head.position, self.position = event.epoch, event.lost_to, event.lost_to
        row = replace(message, row=self.position + 1, epoch=head.epoch, command=False)
        self._plan([(row, RowNotes(), True, version)], self.memory.apply(row))
        return Outcome(row.row, (row,))

    def _follows(self, heard: Message) -> Iterator[Message]:
        """The rows because of a heard one: what was said of it before a restore, else what the rules say."""
        if heard.id in self.answered:
            return
        if copies := self.copies.get(heard.id):
            epoch = self.draft.head.epoch
            yield from (replace(c, row=heard.row + n, epoch=epoch, command=False) for n, c in enumerate(copies, 1))
            return
        for index, said in enumerate(self._says(heard)):
            yield self._said(heard, said, index)

    def _says(self, heard: Message) -> Iterator[Event]:
        if isinstance(heard.event, EpochBegan | EpochReconciled):
            return
        if isinstance(heard.event, PublishPolicy):
            rules = self.rules
            yield next_version(heard.event, rules.name, self.memory, rules.parsers, rules.checks, heard.heard_at)
        elif not isinstance(heard.event, PolicyPublished) or heard.source:
            yield from self.rules.decider.decide(self.memory, heard)
        if heard.retry_of:
            yield EventUnparked(of=heard.parked_in or heard.event.stream, parked=str(heard.retry_of))

    def _park(self, message: Message, reason: Any, error: Exception | None) -> Outcome:
        heard = replace(message, row=self.position + 1)
        said = EventParked(
            of=message.event.stream, parked=str(message.id), parked_topic=message.event.TOPIC, reason=reason,
            error=type(error).__name__ if error else "", where=raised_at(error) if error else "",
            remedy=f"correct what raised, then: vefa parked retry {self.rules.name} {message.event.stream}",
            deadline=message.event.key if isinstance(message.event, DeadlineReached) else "",
        )  # fmt: skip
        row = self._said(heard, said, 0)
        plan = [
            (heard, RowNotes(said=1, parked=reason), False, self._next_version(message.event.stream)),
            (row, RowNotes(), True, self._next_version(said.stream)),
        ]
        self.memory.pass_over(heard)
        self._plan(plan, self.memory.apply(row))
        return Outcome(heard.row, (row,))

    def _said(self, heard: Message, event: Event, index: int) -> Message:
        """What is said because of ``heard``, the index-th of it."""
        name, epoch = self.rules.name, self.draft.head.epoch
        return replace(
            heard, event=event, id=said_id(name, heard.id, epoch, index), source="", position=0, previous=0, after={},
            epoch=epoch, hash="", causation=heard.id, depth=heard.depth + 1, command=False, late=False, retry_of=None,
            row=heard.row + 1 + index,
        )  # fmt: skip

    def _next_version(self, stream: str) -> int:
        return self.memory.version(stream) + 1

    def _plan(self, plan: list[Planned], ops: list[RowOp]) -> None:
        self.planned += plan
        self.ops += ops
        self.position += len(plan)
        for op in ops:
            if op.table == "deadlines":
                self.armed[op.key] = op.columns["armed_by"] if isinstance(op, Put) and "armed_by" in op.columns else (
                    None if isinstance(op, Drop) else self.armed.get(op.key)
                )  # fmt: skip

    def move(self, message: Message) -> None:
        if message.source and message.position > self.tracked.get(message.source, 0):
            self.tracked[message.source] = self.moved[message.source] = message.position
            for source, position in (*message.after.items(), (message.source, message.position)):
                self.after[source] = max(position, self.after.get(source, 0))

    async def write(self) -> None:
        """Put all that was planned into the draft."""
        draft = self.draft
        draft.durable = bool(self.planned)
        mine = (m.event for m, *_ in self.planned if not self._as_heard(m))
        keys = await self.vault.keys_for(subjects(mine))
        head = draft.head
        head.after = self.after
        after = {k: v for k, v in self.after.items() if k != self.rules.name}
        for message, notes, said, version in self.planned:
            if said:
                message = replace(message, previous=head.said, after=after)
            event = message.event
            state = self._as_heard(message) or self.rules.mapper.encode(event, message.id, keys)
            also = (*event.also, answer_to(message.causation)) if message.recovered else event.also
            draft.record(
                event.stream, version, event.TOPIC, state, message.id, to_metadata(message, notes), message.heard_at,
                said=said, also=also,
            )  # fmt: skip
        draft.trackings = self.moved
        draft.fold(self.rules.views_schema, self.rules.tables, self.ops)

    def _as_heard(self, message: Message) -> bytes | None:
        """Its publisher's own bytes, also what a later version of it added; not of what is too long or unreadable."""
        state = self.states.get(message.id) if message.source or message.recovered else None
        return None if state is None or len(state) > MAX_BYTES or isinstance(message.event, Unreadable) else state


def subjects(events: Iterable[Event]) -> set[str]:
    """The data subjects of everything personal in these events."""
    return {
        event.subject_of(name)
        for event in events
        for name in event.PERSONAL
        if getattr(event, name) is not None and any(t.sealed is None for _, t in personal_values(getattr(event, name)))
    }


def _still_armed(message: Message, armed: Mapping[str, str | None]) -> bool:
    """A deadline that was moved or disarmed meanwhile is not reached."""
    by = armed.get(message.event.key)
    return by is not None and deadline_id(by, message.event.key) == message.id
