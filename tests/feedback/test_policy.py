"""The shipped surveys, and what a wrong document is told."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.feedback.policy import SurveysPolicy, Trigger
from tests.feedback.story import SHIPPED


def parsed(**changes: Any) -> SurveysPolicy:
    return SurveysPolicy.model_validate_json(json.dumps({**SHIPPED, **changes}))


def test_the_shipped_document_is_in_both_languages() -> None:
    assert all(set(d.texts) == {"tr", "en"} for d in parsed().definitions.values())


def test_a_trigger_of_an_unknown_survey_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match=r"row 1 \(t\): unknown survey 'cast'; known are csat, nps"):
        parsed(triggers=[{"name": "t", "survey": "cast"}])


def test_a_condition_on_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown fact 'mood'"):
        parsed(triggers=[{"name": "t", "survey": "csat", "when": {"mood": "bad"}}])


def test_a_survey_in_one_language_is_refused() -> None:
    csat = SHIPPED["definitions"]["csat"]
    with pytest.raises(ValidationError, match=r"\['en'\] missing"):
        parsed(definitions={**SHIPPED["definitions"], "csat": {**csat, "texts": {"tr": csat["texts"]["tr"]}}})


def test_two_triggers_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be unique"):
        parsed(triggers=[{"name": "t", "survey": "csat"}] * 2)


def test_the_sample_is_about_its_share_and_never_changes_its_mind() -> None:
    trigger = Trigger(name="t", survey="csat", sample=0.25)
    chosen = [trigger.samples(f"survey-{i}") for i in range(4000)]
    assert 0.22 < sum(chosen) / 4000 < 0.28
    assert chosen == [trigger.samples(f"survey-{i}") for i in range(4000)]


@pytest.mark.parametrize(("sample", "sent"), [(0.0, False), (1.0, True)])
def test_a_sample_of_nothing_sends_nothing_and_of_all_everything(sample: float, sent: bool) -> None:
    assert {Trigger(name="t", survey="csat", sample=sample).samples(str(i)) for i in range(200)} == {sent}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"throttle": {"group_days": 10**12}}, r"throttle.group_days\n"),
        ({"throttle": {"global_days": 3651}}, r"throttle.global_days\n"),
        ({"triggers": [{"name": "t", "survey": "csat", "every": 2**64}]}, r"triggers.0.every\n"),
        (
            {"triggers": [{"name": "recovery", "survey": "csat"}]},
            "'recovery' is the name of asking again; write",
        ),
        ({"triggers": [{"name": "t", "survey": "csat", "sample": float("nan")}]}, r"triggers.0.sample\n"),
    ],
)
def test_what_no_rule_could_count_with_is_refused_by_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        parsed(**changes)


def test_a_survey_that_is_never_triggered_is_harmless() -> None:
    assert parsed(definitions={}, triggers=[]).trigger_for({"nth": 1}) is None
