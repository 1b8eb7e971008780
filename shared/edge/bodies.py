"""What bodies and queries are made of, where Python would take more than JSON says: whole numbers, days."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    """``2`` and ``2.0`` are one number in JSON; a text, a truth or 2.5 is none of these."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError("write a whole number, without quotes")
    return int(value)


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        if len(value) == len("2026-10-26"):
            return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise ValueError("write a day such as 2026-10-26")


WHOLE = BeforeValidator(_whole)
Day = Annotated[date, BeforeValidator(_day)]
