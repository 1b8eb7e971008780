"""Figures with their uncertainty: a score is published with n and an interval, or not at all. Spec: feedback."""

from math import sqrt
from typing import Any

from contracts.feedback import SurveyKind

LEAST = 5
"""Cells with fewer answers are hidden: they would tell who said what."""
Z = 1.959963984540054
"""95 %."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (E. B. Wilson, 1927), 0 to 1; the whole range for n = 0."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def net(top: int, bottom: int, n: int) -> tuple[float, float]:
    """The 95 % interval of top share minus bottom share of the same n answers, -1 to 1: the Wilson intervals of both
    shares put together (MOVER; Zou and Donner, 2008) with the correlation of two shares of a multinomial sample."""
    if n == 0:
        return -1.0, 1.0
    p, q = top / n, bottom / n
    (p_low, p_high), (q_low, q_high) = wilson(top, n), wilson(bottom, n)
    spread = (1 - p) * (1 - q)
    together = -sqrt(p * q / spread) if spread > 0 else 0.0

    def reach(one: float, other: float) -> float:
        return sqrt(one * one - 2 * together * one * other + other * other)

    low = p - q - reach(p - p_low, q_high - q)
    high = p - q + reach(p_high - p, q - q_low)
    return max(-1.0, low), min(1.0, high)


def score(kind: SurveyKind, n: int, total: int, top: int, bottom: int) -> dict[str, Any]:
    """One cell: ``score`` in percent (CSAT: share of 4 and 5; NPS: promoters minus detractors, -100 to 100), its 95 %
    interval ``low``..``high``, the ``average`` and ``n``. A cell with n < 5 is ``hidden`` and says nothing but that."""
    if n < LEAST:
        return {"n": None, "hidden": True, "score": None, "low": None, "high": None, "average": None}
    value, (low, high) = (top / n, wilson(top, n)) if kind == "csat" else ((top - bottom) / n, net(top, bottom, n))
    return {
        "n": n, "hidden": False, "score": _percent(value), "low": _percent(low), "high": _percent(high),
        "average": round(total / n, 2),
    }  # fmt: skip


def rate(hits: int, n: int) -> dict[str, Any]:
    """A share in percent with its interval; None without a base."""
    if n == 0:
        return {"n": 0, "rate": None, "low": None, "high": None}
    low, high = wilson(min(hits, n), n)
    return {"n": n, "rate": _percent(min(hits, n) / n), "low": _percent(low), "high": _percent(high)}


def _percent(share: float) -> float:
    return round(100 * share, 1)
