"""When a person is asked, whether, and what becomes of the invitation."""

from datetime import timedelta

import pytest

from contracts.feedback import DeliveryNoted, SurveyCancelled, SurveyInvited, SurveyScheduled, SurveyWithheld
from contracts.intake import CaseClosed, ContactForgotten, CustomerErased, CustomerKnown, StatusChanged
from contracts.notification import (
    NoticeBounced,
    NoticeFailed,
    NoticeSent,
    NoticeWithheld,
    PreferenceChanged,
    Withholding,
)
from contracts.sla import BreachRetracted, TargetBreached
from shared.core.event import Event
from shared.core.personal import Personal
from shared.runtime.memory import Memory
from tests.feedback.story import SHIPPED, Story, of, only, resolution, story
from tests.scene import names


def breach(s: Story, case: str = "one") -> TargetBreached:
    return TargetBreached(
        case=case, metric="resolution", cycle=1, policy=1, rule="otherwise", priority="normal", breached_at=s.at,
        detected_at=s.at, target=1,
    )  # fmt: skip


def withheld(events: list[Event]) -> str:
    assert names(events) == ["survey-withheld"]
    return str(only(events, SurveyWithheld).reason)


def test_a_resolved_case_gets_a_survey_with_everything_frozen() -> None:
    said = only(story().opened().resolved(), SurveyScheduled)
    assert (said.kind, said.trigger, said.definition_version) == ("csat", "csat-after-resolution", 1)
    assert (said.agent, said.team, said.topic) == ("a1", "desk", "billing")
    assert (said.case_kind, said.channel) == ("complaint", "email")
    assert (said.language, said.sla, said.recovery) == ("tr", "met", None)


def test_the_survey_is_due_a_delay_after_the_resolution() -> None:
    s = story().opened()
    assert only(s.resolved(), SurveyScheduled).due == s.at + timedelta(hours=24)


def test_it_is_sent_when_it_is_due_and_not_before() -> None:
    s = story().opened()
    s.resolved()
    assert s.passed(hours=23, minutes=59) == []
    invited = only(s.passed(minutes=1), SurveyInvited)
    assert (invited.language, invited.expires_at) == ("tr", s.at + timedelta(days=14))


def test_nothing_is_scheduled_before_the_verdict_of_the_clock() -> None:
    s = story().opened()
    assert s.only_resolved() == []
    assert names(s.in_time()) == ["survey-scheduled"]


def test_without_a_clock_the_survey_is_scheduled_after_a_wait() -> None:
    s = story().opened()
    s.only_resolved()
    assert only(s.passed(minutes=15), SurveyScheduled).sla == "none"


def test_a_breach_before_the_resolution_is_frozen_at_once() -> None:
    s = story().opened()
    s.when(breach(s))
    assert only(s.later(hours=1).only_resolved(), SurveyScheduled).sla == "breached"


def test_a_breach_heard_late_counts_when_it_lay_before_the_resolution() -> None:
    s = story().opened()
    late = breach(s)
    s.later(hours=1).only_resolved()
    assert only(s.when(late), SurveyScheduled).sla == "breached"


def test_a_breach_after_the_resolution_is_no_verdict() -> None:
    s = story().opened()
    s.only_resolved()
    assert s.later(minutes=1).when(breach(s)) == []
    assert only(s.in_time(), SurveyScheduled).sla == "met"


def test_a_resolution_heard_late_is_not_breached_by_what_came_after_it() -> None:
    s = story().opened()
    resolved_at = s.at
    s.when(breach(s.later(hours=1)))
    assert s.when(resolution("one", "ayse", resolved_at), occurred_at=resolved_at) == []
    assert only(s.in_time(), SurveyScheduled).sla == "met"


def test_a_breach_taken_back_does_not_count() -> None:
    s = story().opened()
    s.when(breach(s))
    values = {k: v for k, v in breach(s).model_dump().items() if k in BreachRetracted.model_fields}
    s.when(BreachRetracted(**values, at=s.at))
    assert s.later(hours=1).only_resolved() == []
    assert only(s.in_time(), SurveyScheduled).sla == "met"


def test_a_second_verdict_schedules_nothing_more() -> None:
    s = story().opened()
    s.resolved()
    assert s.in_time() == []
    assert s.passed(minutes=20) == []


def test_what_is_no_part_of_the_audience_is_not_asked() -> None:
    assert story().opened().resolved(kind="privacy_request") == []


