"""Given, when, then: queues, owners, loads, people by hand, absences and escalations."""

from datetime import timedelta

import pytest

from contracts.intake import CaseClosed
from contracts.loyalty import MemberEnrolled
from contracts.router import CaseDequeued, CaseUnassigned, CaseWeighed, QueueAlerted, RegisterAgent
from services.router.assignment import together
from services.router.domain import decider
from services.router.views import views
from shared.core.event import Event
from shared.core.message import Actor
from shared.core.world import NotLoaded, Refused
from shared.runtime.memory import Memory
from tests.router.desk import Desk, assigned, queued
from tests.scene import names


def refused(code: str, command: object, *args: object, **more: object) -> None:
    with pytest.raises(Refused) as caught:
        command(*args, **more)  # type: ignore[operator]
    assert caught.value.code == code
    assert caught.value.remedy


# queues ---------------------------------------------------------------------------------------------------------------
def test_a_classified_case_waits_in_the_queue_of_the_first_rule_that_matches():
    said = Desk().classified("1", topic="refund")
    assert names(said) == ["case-queued"]
    assert (queued(said).queue, queued(said).rule, queued(said).skills) == ("billing", "money", ("refunds",))
    assert queued(said).condition == "topic in [billing, refund]"


def test_an_opened_case_waits_for_its_classification():
    assert Desk().opened("1").waiting() == []


def test_the_tier_of_the_customer_is_a_fact_of_the_table():
    desk = Desk().opened("1")
    desk.when(MemberEnrolled(member="m", customer="customer-1", contact="contact-1", programme="p", tier="gold"))
    assert queued(desk.classified("1", topic="other")).rule == "gold"


def test_a_spam_tagged_case_is_not_queued():
    assert Desk().classified("1", tags=("spam",)) == []


def test_a_waiting_case_that_turns_out_to_be_spam_leaves_its_queue():
    desk = Desk()
    desk.classified("1")
    assert [type(e) for e in desk.classified("1", tags=("spam",))] == [CaseDequeued]
    assert desk.waiting() == []


def test_a_case_that_a_person_takes_out_of_spam_is_queued_and_stays_so():
    desk = Desk()
    desk.classified("1", tags=("spam",))
    desk.becomes("1", "spam")
    assert names(desk.becomes("1", "open")) == ["case-queued"]
    assert desk.classified("1", tags=("spam",)) == []


def test_reclassification_moves_a_waiting_case_and_keeps_its_waiting_time():
    desk = Desk()
    since = queued(desk.classified("1", topic="delivery")).since
    moved = queued(desk.later(minutes=5).classified("1", topic="billing"))
    assert (moved.queue, moved.before, moved.since) == ("billing", "delivery", since)


def test_reclassification_leaves_an_owned_case_to_its_owner():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    assert desk.classified("1", topic="delivery") == []
    assert desk.owner("1") == "ada"


def test_the_same_classification_again_changes_nothing():
    desk = Desk()
    desk.classified("1")
    assert desk.classified("1") == []


def test_a_hand_picked_queue_outlives_a_reclassification():
    desk = Desk()
    desk.classified("1")
    desk.transferred("1", "delivery")
    assert desk.classified("1", topic="refund") == []
    assert desk.queue("1") == "delivery"


def test_a_case_solved_while_it_waits_leaves_its_queue_once():
    desk = Desk()
    desk.classified("1")
    assert names(desk.resolved("1")) == ["case-dequeued"]
    assert desk.resolved("1") == []


def test_a_new_policy_moves_what_waits():
    desk = Desk()
    desk.classified("1", topic="delivery")
    new = Desk(routing={"rules": [{"name": "all", "then": "general"}]}).memory.table("policies").get("routing")
    row = {"name": "routing", "version": 2, "document": new["document"], "published_at": desk.at}
    desk.memory.table("policies").put("routing", row)
    assert queued(desk.until(desk.at)).queue == "general"


# choice ---------------------------------------------------------------------------------------------------------------
def test_a_case_goes_to_the_free_member_who_is_idle_longest():
    desk = Desk()
    desk.hire("ada")
    desk.later(minutes=1).hire("bob")
    assert assigned(desk.classified("1")).agent == "ada"
    assert assigned(desk.classified("2")).agent == "bob"


