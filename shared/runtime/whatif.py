"""What would have been decided with another policy document. Pure: messages of a log in, differences out.

``Again`` takes each past decision again from the state and tables as they really were: exact for the question *which
decisions differ*; it claims nothing of what would have followed from them. ``Course`` lets the other decisions stand:
it hears the same messages and makes the deadlines again at their due instants, so the whole course of a clock is exact
for the same messages and status changes; what people or other services would have done otherwise is not in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid5

from shared.core.event import Event
from shared.core.facts import DeadlineReached, EventUnparked, PolicyPublished, PublishPolicy
from shared.core.following import follow, say
from shared.core.message import Actor, Message, deadline_id
from shared.core.projection import Drop, Put, RowOp
from shared.core.views import Views
from shared.core.world import Decider, PolicyInForce, Refused

from .losses import says_itself
from .memory import Memory, Parsers

CLAIMS = (
    "Each decision was taken again from the state and tables as they really were: which decisions differ is exact.",
    "The course lets the other decisions stand and makes deadlines again at their due instants: clocks are exact for"
    " the same messages and status changes.",
    "Not claimed: what customers, agents or other services would have done otherwise, nor commands that were refused"
    " and might have been accepted.",
    "Decisions on destroyed texts are not taken again; they are counted apart, and the course goes on with what was"
    " really said.",
)


@dataclass(frozen=True)
class Heard:
    """A message of a log, texts in plain, with what was said because of it. ``erased``: a text of it is destroyed;
    ``answered``: what came of it was said before a restore and had been brought back."""

    message: Message
    said: tuple[Message, ...] = ()
    parked: bool = False
    erased: bool = False
    answered: bool = False

    @property
    def ruled(self) -> bool:
        """Whether the rules of the service decided on it, not the kernel."""
        own = isinstance(self.message.event, PolicyPublished) and not self.message.source
        kernel = own or self.answered or says_itself(self.message)
        return not (self.parked or kernel or isinstance(self.message.event, PublishPolicy))

    @property
    def really(self) -> list[Event]:
        return [m.event for m in self.said if not isinstance(m.event, EventUnparked)]


class Otherwise(Memory):
    """The world of the rules with other documents in the place of those in force, from the first publication on.

    Versions stay as they were, so that a decision that only names the version does not differ."""

    def __init__(self, decider: Decider, views: Views, parsers: Parsers, documents: Mapping[str, Any]):
        super().__init__(decider, views, parsers, complete=True)
        self._documents = documents

    def policy(self, name: str, version: int | None = None) -> PolicyInForce:
        real = super().policy(name, version)
        return replace(real, document=self._documents[name]) if name in self._documents else real


@dataclass(frozen=True)
class Change:
    """One field of one said event that comes out otherwise; ``field`` is '' for an event that only one side says."""

    topic: str
    field: str
    really: Any
    otherwise: Any


@dataclass(frozen=True)
class Difference:
    """A decision that comes out otherwise; ``error`` when the rule refused or raised."""

    message: Message
    changes: tuple[Change, ...]
    error: str = ""


@dataclass
class Comparison:
    """How many decisions were taken again, how many differ and in what, how many could not be taken again."""

    decisions: int = 0
    differing: int = 0
    erased: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)

    def take(self, difference: Difference | None, examples: int) -> None:
        self.decisions += 1
        if difference:
            self.differing += 1
            self.changes.update({(c.topic, c.field) for c in difference.changes})
            if len(self.examples) < examples:
                self.examples.append(difference)


class Again:
    """Hears a log in order and takes each of its decisions again."""

    def __init__(
        self, decider: Decider, views: Views, parsers: Parsers, documents: Mapping[str, Any], *, examples: int = 10
    ):
        self.memory, self._examples = Otherwise(decider, views, parsers, documents), examples
        self.result = Comparison()

    def handle(self, heard: Heard) -> None:
        """Messages must come in the order of the log."""
        if not heard.parked:
            self.memory.apply(heard.message)
            if heard.ruled and heard.erased:
                self.result.erased += 1
            elif heard.ruled:
                self.result.take(self._difference(heard), self._examples)
        for message in heard.said:
            self.memory.apply(message)
        self.memory.undo.forget()

    def _difference(self, heard: Heard) -> Difference | None:
        savepoint = self.memory.undo.savepoint()
        try:
            otherwise, error = [m.event for m, _ in decide(self.memory, heard.message)], ""
        except Refused as e:
            otherwise, error = [], f"refused: {e.code}"
        except Exception as e:  # a rule that raises parks its message: that is a difference too
            otherwise, error = [], f"raises {type(e).__name__}"
        self.memory.undo.back_to(savepoint)
        found = changes(heard.really, otherwise)
        return Difference(heard.message, tuple(found), error) if found or error else None


def decide(memory: Memory, heard: Message) -> list[tuple[Message, list[RowOp]]]:
    """What the rules say, each applied before the next is asked for; the caller takes it back or lets it stand."""
    events = memory.decider.decide(memory, heard)
    said = say(heard, events, lambda index: uuid5(heard.id, f"otherwise|{index}"), heard.epoch)
    return list(follow(said, memory.apply))


def changes(really: Sequence[Event], otherwise: Sequence[Event]) -> list[Change]:
    """Field by field, said events paired by topic in their order."""
    found, left = [], list(otherwise)
    for event in really:
        twin = next((e for e in left if e.TOPIC == event.TOPIC), None)
        if twin is None:
            found.append(Change(event.TOPIC, "", "said", "not said"))
            continue
        left.remove(twin)
        one, other = plain(event), plain(twin)
        found += [
            Change(event.TOPIC, name, *_shown(event, name, one, other))
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]
    return found + [Change(e.TOPIC, "", "not said", "said") for e in left]


def _shown(event: Event, name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Any, Any]:
    return ("a text", "another text") if name in event.PERSONAL else (one.get(name), other.get(name))


def plain(event: Event) -> dict[str, Any]:
    """An event's fields as JSON values, the same for one that was read from a log and one that was just said."""
    data = event.model_dump(mode="json", exclude_none=True)
    return {n: _unsealed(v) if n in event.PERSONAL else v for n, v in data.items()}


