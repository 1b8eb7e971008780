"""The routing document: what it refuses with which words, and the shipped default."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.vefa.demo import cast
from services.router import policy
from services.router.policy import RoutingPolicy, Weights, higher, raised
from services.router.staff import unskilled
from tests.router.desk import POLICY, Desk, queued


def parsed(**changed: Any) -> RoutingPolicy:
    return RoutingPolicy.model_validate({**POLICY, **changed})


def rules(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [*rows, {"name": "others", "then": "general"}]}


def test_a_rule_that_leads_to_no_queue_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"row 1 \(a\): unknown queue 'biling'; did you mean 'billing'"):
        parsed(routing=rules({"name": "a", "when": {"topic": "x"}, "then": "biling"}))


def test_a_condition_on_an_unknown_fact_is_refused():
    with pytest.raises(ValueError, match="unknown fact 'colour'"):
        parsed(routing=rules({"name": "a", "when": {"colour": "x"}, "then": "billing"}))


def test_weights_multiply_and_are_one_where_nothing_is_said():
    weights = Weights(priority={"urgent": 3}, channel={"phone": 2})
    assert [weights.of("urgent", "phone"), weights.of("low", "phone"), weights.of("low", "web")] == [6, 2, 1]


def test_a_weight_below_one_is_refused():
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Weights(priority={"low": 0})


def test_skills_of_a_topic_add_to_those_of_every_topic():
    queue = policy.Queue(team="t", skills={"*": ("a",), "refund": ("b",)})
    assert (queue.requires("refund"), queue.requires("other"), queue.requires(None)) == (("a", "b"), ("a",), ("a",))


def test_priorities_rise_to_urgent_and_no_further():
    assert [raised("low", 1), raised("high", 5), higher("low", "high")] == ["normal", "urgent", "high"]


def shipped() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((Path(policy.__file__).parent / "policy.yaml").read_text("utf-8"))
    return document


@pytest.mark.parametrize(
    ("labels", "queue"),
    [
        ({"topic": "billing"}, "money"), ({"topic": "return"}, "delivery"), ({"topic": "fault"}, "technical"),
        ({"topic": "staff"}, "recovery"), ({"topic": "privacy"}, "privacy"), ({"topic": "x", "kind": "lead"}, "sales"),
        ({"topic": "billing", "tags": ("legal",)}, "safety"), ({"topic": "cancellation"}, "general"),
        ({"topic": "billing", "kind": "privacy_request"}, "privacy"),
        ({"topic": "campaign", "kind": "lead"}, "sales"), ({"topic": "billing", "kind": "order"}, "sales"),
        ({"topic": "staff", "kind": "praise"}, "general"), ({"topic": "staff", "kind": "complaint"}, "recovery"),
        ({"topic": "fault", "kind": "lead", "tags": ("safety",)}, "safety"),
    ],
)  # fmt: skip
def test_the_shipped_policy_leads_where_the_business_expects(labels: dict[str, Any], queue: str):
    assert queued(Desk(**shipped()).classified("1", **labels)).queue == queue


@pytest.mark.parametrize(
    ("labels", "queue"),
    [
        ({"topic": "billing", "unsure": ("topic",)}, "general"), ({"topic": "staff", "unsure": ("topic",)}, "general"),
        ({"topic": "billing", "kind": "lead", "unsure": ("kind",)}, "money"),
        ({"topic": "privacy", "unsure": ("topic", "kind")}, "general"),
        ({"topic": "billing", "tags": ("safety",), "unsure": ("topic", "kind")}, "safety"),
        ({"topic": "fault", "unsure": ("urgency", "sentiment")}, "technical"),
    ],
)  # fmt: skip
def test_a_guess_that_waits_for_a_person_chooses_no_queue(labels: dict[str, Any], queue: str):
    assert queued(Desk(**shipped()).classified("1", **labels)).queue == queue


def test_once_a_person_confirms_it_the_case_goes_where_it_belongs():
    desk = Desk(**shipped())
    assert queued(desk.classified("1", topic="billing", unsure=("topic",))).queue == "general"
    assert queued(desk.classified("1", topic="billing", priority="high")).queue == "money"


def test_a_guess_that_waits_asks_for_no_skill():
    assert queued(Desk(**shipped()).classified("1", topic="fault", unsure=("topic",))).skills == ()


def test_the_shipped_policy_sends_recoveries_to_those_who_care():
    assert queued(Desk(**shipped()).opened("1", recovery="r-1").classified("1", topic="billing")).queue == "recovery"


def test_each_skill_that_the_shipped_policy_asks_for_is_held_by_somebody_of_the_demo():
    agents = [p for p in cast.people() if p.role == "agent"]
    for name, queue in RoutingPolicy.model_validate(shipped()).queues.items():
        held = {skill for a in agents if queue.team in cast.TEAMS[a.team] for skill in a.skills}
        assert {skill for asked in queue.skills.values() for skill in asked} <= held, name


@pytest.mark.parametrize("name", ["ageing", "hold_after", "alert_every"])
def test_a_time_that_no_instant_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        parsed(**{name: 10**15})


def test_a_queue_cannot_overflow_in_a_million_years():
    with pytest.raises(ValueError, match=r"general\.t_overflow"):
        parsed(queues={**POLICY["queues"], "general": {"team": "general", "t_overflow": 10**13}})


@pytest.mark.parametrize("name", ["Key accounts", "", "x" * 65])
def test_a_row_whose_name_no_case_could_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"routing\.rules\.0\.name\n.*small letters, digits"):
        parsed(routing=rules({"name": name, "when": {"topic": "x"}, "then": "billing"}))


def warnings_of(desk: Desk, **queue: Any) -> list[str]:
    billing = {"team": "money", "secondary": "general", **queue}
    return list(unskilled(desk.memory, parsed(queues={**POLICY["queues"], "billing": billing})))


def test_a_skill_that_nobody_has_is_doubted_with_the_nearest_one():
    desk = Desk()
    assert warnings_of(desk, skills={"refund": ["refunds"]}) == [
        "queues.billing.skills, topic refund: nobody has the skill 'refunds'"
    ]
    desk.hire("ada", "money", skills=("refund", "tax"))
    assert warnings_of(desk, skills={"refund": ["refunds"], "tax": ["tax"]}) == [
        "queues.billing.skills, topic refund: nobody has the skill 'refunds'; did you mean 'refund'?"
    ]


def test_skills_that_no_one_of_the_queues_teams_has_together_are_doubted():
    desk = Desk()
    desk.hire("ada", "money", skills=("tax",))
    desk.hire("can", "delivery", skills=("tax", "refund"))
    assert warnings_of(desk, skills={"*": ["tax"], "refund": ["refund"]}) == [
        "queues.billing.skills, topic refund: nobody of money or general has refund and tax"
    ]
    desk.hire("eda", "general", here=False, skills=("tax", "refund"))
    assert warnings_of(desk, skills={"*": ["tax"], "refund": ["refund"]}) == []
