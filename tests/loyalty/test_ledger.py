"""Earning, waiting, spending, expiry, refund and claw-back, one rule a test."""

from datetime import timedelta

import pytest

from contracts.loyalty import PointsExpiring, RefundSpend, SpendPoints
from services.loyalty.ledger import Account, Lot, take
from shared.core.world import Refused
from tests.scene import MONDAY, names

from .words import account, bought, came_back, erased, istanbul, member_of, programme, said, spends


# earning
def test_points_are_floored_and_the_arithmetic_is_told() -> None:
    scene, _ = member_of()
    receipt = bought(0).model_copy(update={"amount": 24_990})
    earned = said(scene.when(receipt), "points-earned")
    assert (earned.amount, earned.arithmetic) == (249, "249.90 TRY x 1 per 1.00 = 249")


def test_a_higher_tier_earns_its_percent() -> None:
    scene, _ = member_of(percent={"gold": 150})
    scene.when(bought(1000))
    earned = said(scene.when(bought(11, purchase="b2")), "points-earned")
    assert (earned.amount, earned.arithmetic) == (16, "11.00 TRY x 1 per 1.00 x 150 % (gold) = 16")


def test_a_second_delivery_of_a_purchase_earns_nothing() -> None:
    scene, member = member_of()
    scene.when(bought(40))
    assert scene.when(bought(40)) == []
    assert account(scene, member).earned == 40


def test_a_purchase_in_another_currency_earns_nothing() -> None:
    scene, _ = member_of()
    assert scene.when(bought(40, currency="EUR")) == []


def test_a_rule_with_labels_asks_for_one_of_them() -> None:
    scene, _ = member_of(labels=["books"])
    assert scene.when(bought(40, labels=("toys",))) == []
    assert said(scene.when(bought(40, purchase="b2", labels=("toys", "books"))), "points-earned").amount == 40


# waiting
def test_pending_points_cannot_be_spent_until_their_day() -> None:
    scene, member = member_of(pending_days=14)
    scene.when(bought(40))
    with pytest.raises(Refused, match=r"balance of 0; spend at most 0; 40 more are pending"):
        spends(scene, member, 40)
    assert names(scene.until(MONDAY + timedelta(days=14))) == ["points-activated"]
    assert spends(scene, member, 40).amount == 40


def test_points_are_free_at_their_instant_even_when_the_deadline_is_heard_later() -> None:
    scene, member = member_of(pending_days=14)
    scene.when(bought(40))
    assert spends(scene.later(days=14), member, 40).amount == 40


def test_a_return_while_pending_cancels_in_proportion() -> None:
    scene, member = member_of(pending_days=14)
    scene.when(bought(40))
    cancelled = said(scene.when(came_back(10)), "points-cancelled")
    assert (cancelled.amount, cancelled.of, account(scene, member).pending) == (10, "b1", 30)
    assert said(scene.until(MONDAY + timedelta(days=14)), "points-activated").amount == 30


def test_a_wholly_cancelled_lot_never_activates() -> None:
    scene, _ = member_of(pending_days=14)
    scene.when(bought(40))
    scene.when(came_back(40))
    assert scene.until(MONDAY + timedelta(days=15)) == []


def test_a_return_after_the_waiting_time_is_a_claw_back_even_when_the_deadline_is_heard_later() -> None:
    scene, _ = member_of(pending_days=14)
    scene.when(bought(40))
    assert names(scene.later(days=14).when(came_back(10))) == ["points-activated", "points-clawed-back"]


# expiry
@pytest.mark.parametrize(
    ("expiry", "instant"),
    [
        ({"kind": "days", "after": 30}, MONDAY + timedelta(days=30)),
        ({"kind": "end_of_month"}, istanbul(2026, 11, 1)),
        ({"kind": "end_of_month", "after": 2}, istanbul(2027, 1, 1)),
        ({"kind": "end_of_year"}, istanbul(2027, 1, 1)),
        ({"kind": "end_of_year", "after": 1}, istanbul(2028, 1, 1)),
    ],
)
def test_points_expire_at_an_instant_of_the_programmes_zone(expiry: dict[str, object], instant: object) -> None:
    scene, _ = member_of(expiry=expiry, notice_days=0)
    assert said(scene.when(bought(40)), "points-earned").expires_at == instant


def test_expiry_is_exclusive() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0)
    scene.when(bought(40))
    assert spends(scene.later(days=30, microseconds=-1), member, 1).amount == 1
    with pytest.raises(Refused, match="balance of 0"):
        spends(scene.later(microseconds=1), member, 1)


def test_what_is_left_expires_by_the_deadline_once() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0)
    scene.when(bought(40))
    spends(scene, member, 15)
    assert said(scene.until(MONDAY + timedelta(days=31)), "points-expired").amount == 25
    assert (account(scene, member).balance, account(scene, member).expired) == (0, 25)


def test_expiry_is_announced_once_with_what_is_left() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=10)
    scene.when(bought(40))
    spends(scene, member, 15)
    notice = said(scene.until(MONDAY + timedelta(days=20)), "points-expiring")
    assert isinstance(notice, PointsExpiring)
    assert (notice.amount, notice.customer, notice.expires_at) == (25, "k1", MONDAY + timedelta(days=30))
    assert names(scene.until(MONDAY + timedelta(days=31))) == ["points-expired"]