def _unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        return "" if {"k", "c"} <= value.keys() else {k: _unsealed(v) for k, v in value.items()}
    return [_unsealed(v) for v in value] if isinstance(value, list) else value


class Course:
    """Hears the same messages with the other policy all the way; deadlines come from its own decisions."""

    def __init__(self, name: str, decider: Decider, views: Views, parsers: Parsers, documents: Mapping[str, Any]):
        self.memory = Otherwise(decider, views, parsers, documents)
        self._actor = Actor("service", name)
        self._armed: dict[str, Mapping[str, Any]] = {}
        self._row = 0
        self.really: Counter[str] = Counter()
        self.otherwise: Counter[str] = Counter()
        self.refused = self.raised = 0

    def handle(self, heard: Heard) -> None:
        """Messages must come in the order of the log."""
        self.really.update(e.TOPIC for e in heard.really if not heard.parked)
        self.reach(heard.message.heard_at)
        if heard.parked or isinstance(heard.message.event, DeadlineReached):
            return
        if heard.ruled and not heard.erased:
            self._decide(heard.message)
            return
        for message in (heard.message, *heard.said):
            self._take(self._numbered(message))
        self.otherwise.update(e.TOPIC for e in heard.really)
        self.memory.undo.forget()

    def reach(self, instant: datetime) -> None:
        """Let every deadline up to ``instant`` be reached, in order."""
        while due := min(((r["due"], k) for k, r in self._armed.items() if r["due"] <= instant), default=None):
            at, key = due
            row = self._armed.pop(key)
            event_id = deadline_id(row["armed_by"], key)
            event = DeadlineReached(key=key, of=row["stream"], kind=row["kind"], due=at)
            self._decide(
                Message(event=event, id=event_id, occurred_at=at, heard_at=at, actor=self._actor, correlation=event_id)
            )

    def _decide(self, message: Message) -> None:
        message = self._numbered(message)
        savepoint, armed = self.memory.undo.savepoint(), dict(self._armed)
        try:
            self._take(message)
            said = decide(self.memory, message)
        except Refused:
            self.refused += 1
        except Exception:  # it would have been parked
            self.raised += 1
        else:
            for reply, ops in said:
                self._arm(ops)
                self.otherwise[reply.event.TOPIC] += 1
            self._row += len(said)
            self.memory.undo.forget()
            return
        self.memory.undo.back_to(savepoint)
        self._armed = armed

    def _numbered(self, message: Message) -> Message:
        self._row += 1
        return replace(message, row=self._row)

    def _take(self, message: Message) -> None:
        self._arm(self.memory.apply(message))

    def _arm(self, ops: Sequence[RowOp]) -> None:
        for op in ops:
            if op.table == "deadlines":
                match op:
                    case Put():
                        self._armed[op.key] = {**self._armed.get(op.key, {}), **op.columns}
                    case Drop():
                        self._armed.pop(op.key, None)
