"""What the tables show after a few movements."""

from datetime import timedelta

from contracts.loyalty import ApproveGrant, RefundSpend
from tests.scene import MONDAY, names

from .words import AGENT, SUPERVISOR, bought, came_back, joined, member_of, programme, said, spends, wants


def test_the_ledger_has_a_row_with_a_why_for_every_movement() -> None:
    scene, member = member_of(clawback="unlimited")
    scene.when(bought(40))
    spent = spends(scene, member, 30)
    scene.when(RefundSpend(member=member, spend=spent.spend))
    scene.when(came_back(40))
    rows = sorted(scene.tables["ledger"].values(), key=lambda r: r["row"])
    assert [(r["movement"], r["balance"], r["pending"], r["why"]) for r in rows] == [
        ("earned", 0, 40, "40.00 TRY x 1 per 1.00 = 40"),
        ("activated", 40, -40, "the waiting time is over"),
        ("spent", -30, 0, "voucher"),
        ("refunded", 30, 0, "the spend was undone"),
        ("clawed-back", -40, 0, "b1 came back"),
    ]


def test_a_members_row_shows_balance_pending_tier_and_lifetime() -> None:
    scene, member = member_of(pending_days=14)
    scene.when(bought(1000))
    row = scene.tables["members"][member]
    assert (row["balance"], row["pending"], row["tier"], row["lifetime"]) == (0, 1000, "gold", 1000)
    assert scene.tables["basis"][f"{member}/2026"]["points"] == 1000
    assert scene.tables["customers"]["k1"]["member"] == member


def test_lots_show_what_is_left_and_in_which_state() -> None:
    scene, member = member_of(pending_days=1, expiry={"kind": "days", "after": 30}, notice_days=0)
    lot = said(scene.when(bought(40)), "points-earned").lot
    row = scene.tables["lots"][lot]
    assert (row["state"], row["left"]) == ("pending", 40)
    scene.until(MONDAY + timedelta(days=1))
    spends(scene, member, 15)
    assert (row["state"], row["left"], row["earned"]) == ("active", 25, 40)
    scene.until(MONDAY + timedelta(days=31))
    assert (row["state"], row["left"]) == ("expired", 0)


def test_totals_add_up_over_members() -> None:
    scene, member = member_of(clawback="unlimited")
    scene.when(bought(40))
    spends(scene, member, 40)
    scene.when(came_back(40))
    totals = scene.tables["totals"]["programme"]
    assert {n: v for n, v in totals.items() if v} == {
        "members": 1, "earned": 40, "spent": 40, "clawed_back": 40, "owed": 40,
    }  # fmt: skip


def test_a_grant_keeps_who_asked_and_who_decided() -> None:
    scene, _ = member_of()
    grant = said(scene.when(wants("severe"), actor=AGENT), "grant-requested").grant
    assert scene.tables["grants"][grant]["state"] == "requested"
    scene.when(ApproveGrant(grant=grant, by="s1"), actor=SUPERVISOR)
    row = scene.tables["grants"][grant]
    assert (row["state"], row["by"], row["decided_by"], row["reason"]) == (
        "approved", "a1", "s1", "The parcel was crushed.",
    )  # fmt: skip


def test_a_credited_purchase_no_longer_waits() -> None:
    scene = programme()
    scene.when(bought(40))
    assert list(scene.tables["deadlines"]) == ["hold/b1"]
    joined(scene)
    assert scene.tables["deadlines"] == {}


def test_deadlines_end_with_their_lot() -> None:
    scene, _ = member_of(pending_days=1, expiry={"kind": "days", "after": 30}, notice_days=5)
    scene.when(bought(40))
    said_ = scene.until(MONDAY + timedelta(days=40))
    assert names(said_) == ["points-activated", "points-expiring", "points-expired"]
    assert scene.tables["deadlines"] == {}
