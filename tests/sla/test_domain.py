"""Clocks by event time: the rules of the page sla, in three lines each. One case in Istanbul, October 2026."""

import pytest

from contracts.sla import (
    ApplyTargets,
    BreachRetracted,
    CaseEscalated,
    ClockCancelled,
    ClockPaused,
    ClockResumed,
    ClockRetargeted,
    ClockStarted,
    ClockStopped,
    FulfilmentWithdrawn,
    TargetBreached,
    TargetMet,
    TargetsApplied,
    TargetWarned,
)
from shared.core.facts import DeadlineReached, PolicyPublished
from shared.core.world import Refused

from .words import (
    FACTS,
    POLICY,
    Desk,
    became,
    bounced,
    case_opened,
    classified,
    closed,
    every,
    failed,
    known,
    names,
    only,
    opened,
    reopened,
    replied,
    resolved,
    t,
    thanked,
    withheld,
    wrote,
)

NINE = t(26, "09:00")
"""First response is due at 11:00, resolution at 18:00 (8 h with the lunch break)."""


# beginning
def test_the_clocks_of_what_was_released_count_from_when_it_came():
    said = Desk().handle(t(26, "10:30"), opened(received_at=NINE))
    first, resolution = every(ClockStarted, said)
    assert (first.started_at, first.due, resolution.due) == (NINE, t(26, "11:00"), t(26, "18:00"))


def test_what_was_overdue_when_it_was_released_is_said_so_at_once():
    said = Desk().handle(t(26, "12:30"), opened(received_at=NINE))
    breach = only(TargetBreached, said)
    assert (breach.breached_at, breach.detected_at) == (t(26, "11:00"), t(26, "12:30"))


def test_a_released_message_waits_for_its_answer_since_it_came():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    started = only(ClockStarted, desk.handle(t(26, "11:00"), wrote(received_at=t(26, "10:00"))))
    assert (started.metric, started.started_at) == ("next_response", t(26, "10:00"))


def test_a_case_starts_first_response_and_resolution_with_their_pins():
    said = Desk().handle(NINE, opened())
    first, resolution = every(ClockStarted, said)
    assert (first.due, first.target, resolution.due) == (t(26, "11:00"), 7200, t(26, "18:00"))
    assert (first.policy, first.rule, first.condition) == (1, "otherwise", "otherwise")
    assert (first.calendar, first.calendar_version, first.priority) == ("tr", 1, "normal")


def test_a_recovery_case_is_measured_by_its_own_row():
    started = every(ClockStarted, Desk().handle(NINE, opened(recovery="rec1")))[1]
    assert (started.rule, started.calendar, started.due) == ("recovery", "always", t(28, "09:00"))


def test_the_tier_of_the_customer_chooses_the_row():
    gold = {"name": "gold", "when": {"tier": "gold"}, "then": POLICY["targets"]["rules"][1]["then"]}
    desk = Desk({"targets": {"rules": [gold, *POLICY["targets"]["rules"]]}})
    desk.handle(t(25, "09:00"), known(tier="gold"))
    assert every(ClockStarted, desk.handle(NINE, opened()))[0].condition == "tier = gold"


# met and breached
def test_a_reply_in_time_meets_first_response():
    desk = case_opened(NINE)
    met = only(TargetMet, desk.handle(t(26, "10:00"), replied()))
    assert (met.metric, met.elapsed, met.due, met.message) == ("first_response", 3600, t(26, "11:00"), "r1")


def test_a_reply_at_exactly_due_is_met():
    desk = case_opened(NINE, timely=False)
    assert "target-met first_response" in names(desk.handle(t(26, "11:00"), replied()))
    assert desk.clock("first_response").get("breached_at") is None


def test_a_reply_at_exactly_due_retracts_the_breach_that_its_deadline_said():
    desk = case_opened(NINE)
    said = desk.handle(t(26, "11:00"), replied())
    assert names(said) == ["breach-retracted first_response", "target-met first_response"]


def test_a_deadline_says_the_breach_at_its_due_instant():
    desk = case_opened(NINE)
    breach = only(TargetBreached, desk.until(t(26, "11:30")))
    assert (breach.metric, breach.breached_at, breach.target) == ("first_response", t(26, "11:00"), 7200)


