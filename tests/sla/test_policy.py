"""The document ``targets``: what passes, and what an author is told who got it wrong."""

import json

import pytest
import yaml
from pydantic import ValidationError

from services.sla.policy import Level, TargetsPolicy, seconds
from shared.core.calendar import Calendar

from .words import FOLDER, POLICY, shipped


def document(**row: object) -> dict[str, object]:
    usual = {"calendar": "tr", "first_response": "2h", "next_response": "1h", "resolution": "8h"}
    return {"targets": {"rules": [{"name": "otherwise", "then": {**usual, **row}}]}}


@pytest.mark.parametrize(("text", "value"), [("4h", 14400), ("30m", 1800), ("1h30m", 5400), ("90s", 90), (60, 60)])
def test_durations_are_written_as_people_write_them(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "4", "4 h", "1d", "-1h", "30m1h", "0m", 0, True, 1.5, None])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="30m"):
        seconds(text)


@pytest.mark.parametrize(
    ("at", "after"), [("-30m", 5400), ("80%", 5760), ("100%", 7200), ("+2h", 14400), ("150%", 10800)]
)
def test_a_level_knows_how_long_after_the_start_it_is_reached(at, after):
    assert Level(name="x", at=at, target="owner", action="notify").after(7200) == after


@pytest.mark.parametrize("at", ["30m", "soon", "0%", "+", "-0m", "%"])
def test_a_level_that_is_no_instant_is_refused(at):
    with pytest.raises(ValidationError):
        Level(name="x", at=at, target="owner", action="notify")


def test_a_level_before_the_start_of_a_clock_is_refused_with_a_remedy():
    level = {"name": "near", "at": "-1h", "target": "owner", "action": "notify"}
    with pytest.raises(ValidationError, match=r"near at -1h lies before the start of next_response.*'80%'"):
        TargetsPolicy.model_validate(document(levels=[level]))


def test_such_a_level_passes_for_the_metrics_that_it_fits():
    level = {"name": "near", "at": "-1h", "target": "owner", "action": "notify", "metrics": ["resolution"]}
    assert TargetsPolicy.model_validate(document(levels=[level])).row("otherwise").levels[0].metrics == ("resolution",)


def test_levels_of_one_name_are_refused():
    level = {"name": "near", "at": "80%", "target": "owner", "action": "notify"}
    with pytest.raises(ValidationError, match="names must be unique"):
        TargetsPolicy.model_validate(document(levels=[level, level]))


def test_the_default_row_is_mandatory():
    with pytest.raises(ValidationError, match="the last rule must have no 'when'"):
        TargetsPolicy.model_validate({"targets": {"rules": POLICY["targets"]["rules"][:2]}})


def test_an_unknown_fact_is_refused():
    rules = [{**POLICY["targets"]["rules"][1], "when": {"prioritty": "urgent"}}, POLICY["targets"]["rules"][2]]
    with pytest.raises(ValidationError, match="unknown fact 'prioritty'"):
        TargetsPolicy.model_validate({"targets": {"rules": rules}})


def test_the_first_row_that_matches_decides():
    policy = TargetsPolicy.model_validate(POLICY)
    assert policy.choose({"recovery": True, "priority": "urgent"})[:2] == ("recovery", "recovery = True")
    assert policy.choose({"recovery": False, "priority": "normal"})[0] == "otherwise"


def test_the_shipped_documents_pass_and_survive_their_own_json():
    policy = TargetsPolicy.model_validate(yaml.safe_load((FOLDER / "policy.yaml").read_text("utf-8")))
    assert TargetsPolicy.model_validate_json(policy.model_dump_json()) == policy
    calendars = {rule.then.calendar for rule in policy.targets.rules}
    assert {Calendar.model_validate_json(shipped(f"calendars/{name}.yaml")).name for name in calendars} == calendars


def test_shipped_files_become_json_without_help():
    for file in (FOLDER / "calendars").glob("*.yaml"):
        json.dumps(yaml.safe_load(file.read_text("utf-8")))


@pytest.mark.parametrize("text", ["17521h", "900000h", "99999999999h", "9" * 5000 + "h", 2**64, 63_072_001])
def test_a_duration_of_more_than_two_years_is_refused(text):
    with pytest.raises(ValueError, match=r"longer than two years; write at most '17520h'|is not a duration"):
        seconds(text)
    assert seconds("17520h") == 63_072_000


@pytest.mark.parametrize("at", ["+17521h", "+17519h", "999%"])
def test_a_level_more_than_two_years_after_the_start_is_refused(at):
    level = {"name": "late", "at": at, "target": "owner", "action": "notify"}
    with pytest.raises(ValidationError, match="two years"):
        TargetsPolicy.model_validate(document(levels=[level], resolution="2000h"))


@pytest.mark.parametrize("name", ["Best customers", "", "x" * 65, "müşteri!"])
def test_a_row_whose_name_no_clock_could_carry_is_refused(name):
    rules = [{**POLICY["targets"]["rules"][1], "name": name}, POLICY["targets"]["rules"][2]]
    with pytest.raises(ValidationError, match=r"targets\.rules\.0\.name\n.*small letters, digits"):
        TargetsPolicy.model_validate({"targets": {"rules": rules}})
