"""A templates policy that could fail when a mail is sent is refused when it is published."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.notification.app import app
from services.notification.policy import Templates
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
