"""Why a clock says what it says: policy, calendar, all counted and paused intervals, sum, due and result. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from shared.core.calendar import Calendar, elapsed, intervals
from shared.core.event import Value

Row = Mapping[str, Any]
ENDS = frozenset({"met", "late", "cancelled"})


class Window(Value):
    """Open time of the calendar, ``[start, end)``, UTC."""

    start: datetime
    end: datetime


class Interval(Value):
    """From one change of a clock to the next."""

    since: str
    """What began it: started, paused, resumed, retargeted; met, late or cancelled: the clock had ended."""
    start: datetime
    end: datetime
    counts: bool
    """Whether business time was counted."""
    category: str | None
    """The status category that paused it."""
    calendar: str
    calendar_version: int
    carried: int
    """Seconds used before."""
    seconds: int
    """Seconds of business time in it; 0 when it does not count."""
    windows: tuple[Window, ...]
    """Of which these are open time."""


class Explanation(Value):
    """One clock, explained."""

    metric: str
    cycle: int
    policy: int
    rule: str
    condition: str
    priority: str
    calendar: str
    calendar_version: int
    target: int
    started_at: datetime
    intervals: tuple[Interval, ...]
    used: int
    """Seconds used at the end, or until now."""
    due: datetime | None
    """None: it stands still."""
    result: str
    """met, breached, cancelled, or running."""
    ended_at: datetime | None
    breached_at: datetime | None
    detected_at: datetime | None
    retracted_at: datetime | None


def explain(clock: Row, legs: Iterable[Row], calendar: Callable[[str, int], Calendar], now: datetime) -> Explanation:
    """Explain a row of ``clocks`` by its rows of ``legs`` in the order in which they were written."""
    standing = _standing(legs)
    spans = [(leg, following["at"]) for leg, following in pairwise(standing)]
    last = standing[-1]
    if last["what"] not in ENDS:
        spans.append((last, max(now, last["at"])))
    parts = tuple(_interval(leg, end, calendar) for leg, end in spans)
    used = parts[-1].carried + parts[-1].seconds if last["what"] not in ENDS else last["carried"]
    same = ("metric", "cycle", "policy", "rule", "condition", "priority", "calendar", "calendar_version", "target")
    marks = ("started_at", "due", "ended_at", "breached_at", "detected_at", "retracted_at")
    return Explanation(
        **{name: clock[name] for name in same}, **{name: clock.get(name) for name in marks},
        intervals=parts, used=used, result=result(clock),
    )  # fmt: skip


def result(clock: Row) -> str:
    """met, breached, cancelled or running, of a row of ``clocks``."""
    if clock["state"] == "cancelled":
        return "cancelled"
    if clock.get("breached_at"):
        return "breached"
    return "met" if clock["state"] == "met" else "running"


def _standing(legs: Iterable[Row]) -> list[dict[str, Any]]:
    """The legs that were not undone: a withdrawn end vanishes, and so does what was heard before but begins later."""
    standing: list[dict[str, Any]] = []
    for leg in legs:
        if leg["what"] == "withdrawn":
            standing.pop()
            continue
        standing = [known for known in standing if known["at"] <= leg["at"]]
        before = standing[-1] if standing else {}
        inherited = {name: leg.get(name) or before.get(name) for name in ("calendar", "calendar_version")}
        standing.append({**leg, **inherited})
    return standing


def _interval(leg: Row, end: datetime, calendar: Callable[[str, int], Calendar]) -> Interval:
    start, counts = leg["at"], leg["running"]
    pinned = calendar(leg["calendar"], leg["calendar_version"])
    return Interval(
        since=leg["what"], start=start, end=end, counts=counts, category=leg.get("category"), calendar=leg["calendar"],
        calendar_version=leg["calendar_version"], carried=leg["carried"],
        seconds=elapsed(pinned, start, end) if counts else 0,
        windows=tuple(Window(start=a, end=b) for a, b in intervals(pinned, start, end)) if counts else (),
    )  # fmt: skip