def test_every_fifth_resolved_case_of_a_person_asks_for_the_recommendation() -> None:
    s = story()
    kinds = [only(s.opened(f"n{i}").resolved(f"n{i}"), SurveyScheduled).kind for i in range(10)]
    assert kinds == ["csat"] * 4 + ["nps"] + ["csat"] * 4 + ["nps"]


def test_another_persons_cases_do_not_count_for_the_fifth() -> None:
    s = story()
    kinds = {only(s.opened(f"n{i}", f"w{i}").resolved(f"n{i}", f"w{i}"), SurveyScheduled).kind for i in range(6)}
    assert kinds == {"csat"}


def test_a_trigger_can_ask_at_the_first_resolution() -> None:
    first = {"name": "first", "survey": "nps", "every": 100, "first": True}
    s = story(triggers=[first, *SHIPPED["triggers"]])
    assert only(s.opened("n1").resolved("n1"), SurveyScheduled).kind == "nps"
    assert only(s.opened("n2").resolved("n2"), SurveyScheduled).kind == "csat"


def test_a_case_resolved_again_counts_once_for_the_fifth() -> None:
    s = story().opened()
    for reopens in range(4):
        s.resolved(reopens=reopens)
        s.reopened()
    kinds = [only(s.opened(f"n{i}").resolved(f"n{i}"), SurveyScheduled).kind for i in range(4)]
    assert kinds == ["csat", "csat", "csat", "nps"]


def test_the_owner_is_taken_from_the_router_when_the_resolution_names_none() -> None:
    s = story().opened()
    s.when(of("one", "ayse").assigned(team="gold", agent="a9", how="taken", strategy=None))
    said = only(s.resolved(agent=None, team=None), SurveyScheduled)
    assert (said.agent, said.team) == ("a9", "gold")


def test_the_persons_language_stands_in_for_a_case_in_another_one() -> None:
    s = story().opened()
    s.when(
        CustomerKnown(
            customer="c-ayse", contact="p-ayse", kind="mail", address=Personal("a@b.de"), language="en", first=True
        )
    )
    assert only(s.resolved(language="other"), SurveyScheduled).language == "en"


# Whether --------------------------------------------------------------------------------------------------------
def test_a_case_that_is_reopened_first_cancels_the_survey() -> None:
    s = story().opened()
    s.resolved()
    assert names(s.reopened()) == ["survey-cancelled"]
    assert not [key for key in s.tables["deadlines"] if key.startswith("send:")]
    assert s.passed(days=3) == []


def test_a_case_reopened_before_the_verdict_gets_no_survey() -> None:
    s = story().opened()
    s.only_resolved()
    assert s.reopened() == []
    assert s.in_time() == []


def test_a_sent_survey_is_not_cancelled_by_a_reopening() -> None:
    s = story()
    s.asked()
    assert not [e for e in s.reopened() if isinstance(e, SurveyCancelled)]


@pytest.mark.parametrize("category", ["spam", "merged"])
def test_spam_and_merged_cases_are_never_asked_about(category: str) -> None:
    s = story().opened()
    s.resolved()
    s.when(StatusChanged(case="one", status=category, category=category, before="resolved", by="a1"))
    assert withheld(s.passed(hours=24)) == category


def test_a_case_that_is_no_longer_resolved_is_not_asked_about() -> None:
    s = story().opened()
    s.resolved()
    s.when(StatusChanged(case="one", status="open", category="open", before="resolved", by="a1"))
    assert withheld(s.passed(hours=24)) == "reopened"


def test_a_closed_case_is_still_asked_about() -> None:
    s = story().opened()
    s.resolved()
    s.when(CaseClosed(case="one", customer="c-ayse", contact="p-ayse", how="quiet", by="rule", outcome="solved"))
    assert names(s.passed(hours=24)) == ["survey-invited"]


def test_an_erased_person_is_not_asked() -> None:
    s = story().opened()
    s.resolved()
    s.when(
        CustomerErased(
            customer="c-ayse", contacts=("p-ayse",), destroyed_at=s.at, certificate="x", rotation_outstanding=False,
            regime="kvkk", statement="",
        )
    )  # fmt: skip
    assert withheld(s.passed(hours=24)) == "erased"


def test_a_forgotten_address_is_not_asked() -> None:
    s = story().opened()
    s.resolved()
    s.when(ContactForgotten(contact="p-ayse", certificate="x"))
    assert withheld(s.passed(hours=24)) == "erased"


def test_who_muted_the_invitation_has_opted_out() -> None:
    s = story().opened()
    s.resolved()
    s.when(PreferenceChanged(contact="p-ayse", muted=("survey",)))
    assert withheld(s.passed(hours=24)) == "opted-out"