def test_most_spare_is_relative_to_the_capacity():
    desk = Desk()
    desk.hire("big", "delivery", capacity=10)
    desk.hire("small", "delivery", capacity=2)
    for case in range(5):
        desk.classified(f"1{case}", topic="delivery")
    assert (desk.load("big"), desk.load("small")) == (4, 1)


def test_an_assignment_says_why_not_of_everybody():
    desk = Desk()
    for agent, known in {
        "able": {}, "away": {"here": False}, "deaf": {"channels": ("phone",)}, "full": {"capacity": 0},
        "mute": {"languages": ("en",)}, "raw": {"skills": ()}, "slow": {},
    }.items():  # fmt: skip
        desk.hire(agent, **{"skills": ("refunds",), **known})  # type: ignore[arg-type]
    desk.status("away", "away")
    said = assigned(desk.classified("1", topic="refund"))
    assert said.agent == "able"
    assert {c.agent: c.rejected for c in said.candidates} == {
        "able": None, "away": "status", "deaf": "channel", "full": "no-capacity", "mute": "language", "raw": "skill",
        "slow": "idle-shorter",
    }  # fmt: skip


def test_a_language_that_nobody_knows_is_not_asked_for():
    desk = Desk()
    desk.hire("ada", languages=("tr",))
    assert assigned(desk.classified("1", language="other")).agent == "ada"


def test_priority_and_channel_weigh_together():
    desk = Desk()
    desk.hire("ada", capacity=5)
    assert assigned(desk.classified("1", priority="urgent", channel="phone")).weight == 4
    assert names(desk.classified("2", channel="phone")) == ["case-queued"]
    assert assigned(desk.classified("3")).agent == "ada"


def test_a_reopened_case_goes_back_to_its_last_agent():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.hire("bob")
    desk.resolved("1")
    said = assigned(desk.reopened("1"))
    assert (said.agent, said.how) == ("ada", "sticky")
    assert {c.agent: c.rejected for c in said.candidates} == {"ada": None, "bob": "lower-in-order"}


def test_a_reopened_case_goes_to_somebody_else_when_its_last_agent_is_away():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.hire("bob")
    desk.resolved("1")
    desk.status("ada", "away")
    assert assigned(desk.reopened("1")).agent == "bob"


# room -----------------------------------------------------------------------------------------------------------------
def full_desk() -> Desk:
    desk = Desk()
    desk.hire("ada", capacity=1)
    desk.classified("1")
    desk.later(minutes=1).classified("2")
    assert desk.waiting() == ["2"]
    return desk


def test_a_waiting_case_is_assigned_when_another_is_solved():
    desk = full_desk()
    assert names(desk.resolved("1")) == ["case-weighed", "case-assigned"]
    assert desk.owner("2") == "ada"


def test_a_waiting_case_is_assigned_when_another_waits_for_the_customer():
    desk = full_desk()
    desk.becomes("1", "waiting_customer")
    assert (desk.owner("1"), desk.owner("2"), desk.load("ada")) == ("ada", "ada", 1)


def test_an_answer_of_the_customer_counts_again_even_above_the_capacity():
    desk = full_desk()
    desk.becomes("1", "waiting_customer")
    assert [e.weight for e in desk.becomes("1", "open") if isinstance(e, CaseWeighed)] == [1]
    assert desk.load("ada") == 2


def test_of_cases_that_came_at_once_the_lower_number_is_first_whatever_the_ids():
    desk = Desk()
    for case, number in (("b", "V-2026-000001"), ("a", "V-2026-000002")):
        desk.opened(case, number=number).classified(case)
    desk.hire("ada", capacity=1)
    assert [key for key, _ in desk.tables["owned"].items()] == ["b"]


def test_a_waiting_case_is_assigned_when_a_capacity_grows():
    assert assigned(full_desk().hire("ada", capacity=2, here=False)).case == "2"


def test_a_waiting_case_is_assigned_when_somebody_comes():
    desk = full_desk()
    assert "case-assigned" not in names(desk.hire("bob", here=False))
    assert assigned(desk.status("bob", "available")).agent == "bob"


def test_a_waiting_case_is_assigned_when_somebody_learns_what_it_needs():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1", topic="refund")
    assert assigned(desk.hire("ada", skills=("refunds",), here=False)).case == "1"


def test_the_higher_priority_is_taken_first():
    desk = full_desk()
    desk.later(minutes=1).classified("3", priority="high")
    assert assigned(desk.resolved("1")).case == "3"


