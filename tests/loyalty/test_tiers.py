"""Tiers: up at the crossing event, down one step after the year and its grace."""

from datetime import timedelta

from contracts.loyalty import TierChanged
from tests.scene import MONDAY, names

from .words import account, bought, came_back, istanbul, member_of, said, spends

THREE = [{"tier": "standard", "from": 0}, {"tier": "gold", "from": 1000}, {"tier": "black", "from": 5000}]
PERCENTS = {"points": {s: {"standard": 1, "gold": 2, "black": 3} for s in ("minor", "major", "severe")}}
RECOVERY = {**PERCENTS, "limits": {}, "budget": 0}


def test_the_purchase_that_reaches_the_threshold_lifts_the_tier() -> None:
    scene, member = member_of()
    assert "tier-changed" not in names(scene.when(bought(999)))
    changed = said(scene.when(bought(1, purchase="b2")), "tier-changed")
    assert (changed.tier, changed.before, changed.basis, changed.customer) == ("gold", "standard", 1000, "k1")
    assert changed.review_at == istanbul(2027, 1, 1) + timedelta(days=30)
    assert account(scene, member).tier == "gold"


def test_points_that_do_not_count_lift_nobody() -> None:
    scene, member = member_of()
    scene.when(bought(999))
    assert account(scene, member).basis == {"2026": 999}


def test_spending_never_lowers_the_basis() -> None:
    scene, member = member_of()
    scene.when(bought(1000))
    spends(scene, member, 1000)
    assert account(scene, member).basis == {"2026": 1000}


def test_a_return_lowers_the_basis_and_not_the_tier() -> None:
    scene, member = member_of()
    scene.when(bought(1000))
    scene.when(came_back(400))
    assert (account(scene, member).basis, account(scene, member).tier) == ({"2026": 600}, "gold")


def test_the_year_is_the_programmes_year() -> None:
    scene, member = member_of()
    scene.when(bought(600, at=istanbul(2026, 12, 31, 23)))
    scene.when(bought(600, purchase="b2", at=istanbul(2027, 1, 1)))
    assert account(scene, member).basis == {"2026": 600, "2027": 600}
    assert account(scene, member).tier == "standard"


def test_a_tier_that_the_year_earned_is_kept_for_the_next_year() -> None:
    scene, member = member_of()
    scene.when(bought(1000))
    kept = said(scene.until(istanbul(2027, 1, 1) + timedelta(days=30)), "tier-kept")
    assert (kept.tier, kept.period, kept.review_at) == ("gold", "2027", istanbul(2028, 1, 1) + timedelta(days=30))
    assert account(scene, member).tier == "gold"


def test_a_tier_that_a_year_no_longer_earns_falls_after_the_grace() -> None:
    scene, _ = member_of()
    scene.when(bought(1000))
    fall = istanbul(2028, 1, 1) + timedelta(days=30)
    assert names(scene.until(fall - timedelta(seconds=1))) == ["tier-kept"]
    fallen = said(scene.until(fall), "tier-changed")
    assert (fallen.tier, fallen.before, fallen.review_at) == ("standard", "gold", None)
    assert scene.until(fall + timedelta(days=800)) == []


def test_points_within_the_grace_keep_the_tier() -> None:
    scene, _ = member_of()
    scene.when(bought(1000))
    scene.until(istanbul(2028, 1, 10))
    scene.when(bought(1000, purchase="b2", at=scene.at))
    assert names(scene.until(istanbul(2028, 2, 10))) == ["tier-kept"]


def test_a_tier_falls_one_step_a_year() -> None:
    scene, _ = member_of(tiers=THREE, recovery=RECOVERY)
    scene.when(bought(5000))
    steps = [e.tier for e in scene.until(istanbul(2031, 1, 1)) if isinstance(e, TierChanged)]
    assert steps == ["gold", "standard"]


def test_a_late_purchase_of_a_year_that_is_settled_lifts_nobody() -> None:
    scene, _ = member_of()
    late = scene.when(bought(1000, at=MONDAY - timedelta(days=400)))
    assert "tier-changed" not in names(late)
