"""Past decisions taken again with another policy: which differ, and how clocks would have run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from shared.core.event import Event, Id, State, Value
from shared.core.facts import DeadlineReached, EventParked, PolicyPublished
from shared.core.message import NOBODY, Message, deadline_id, fresh
from shared.core.personal import Personal
from shared.core.projection import Put, RowOp, Table, arm, disarm
from shared.core.views import Views
from shared.core.world import Decider, Refused, World
from shared.runtime.memory import Memory
from shared.runtime.whatif import Again, Course, Heard, decide

from .trade import NOON


class Loan(Event, topic="library.loan.v1", stream="book:{book}"):
    book: Id
    reader: Id
    text: Personal = Personal("")


class Lent(Event, topic="library.lent.v1", stream="book:{book}"):
    book: Id
    days: int
    policy: int
    nth: int
    text: Personal = Personal("")


class Reminded(Event, topic="library.reminded.v1", stream="book:{book}"):
    book: Id


class Returned(Event, topic="library.returned.v1", stream="book:{book}"):
    book: Id


class Rules(Value):
    days: int
    loans: int = 99


class Book(State):
    lent: int = 0


def evolve(state: Any, message: Message) -> Any:
    return Book(lent=state.lent + 1) if isinstance(message.event, Lent) else state


def rule(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case Loan() as e:
            policy, nth = world.policy("rules"), world[e.stream].lent + 1
            if nth > policy.document.loans:
                raise Refused("worn", "book", "lent too often", "buy a new one")
            yield Lent(book=e.book, days=policy.document.days, policy=policy.version, nth=nth, text=e.text)
        case DeadlineReached() as e:
            yield Reminded(book=e.of.removeprefix("book:"))


def rows(message: Message) -> Iterator[RowOp]:
    match message.event:
        case Lent() as e:
            yield Put("lent", e.book, {"days": e.days})
            yield arm(message, e.book, e.stream, "remind", message.occurred_at + timedelta(days=e.days))
        case Returned() as e:
            yield disarm(e.book)


DECIDER = Decider({"book": Book()}, evolve, rule)
VIEWS = Views({"lent": Table({"days": "bigint"}, resident=True)}, rows)
PARSERS = {"rules": Rules.model_validate_json}


class Log:
    """What really happened, written as a service would: ``Log(days=14).loan("b1")``."""

    def __init__(self, **document: int):
        self.memory, self.heard = Memory(DECIDER, VIEWS, PARSERS, complete=True), list[Heard]()
        policy = Rules(**document).model_dump_json()
        self.handle(
            PolicyPublished(
                service="library", name="rules", version=1, document=policy, by="shipped", reason=Personal("")
            )
        )

    def handle(self, event: Event, day: float = 0, **notes: bool) -> "Log":
        at, row = NOON + timedelta(days=day), sum(1 + len(h.said) for h in self.heard) + 1
        message = replace(fresh(event, at, id=uuid5(NOBODY, str(row))), row=row)
        return self._record(message, **notes)

    def remind(self, book: str, due: datetime) -> "Log":
        armed_by = next(m for h in self.heard for m in h.said if isinstance(m.event, Lent) and m.event.book == book)
        event = DeadlineReached(key=book, of=f"book:{book}", kind="remind", due=due)
        return self._record(replace(fresh(event, due), id=deadline_id(str(armed_by.id), book)))

    def loan(self, book: str, day: float = 0, **notes: bool) -> "Log":
        return self.handle(Loan(book=book, reader="r1"), day, **notes)

    def _record(self, message: Message, **notes: bool) -> "Log":
        self.memory.apply(message)
        ruled = not isinstance(message.event, PolicyPublished)
        said = tuple(m for m, _ in decide(self.memory, message)) if ruled else ()
        self.heard.append(Heard(message, said, **notes))
        return self


def again(log: Log, **document: int) -> Again:
    taken = Again(DECIDER, VIEWS, PARSERS, {"rules": Rules(**document)})
    for heard in log.heard:
        taken.handle(heard)
    return taken


def course(log: Log, **document: int) -> Course:
    run = Course("library", DECIDER, VIEWS, PARSERS, {"rules": Rules(**document)})
    for heard in log.heard:
        run.handle(heard)
    return run


def test_the_same_policy_differs_in_nothing() -> None:
    result = again(Log(days=14).loan("b1").loan("b1"), days=14).result
    assert (result.decisions, result.differing) == (2, 0)


def test_a_decision_differs_in_the_field_that_the_policy_moves_and_not_in_the_version() -> None:
    result = again(Log(days=14).loan("b1"), days=7).result
    [change] = result.examples[0].changes
    assert (change.topic, change.field, change.really, change.otherwise) == ("library.lent.v1", "days", 14, 7)


def test_each_decision_is_taken_from_the_state_as_it_really_was() -> None:
    """With one loan allowed the second and the third are refused: the second really took place before the third."""
    result = again(Log(days=14).loan("b1").loan("b1").loan("b1"), days=14, loans=1).result
    assert [(d.message.row, d.error) for d in result.examples] == [(4, "refused: worn"), (6, "refused: worn")]


def test_the_world_is_left_as_the_log_says() -> None:
    log = Log(days=14).loan("b1").loan("b2")
    memory = again(log, days=7).memory
    assert memory.resident["lent"].get("b1") == {"days": 14}
    assert memory["book:b2"] == log.memory["book:b2"]


def test_an_erased_message_is_counted_and_not_decided() -> None:
    result = again(Log(days=14).loan("b1", erased=True), days=7).result
    assert (result.decisions, result.differing, result.erased) == (0, 0, 1)


def test_a_parked_message_is_no_decision() -> None:
    log = Log(days=14)
    parked = EventParked(
        of="book:b1", parked="x", parked_topic="t", reason="rule-raised", error="E", where="", remedy=""
    )
    log.heard.append(Heard(fresh(Loan(book="b1", reader="r"), NOON), (fresh(parked, NOON),), parked=True))
    assert again(log, days=7).result.decisions == 0
    assert course(log, days=7).otherwise == {}


def test_a_text_that_comes_out_otherwise_is_not_shown() -> None:
    log = Log(days=14).handle(Loan(book="b1", reader="r1", text=Personal("secret wish")))
    lent = log.heard[-1].said[0]
    other = lent.event.model_copy(update={"text": Personal("another wish")})
    log.heard[-1] = replace(log.heard[-1], said=(replace(lent, event=other),))
    result = again(log, days=14).result
    assert [(c.field, c.really, c.otherwise) for c in result.examples[0].changes] == [
        ("text", "a text", "another text")
    ]


def test_the_examples_are_limited_and_the_counts_are_not() -> None:
    log = Log(days=14)
    for number in range(20):
        log.loan(f"b{number}")
    result = again(log, days=7).result
    assert (len(result.examples), result.differing, result.changes["library.lent.v1", "days"]) == (10, 20, 20)


def test_a_course_fires_deadlines_at_their_other_instants() -> None:
    """Returned after 10 days: no reminder with 14 days, one with 7."""
    log = Log(days=14).loan("b1").handle(Returned(book="b1"), 10).handle(Returned(book="b2"), 30)
    run = course(log, days=7)
    assert run.really["library.reminded.v1"] == 0
    assert run.otherwise["library.reminded.v1"] == 1
    assert course(log, days=14).otherwise["library.reminded.v1"] == 0


def test_a_course_does_not_read_deadlines_from_the_log() -> None:
    log = Log(days=7).loan("b1").remind("b1", NOON + timedelta(days=7)).handle(Returned(book="b1"), 10)
    assert log.heard[2].said
    assert course(log, days=14).otherwise["library.reminded.v1"] == 0
    same = course(log, days=7)
    assert same.otherwise == same.really


def test_a_course_lets_refusals_have_consequences() -> None:
    run = course(Log(days=14).loan("b1").loan("b1").loan("b1"), days=14, loans=1)
    assert (run.refused, run.really["library.lent.v1"], run.otherwise["library.lent.v1"]) == (2, 3, 1)


def test_a_course_goes_on_with_what_was_really_said_where_a_text_is_erased() -> None:
    run = course(Log(days=14).loan("b1", erased=True).loan("b1"), days=7)
    assert run.memory["book:b1"].lent == 2
    assert run.otherwise["library.lent.v1"] == 2
