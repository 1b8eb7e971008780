"""From complaint to loyalty: points for answers and satisfied ends, the hand-over, recovery grants."""

import pytest

from contracts.feedback import AnswerChanged, RecoveryClosed
from contracts.intake import CaseReopened
from contracts.loyalty import ApproveGrant, EnrolMember, RefuseGrant
from shared.core.world import Refused
from tests.scene import names

from .words import (
    AGENT,
    CHIEF,
    SUPERVISOR,
    account,
    answered,
    assigned,
    breached,
    closed,
    document,
    known,
    member_of,
    opened,
    programme,
    resolved,
    retracted,
    said,
    wants,
)

RECOVERY = document()["recovery"]


# points
def test_an_answer_earns_once() -> None:
    scene, member = member_of()
    assert said(scene.when(answered(2)), "points-earned").rule == "survey-answered"
    assert scene.when(answered(2)) == []
    assert account(scene, member).balance == 10


def test_an_answer_of_somebody_who_is_no_member_earns_nothing() -> None:
    assert programme().when(answered(5)) == []


def test_a_satisfied_end_earns_whichever_comes_first() -> None:
    for events in ((resolved(), answered(4), closed()), (resolved(), closed(), answered(4))):
        scene, member = member_of()
        for event in events:
            scene.when(event)
        assert account(scene, member).balance == 10 + 50


def test_an_end_below_four_earns_nothing_until_the_answer_is_changed() -> None:
    scene, member = member_of()
    scene.given(resolved(), answered(3))
    assert scene.when(closed()) == []
    changed = AnswerChanged(
        survey="v1", kind="csat", case="c1", customer="k1", contact="p1", score=4, before=3, edit=1, agent="a1",
        team=None, topic=None, channel="web", language="tr", sla="met",
    )  # fmt: skip
    assert said(scene.when(changed), "points-earned").rule == "case-closed-satisfied"
    assert account(scene, member).balance == 50


# hand-over
def test_a_complaint_that_ended_well_is_handed_over_once() -> None:
    scene, member = member_of()
    scene.when(resolved())
    offered = said(scene.when(answered(5)), "handover-offered")
    assert (offered.member, offered.case, offered.why) == (member, "c1", "resolved, no breach, CSAT 5")
    assert "handover-offered" not in names(scene.when(closed()))


def test_a_breach_stands_in_the_way_until_it_is_retracted_or_made_good() -> None:
    kept = RecoveryClosed(
        case="c1", customer="k1", contact="p1", recovery="r1", recovered=True, cause=None, action=None
    )
    for cure, why in ((retracted(), "no breach"), (kept, "recovery kept")):
        scene, _ = member_of()
        scene.given(breached())
        scene.when(resolved())
        assert "handover-offered" not in names(scene.when(answered(5)))
        assert why in said(scene.when(cure), "handover-offered").why


def test_a_case_that_came_back_needs_a_new_answer() -> None:
    scene, _ = member_of()
    scene.given(answered(5))
    again = CaseReopened(
        case="c1", customer="k1", contact="p1", by="customer", cause="reply", reopens=1, resolved_at=None
    )
    scene.given(again)
    assert scene.when(resolved()) == []
    assert "handover-offered" in names(scene.when(answered(4, survey="v2")))


# grants
def test_within_the_agents_limit_a_grant_is_given_at_once() -> None:
    scene, member = member_of()
    scene.given(assigned("billing"))
    events = scene.when(wants("minor"), actor=AGENT)
    assert names(events) == ["grant-approved", "points-earned", "points-activated"]
    approved, earned = said(events, "grant-approved"), said(events, "points-earned")
    assert (approved.amount, approved.by, approved.team, approved.budget) == (50, "a1", "billing", "billing/2026-10")
    assert (earned.source, earned.case, earned.arithmetic) == (approved.grant, "c1", "minor x standard = 50")
    assert account(scene, member).balance == 50
    assert account(scene, member).basis == {}


def test_above_the_limit_somebody_else_approves() -> None:
    scene, member = member_of()
    asked = said(scene.when(wants("severe"), actor=AGENT), "grant-requested")
    assert account(scene, member).balance == 0
    approved = said(scene.when(ApproveGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR), "grant-approved")
    assert (approved.amount, approved.by, account(scene, member).balance) == (500, "s1", 500)


def test_nobody_approves_what_he_asked_for() -> None:
    scene, _ = member_of()
    asked = said(scene.when(wants("severe", by="s1"), actor=AGENT), "grant-requested")
    with pytest.raises(Refused, match="own-request"):
        scene.when(ApproveGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR)


