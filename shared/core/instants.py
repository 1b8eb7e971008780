"""Instants: how they are written, and which can be counted with."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

AHEAD: Final = timedelta(minutes=5)
"""So far the clock of who says something may be ahead of ours."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from outside lie in between: ids count their milliseconds from 1970 (UUIDv7), calendars end with 2199, and
every policy can add its longest time to them."""


class OutOfCalendar(ValueError):
    """An instant that is before the year 1 or after 9999 in UTC."""


def utc(text: str) -> datetime:
    """An ISO 8601 instant with an offset, as UTC. Raises ValueError that says so when the offset is missing."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset; write for example {text}+03:00 or {text}Z")
    try:
        return value.astimezone(UTC)
    except OverflowError as e:
        raise OutOfCalendar(f"{text!r} lies outside of all calendars") from e


def _instant(value: Any) -> datetime:
    if not isinstance(value, str | datetime):
        raise ValueError("write an instant such as 2026-10-26T09:00:00+03:00")
    try:
        at = utc(value if isinstance(value, str) else value.isoformat())
        known = FIRST <= at < LAST
    except OutOfCalendar:
        known = False
    if not known:
        raise ValueError(f"lies outside of {FIRST.year} to {LAST.year - 1}; check the clock or the date it came from")
    return at


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An instant that somebody else says, UTC: with an offset, and within the years that can be counted with."""
