"""By which calendar is counted when the row's is not there, or has too little open time: no case may wait for that."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.sla import ClockResumed, ClockRetargeted, ClockStarted
from services.sla.policy import TargetsPolicy
from services.sla.policy_calendars import WorkingCalendar, check
from shared.core.facts import PolicyPublished
from shared.core.world import Refused

from .words import POLICY, Desk, became, classified, every, only, opened, t

THIN = {"name": "thin", "zone": "Europe/Istanbul", "week": {"mon": ["09:00-09:01"]}}


def by(calendar: str, **row: Any) -> dict[str, Any]:
    rules = json.loads(json.dumps(POLICY["targets"]["rules"]))
    for rule in rules[1:]:
        rule["then"] |= {"calendar": calendar, **row}
    return {"targets": {"rules": rules}}


def publish(desk: Desk, name: str, document: dict[str, Any]) -> Desk:
    text = json.dumps(document)
    version = desk.memory.policy(name).version + 1 if desk.memory.has_policy(name) else 1
    desk.given(PolicyPublished(service="sla", name=name, version=version, document=text, by="a1", reason=""))
    return desk


def test_a_calendar_that_is_not_published_is_replaced_and_the_clock_says_so() -> None:
    started = every(ClockStarted, Desk(by("nowhere")).handle(t(26, "09:00"), opened()))
    assert [(c.metric, c.calendar, c.calendar_version) for c in started] == [
        ("first_response", "tr", 1), ("resolution", "tr", 1),
    ]  # fmt: skip
    assert started[0].condition == "otherwise; calendar nowhere is not published, so tr counts"
    assert started[0].due == t(26, "11:00")


def test_the_calendar_of_the_last_row_comes_first() -> None:
    policy = by("nowhere")
    policy["targets"]["rules"][-1]["then"]["calendar"] = "eu"
    desk = Desk(policy)
    desk.handle(t(26, "09:00"), opened())
    moved = every(ClockRetargeted, desk.handle(t(26, "09:10"), classified("urgent")))
    assert {(c.calendar, c.condition) for c in moved} == {
        ("eu", "priority = urgent; calendar nowhere is not published, so eu counts")
    }


def test_a_calendar_with_too_little_open_time_is_replaced() -> None:
    desk = publish(Desk(by("thin")), "calendar/thin", THIN)
    first_response, resolution = every(ClockStarted, desk.handle(t(26, "09:00"), opened()))
    assert (first_response.calendar, first_response.condition) == ("thin", "otherwise")
    assert (resolution.calendar, resolution.condition) == (
        "tr", "otherwise; calendar thin is open too little for 32400 seconds within ten years, so tr counts",
    )  # fmt: skip


def test_when_every_calendar_is_spoilt_the_one_that_shipped_counts() -> None:
    desk = Desk(by("thin", first_response="9000h", next_response="9000h", resolution="9000h"))
    for name in ("thin", "tr", "eu", "always"):
        publish(desk, f"calendar/{name}", THIN)
    first = every(ClockStarted, desk.handle(t(26, "09:00"), opened()))[0]
    assert (first.calendar, first.calendar_version) == ("always", 1)


def test_it_is_counted_by_the_rows_own_calendar_once_that_is_published() -> None:
    desk = Desk(by("nowhere"))
    desk.handle(t(26, "09:00"), opened())
    publish(desk, "calendar/nowhere", {**THIN, "week": {"mon": ["08:00-20:00"]}})
    moved = every(ClockRetargeted, desk.handle(t(26, "09:10"), classified("urgent")))
    assert {(c.calendar, c.condition) for c in moved} == {("nowhere", "priority = urgent")}


def test_a_clock_that_goes_on_when_its_calendar_no_longer_suffices_is_due_at_the_horizon() -> None:
    strike = {(date(2036, 11, 1) + timedelta(days=n)).isoformat(): [] for n in range(350)}
    desk = Desk(by("thin", levels=[], resolution="500m"))
    publish(desk, "calendar/thin", {**THIN, "exceptions": strike})
    desk.handle(t(26, "10:00"), opened(), became("waiting_customer"))
    at = t(26, "10:00") + timedelta(days=340)
    resumed = only(ClockResumed, desk.handle(at, became("open", "waiting_customer")))
    assert resumed.due == at + timedelta(days=3653)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"week": {}, "exceptions": {"2020-01-01": ["09:00-18:00"]}}, "give at least one weekday a window in `week`"),
        ({"exceptions": {(date(2026, 1, 1) + timedelta(days=n)).isoformat(): [] for n in range(400)}},
         "closed for more than a year from 2025-12-30 on; leave some of these exceptions out"),
    ],
)  # fmt: skip
def test_a_calendar_without_open_time_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WorkingCalendar.model_validate({**THIN, **changes})


def test_a_year_of_holidays_passes() -> None:
    days = {(date(2026, 1, 1) + timedelta(days=n)).isoformat(): [] for n in range(350)}
    WorkingCalendar.model_validate({**THIN, "exceptions": days, "exception_names": dict.fromkeys(days, "strike")})


@pytest.mark.parametrize(
    ("calendar", "says"),
    [
        ("nowhere", r"calendar: row 2 .urgent.: calendar nowhere is not published.*publish calendar/nowhere first"),
        ("thin", "row 3 .otherwise.: calendar thin is open too little for 32400 seconds"),
    ],
)
def test_a_policy_that_names_what_cannot_count_can_be_refused_before_it_is_in_force(calendar: str, says: str) -> None:
    desk = publish(Desk(), "calendar/thin", THIN)
    with pytest.raises(Refused, match=says):
        check(desk.memory, TargetsPolicy.model_validate(by(calendar)), t(26, "09:00"))
    check(desk.memory, TargetsPolicy.model_validate(POLICY), t(26, "09:00"))