def test_a_deadline_that_is_heard_late_says_the_same_breach_and_when_it_was_noticed():
    desk = case_opened(NINE, timely=False)
    desk.at = t(26, "16:00")
    breach = only(TargetBreached, desk.until(t(26, "16:00")))
    assert (breach.breached_at, breach.detected_at) == (t(26, "11:00"), t(26, "16:00"))


def test_a_late_reply_that_is_heard_before_the_deadline_says_the_breach_first():
    desk = case_opened(NINE, timely=False)
    said = desk.handle(t(26, "11:30"), replied())
    assert only(TargetBreached, said).breached_at == t(26, "11:00")
    stopped = only(ClockStopped, said)
    assert (stopped.metric, stopped.at, stopped.elapsed, stopped.why) == (
        "first_response", t(26, "11:30"), 9000, "fulfilled",
    )  # fmt: skip


def test_a_reply_that_occurred_in_time_but_is_heard_late_retracts_the_breach():
    desk = case_opened(NINE)
    said = desk.handle(t(26, "10:59"), replied(), heard=t(26, "12:00"))
    retracted = only(BreachRetracted, said)
    assert (retracted.at, retracted.breached_at) == (t(26, "10:59"), t(26, "11:00"))
    assert only(TargetMet, said).elapsed == 7140


def test_a_reply_in_time_that_is_heard_after_a_later_reply_still_retracts():
    desk = case_opened(NINE)
    desk.handle(t(26, "11:30"), replied("r2"))
    assert "breach-retracted first_response" in names(desk.handle(t(26, "10:30"), replied("r1"), heard=t(26, "11:40")))
    assert desk.clock("first_response")["state"] == "met"


def test_a_deadline_that_is_heard_again_says_nothing():
    desk = case_opened(NINE)
    desk.until(t(26, "11:00"))
    again = DeadlineReached(key="c1/first_response/1", of="case:c1", kind="first_response", due=t(26, "11:00"))
    assert desk.when(again, occurred_at=t(26, "11:00")) == []


def test_a_resolution_meets_its_target_and_cancels_an_answer_that_nobody_waits_for():
    desk = case_opened(NINE)
    said = desk.handle(t(26, "10:00"), resolved())
    assert only(TargetMet, said).metric == "resolution"
    assert (only(ClockCancelled, said).metric, only(ClockCancelled, said).why) == ("first_response", "resolved")


def test_a_breach_stays_when_the_case_is_resolved_without_a_reply():
    desk = case_opened(NINE)
    said = desk.handle(t(26, "12:00"), resolved())
    assert only(ClockStopped, said).why == "resolved"
    assert desk.counts() == {"first_response breached": 1, "resolution met": 1}


# next response
def test_a_customer_message_after_the_first_reply_opens_a_cycle():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    started = only(ClockStarted, desk.handle(t(26, "10:00"), wrote()))
    assert (started.metric, started.cycle, started.due) == ("next_response", 1, t(26, "11:00"))


def test_a_second_message_leaves_the_cycle_at_the_oldest_unanswered_one():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    desk.handle(t(26, "10:00"), wrote("m1"))
    assert every(ClockStarted, desk.handle(t(26, "10:20"), wrote("m2"))) == []


def test_each_answered_message_opens_a_new_cycle():
    desk = case_opened(NINE)
    for minute, event in enumerate((replied("r1"), wrote("m1"), replied("r2"), wrote("m2")), 10):
        said = desk.handle(t(26, f"09:{minute}"), event)
    assert only(ClockStarted, said).cycle == 2


def test_a_message_before_the_first_reply_opens_none():
    assert every(ClockStarted, case_opened(NINE).handle(t(26, "09:10"), wrote())) == []


def test_a_bare_thanks_opens_none():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    assert desk.handle(t(26, "10:00"), thanked()) == []


def test_a_message_that_is_heard_after_its_reply_opens_a_cycle_that_is_met():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied("r1"))
    desk.handle(t(26, "10:30"), replied("r2"))
    said = desk.handle(t(26, "10:00"), wrote(), heard=t(26, "10:31"))
    assert names(said) == ["clock-started next_response", "target-met next_response"]
    assert only(TargetMet, said).at == t(26, "10:30")


def test_a_message_that_brings_a_case_back_is_waited_for_from_its_own_instant():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    desk.handle(t(26, "10:00"), resolved())
    assert desk.handle(t(26, "11:00"), wrote()) == []
    started = only(ClockStarted, desk.handle(t(26, "11:05"), reopened()))
    assert (started.metric, started.started_at) == ("next_response", t(26, "11:00"))


