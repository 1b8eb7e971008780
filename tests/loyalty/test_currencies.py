"""Minor units in words: each currency has the digits that ISO 4217 gives it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.currencies import digits, shown

from .words import bought, member_of, said


@pytest.mark.parametrize(
    ("currency", "words"),
    [
        ("TRY", "150.00"), ("EUR", "150.00"), ("USD", "150.00"), ("GBP", "150.00"), ("HUF", "150.00"), ("JPY", "15000"),
        ("KRW", "15000"), ("ISK", "15000"), ("CLP", "15000"), ("VND", "15000"), ("KWD", "15.000"), ("BHD", "15.000"),
        ("TND", "15.000"), ("JOD", "15.000"), ("CLF", "1.5000"),
    ],
)  # fmt: skip
def test_an_amount_is_written_with_the_digits_of_its_currency(currency: str, words: str) -> None:
    assert shown(15_000, currency) == words


@pytest.mark.parametrize(("amount", "words"), [(0, "0.00"), (5, "0.05"), (100, "1.00"), (10**12, "10000000000.00")])
def test_small_and_large_amounts_keep_their_digits(amount: int, words: str) -> None:
    assert shown(amount, "TRY") == words


@given(st.integers(0, 10**12), st.sampled_from(["JPY", "TRY", "KWD", "CLF"]))
def test_what_is_written_is_the_amount(amount: int, currency: str) -> None:
    assert Decimal(shown(amount, currency)).scaleb(digits(currency)) == amount


def test_the_arithmetic_of_a_credit_says_the_true_sum() -> None:
    scene, _ = member_of(currency="KWD")
    earned = said(scene.when(bought(150, currency="KWD")), "points-earned")
    assert earned.arithmetic == "15.000 KWD x 1 per 0.100 = 150"
