"""What can be asked of feedback: surveys, scores with their uncertainty, responses and recoveries."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.notification import NoticeBounced, NoticeSent
from services.feedback.figures import net, rate, score, wilson
from services.feedback.views import month_of
from shared.core.message import uuid7
from tests.feedback.story import Story, story
from tests.feedback.test_domain import notice


def rows(s: Story, table: str) -> list[dict[str, Any]]:
    return list(s.tables.get(table, {}).values())


def steps(s: Story) -> dict[str, int]:
    return {f"{r['step']}{':' if r['reason'] else ''}{r['reason']}": r["n"] for r in rows(s, "response")}


def test_a_survey_is_followed_from_its_schedule_to_its_answer() -> None:
    s = story().opened()
    s.resolved()
    [row] = rows(s, "surveys")
    assert (row["state"], row["case"], row["agent"], row["sla"]) == ("scheduled", "one", "a1", "met")
    s.passed(hours=25)
    assert row["state"] == "invited"
    s.answered(4, comment="İyi")
    assert (row["state"], row["score"], row["comment"]) == ("answered", 4, "İyi")


def test_the_last_edit_counts_and_a_comment_stays_when_none_is_given() -> None:
    s = story()
    s.asked()
    s.answered(4, comment="İyi")
    s.answered(2)
    [row] = rows(s, "surveys")
    assert (row["score"], row["edits"], row["comment"]) == (2, 1, "İyi")


def test_an_unanswered_survey_expires() -> None:
    s = story()
    s.asked()
    s.passed(days=14)
    assert rows(s, "surveys")[0]["state"] == "expired"


def test_an_answered_survey_does_not_expire() -> None:
    s = story()
    s.asked()
    s.answered(5)
    s.passed(days=30)
    assert rows(s, "surveys")[0]["state"] == "answered"


def test_scores_count_by_the_frozen_attribution_and_the_month_of_the_resolution() -> None:
    s = story()
    s.asked()
    s.later(days=10).answered(5)  # in November; the case was resolved in October
    [row] = rows(s, "scores")
    assert (row["month"], row["kind"], row["team"], row["agent"], row["topic"], row["channel"]) == (
        "2026-10", "csat", "desk", "a1", "billing", "email",
    )  # fmt: skip
    assert (row["n"], row["sum"], row["top"], row["bottom"]) == (1, 5, 1, 0)


def test_an_edit_moves_the_score_and_counts_no_second_answer() -> None:
    s = story()
    s.asked()
    s.answered(5)
    s.answered(2)
    [row] = rows(s, "scores")
    assert (row["n"], row["sum"], row["top"], row["bottom"]) == (1, 2, 0, 1)


@pytest.mark.parametrize(
    ("given", "top", "bottom"), [(10, 1, 0), (9, 1, 0), (8, 0, 0), (7, 0, 0), (6, 0, 1), (0, 0, 1)]
)
def test_promoters_passives_and_detractors(given: int, top: int, bottom: int) -> None:
    s = story(triggers=[{"name": "nps", "survey": "nps"}])
    s.asked()
    s.answered(given)
    [row] = rows(s, "scores")
    assert (row["n"], row["top"], row["bottom"]) == (1, top, bottom)


def test_asking_again_is_no_part_of_the_scores() -> None:
    s = story()
    s.made_good(s.to_recovery())
    s.passed(hours=25)
    s.answered(5)
    [row] = rows(s, "scores")
    assert (row["n"], row["sum"]) == (1, 1)


def test_every_way_to_lose_an_answer_is_counted() -> None:
    s = story(throttle={"group_days": 0, "global_days": 7})
    s.asked()
    s.when(NoticeSent(**notice(s), channel="email", attempt=1, sent_at=s.at))
    s.when(NoticeBounced(**notice(s)))
    s.opened("two").resolved("two")
    s.passed(hours=24)
    s.opened("three").resolved("three")
    s.reopened("three")
    assert steps(s) == {
        "scheduled": 3, "invited": 1, "sent": 1, "bounced": 1, "withheld:throttle-person": 1, "cancelled": 1,
    }  # fmt: skip


def test_a_recovery_is_followed_from_the_answer_to_its_end() -> None:
    s = story()
    recovery = s.to_recovery()
    [row] = rows(s, "recoveries")
    assert (row["state"], row["case"], row["carried_by"], row["round"]) == ("open", "one", "make-good", 1)
    opened_at = row["opened_at"]
    for given, round_ in ((2, 2), (4, 2)):
        s.made_good(recovery)
        s.passed(hours=25)
        s.answered(given)
        assert (row["round"], row["opened_at"]) == (round_, opened_at)
    assert (row["state"], row["recovered"], row["cause"], row["action"]) == ("closed", True, "late-parcel", "refund")


def test_a_failed_recovery_is_marked() -> None:
    s = story()
    recovery = s.to_recovery()
    for _ in range(2):
        s.made_good(recovery)
        s.passed(hours=25)
        s.answered(1)
    assert (rows(s, "recoveries")[0]["state"], rows(s, "recoveries")[0]["recovered"]) == ("failed", False)


def test_the_id_of_a_survey_tells_the_month_of_its_resolution() -> None:
    assert month_of(str(uuid7(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "x"))) == "2026-12"


# Figures --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (8, 10, 0.4902, 0.9433), (81, 263, 0.2553, 0.3662)],
)
def test_the_wilson_interval_equals_published_values(hits: int, n: int, low: float, high: float) -> None:
    """81 of 263: Newcombe (1998), Stat. Med. 17, table I, method 3; the others: R, prop.test(correct=FALSE)."""
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_the_net_score_holds_the_score_and_narrows_with_n() -> None:
    small, large = net(50, 20, 100), net(500, 200, 1000)
    assert small[0] < large[0] < 0.3 < large[1] < small[1]
    assert net(5, 0, 5)[1] == 1.0
    assert net(0, 0, 0) == (-1.0, 1.0)


def test_the_interval_of_the_net_score_is_near_the_normal_one_for_many_answers() -> None:
    low, high = net(5000, 2000, 10_000)
    half = 1.96 * ((0.7 - 0.3**2) / 10_000) ** 0.5
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), abs=2e-4)


def test_a_csat_is_the_share_of_content_answers() -> None:
    cell = score("csat", 10, 38, 8, 1)
    assert (cell["score"], cell["n"], cell["average"], cell["low"], cell["high"]) == (80.0, 10, 3.8, 49.0, 94.3)


def test_an_nps_is_promoters_minus_detractors() -> None:
    assert score("nps", 10, 80, 5, 2)["score"] == 30.0


@pytest.mark.parametrize(("n", "hidden"), [(4, True), (5, False)])
def test_a_cell_with_fewer_than_five_answers_is_hidden(n: int, hidden: bool) -> None:
    cell = score("csat", n, n, n, 0)
    assert (cell["hidden"], cell["score"] is None, cell["n"] is None) == (hidden, hidden, hidden)


def test_a_rate_without_a_base_is_no_rate() -> None:
    assert rate(0, 0)["rate"] is None
    assert rate(1, 4)["rate"] == 25.0