def test_an_erased_customer_is_told_nothing_and_the_points_expire() -> None:
    scene, _ = member_of(expiry={"kind": "days", "after": 30}, notice_days=10)
    scene.when(bought(40))
    scene.given(erased())
    assert names(scene.until(MONDAY + timedelta(days=31))) == ["points-expired"]


def test_an_empty_lot_is_neither_announced_nor_expired() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=10)
    scene.when(bought(40))
    spends(scene, member, 40)
    assert scene.until(MONDAY + timedelta(days=31)) == []


# spending
def test_what_expires_first_is_spent_first() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0)
    later = said(scene.when(bought(30, purchase="b1", at=MONDAY + timedelta(days=-1))), "points-earned")
    sooner = said(scene.when(bought(20, purchase="b2", at=MONDAY + timedelta(days=-5))), "points-earned")
    shares = spends(scene, member, 25).shares
    assert [(s.lot, s.amount) for s in shares] == [(sooner.lot, 20), (later.lot, 5)]


def test_points_that_never_expire_are_spent_last() -> None:
    old = Lot(amount=5, pending=False, earned_at=MONDAY - timedelta(days=9), activates_at=MONDAY, expires_at=None)
    new = old.model_copy(update={"earned_at": MONDAY, "expires_at": MONDAY + timedelta(days=900)})
    shares = take(Account(lots={"a": old, "b": new}), 7)
    assert [(s.lot, s.amount) for s in shares] == [("b", 5), ("a", 2)]


def test_pending_points_are_never_taken() -> None:
    lot = Lot(amount=5, pending=True, earned_at=MONDAY, activates_at=MONDAY, expires_at=None)
    assert take(Account(lots={"a": lot}), 5) == ()


def test_a_spend_above_the_balance_takes_nothing() -> None:
    scene, member = member_of()
    scene.when(bought(40))
    with pytest.raises(Refused, match="too-few-points: amount: 41 is above the balance of 40"):
        spends(scene, member, 41)
    assert account(scene, member).balance == 40


def test_a_stranger_spends_nothing() -> None:
    with pytest.raises(Refused, match="unknown-member"):
        programme().when(SpendPoints(member="nobody", amount=1, what="voucher"))


# undoing a spend
def test_a_refund_gives_the_same_lots_their_points_and_their_expiry() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0)
    scene.when(bought(40))
    before = account(scene, member).lots
    spent = spends(scene, member, 40)
    scene.when(RefundSpend(member=member, spend=spent.spend))
    after = account(scene, member).lots
    assert {n: (lot.amount, lot.expires_at) for n, lot in after.items()} == {
        n: (lot.amount, lot.expires_at) for n, lot in before.items()
    }
    assert said(scene.until(MONDAY + timedelta(days=30)), "points-expired").amount == 40


def test_a_refund_of_an_expired_lot_is_lost() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0, refund_grace_days=0)
    scene.when(bought(40))
    spent = spends(scene, member, 40)
    undone = said(scene.later(days=30).when(RefundSpend(member=member, spend=spent.spend)), "spend-refunded")
    after = account(scene, member)
    assert (undone.shares, undone.lost, after.spent, after.expired) == ((), 40, 0, 40)


def test_a_refund_of_an_expired_lot_has_its_days_of_grace() -> None:
    scene, member = member_of(expiry={"kind": "days", "after": 30}, notice_days=0, refund_grace_days=7)
    scene.when(bought(40))
    spent = spends(scene, member, 40)
    scene.until(MONDAY + timedelta(days=40))
    scene.when(RefundSpend(member=member, spend=spent.spend))
    assert account(scene, member).balance == 40
    assert said(scene.until(MONDAY + timedelta(days=47)), "points-expired").amount == 40


def test_a_spend_is_undone_once_and_by_its_member_only() -> None:
    scene, member = member_of()
    scene.when(bought(40))
    undo = RefundSpend(member=member, spend=spends(scene, member, 40).spend)
    with pytest.raises(Refused, match="unknown-spend"):
        scene.when(RefundSpend(member="other", spend=undo.spend))
    scene.when(undo)
    with pytest.raises(Refused, match="refunded-already"):
        scene.when(undo)


# taking back
def test_a_claw_back_within_the_balance_leaves_what_is_missing() -> None:
    scene, member = member_of(clawback="within_balance")
    scene.when(bought(40))
    spends(scene, member, 30)
    back = said(scene.when(came_back(40)), "points-clawed-back")
    assert (back.amount, back.owed, back.forgiven, account(scene, member).balance) == (10, 0, 30, 0)


def test_a_claw_back_takes_other_lots_after_its_own() -> None:
    scene, member = member_of(clawback="within_balance")
    scene.when(bought(40))
    other = said(scene.when(bought(40, purchase="b2", at=MONDAY + timedelta(days=-1))), "points-earned").lot
    spends(scene, member, 10)
    own = said(scene.when(came_back(30)), "points-clawed-back").shares
    assert other not in [s.lot for s in own]
    both = said(scene.when(came_back(10, number="r2")), "points-clawed-back").shares
    assert other not in [s.lot for s in both]
    spends(scene, member, 25)
    assert account(scene, member).balance == 5