def test_a_low_priority_that_waited_long_overtakes_a_fresh_high_one():
    desk = Desk()
    desk.hire("ada", capacity=1)
    desk.classified("1")
    desk.classified("2", priority="low")
    desk.later(hours=12).classified("3", priority="high")
    assert assigned(desk.resolved("1")).case == "2"


def test_a_case_that_needs_more_room_is_not_starved_by_lighter_ones():
    desk = Desk()
    desk.hire("ada", capacity=2)
    desk.classified("1")
    desk.classified("2")
    desk.classified("heavy", channel="phone")
    desk.later(hours=9)
    desk.classified("3")
    assert "case-assigned" not in names(desk.resolved("1"))
    assert assigned(desk.resolved("2")).case == "heavy"


def test_a_heavy_case_does_not_hold_anybody_before_its_time():
    desk = Desk()
    desk.hire("ada", capacity=2)
    desk.classified("1")
    desk.classified("heavy", channel="phone")
    assert assigned(desk.classified("2")).agent == "ada"


def test_who_was_held_is_free_again_when_the_heavy_case_is_solved():
    desk = Desk()
    desk.hire("ada", capacity=2)
    desk.classified("1")
    desk.classified("heavy", channel="phone")
    desk.later(hours=9).classified("2")
    assert assigned(desk.resolved("heavy")).case == "2"


def test_a_case_too_heavy_for_an_agent_does_not_hold_him():
    desk = Desk()
    desk.hire("ada", capacity=1)
    desk.classified("heavy", channel="phone")
    assert assigned(desk.later(hours=9).classified("1")).agent == "ada"


def test_what_a_rule_needs_is_asked_for_in_one_round_trip():
    memory = Memory(decider, views, {})
    with pytest.raises(NotLoaded) as asked:
        together(memory, ["case:1", "case:2"])
    assert asked.value.streams == ("case:1", "case:2")


# overflow -------------------------------------------------------------------------------------------------------------
def test_the_secondary_team_takes_what_nobody_took_until_the_overflow_and_not_before():
    desk = Desk()
    desk.hire("helper", "general")
    desk.classified("1")
    due = desk.overflow_at("1")
    assert due - desk.at == timedelta(seconds=900)
    assert desk.until(due - timedelta(seconds=1)) == []
    said = assigned(desk.until(due))
    assert (said.agent, said.team, said.waited) == ("helper", "general", 900)


def test_the_owner_of_the_queue_is_told_when_nobody_can_take_a_case():
    desk = Desk()
    desk.hire("ada", capacity=1, skills=())
    desk.classified("1", topic="refund")
    [said] = desk.until(desk.overflow_at("1"))
    assert isinstance(said, QueueAlerted)
    assert (said.queue, said.case, said.owner, said.waiting) == ("billing", "1", "chief", 1)
    assert said.why == "nobody of money or general can take it (1 skill refunds); it has waited for 900 s"


def test_the_owner_is_told_again_while_somebody_waits_and_not_for_every_case():
    desk = Desk()
    desk.classified("1")
    desk.classified("2")
    assert names(desk.until(desk.overflow_at("1"))) == ["queue-alerted"]
    assert names(desk.until(desk.at + timedelta(seconds=1800))) == ["queue-alerted"]
    desk.hire("ada")
    assert desk.until(desk.at + timedelta(seconds=1800)) == []


def test_a_changed_priority_does_not_put_the_overflow_off():
    desk = Desk()
    desk.classified("1")
    due = desk.overflow_at("1")
    assert queued(desk.later(minutes=5).classified("1", priority="high")).overflow_at == due


def test_an_assigned_case_does_not_overflow():
    desk = Desk()
    desk.classified("1")
    desk.hire("ada")
    assert "overflow:1" not in desk.tables["deadlines"]
    assert desk.until(desk.at + timedelta(hours=1)) == []


# by hand --------------------------------------------------------------------------------------------------------------
def test_an_agent_may_take_more_than_he_has_room_for():
    desk = full_desk()
    said = assigned(desk.takes("ada", "2"))
    assert (said.how, said.by, desk.load("ada")) == ("taken", "ada", 2)


def test_taking_twice_changes_nothing():
    desk = full_desk()
    desk.takes("ada", "2")
    assert desk.takes("ada", "2") == []


