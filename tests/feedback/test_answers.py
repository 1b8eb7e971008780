"""An answer is taken once, can be edited for a while, and an unhappy one is made good in rounds."""

from datetime import timedelta

import pytest

from contracts.feedback import AnswerChanged, RecoveryClosed, RecoveryFailed, RecoveryOpened, SurveyAnswered
from contracts.intake import CaseClosed, CustomerErased, StatusChanged
from shared.core.world import Refused
from tests.feedback.story import SHIPPED, Story, only, story
from tests.scene import names


def refused(s: Story, *args: object, **fields: object) -> Refused:
    with pytest.raises(Refused) as caught:
        s.answered(*args, **fields)  # type: ignore[arg-type]
    return caught.value


def test_an_answer_carries_the_frozen_attribution() -> None:
    s = story()
    s.asked()
    said = only(s.answered(5, comment="Harika"), SurveyAnswered)
    assert (said.score, said.comment, said.agent, said.team, said.topic, said.sla) == (
        5, "Harika", "a1", "desk", "billing", "met",
    )  # fmt: skip


def test_a_content_answer_opens_no_recovery() -> None:
    s = story()
    s.asked()
    assert names(s.answered(3)) == ["survey-answered"]


def test_the_same_answer_again_says_nothing_new() -> None:
    s = story()
    s.asked()
    s.answered(5)
    assert s.answered(5) == []


def test_an_edit_is_a_fact_of_its_own() -> None:
    s = story()
    s.asked()
    s.answered(5)
    edits = [only(s.answered(score), AnswerChanged) for score in (4, 3)]
    assert [(e.before, e.score, e.edit) for e in edits] == [(5, 4, 1), (4, 3, 2)]


def test_a_comment_can_be_added_to_an_answer() -> None:
    s = story()
    s.asked()
    s.answered(5)
    assert only(s.answered(5, comment="Çok iyi"), AnswerChanged).comment == "Çok iyi"


def test_an_answer_cannot_be_edited_after_its_time() -> None:
    s = story(edit_hours=1)
    s.asked()
    s.answered(5)
    s.later(minutes=59).answered(4)
    assert refused(s.later(minutes=1), 3).code == "already-answered"


@pytest.mark.parametrize("score", [0, 6, -1])
def test_a_score_outside_the_scale_is_refused_with_its_field(score: int) -> None:
    s = story()
    s.asked()
    error = refused(s, score)
    assert (error.status, error.field, "1 to 5" in error.remedy) == (422, "score", True)


def test_the_recommendation_goes_from_0_to_10() -> None:
    s = story(triggers=[{"name": "nps", "survey": "nps"}])
    s.asked()
    assert "0 to 10" in refused(s, 11).remedy
    assert names(s.answered(10)) == ["survey-answered"]


def test_an_expired_invitation_is_refused_at_the_very_instant() -> None:
    s = story()
    asked = s.asked()
    s.at = asked.expires_at
    assert (refused(s, 5).status, refused(s, 5).code) == (410, "expired")
    s.at = asked.expires_at - timedelta(seconds=1)
    assert names(s.answered(5)) == ["survey-answered"]


def test_a_survey_that_nobody_knows_is_refused() -> None:
    assert refused(story(), 5, "no-such").status == 404


def test_a_survey_that_was_not_sent_cannot_be_answered() -> None:
    s = story().opened()
    [scheduled] = s.resolved()
    assert refused(s, 5, scheduled.survey).code == "not-asked"  # type: ignore[attr-defined]


def test_an_answer_for_another_contact_point_is_refused() -> None:
    s = story()
    s.asked()
    assert refused(s, 5, who="mallory").field == "contact"


def test_an_erased_person_cannot_answer_any_more() -> None:
    s = story()
    s.asked()
    s.when(
        CustomerErased(
            customer="c-ayse", contacts=("p-ayse",), destroyed_at=s.at, certificate="x", rotation_outstanding=False,
            regime="kvkk", statement="",
        )
    )  # fmt: skip
    assert (refused(s, 5).status, refused(s, 5).code) == (410, "erased")


def test_a_comment_that_is_too_long_is_refused_with_its_field() -> None:
    s = story()
    s.asked()
    assert refused(s, 5, comment="x" * 4001).field == "comment"


# Closed loop ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("survey", "score", "opens"), [("csat", 2, True), ("csat", 3, False), ("nps", 6, True), ("nps", 7, False)]
)
def test_an_answer_at_the_threshold_opens_a_recovery(survey: str, score: int, opens: bool) -> None:
    s = story(triggers=[{"name": "t", "survey": survey}])
    s.asked()
    assert ("recovery-opened" in names(s.answered(score))) is opens


def test_a_recovery_carries_what_intake_needs_to_open_a_case() -> None:
    s = story()
    s.asked()
    opened = only(s.answered(1, comment="Olmadı"), RecoveryOpened)
    assert (opened.case, opened.number, opened.round, opened.score, opened.comment) == (
        "one", "V-2026-000001", 1, 1, "Olmadı",
    )  # fmt: skip


def test_an_edit_to_an_unhappy_score_opens_a_recovery_once() -> None:
    s = story()
    s.asked()
    s.answered(5)
    assert names(s.answered(1)) == ["answer-changed", "recovery-opened"]
    assert names(s.answered(2)) == ["answer-changed"]