def test_nobody_approves_above_the_own_limit() -> None:
    scene, _ = member_of()
    asked = said(scene.when(wants("severe"), actor=AGENT), "grant-requested")
    with pytest.raises(Refused, match="500 points are above the limit of 200 for role agent"):
        scene.when(ApproveGrant(grant=asked.grant, by="a2"), actor=AGENT)


def test_a_case_has_one_grant_and_after_a_refusal_another_chance() -> None:
    scene, _ = member_of()
    asked = said(scene.when(wants("severe"), actor=AGENT), "grant-requested")
    with pytest.raises(Refused, match="grant-exists"):
        scene.when(wants("minor"), actor=AGENT)
    assert said(scene.when(RefuseGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR), "grant-refused").why == "by-hand"
    with pytest.raises(Refused, match="grant-decided"):
        scene.when(ApproveGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR)
    assert "grant-approved" in names(scene.when(wants("minor"), actor=AGENT))


def test_the_amount_follows_severity_and_tier() -> None:
    points = {"minor": {"basic": 7}, "major": {"basic": 70}, "severe": {"basic": 700}}
    recovery = {"points": points, "limits": {"agent": 1000}, "budget": 1000}
    for severity, amount in (("minor", 7), ("major", 70), ("severe", 700)):
        scene, _ = member_of(tiers=[{"tier": "basic", "from": 0}], recovery=recovery)
        assert said(scene.when(wants(severity), actor=AGENT), "grant-approved").amount == amount  # type: ignore[arg-type]


def test_a_teams_budget_lasts_a_month() -> None:
    recovery = {**RECOVERY, "budget": 1000, "budgets": {"billing": 80}}
    scene, _ = member_of(recovery=recovery)
    for case in ("c1", "c2", "c3"):
        scene.given(opened(case), assigned("billing", case))
    assert "grant-approved" in names(scene.when(wants("minor", "c1"), actor=AGENT))
    assert said(scene.when(wants("minor", "c2"), actor=AGENT), "grant-refused").why == "budget"
    scene.later(days=7)
    assert said(scene.when(wants("minor", "c3"), actor=AGENT), "grant-approved").budget == "billing/2026-11"


def test_an_approval_looks_at_the_budget_again() -> None:
    scene, _ = member_of(recovery={**RECOVERY, "budget": 520})
    scene.given(opened("c2"))
    asked = said(scene.when(wants("severe"), actor=AGENT), "grant-requested")
    scene.when(wants("minor", "c2"), actor=AGENT)
    with pytest.raises(Refused, match="500 points are above the 470 left"):
        scene.when(ApproveGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR)


def test_somebody_who_is_no_member_gets_no_grant_unless_a_grant_makes_him_one() -> None:
    assert said(programme().when(wants(), actor=AGENT), "grant-refused").why == "not-a-member"
    events = programme(auto_enrol=["grant"]).when(wants(), actor=AGENT)
    assert names(events)[:2] == ["member-enrolled", "grant-approved"]


def test_an_unknown_case_has_no_grant() -> None:
    with pytest.raises(Refused, match="unknown-case"):
        member_of()[0].when(wants(case="c9"), actor=AGENT)


def test_a_grant_is_clawed_back_when_the_complaint_proves_false() -> None:
    scene, member = member_of()
    scene.when(wants("minor"), actor=AGENT)
    scene.given(resolved(outcome="rejected"))
    assert said(scene.when(closed(outcome="rejected")), "points-clawed-back").amount == 50
    assert account(scene, member).balance == 0
    assert scene.later(days=1).when(closed(outcome="rejected")) == []


def test_two_customers_have_two_accounts() -> None:
    scene, member = member_of()
    scene.given(known("k2", "p2"))
    other = said(scene.later(seconds=1).when(EnrolMember(contact="p2")), "member-enrolled").member
    assert other != member


def test_an_admin_approves_what_a_supervisor_may_not() -> None:
    scene, _ = member_of(recovery={**RECOVERY, "limits": {"agent": 0, "supervisor": 100, "admin": 500}})
    asked = said(scene.when(wants("severe"), actor=AGENT), "grant-requested")
    with pytest.raises(Refused, match="above-limit"):
        scene.when(ApproveGrant(grant=asked.grant, by="s1"), actor=SUPERVISOR)
    assert "grant-approved" in names(scene.when(ApproveGrant(grant=asked.grant, by="c1"), actor=CHIEF))