def test_an_owned_case_cannot_be_taken():
    desk = full_desk()
    desk.hire("bob", here=False)
    desk.status("bob", "away")
    refused("already-owned", desk.takes, "bob", "1")


def test_a_case_of_another_queue_cannot_be_taken():
    desk = full_desk()
    desk.hire("bob", "delivery")
    refused("not-your-queue", desk.takes, "bob", "2")


def test_who_is_offline_takes_nothing():
    desk = full_desk()
    desk.hire("bob", here=False)
    refused("offline", desk.takes, "bob", "2")


def test_unknown_and_ended_cases_are_refused_with_a_remedy():
    desk = full_desk()
    desk.resolved("2")
    refused("unknown-case", desk.takes, "ada", "9")
    refused("case-ended", desk.takes, "ada", "2")
    refused("not-queued", desk.opened("3").takes, "ada", "3")
    refused("unknown-agent", desk.takes, "zoe", "1")


def test_a_supervisor_gives_a_case_to_somebody_else():
    desk = full_desk()
    desk.hire("bob", here=False)
    said = desk.given_to("bob", "1")
    assert names(said) == ["case-unassigned", "case-assigned", "case-assigned"]
    assert (assigned(said).before, assigned(said).reason) == ("ada", "knows them")
    assert (desk.owner("1"), desk.owner("2")) == ("bob", "ada")


def test_giving_a_case_to_its_owner_changes_nothing():
    assert full_desk().given_to("ada", "1") == []


def test_a_released_case_goes_to_somebody_else_and_never_straight_back():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    assert names(desk.releases("ada", "1")) == ["case-unassigned", "case-queued"]
    assert assigned(desk.hire("bob")).agent == "bob"


def test_a_released_case_keeps_its_place_among_those_who_wait():
    desk = full_desk()
    desk.hire("bob", capacity=1, here=False)
    desk.releases("ada", "1")
    assert desk.owner("2") == "ada"
    assert assigned(desk.status("bob", "available")).waited == 60


def test_only_the_owner_or_somebody_above_releases():
    desk = full_desk()
    desk.hire("bob", here=False)
    refused("not-yours", desk.releases, "bob", "1", actor=Actor("agent", "bob"))
    refused("no-owner", desk.releases, "ada", "2")


def test_a_transfer_takes_the_case_from_its_owner_into_the_other_queue():
    desk = full_desk()
    desk.hire("dora", "delivery")
    said = desk.transferred("1", "delivery", by="ada", actor=Actor("agent", "ada"))
    assert names(said) == ["case-unassigned", "case-queued", "case-assigned", "case-assigned"]
    assert (queued(said).before, queued(said).reason) == ("billing", "wrong department")
    assert (desk.owner("1"), desk.owner("2")) == ("dora", "ada")


def test_a_transfer_to_a_queue_that_does_not_exist_names_the_nearest():
    with pytest.raises(Refused, match="did you mean 'billing'"):
        full_desk().transferred("1", "biling")


def test_a_transfer_saves_a_case_from_spam():
    desk = Desk()
    desk.classified("1", tags=("spam",))
    assert queued(desk.transferred("1", "general")).queue == "general"
    assert desk.classified("1", tags=("spam",)) == []


# absence --------------------------------------------------------------------------------------------------------------
def test_who_goes_offline_hands_over_what_is_open_and_keeps_what_waits_for_others():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.classified("2")
    desk.becomes("2", "waiting_customer")
    desk.hire("bob")
    said = desk.status("ada", "offline")
    assert names(said) == ["agent-status-changed", "case-unassigned", "case-queued", "case-assigned"]
    assert (desk.owner("1"), desk.owner("2")) == ("bob", "ada")


def test_an_answer_to_an_absent_agent_is_handed_over():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.becomes("1", "waiting_customer")
    desk.hire("bob")
    desk.status("ada", "offline")
    desk.becomes("1", "open")
    assert desk.owner("1") == "bob"


def test_who_goes_offline_keeps_everything_where_the_policy_says_so():
    desk = Desk(absence="keep")
    desk.hire("ada")
    desk.classified("1")
    assert names(desk.status("ada", "offline")) == ["agent-status-changed"]
    assert desk.owner("1") == "ada"


def test_the_same_status_again_changes_nothing():
    desk = Desk()
    desk.hire("ada")
    assert desk.status("ada", "available") == []