def test_a_survey_opens_no_second_recovery_after_the_first_has_ended() -> None:
    s = story(edit_hours=1000)
    s.to_recovery()
    s.when(StatusChanged(case="make-good", status="spam", category="spam", before="open", by="a1"))
    first = next(e.survey for e in s.said if isinstance(e, SurveyAnswered))
    assert names(s.answered(2, first)) == ["answer-changed"]


def test_a_case_has_one_open_recovery_at_a_time() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.to_recovery()
    s.reopened()
    s.resolved(reopens=1)
    s.passed(hours=25)
    assert names(s.answered(1)) == ["survey-answered"]


def test_a_recovery_that_is_carried_out_asks_again() -> None:
    s = story()
    recovery = s.to_recovery()
    again = s.made_good(recovery)
    assert (again.recovery, again.case, again.trigger, again.kind) == (recovery, "make-good", "recovery", "csat")
    assert names(s.passed(hours=25)) == ["survey-invited"]


def test_asking_again_waits_for_the_floor() -> None:
    s = story(recovery={**SHIPPED["recovery"], "delay_hours": 0})
    recovery = s.to_recovery()
    asked_at = s.at - timedelta(hours=1)
    assert s.made_good(recovery).due == asked_at + timedelta(hours=24)
    assert names(s.passed(hours=24)) == ["survey-invited"]


def test_a_content_person_closes_the_recovery_with_cause_and_action() -> None:
    s = story()
    s.made_good(s.to_recovery())
    s.passed(hours=25)
    closed = only(s.answered(4), RecoveryClosed)
    assert (closed.case, closed.recovered, closed.cause, closed.action) == ("one", True, "late-parcel", "refund")


def test_a_person_who_is_still_unhappy_opens_the_next_round() -> None:
    s = story()
    recovery = s.to_recovery()
    s.made_good(recovery)
    s.passed(hours=25)
    again = only(s.answered(2), RecoveryOpened)
    assert (again.recovery, again.case, again.round) == (recovery, "one", 2)


def test_after_the_last_round_the_recovery_has_failed() -> None:
    s = story()
    recovery = s.to_recovery()
    for _ in range(2):
        s.made_good(recovery)
        s.passed(hours=25)
        said = s.answered(1)
    assert only(said, RecoveryFailed).rounds == 2


def test_without_an_answer_the_recovery_is_closed_without_a_verdict() -> None:
    s = story()
    s.made_good(s.to_recovery())
    assert only(s.passed(days=30), RecoveryClosed).recovered is None


def test_a_person_who_may_not_be_asked_again_closes_the_recovery_without_a_verdict() -> None:
    s = story()
    s.made_good(s.to_recovery())
    s.when(
        CustomerErased(
            customer="c-ayse", contacts=("p-ayse",), destroyed_at=s.at, certificate="x", rotation_outstanding=False,
            regime="kvkk", statement="",
        )
    )  # fmt: skip
    assert names(s.passed(hours=25)) == ["survey-withheld", "recovery-closed"]


def test_a_recovery_case_closed_without_a_resolution_closes_the_recovery() -> None:
    s = story()
    s.to_recovery()
    closing = CaseClosed(
        case="make-good", customer="c-ayse", contact="p-ayse", how="supervisor", by="a1", outcome="not_solved"
    )
    assert only(s.when(closing), RecoveryClosed).recovered is None


def test_a_recovery_case_closed_after_its_resolution_still_waits_for_the_answer() -> None:
    s = story()
    s.made_good(s.to_recovery())
    closing = CaseClosed(
        case="make-good", customer="c-ayse", contact="p-ayse", how="quiet", by="rule", outcome="solved"
    )
    assert s.when(closing) == []
    s.passed(hours=25)
    assert names(s.answered(5)) == ["survey-answered", "recovery-closed"]


def test_only_the_last_asking_again_decides() -> None:
    s = story()
    recovery = s.to_recovery()
    first = s.made_good(recovery)
    s.passed(hours=25)
    s.reopened("make-good")
    s.later(days=1)
    s.made_good(recovery)
    assert names(s.answered(1, first.survey)) == ["survey-answered"]
    s.passed(hours=25)
    assert names(s.answered(5)) == ["survey-answered", "recovery-closed"]


def test_an_earlier_asking_again_that_expires_decides_nothing() -> None:
    s = story()
    recovery = s.to_recovery()
    s.made_good(recovery)
    s.passed(hours=25)
    s.reopened("make-good")
    s.later(days=5)
    s.made_good(recovery)
    assert names(s.passed(days=12)) == ["survey-invited"]
    assert names(s.answered(5)) == ["survey-answered", "recovery-closed"]


def test_an_edit_after_the_recovery_was_judged_changes_only_the_figures() -> None:
    s = story()
    s.made_good(s.to_recovery())
    s.passed(hours=25)
    s.answered(5)
    assert names(s.answered(1)) == ["answer-changed"]


def test_a_new_recovery_of_the_same_case_can_follow_one_that_has_ended() -> None:
    s = story(throttle={"group_days": 0, "global_days": 0})
    s.made_good(s.to_recovery())
    s.passed(days=30)
    s.reopened()
    s.resolved(reopens=1)
    s.passed(hours=25)
    assert names(s.answered(1)) == ["survey-answered", "recovery-opened"]
