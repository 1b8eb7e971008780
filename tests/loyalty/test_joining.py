"""Who becomes a member, what happens to purchases of those who are none, and what an erasure leaves."""

from datetime import timedelta

import pytest

from contracts.intake import ContactForgotten
from contracts.loyalty import EnrolMember
from shared.core.world import Refused
from tests.scene import MONDAY, names

from .words import account, bought, erased, joined, known, member_of, programme, resolved


def test_an_unknown_contact_point_cannot_join() -> None:
    with pytest.raises(Refused, match="unknown-contact: contact"):
        programme().when(EnrolMember(contact="stranger"))


def test_nobody_joins_twice() -> None:
    scene, member = member_of()
    with pytest.raises(Refused, match=f"member-already.*{member}"):
        scene.when(EnrolMember(contact="p1"))


def test_the_first_resolved_case_makes_a_member_where_the_policy_says_so() -> None:
    assert names(programme(auto_enrol=["resolved_case"]).when(resolved())) == ["member-enrolled"]
    assert programme(auto_enrol=["purchase"]).when(resolved()) == []


def test_the_first_purchase_makes_a_member_and_earns() -> None:
    said_ = programme(auto_enrol=["purchase"]).when(bought(40))
    assert names(said_) == ["member-enrolled", "points-earned", "points-activated"]


def test_a_purchase_of_a_non_member_waits_for_the_enrolment() -> None:
    scene = programme()
    assert names(scene.when(bought(40))) == ["purchase-held"]
    assert scene.when(bought(40)) == []
    member = joined(scene)
    assert account(scene, member).balance == 40


def test_a_held_purchase_is_credited_when_its_contact_point_turns_out_to_be_a_members() -> None:
    scene, member = member_of()
    scene.when(bought(40, contact="p2"))
    scene.when(known(contact="p2"))
    assert account(scene, member).balance == 40


def test_a_held_purchase_is_forgotten_after_its_days() -> None:
    scene = programme(hold_days=90)
    scene.when(bought(40))
    scene.until(MONDAY + timedelta(days=90))
    assert account(scene, joined(scene)).balance == 0


def test_a_purchase_of_a_non_member_is_ignored_where_the_policy_says_so() -> None:
    scene = programme(unknown_purchase="ignore")
    assert scene.when(bought(40)) == []
    assert account(scene, joined(scene)).balance == 0


def test_after_an_erasure_the_points_stay_and_nothing_leads_to_them() -> None:
    scene, member = member_of()
    scene.when(bought(40))
    scene.given(erased(), ContactForgotten(contact="p1", certificate="e1"))
    assert names(scene.when(bought(40, purchase="b2"))) == ["purchase-held"]
    assert account(scene, member).balance == 40
    assert scene.tables["customers"] == {} == scene.tables["contacts"]
