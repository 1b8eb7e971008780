"""No purchase that the contract lets in, however extreme, may raise in a rule: what cannot be counted is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.loyalty import EnrolMember
from contracts.outside import PurchaseMade
from shared.core.instants import AHEAD
from shared.core.world import Refused
from shared.edge import edge
from tests.scene import MONDAY, names

from .words import account, answered, bought, came_back, closed, member_of, programme, said

LAST = datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST: dict[str, Any] = dict.fromkeys(("pending_days", "notice_days", "refund_grace_days", "tier_grace_days"), 3650)


def at(bought_at: Any) -> PurchaseMade:
    return PurchaseMade.model_validate({**bought(40).model_dump(), "bought_at": bought_at})


@pytest.mark.parametrize(
    "bought_at",
    ["9999-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
     "2200-01-01T00:00:00Z", "1969-12-31T23:59:59Z", datetime.max.replace(tzinfo=UTC)],
)  # fmt: skip
def test_an_instant_that_nothing_can_be_counted_from_is_no_purchase(bought_at: Any) -> None:
    with pytest.raises(ValidationError, match=r"bought_at\n.*lies outside of 1970 to 2199; check the clock"):
        at(bought_at)


@pytest.mark.parametrize("bought_at", ["2026-10-26T09:00:00", 7, None, MONDAY.replace(tzinfo=None)])
def test_an_instant_has_an_offset(bought_at: Any) -> None:
    with pytest.raises(ValidationError, match=r"bought_at\n.*2026-10-26T0"):
        at(bought_at)


def test_an_instant_is_kept_in_utc() -> None:
    assert at("2026-10-26T09:00:00+03:00").bought_at.isoformat() == "2026-10-26T06:00:00+00:00"


@pytest.mark.parametrize("expiry", ["never", "days", "end_of_month", "end_of_year"])
@pytest.mark.parametrize("bought_at", [FIRST, datetime(2024, 2, 29, 23, tzinfo=UTC), LAST])
def test_every_instant_of_the_contract_is_counted(bought_at: datetime, expiry: str) -> None:
    scene, member = member_of(**LONGEST, expiry={"kind": expiry, "after": 3650})
    assert names(scene.when(bought(10**9, at=bought_at)))[0] == "points-earned"
    scene.when(came_back(10**9))
    assert account(scene, member).earned == 10**9


def test_a_purchase_ahead_of_the_clock_is_refused_to_who_can_hear_it() -> None:
    scene, _ = member_of()
    ahead = MONDAY + AHEAD
    assert edge.AHEAD == AHEAD
    with pytest.raises(Refused, match="in-the-future: bought_at: 2026-10-26T06:05:01Z lies ahead; check the shop's"):
        scene.when(bought(40, at=ahead + timedelta(seconds=1)), command=True)
    assert "points-earned" in names(scene.when(bought(40, at=ahead), command=True))


def test_goods_that_come_back_under_the_name_of_something_else_take_nothing_back() -> None:
    scene, member = member_of()
    scene.when(answered(5))
    scene.when(closed())
    assert said(scene.said, "handover-offered").case == "c1"
    before = account(scene, member)
    assert scene.when(came_back(40, purchase="c1")) == []
    assert scene.when(bought(0, purchase="c1")) == []
    assert scene.when(came_back(40, purchase="c1", number="r2")) == []
    assert account(scene, member) == before


def test_a_non_members_purchase_waits_however_old_it_is() -> None:
    scene = programme()
    assert names(scene.when(bought(40, at=FIRST))) == ["purchase-held"]
    assert "points-earned" in names(scene.when(EnrolMember(contact="p1")))