def test_a_case_that_an_agent_opened_is_answered_by_his_first_reply_and_not_by_what_he_wrote_down():
    desk = case_opened(NINE, by="a1")
    assert desk.clock("first_response")["state"] == "running"
    assert only(TargetMet, desk.handle(t(26, "10:00"), replied("r1"))).at == t(26, "10:00")


def test_a_reply_that_occurred_before_a_message_does_not_answer_it():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied("r1"))
    desk.handle(t(26, "10:00"), wrote())
    assert desk.handle(t(26, "09:59"), replied("r2"), heard=t(26, "10:01")) == []


def test_nor_does_it_when_the_message_waits_for_a_reopening():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied("r1"), resolved())
    desk.handle(t(26, "11:00"), wrote())
    desk.handle(t(26, "10:50"), replied("r2"), heard=t(26, "11:01"))
    assert only(ClockStarted, desk.handle(t(26, "11:05"), reopened())).started_at == t(26, "11:00")


def test_a_message_that_falls_into_an_answered_cycle_opens_no_other():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied("r1"))
    desk.handle(t(26, "10:00"), wrote("m1"))
    desk.handle(t(26, "10:40"), replied("r2"))
    assert desk.handle(t(26, "10:30"), wrote("m2"), heard=t(26, "10:41")) == []


# pauses
def test_golden_a_pause_moves_due_by_what_it_held():
    desk = case_opened(NINE)
    paused = only(ClockPaused, desk.handle(t(26, "11:00"), became("waiting_customer")))
    resumed = only(ClockResumed, desk.handle(t(26, "14:30"), became("open", "waiting_customer")))
    assert (paused.metric, paused.carried, resumed.carried) == ("resolution", 7200, 7200)
    assert resumed.due == t(27, "11:30")


def test_first_response_is_never_paused_by_default():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), became("waiting_customer"))
    assert only(TargetBreached, desk.until(t(26, "12:00"))).breached_at == t(26, "11:00")


def test_the_policy_may_say_that_first_response_pauses():
    row = {**POLICY["targets"]["rules"][2]["then"], "pauses": {"first_response": ["waiting_customer"]}}
    desk = case_opened(NINE, {"targets": {"rules": [{"name": "otherwise", "then": row}]}})
    assert [e.metric for e in every(ClockPaused, desk.handle(t(26, "10:00"), became("waiting_customer")))] == [
        "first_response", "resolution",
    ]  # fmt: skip


def test_a_paused_clock_neither_warns_nor_breaches():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    desk.handle(t(26, "10:00"), became("waiting_third_party"))
    assert desk.until(t(31, "09:00")) == []


def test_a_pause_after_the_breach_changes_nothing():
    desk = case_opened(NINE, timely=False)
    desk.handle(t(26, "10:00"), replied())
    said = desk.handle(t(27, "10:00"), became("waiting_customer"))
    assert only(TargetBreached, said).breached_at == t(26, "18:00")
    assert every(BreachRetracted, desk.until(t(30, "09:00"))) == []


def test_a_pause_at_exactly_due_comes_too_late():
    desk = case_opened(NINE, timely=False)
    desk.handle(t(26, "10:00"), replied())
    assert only(TargetBreached, desk.handle(t(26, "18:00"), became("waiting_customer"))).breached_at == t(26, "18:00")


def test_a_pause_that_occurred_in_time_but_is_heard_late_undoes_the_breach():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    said = desk.handle(t(26, "17:59"), became("waiting_customer"), heard=t(26, "18:01"))
    assert names(said) == ["breach-retracted resolution", "clock-paused resolution"]
    assert desk.counts() == {"first_response met": 1}


# other facts
def test_golden_urgent_while_the_clock_runs_carries_over():
    desk = paused_morning()
    change = every(ClockRetargeted, desk.handle(t(26, "15:00"), classified("urgent")))[-1]
    assert (change.metric, change.carried, change.target, change.due) == ("resolution", 9000, 14400, t(26, "16:30"))
    assert (change.rule, change.condition, change.priority) == ("urgent", "priority = urgent", "urgent")


def test_golden_a_target_that_is_used_up_by_the_change_is_breached_at_the_change():
    desk = paused_morning()
    breach = only(TargetBreached, desk.handle(t(27, "10:00"), classified("urgent")))
    assert (breach.breached_at, desk.clock("resolution")["carried"]) == (t(27, "10:00"), 23400)


