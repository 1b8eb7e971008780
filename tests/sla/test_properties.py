"""Whatever happens to a case, and whenever its deadlines are heard: the clocks of it say the same, once, and add up."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.sla import BreachRetracted, TargetBreached
from services.sla.domain import decider
from services.sla.explain import explain
from services.sla.state import Case
from shared.core.calendar import Calendar
from shared.core.event import Event

from .words import (
    Desk,
    Watched,
    became,
    bounced,
    classified,
    closed,
    opened,
    reopened,
    replied,
    resolved,
    shipped,
    t,
    thanked,
    wrote,
)

START = t(26, "08:30")
END = START + timedelta(days=60)
CALENDARS = {name: Calendar.model_validate_json(shipped(f"calendars/{name}.yaml")) for name in ("tr", "always")}
ACTIONS = (
    "reply", "reply", "message", "message", "thanks", "wait", "third", "open", "urgent", "normal", "resolve", "reopen",
    "close", "bounce", "spam", "no-spam", "nothing",
)  # fmt: skip
PUNCTUAL = ("urgent", "normal", "reopen", "no-spam")
"""What changes a clock by rules that know no earlier instant: heard when it occurs."""
Step = tuple[int, str, int, bool]
"""Minutes since the step before, what happens, minutes until it is heard, whether deadlines are heard before it."""
steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 90), st.integers(0, 90), st.sampled_from([60, 120, 480, 840, 1440])),
        st.sampled_from(ACTIONS),
        st.sampled_from([0, 0, 0, 1, 30, 120]),
        st.booleans(),
    ),
    max_size=14,
)


def event_of(action: str, number: int) -> Event | None:
    match action:
        case "reply":
            return replied(f"r{number}")
        case "message":
            return wrote(f"m{number}")
        case "bounce":
            return bounced(f"r{number - 1}")
        case "spam":
            return became("spam")
        case "no-spam":
            return became("open", "spam")
    plain = {
        "thanks": thanked(), "wait": became("waiting_customer"), "third": became("waiting_third_party"),
        "open": became("open"), "urgent": classified("urgent"), "normal": classified("normal"), "resolve": resolved(),
        "reopen": reopened(), "close": closed(),
    }  # fmt: skip
    return plain.get(action)


def played(course: list[Step], *, agent: bool, firing: str) -> Watched:
    """The desk after a course; deadlines fire 'timely', 'mixed' as the steps say, or 'late', all at the end."""
    desk = Watched(timely=True)
    desk.handle(START, opened(by="a1" if agent else None))
    heard: datetime = START
    for number, (gap, action, lag, fires) in enumerate(course):
        event = event_of(action, number)
        desk.timely = firing == "timely" or (firing == "mixed" and fires)
        heard += timedelta(minutes=gap)
        occurred = heard - timedelta(minutes=0 if action in PUNCTUAL else lag)
        if event:
            desk.handle(occurred, event, heard=heard)
    desk.until(END)
    return desk


def results(desk: Desk) -> dict[str, tuple[Any, ...]]:
    """State, end and breach of each clock."""
    columns = ("state", "started_at", "ended_at", "breached_at", "elapsed")
    return {key: tuple(row.get(column) for column in columns) for key, row in desk.tables["clocks"].items()}


@settings(max_examples=100, deadline=None)
@given(steps, st.booleans())
def test_late_deadlines_say_what_timely_ones_say(course, agent):
    timely = played(course, agent=agent, firing="timely")
    for firing in ("mixed", "late"):
        other = played(course, agent=agent, firing=firing)
        assert results(other) == results(timely)
        assert other.counts() == timely.counts()


@settings(max_examples=100, deadline=None)
@given(steps, st.booleans(), st.sampled_from(["timely", "mixed", "late"]))
def test_each_clock_is_met_or_breached_once_and_adds_up(course, agent, firing):
    desk = played(course, agent=agent, firing=firing)
    standing = Counter[str]()
    for event in desk.said:
        if isinstance(event, TargetBreached | BreachRetracted):
            name = f"{event.case}/{event.metric}/{event.cycle}"
            standing[name] += 1 if isinstance(event, TargetBreached) else -1
            assert standing[name] in (0, 1), "a second breach of one clock"
    case: Case = desk.memory["case:c1"]
    expected = Counter[str]()
    for clock in case.clocks:
        row = desk.clock(clock.metric, clock.cycle)
        assert all(leg.carried >= 0 for leg in clock.legs)
        assert [leg.at for leg in clock.legs] == sorted(leg.at for leg in clock.legs)
        assert (row["state"] == "met") <= (row.get("breached_at") is None)
        assert (row["state"] == "late") <= (row.get("breached_at") is not None)
        expected[f"{clock.metric} {row['state']}"] += row["state"] in ("met", "cancelled")
        expected[f"{clock.metric} breached"] += row.get("breached_at") is not None
        why = explain(row, legs_of(desk, clock.metric, clock.cycle), lambda name, version: CALENDARS[name], desk.at)
        assert row.get("elapsed") in (None, why.used)
    assert desk.counts() == {name: number for name, number in expected.items() if number}


@settings(max_examples=40, deadline=None)
@given(steps, st.booleans())
def test_a_deadline_that_is_heard_twice_says_nothing_more(course, agent):
    desk = played(course, agent=agent, firing="timely")
    for event in desk.fired:
        assert list(decider.decide(desk.memory, desk.message(event, occurred_at=event.due))) == []


def legs_of(desk: Desk, metric: str, cycle: int) -> list[dict[str, Any]]:
    return [row for _, row in sorted(desk.tables["legs"].items()) if row["clock"] == f"c1/{metric}/{cycle}"]
