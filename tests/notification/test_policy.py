"""A templates policy that could fail when a mail is sent is refused when it is published."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.notification.app import app
from services.notification.policy import Customers, Templates
from services.notification.wording import render


def shipped() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(app.shipped()["templates"])
    return document


def parsed(document: dict[str, Any]) -> Templates:
    return Templates.model_validate_json(json.dumps(document))


WORDS = {word: {"subject": "a", "text": "b"} for word in ("tr", "en")}


def refusal(change: Any, template: str = "reply") -> tuple[tuple[int | str, ...], str]:
    document = shipped()
    change(next(rule for rule in document["rules"] if rule["template"] == template))
    with pytest.raises(ValidationError) as refused:
        parsed(document)
    first = refused.value.errors()[0]
    return first["loc"], first["msg"]


def test_every_shipped_template_speaks_turkish_and_english() -> None:
    assert all(set(rule.texts) == {"tr", "en"} for rule in parsed(shipped()).rules)


def test_an_unknown_variable_is_refused_with_its_place_and_the_nearest_name() -> None:
    where, text = refusal(lambda rule: rule["texts"]["tr"].update(subject="{{ numbr }}"))
    assert where == ("rules", 2, "texts")
    assert "tr.subject: unknown variable 'numbr'; did you mean 'number'?" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ text.nothing }}", "en.text"),
        ("{% if %}", "en.text"),
        ("{{ text | shout }}", "shout"),
        ("{{ text.__class__.__mro__ }}", "en.text"),
        ("{{ 'x' * 1000000000 }}", "not allowed"),
        ("{% for i in range(9) %}{% endfor %}", "'for' is not allowed"),
        ("{% include 'other' %}", "en.text"),
        ("{% for i in text %}{% for j in text %}{{ text }}{% endfor %}{% endfor %}", "line 1: 'for' is not allowed"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "'macro' is not allowed"),
        ("{% set a = text ~ text %}{% set a = a ~ a %}{{ a }}", "'assign' is not allowed"),
        ("{{ '%9999999999d' % 5 }}", "'mod' is not allowed"),
        ("{{ 'x'.ljust(9999999999) }}", "'call' is not allowed"),
        ("{{ '{:>9999999999}'.format(1) }}", "'call' is not allowed"),
        ("{{ 1 / 0 }}", "'div' is not allowed"),
        ("{{ 2 ** 2 ** 40 }}", "'pow' is not allowed"),
        ("{{ text[99999] }}", "'getitem' is not allowed"),
        ("{{ text | round(999999999, 'ceil') }}", "round: write a number up to 1000"),
        ("{{ text | replace('', text) }}", "replace: write its values, not a variable"),
        ("{{ text | replace('', '" + "y" * 11 + "') }}", "replace: write at most 10 characters"),
        ("{{ text | join('1') | join('1') | join('1') | join('1') }}", "at most 3 of join and replace"),
        ("{{ 5 | length }}", "en.text"),
        ("{{ " + "(" * 5000 + "text" + ")" * 5000 + " }}", "en.text"),
        ("{{ " + "not " * 4000 + "text }}", "en.text"),
        ("{{ text }}" * 3000, "at most 20000 characters"),
    ],
)
def test_a_text_that_could_fail_or_escape_is_refused(text: str, expected: str) -> None:
    assert expected in refusal(lambda rule: rule["texts"]["en"].update(text=text))[1]


@pytest.mark.parametrize("variable", ["text", "subject", "name"])
def test_an_acknowledgement_to_an_unverified_address_repeats_nothing(variable: str) -> None:
    broken = "{{ " + variable + " }}"
    _, text = refusal(lambda rule: rule["texts"]["tr"].update(text=broken), "case-received")
    assert f"unknown variable '{variable}'" in text


def test_an_acknowledgement_without_the_condition_counts_as_unverified() -> None:
    _, text = refusal(lambda rule: rule.update(when={}), "case-received-known")
    assert "unknown variable" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"event": "intake.case-opend.v1"}, "is not heard"),
        ({"when": {"colour": "red"}}, "unknown fact 'colour'"),
        ({"recipient": "target"}, "names no target"),
        ({"recipient": "owner", "class": "commercial"}, "commercial is for customers"),
        ({"texts": {"tr": {"subject": "a", "text": "b"}}}, "no text in 'en'"),
        ({"texts": {w: {"subject": " ", "text": "b"} for w in ("tr", "en")}}, "tr.subject: is empty"),
        ({"texts": {w: {"subject": "a", "text": "\n"} for w in ("tr", "en")}}, "tr.text: is empty"),
        ({"copies": True, "acknowledgement": True}, "goes to the sender alone"),
        (
            {"event": "loyalty.tier-changed.v1", "texts": WORDS, "in_thread": True},
            "only for what tells",
        ),
        (
            {"event": "router.case-assigned.v1", "texts": WORDS, "recipient": "owner", "copies": True},
            "only for what tells",
        ),
        ({"event": "intake.case-opened.v1", "texts": WORDS, "in_thread": True, "copies": False}, "verified: true"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_remedy(change: dict[str, Any], expected: str) -> None:
    plain = {"in_thread": False, "copies": False}
    assert expected in refusal(lambda rule: rule.update({**plain, **change}))[1]


def test_template_names_are_unique() -> None:
    assert "'reply' occurs more than once" in refusal(lambda rule: rule.update(template="reply"), "survey")[1]


ZONES = ("Europe/Istanbul", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


def with_hours(hours: str) -> Templates:
    document = shipped()
    document["customers"]["hours"] = hours
    return parsed(document)


def wall(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


POLICY = parsed(shipped())
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1439), st.integers(0, 1440), st.sampled_from(ZONES),
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: JANUARY + timedelta(minutes=minutes)),
)  # fmt: skip
def test_the_next_opening_is_the_first_minute_that_the_wall_shows_within_the_hours(
    opens: int, closes: int, zone: str, at: datetime
) -> None:
    assume(opens != closes)
    customers = Customers(hours=f"{wall(opens)}-{wall(closes)}", zone="UTC")
    found, now = POLICY.model_copy(update={"customers": customers}).customer_opening(zone, at), at
    while not _within(opens, closes, now.astimezone(ZoneInfo(zone))):
        now += timedelta(minutes=1)
    assert found == now


def _within(opens: int, closes: int, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return opens <= minute < closes if opens < closes else minute >= opens or minute < closes


@pytest.mark.parametrize(
    ("at", "opening"),
    [("00:59", "00:59"), ("01:00", "10:00"), ("09:59", "10:00"), ("10:00", "10:00"), ("23:59", "23:59"),
     ("00:00", "00:00")],
)  # fmt: skip
def test_hours_may_pass_midnight(at: str, opening: str) -> None:
    day = "2026-10-26T{}:00+03:00"
    found = with_hours("10:00-01:00").customer_opening("Europe/Istanbul", datetime.fromisoformat(day.format(at)))
    assert found == datetime.fromisoformat(day.format(opening))


def test_hours_may_end_at_midnight_written_either_way() -> None:
    at = datetime.fromisoformat("2026-10-26T00:00:00+03:00")
    for hours in ("10:00-00:00", "10:00-24:00"):
        assert with_hours(hours).customer_opening("Europe/Istanbul", at) == at + timedelta(hours=10)


@pytest.mark.parametrize(
    ("hours", "remedy"),
    [("09:00-09:00", "write '00:00-24:00' for any hour"), ("00:00-00:00", "write '00:00-24:00'"),
     ("24:00-01:00", "does not close after it opens"), ("9-21", "HH:MM-HH:MM"), ("10:00-1:00", "HH:MM-HH:MM"),
     ("22:00-25:00", "no clock shows"), ("22:60-01:00", "no clock shows"), ("", "HH:MM-HH:MM")],
)  # fmt: skip
def test_hours_that_are_none_are_refused_with_what_to_write(hours: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        with_hours(hours)


@pytest.mark.parametrize("change", [{"hours": "25:00-09:00", "zone": "UTC"}, {"hours": "09:00-21:00", "zone": "Mars"}])
def test_hours_and_zones_are_checked(change: dict[str, str]) -> None:
    document = shipped()
    document["customers"] = change
    with pytest.raises(ValidationError):
        parsed(document)


@pytest.mark.parametrize(
    "text",
    ["{% if name %}{{ name | title }}{% elif company %}{{ company }}{% endif %}", "{{ name | default('you', true) }}",
     "{{ name | default(company) }}", "{{ 'Dear ' ~ name }}", "{{ 'a' if name else 'b' }}", "{{ text | truncate(9) }}",
     "{{ text | replace('x', 'y') }}", "{% if name is defined and not (name == company or name in ['a']) %}{% endif %}",
     "{% raw %}{{ }}{% endraw %}"],
)  # fmt: skip
def test_what_a_text_needs_is_allowed(text: str) -> None:
    document = shipped()
    next(rule for rule in document["rules"] if rule["template"] == "reply")["texts"]["en"]["text"] = text
    assert parsed(document)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"retries": [10**15]}, ("retries", 0)), ({"retries": [60] * 101}, ("retries",)),
        ({"volume": {"window": 2**64}}, ("volume", "window")), ({"company": "x" * 201}, ("company",)),
        ({"staff": {"calendar": "tr", "zone": "x" * 5000}}, ("staff", "zone")),
        ({"customers": {"hours": "09:00-21:00", "zone": "../etc"}}, ("customers", "zone")),
    ],
)  # fmt: skip
def test_what_no_rule_could_count_with_is_refused_by_its_place(changes: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        parsed({**shipped(), **changes})
    assert refused.value.errors()[0]["loc"][: len(place)] == place


def test_a_notice_cannot_wait_a_million_years() -> None:
    assert refusal(lambda rule: rule.update(not_after=10**13))[0] == ("rules", 2, "not_after")


def test_a_text_that_fails_when_it_is_sent_says_so_and_nothing_else() -> None:
    with pytest.raises(ValueError, match=r"^TypeError$"):
        render("{{ text }}", "{{ text | round }}", {"text": []})
