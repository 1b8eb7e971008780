"""Public holidays of Turkey as dated exceptions, for whoever publishes a calendar; never called by the domain."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from holidays import country_holidays

from shared.core.calendar import WEEKDAYS, Calendar, window_minutes

HALF_DAY_CLOSES = 13 * 60
LONGEST_LUNCH = 2 * 60


class Holiday(NamedTuple):
    """A day off or a half day: its Turkish name and the windows that stay open, "HH:MM-HH:MM"; none: closed."""

    name: str
    windows: tuple[str, ...]


def turkish_holidays(calendar: Calendar, years: Iterable[int]) -> dict[date, Holiday]:
    """The public holidays and half days of whole years for a calendar's week, in order of date.

    Half days (28 October, the eves of Ramazan and Kurban Bayramı) close at 13:00 (spec: sla, Policy and calendar; law
    2429, articles 1 and 2). ValueError for a year that the package `holidays` does not know.
    """
    found: dict[date, Holiday] = {}
    for year in years:
        closed = country_holidays("TR", years=year, categories=("public",), language="tr")
        halves = country_holidays("TR", years=year, categories=("half_day",), language="tr")
        if not closed or not halves:
            raise ValueError(f"years has {year}, for which no Turkish holidays are known; give years from 1936 to 2100")
        found |= {day: Holiday(name, half_day(calendar.week[WEEKDAYS[day.weekday()]])) for day, name in halves.items()}
        found |= {day: Holiday(name, ()) for day, name in closed.items()}
    return dict(sorted(found.items()))


def half_day(windows: tuple[str, ...]) -> tuple[str, ...]:
    """What stays open of a day that ends at 13:00; the lunch break around 13:00 is worked through."""
    minutes = [window_minutes(window) for window in windows]
    kept = [(opens, min(closes, HALF_DAY_CLOSES)) for opens, closes in minutes if opens < HALF_DAY_CLOSES]
    later = [opens for opens, _ in minutes if opens >= HALF_DAY_CLOSES]
    if kept and later and later[0] - kept[-1][1] <= LONGEST_LUNCH:
        kept[-1] = (kept[-1][0], HALF_DAY_CLOSES)
    return tuple(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in kept)


def with_turkish_holidays(calendar: Calendar, years: Iterable[int]) -> Calendar:
    """The calendar with the holidays of these years as exceptions; an exception that it already has stays."""
    new = {day: holiday for day, holiday in turkish_holidays(calendar, years).items() if day not in calendar.exceptions}
    exceptions = {**calendar.exceptions, **{day: holiday.windows for day, holiday in new.items()}}
    names = {**calendar.exception_names, **{day: holiday.name for day, holiday in new.items()}}
    return calendar.model_copy(update={"exceptions": exceptions, "exception_names": names})


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