def test_only_pending_leaves_free_points_alone() -> None:
    scene, member = member_of(clawback="only_pending")
    scene.when(bought(40))
    back = said(scene.when(came_back(40)), "points-clawed-back")
    assert (back.amount, back.forgiven, account(scene, member).balance) == (0, 40, 40)


def test_an_unlimited_claw_back_may_leave_a_debt_that_blocks_spending_and_is_filled_first() -> None:
    scene, member = member_of(clawback="unlimited")
    scene.when(bought(40))
    spends(scene, member, 30)
    assert said(scene.when(came_back(40)), "points-clawed-back").owed == 30
    assert account(scene, member).balance == -30
    with pytest.raises(Refused, match="points-owed"):
        spends(scene, member, 1)
    filled = said(scene.when(bought(50, purchase="b2")), "debt-filled")
    assert (filled.amount, filled.owed, account(scene, member).balance) == (30, 0, 20)


def test_partial_returns_round_together_so_that_a_full_return_is_a_full_claw_back() -> None:
    scene, member = member_of(clawback="unlimited")
    scene.when(bought(10))
    parts = [came_back(1, number=f"r{i}").model_copy(update={"amount": n}) for i, n in enumerate((333, 333, 334))]
    taken = [said(scene.when(part), "points-clawed-back").amount for part in parts]
    assert taken == [3, 3, 4]
    assert account(scene, member).balance == 0


def test_a_return_that_is_told_twice_counts_once() -> None:
    scene, member = member_of()
    scene.when(bought(40))
    scene.when(came_back(10))
    assert scene.when(came_back(10)) == []
    assert scene.when(came_back(20)) == []
    assert account(scene, member).balance == 30


def test_a_return_that_is_heard_before_its_purchase_is_not_forgotten() -> None:
    scene, member = member_of()
    assert scene.when(came_back(10)) == []
    scene.when(bought(40))
    assert account(scene, member).balance == 30


def test_more_can_come_back_than_was_bought_without_costing_more() -> None:
    scene, member = member_of(clawback="unlimited")
    scene.when(bought(40))
    scene.when(came_back(90))
    assert account(scene, member).balance == 0


# what expired unused is gone already
WEEK = {"expiry": {"kind": "days", "after": 7}, "notice_days": 0}


@pytest.mark.parametrize("clawback", ["within_balance", "unlimited"])
def test_a_return_takes_no_other_points_for_those_that_expired_unused(clawback: str) -> None:
    scene, member = member_of(**WEEK, clawback=clawback)
    scene.when(bought(40))
    scene.until(MONDAY + timedelta(days=8))
    scene.when(bought(30, purchase="b2", at=scene.at))
    back = said(scene.when(came_back(40)), "points-clawed-back")
    assert (back.amount, back.forgiven, back.owed, back.expired) == (0, 0, 0, 40)
    assert account(scene, member).balance == 30


def test_a_return_that_comes_before_the_expiry_is_heard_takes_none_either() -> None:
    scene, member = member_of(**WEEK)
    scene.when(bought(40))
    scene.later(days=8)
    scene.when(bought(30, purchase="b2", at=scene.at))
    scene.when(came_back(40))
    assert account(scene, member).balance == 30


def test_a_return_of_what_was_spent_in_part_takes_that_part() -> None:
    scene, member = member_of(**WEEK, clawback="unlimited")
    scene.when(bought(40))
    spends(scene, member, 25)
    scene.until(MONDAY + timedelta(days=8))
    back = said(scene.when(came_back(40)), "points-clawed-back")
    assert (back.expired, back.owed) == (15, 25)


def test_what_expired_counts_once_over_several_returns() -> None:
    scene, member = member_of(**WEEK, clawback="unlimited")
    scene.when(bought(40))
    spends(scene, member, 20)
    scene.until(MONDAY + timedelta(days=8))
    backs = [said(scene.when(came_back(20, number=f"r{n}")), "points-clawed-back") for n in (1, 2)]
    assert [(back.expired, back.amount) for back in backs] == [(20, 0), (0, 20)]


def test_points_of_an_undone_spend_that_had_expired_are_not_taken_again() -> None:
    scene, member = member_of(**WEEK, refund_grace_days=0)
    scene.when(bought(40))
    spent = spends(scene, member, 40)
    scene.until(MONDAY + timedelta(days=8))
    scene.when(bought(30, purchase="b2", at=scene.at))
    scene.when(RefundSpend(member=member, spend=spent.spend))
    scene.when(came_back(40))
    assert account(scene, member).balance == 30


def test_the_tier_basis_falls_by_what_had_expired_too() -> None:
    scene, member = member_of(**WEEK)
    scene.when(bought(40))
    scene.until(MONDAY + timedelta(days=8))
    scene.when(came_back(40))
    assert set(account(scene, member).basis.values()) == {0}