def paused_morning() -> Desk:
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    desk.handle(t(26, "11:00"), became("waiting_customer"))
    desk.handle(t(26, "14:30"), became("open", "waiting_customer"))
    return desk


def test_a_retarget_after_a_breach_never_makes_a_second():
    desk = case_opened(NINE)
    desk.until(t(26, "18:30"))
    desk.handle(t(27, "10:00"), classified("urgent"))
    assert sum(isinstance(e, TargetBreached) and e.metric == "resolution" for e in desk.said) == 1


@pytest.mark.parametrize(
    ("mode", "carried", "due", "target"),
    [
        ("carry_over", 3600, t(26, "14:00"), 14400),
        ("restart", 0, t(26, "15:00"), 14400),
        ("keep", 3600, t(26, "18:00"), 28800),
    ],
)
def test_the_policy_says_what_becomes_of_the_time_used(mode, carried, due, target):
    desk = case_opened(NINE, {**POLICY, "on_change": mode})
    change = every(ClockRetargeted, desk.handle(t(26, "10:00"), classified("urgent")))[-1]
    assert (change.mode, change.carried, change.due, change.target) == (mode, carried, due, target)
    assert change.priority == "urgent"


def test_a_classification_that_says_the_same_leaves_the_clocks_alone():
    desk = case_opened(NINE)
    assert desk.handle(t(26, "10:00"), classified("normal")) == []


def test_a_new_policy_alone_is_no_other_fact():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:10"), classified("normal"))
    publish_shorter(desk)
    assert desk.handle(t(26, "10:10"), classified("normal")) == []
    assert {e.policy for e in every(ClockRetargeted, desk.handle(t(26, "10:20"), classified("high")))} == {2}


def test_a_retarget_while_paused_waits_for_the_end_of_the_pause():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), became("waiting_customer"))
    change = every(ClockRetargeted, desk.handle(t(26, "11:00"), classified("urgent")))[-1]
    assert (change.metric, change.due) == ("resolution", None)
    assert only(ClockResumed, desk.handle(t(26, "14:00"), became("open"))).due == t(26, "17:00")


def test_a_team_is_a_fact_like_others():
    own = {"name": "second-line", "when": {"team": "second"}, "then": POLICY["targets"]["rules"][1]["then"]}
    desk = case_opened(NINE, {"targets": {"rules": [own, *POLICY["targets"]["rules"]]}})
    assigned = FACTS.assigned(team="second")
    assert {e.rule for e in every(ClockRetargeted, desk.handle(t(26, "09:30"), assigned))} == {"second-line"}


def test_a_guess_that_waits_for_a_person_promises_nothing_of_its_own():
    own = {
        "name": "privacy", "when": {"topic": "privacy", "urgency": 1}, "then": POLICY["targets"]["rules"][1]["then"],
    }  # fmt: skip
    desk = case_opened(NINE, {"targets": {"rules": [own, *POLICY["targets"]["rules"]]}})
    assert not every(ClockRetargeted, desk.handle(t(26, "09:10"), classified(topic="privacy", band="review")))
    sure = desk.handle(t(26, "09:20"), classified(topic="privacy"))
    assert {e.rule for e in every(ClockRetargeted, sure)} == {"privacy"}


# levels
def test_levels_fire_once_each_in_order():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    steps = every(CaseEscalated, desk.until(t(30, "18:00")))
    assert [(s.level, s.step, s.at, s.action, s.target) for s in steps] == [
        ("near", 1, t(26, "17:30"), "notify", "owner"),
        ("over", 2, t(27, "10:00"), "reassign", "manager"),
    ]


def test_a_level_before_due_warns():
    desk = case_opened(NINE)
    warned = only(TargetWarned, desk.until(t(26, "10:45")))
    assert (warned.metric, warned.level, warned.at, warned.due) == (
        "first_response", "near", t(26, "10:30"), t(26, "11:00"),
    )  # fmt: skip


def test_a_level_may_be_a_share_of_the_target():
    share = [{"name": "most", "at": "80%", "target": "team", "action": "raise_priority"}]
    row = {**POLICY["targets"]["rules"][2]["then"], "levels": share}
    desk = case_opened(NINE, {"targets": {"rules": [{"name": "otherwise", "then": row}]}})
    assert only(CaseEscalated, desk.until(t(26, "10:40"))).at == t(26, "10:36")


