"""Amounts of money in words: digits of the minor unit by ISO 4217, list one. Pure."""

from typing import Final

NONE: Final = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
THREE: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
FOUR: Final = frozenset("CLF UYW".split())  # noqa: SIM905


def digits(currency: str) -> int:
    """Decimals of a currency, of its code of three capitals; all that are not named here have two."""
    return 0 if currency in NONE else 3 if currency in THREE else 4 if currency in FOUR else 2


def shown(amount: int, currency: str) -> str:
    """``15000`` minor units as people write them: 150.00 for TRY, 15000 for JPY, 15.000 for KWD."""
    places = digits(currency)
    whole, part = divmod(amount, 10**places)
    return f"{whole}.{part:0{places}}" if places else str(amount)
