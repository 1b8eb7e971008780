"""A programme that cannot work is refused when it is published, with the field and what to write."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.loyalty.policy import EarningRule, Programme

from .words import document


def published(**changes: Any) -> Programme:
    return Programme.model_validate_json(json.dumps(document(**changes)))


def rule(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "occasion": "purchase", "points": 1, "per": 100, **changes}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"zone": "Europe/Ankara"}, "'Europe/Ankara' is unknown; write an IANA name"),
        ({"zone": "x" * 5000}, "'x{64}' is unknown; write an IANA name"),
        ({"zone": "Europe"}, "'Europe' is unknown; write an IANA name"),
        ({"zone": "../../etc/passwd"}, "is unknown; write an IANA name"),
        ({"percent": {"gold": 100_001}}, "gold\n  Input should be less than or equal to 10000"),
        ({"point_value": 2**64}, "point_value"),
        ({"expiry": {"kind": "end_of_year", "after": 10_000}}, "expiry.after"),
        ({"rules": [rule(points=1001, per=100)]}, "1001 points x 100 % per 100 minor units are more than 10 for each"),
        ({"rules": [rule(points=1, per=1, percent={"gold": 2000})]}, "write fewer points, or a larger 'per'"),
        ({"rules": [rule(name=f"r{n}") for n in range(101)]}, "at most 100 items"),
        ({"tiers": [{"tier": "gold", "from": 10}]}, "'from' must start at 0 and rise"),
        ({"tiers": [{"tier": "gold", "from": 0}, {"tier": "gold", "from": 5}]}, "each name only once"),
        ({"tiers": [{"tier": "basic", "from": 0}]}, "recovery.points.minor must name each of the tiers"),
        ({"percent": {"platinum": 200}}, "unknown tier 'platinum' in percent; known are"),
        ({"expiry": {"kind": "days"}}, "write after: 1 or more"),
        ({"clawback": "sometimes"}, "clawback"),
        ({"rules": [{"name": "recovery-grant", "occasion": "survey_answered", "points": 1}]}, "belongs to grants"),
        ({"rules": [{"name": "x", "occasion": "purchase", "points": 1}]}, "'per' belongs to purchases"),
        ({"rules": [{"name": "x", "occasion": "case_satisfied", "points": 1, "labels": ["a"]}]}, "'labels'"),
        ({"rule": []}, "Extra inputs"),
    ],
)
def test_a_programme_that_cannot_work_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        published(**changes)


@pytest.mark.parametrize(("rounding", "points"), [("floor", 2), ("ceiling", 3), ("half_up", 3)])
def test_rounding_is_the_rules_own(rounding: str, points: int) -> None:
    rule = EarningRule.model_validate(
        {"name": "x", "occasion": "purchase", "points": 1, "per": 100, "rounding": rounding}
    )
    assert rule.points_for(250, "standard") == points
    assert rule.points_for(200, "standard") == 2


def test_the_shipped_programme_is_valid() -> None:
    from services.loyalty.app import app

    programme = app.document_parsers()["programme"](app.shipped()["programme"])
    assert [t.tier for t in programme.tiers] == ["standard", "gold"]


def test_the_largest_purchase_at_the_highest_rate_earns_what_a_column_can_hold() -> None:
    most = EarningRule.model_validate(rule(points=1000, per=100))
    assert most.points_for(10**12, "gold") == 10**13