def test_a_pause_holds_the_levels():
    desk = case_opened(NINE)
    desk.handle(t(26, "09:30"), replied())
    desk.handle(t(26, "17:00"), became("waiting_customer"))
    desk.handle(t(27, "09:00"), became("open", "waiting_customer"))
    assert only(TargetWarned, desk.until(t(27, "09:45"))).at == t(27, "09:30")


def test_a_fulfilment_cancels_the_levels():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied(), resolved())
    assert desk.until(t(31, "09:00")) == []
    assert desk.tables["deadlines"] == {}


# back again
def test_a_reopened_case_goes_on_with_what_was_carried():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied(), resolved())
    said = desk.handle(t(27, "09:00"), reopened())
    resumed = only(ClockResumed, said)
    assert (resumed.metric, resumed.carried, resumed.due) == ("resolution", 3600, t(27, "17:00"))
    assert desk.counts() == {"first_response met": 1}


def test_first_response_never_starts_again():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), resolved())
    desk.handle(t(27, "09:00"), reopened())
    assert desk.clock("first_response")["state"] == "cancelled"


def test_a_reopened_case_that_was_breached_is_not_breached_again():
    desk = case_opened(NINE)
    desk.handle(t(27, "10:00"), resolved())
    desk.handle(t(27, "11:00"), reopened())
    desk.handle(t(30, "18:00"), resolved())
    assert desk.counts()["resolution breached"] == 1


def test_a_reply_that_bounces_is_withdrawn_and_the_clock_goes_on():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    withdrawn = only(FulfilmentWithdrawn, desk.handle(t(26, "10:05"), bounced()))
    assert (withdrawn.at, withdrawn.message, withdrawn.due) == (t(26, "10:00"), "r1", t(26, "11:00"))
    assert only(TargetBreached, desk.until(t(26, "12:00"))).breached_at == t(26, "11:00")


def test_a_bounce_that_is_heard_after_due_says_the_breach_at_due():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    assert only(TargetBreached, desk.handle(t(26, "15:00"), bounced())).breached_at == t(26, "11:00")
    assert desk.counts() == {"first_response breached": 1}


def test_a_reply_that_is_withheld_is_withdrawn():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    assert every(FulfilmentWithdrawn, desk.handle(t(26, "10:05"), withheld()))


def test_a_failed_sending_counts_only_when_it_is_given_up():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    assert desk.handle(t(26, "10:01"), failed(again=t(26, "10:05"))) == []
    assert every(FulfilmentWithdrawn, desk.handle(t(26, "10:05"), failed()))


def test_a_reply_that_another_channel_carries_stays_an_answer():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    assert desk.handle(t(26, "10:05"), withheld(reason="other-channel")) == []


def test_another_reply_stands_in_for_one_that_bounced():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied("r1"))
    desk.handle(t(26, "10:30"), replied("r2"))
    assert only(TargetMet, desk.handle(t(26, "10:40"), bounced("r1"))).message == "r2"


def test_a_reply_that_bounced_does_not_stand_in():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied("r1"), replied("r2"))
    desk.handle(t(26, "10:10"), bounced("r2"))
    assert names(desk.handle(t(26, "10:20"), bounced("r1"))) == ["fulfilment-withdrawn first_response"]


def test_a_withdrawn_clock_stands_still_where_the_case_was_paused_meanwhile():
    row = {**POLICY["targets"]["rules"][2]["then"], "pauses": {"first_response": ["waiting_customer"]}}
    desk = case_opened(NINE, {"targets": {"rules": [{"name": "otherwise", "then": row}]}})
    desk.handle(t(26, "10:00"), replied())
    desk.handle(t(26, "10:30"), became("waiting_customer"))
    said = desk.handle(t(26, "16:00"), bounced())
    assert (only(ClockPaused, said).at, only(ClockPaused, said).carried) == (t(26, "10:30"), 5400)


PAUSING = {
    "targets": {
        "rules": [
            {
                "name": "otherwise",
                "then": {**POLICY["targets"]["rules"][2]["then"], "pauses": {"first_response": ["waiting_customer"]}},
            }
        ]
    }
}