def test_a_survey_outside_the_sample_is_withheld() -> None:
    trigger = {"name": "few", "survey": "csat", "sample": 0.0}
    s = story(triggers=[trigger]).opened()
    s.resolved()
    assert withheld(s.passed(hours=24)) == "sampled-out"


def test_nobody_is_asked_twice_within_24_hours_whatever_the_policy_says() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.asked()
    trigger_due = s.at - timedelta(hours=1)
    s.at = trigger_due - timedelta(minutes=1)
    s.opened("two").resolved("two")
    assert withheld(s.passed(hours=24)) == "floor-24h"


def test_after_24_hours_the_floor_lets_go() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.opened("one").resolved("one")
    s.opened("two").later(hours=24).resolved("two")
    assert names(s.passed(hours=24)) == ["survey-invited", "survey-invited"]


def test_the_floor_counts_when_it_was_sent_not_when_it_was_due() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.opened("one").resolved("one")
    s.opened("two").later(hours=30).resolved("two")
    s.later(days=5)  # both are due when the service is back
    assert names(s.until(s.at)) == ["survey-invited", "survey-withheld"]


def test_a_survey_that_is_sent_late_is_judged_by_the_instant_of_its_sending() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.opened("one").resolved("one")
    s.opened("two").later(hours=12).resolved("two")
    s.passed(hours=13)
    s.later(days=5)  # the second one was due 12 hours after the first, while the service was down
    assert names(s.until(s.at)) == ["survey-invited"]


def test_a_person_asked_last_week_by_the_same_group_is_left_alone() -> None:
    s = story(throttle={"group_days": 14, "global_days": 0})
    s.asked("one")
    s.opened("two").later(days=12).resolved("two")
    assert withheld(s.passed(hours=24)) == "throttle-person"
    s.opened("three").resolved("three")
    assert names(s.passed(hours=24)) == ["survey-invited"]


def test_a_person_asked_by_another_group_is_left_alone_for_the_global_time() -> None:
    s = story(
        triggers=[{"name": "second", "survey": "nps", "every": 2, "delay_hours": 24}, *SHIPPED["triggers"]],
        throttle={"group_days": 0, "global_days": 7},
    )
    s.asked("one")
    s.opened("two").later(days=3).resolved("two")
    assert withheld(s.passed(hours=24)) == "throttle-person"


# What became of it ----------------------------------------------------------------------------------------------
def notice(s: Story) -> dict[str, str]:
    [asked] = s.memory["case:one"].asked
    return {
        "notice": "n1", "contact": "p-ayse", "template": "survey", "case": "one", "cause": asked.cause,
        "cause_topic": SurveyInvited.TOPIC,
    }  # fmt: skip


def test_a_sent_invitation_is_noted_once() -> None:
    s = story()
    s.asked()
    sent = NoticeSent(**notice(s), channel="email", attempt=1, sent_at=s.at)
    assert only(s.when(sent), DeliveryNoted).delivery == "sent"
    assert s.when(sent) == []


def test_a_bounce_after_sending_is_noted() -> None:
    s = story()
    s.asked()
    s.when(NoticeSent(**notice(s), channel="email", attempt=1, sent_at=s.at))
    assert only(s.when(NoticeBounced(**notice(s))), DeliveryNoted).delivery == "bounced"


def test_only_a_failure_without_another_attempt_is_a_loss() -> None:
    s = story()
    s.asked()
    again = NoticeFailed(**notice(s), attempt=1, error="timed-out", next_attempt=s.at)
    assert s.when(again) == []
    assert only(s.when(again.model_copy(update={"next_attempt": None})), DeliveryNoted).reason == "timed-out"


def test_an_invitation_that_notification_withholds_is_noted_with_its_reason() -> None:
    s = story()
    s.asked()
    said = s.when(NoticeWithheld(**notice(s), withheld=Withholding(reason="no-address")))
    assert (only(said, DeliveryNoted).delivery, only(said, DeliveryNoted).reason) == ("withheld", "no-address")


def test_notices_about_other_things_are_not_noted() -> None:
    s = story()
    s.asked()
    other = {**notice(s), "cause_topic": "intake.case-opened.v1"}
    assert s.when(NoticeSent(**other, channel="email", attempt=1, sent_at=s.at)) == []


def test_without_a_policy_nothing_is_asked() -> None:
    s = Story(story().memory.decider, story().memory.views)
    assert isinstance(s.memory, Memory)
    assert s.opened().resolved() == []