def test_who_leaves_a_team_leaves_its_cases():
    desk = Desk()
    desk.hire("ada", "money", "delivery")
    desk.classified("1")
    desk.classified("2", topic="delivery")
    said = desk.hire("ada", "delivery", here=False)
    assert [e.why for e in said if isinstance(e, CaseUnassigned)] == ["left-team"]
    assert (desk.owner("1"), desk.owner("2")) == (None, "ada")


def test_who_leaves_the_company_leaves_everything_and_is_given_nothing():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.becomes("1", "waiting_customer")
    desk.hire("ada", active=False, here=False)
    assert (desk.owner("1"), desk.memory.table("agents").get("ada")) == (None, None)
    refused("unknown-agent", desk.status, "ada", "available")


def test_agents_of_unknown_teams_and_circles_of_managers_are_refused():
    desk = Desk()
    desk.hire("ada")
    desk.hire("bob", manager="ada")
    refused("unknown-team", desk.hire, "eve", "mony")
    refused("circle", desk.hire, "ada", manager="bob")
    refused("unknown-agent", desk.hire, "eve", manager="zoe")


def test_a_capacity_is_a_number_of_units_not_below_zero():
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        RegisterAgent(agent="ada", name="a", mail="m", capacity=-1)


# escalation -----------------------------------------------------------------------------------------------------------
def with_managers() -> Desk:
    desk = Desk()
    desk.hire("boss", "general")
    desk.hire("lead", "general", manager="boss")
    desk.hire("ada", manager="lead")
    desk.classified("1")
    assert desk.owner("1") == "ada"
    return desk


def test_an_escalated_case_moves_to_the_manager():
    said = with_managers().escalated("1")
    assert names(said) == ["case-unassigned", "case-assigned"]
    assert (assigned(said).agent, assigned(said).how, assigned(said).before) == ("lead", "escalated", "ada")
    assert assigned(said).why == "over of resolution: manager"


def test_an_absent_manager_is_skipped_upwards():
    desk = with_managers()
    desk.status("lead", "away")
    assert assigned(desk.escalated("1")).agent == "boss"


def test_without_a_manager_another_agent_of_the_queue_gets_the_escalated_case():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    desk.hire("bob")
    assert assigned(desk.escalated("1")).agent == "bob"


def test_an_escalation_never_takes_a_case_from_its_owner_for_nobody():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    assert names(desk.escalated("1")) == ["queue-alerted"]
    assert desk.owner("1") == "ada"


def test_the_same_escalation_again_moves_nothing():
    desk = with_managers()
    desk.escalated("1")
    assert desk.escalated("1") == []
    assert desk.owner("1") == "lead"


def test_an_escalated_case_that_waits_is_open_to_the_secondary_team_at_once():
    desk = Desk()
    desk.hire("helper", "general")
    desk.classified("1")
    assert assigned(desk.escalated("1")).agent == "helper"


def test_a_raised_priority_reorders_and_outlives_a_reclassification():
    desk = full_desk()
    desk.classified("3")
    assert queued(desk.escalated("3", "raise_priority")).priority == "high"
    assert desk.escalated("3", "raise_priority") == []
    assert desk.classified("3") == []
    assert assigned(desk.resolved("1")).case == "3"


def test_a_reopening_forgets_raised_priorities_once():
    desk = Desk()
    desk.classified("1")
    desk.escalated("1", "raise_priority")
    desk.resolved("1")
    assert queued(desk.reopened("1")).priority == "normal"
    desk.escalated("1", "raise_priority", level="later")
    assert desk.reopened("1") == []


def test_a_raised_priority_weighs_on_the_owner():
    desk = full_desk()
    desk.classified("1", priority="high")
    desk.escalated("1", "raise_priority")
    assert desk.load("ada") == 2


def test_a_notice_moves_nothing():
    assert with_managers().escalated("1", "notify") == []


# ends -----------------------------------------------------------------------------------------------------------------
def test_a_closed_case_frees_its_owner_once():
    desk = Desk()
    desk.hire("ada")
    desk.classified("1")
    closed: Event = CaseClosed(
        case="1", customer="customer-1", contact="contact-1", how="supervisor", by="chief", outcome="rejected"
    )
    assert names(desk.when(closed)) == ["case-weighed"]
    assert desk.when(closed) == []
    assert desk.load("ada") == 0