def test_a_withdrawn_clock_keeps_the_pauses_that_it_had():
    desk = case_opened(NINE, PAUSING)
    desk.handle(t(26, "09:30"), became("waiting_customer"))
    desk.handle(t(26, "10:00"), became("open", "waiting_customer"))
    desk.handle(t(26, "10:30"), replied())
    withdrawn = only(FulfilmentWithdrawn, said := desk.handle(t(26, "10:40"), bounced()))
    assert (said, withdrawn.due) == ([desk.said[-2], withdrawn], t(26, "11:30"))


def test_a_pause_between_due_and_bounce_comes_too_late():
    desk = case_opened(NINE, PAUSING)
    desk.handle(t(26, "10:00"), replied())
    desk.handle(t(26, "12:00"), became("waiting_customer"))
    assert only(TargetBreached, desk.handle(t(26, "15:00"), bounced())).breached_at == t(26, "11:00")


def test_what_is_heard_for_an_instant_before_the_last_change_takes_effect_with_it():
    desk = case_opened(NINE)
    desk.handle(t(26, "11:00"), became("waiting_customer"))
    resumed = only(ClockResumed, desk.handle(t(26, "10:50"), became("open"), heard=t(26, "11:30")))
    assert (resumed.at, resumed.carried) == (t(26, "11:00"), 7200)


def test_a_solution_that_occurred_before_a_pause_ends_the_clock_there():
    desk = case_opened(NINE)
    desk.handle(t(26, "11:00"), became("waiting_customer"))
    assert every(TargetMet, desk.handle(t(26, "10:00"), resolved(), heard=t(26, "11:30")))[0].elapsed == 3600
    assert [leg.at for leg in desk.memory["case:c1"].find("resolution", 1).legs] == [NINE, t(26, "10:00")]


# over
@pytest.mark.parametrize("category", ["spam", "merged"])
def test_spam_and_merged_cases_count_for_nothing(category):
    desk = case_opened(NINE)
    desk.until(t(26, "12:00"))
    said = desk.handle(t(26, "12:00"), became(category))
    assert {e.why for e in every(ClockCancelled, said)} == {category}
    assert desk.counts() == {"first_response cancelled": 1, "resolution cancelled": 1}


def test_a_case_that_was_no_spam_has_its_clocks_back():
    desk = case_opened(NINE)
    desk.handle(t(26, "12:00"), became("spam"))
    said = desk.handle(t(26, "14:00"), became("open", "spam"))
    assert [e.metric for e in every(ClockResumed, said)] == ["first_response", "resolution"]
    assert desk.counts() == {"first_response breached": 1}


def test_closing_without_a_solution_cancels():
    desk = case_opened(NINE)
    assert {e.why for e in every(ClockCancelled, desk.handle(t(26, "10:00"), closed()))} == {"closed"}


def test_an_end_that_occurred_before_the_breach_but_is_heard_late_undoes_it():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:30"), closed(), heard=t(26, "12:00"))
    assert desk.counts() == {"first_response cancelled": 1, "resolution cancelled": 1}


def test_a_breach_that_a_late_end_undid_does_not_come_back_with_the_case():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:30"), became("spam"), heard=t(26, "12:00"))
    desk.handle(t(26, "14:00"), became("open", "spam"))
    assert desk.counts() == {}


# a new version of the policy
def test_a_new_policy_leaves_running_clocks_alone():
    desk = case_opened(NINE)
    publish_shorter(desk)
    assert only(TargetBreached, desk.until(t(26, "11:30"))).policy == 1


def test_a_policy_can_be_applied_to_running_clocks():
    desk = case_opened(NINE)
    publish_shorter(desk)
    said = desk.handle(t(26, "10:00"), ApplyTargets(policy=2))
    assert [(e.metric, e.policy, e.due) for e in every(ClockRetargeted, said)] == [
        ("first_response", 2, t(26, "10:30")), ("resolution", 2, t(26, "14:00")),
    ]  # fmt: skip
    assert only(TargetsApplied, said).clocks == 2


def test_a_policy_that_nobody_published_cannot_be_applied():
    with pytest.raises(Refused, match="no version 9"):
        Desk().when(ApplyTargets(policy=9))


def publish_shorter(desk: Desk) -> None:
    row = '{"calendar": "tr", "first_response": "90m", "next_response": "1h", "resolution": "4h"}'
    document = '{"targets": {"rules": [{"name": "shorter", "then": %s}]}}' % row  # noqa: UP031
    desk.given(PolicyPublished(service="sla", name="targets", version=2, document=document, by="a1", reason=""))
