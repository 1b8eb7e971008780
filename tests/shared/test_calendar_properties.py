"""Random targets around clock changes against a bitmap of every minute (spec: sla, Arithmetic, property test)."""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from shared.core.calendar import WEEKDAYS, Calendar, due, elapsed, intervals, is_open, next_opening

ZONES = ("Europe/Istanbul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
YEARS = range(2015, 2036)
DAYS_AROUND = 46
DAYS_BEFORE = 4
MINUTES = 1440
QUARTER = timedelta(minutes=15)
DAY = 86_400
FORTY_HOURS = 40 * 3_600


@cache
def change_days(zone, year):
    """The dates on which the zone's clock changes; where it does not, those of Berlin."""
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
    changes = [noons[day].date() for day in range(1, 365) if offsets[day] != offsets[day - 1]]
    return changes or change_days("Europe/Berlin", year)


@cache
def wall_clock(zone, change):
    """First UTC minute, first local date, and for each minute around a change: the date's number and its minute.

    Read once per quarter of an hour: these zones' offsets and changes are whole quarters.
    """
    first = datetime.combine(change - timedelta(days=DAYS_BEFORE), datetime.min.time(), UTC)
    quarters = [(first + QUARTER * n).astimezone(ZoneInfo(zone)) for n in range(DAYS_AROUND * 96)]
    dates = np.array([local.toordinal() for local in quarters])
    minutes = np.array([local.hour * 60 + local.minute for local in quarters])
    minutes = np.repeat(minutes, 15) + np.tile(np.arange(15), len(quarters))
    return first, dates[0], np.repeat(dates - dates[0], 15), minutes


def random_day(rng):
    """Up to three windows of one date, as minutes; often at midnight and in the hours where clocks change."""
    count = rng.choice((0, 1, 1, 1, 2, 2, 3))
    edges = {0, 60, 90, 120, 150, 180, 540, 750, 810, 1080, MINUTES, *(rng.randrange(MINUTES) for _ in range(8))}
    chosen = sorted(rng.sample(sorted(edges), 2 * count))
    return list(zip(chosen[::2], chosen[1::2], strict=True))


def windows(day):
    return [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in day]


def random_case(rng):
    zone = rng.choice(ZONES)
    change = rng.choice(change_days(zone, rng.choice(YEARS)))
    week = [random_day(rng) for _ in WEEKDAYS]
    if sum(b - a for day in week for a, b in day) < 10 * 60:
        week[rng.randrange(7)] = [(0, MINUTES)]
    special = {change + timedelta(days=rng.randrange(-3, 10)): random_day(rng) for _ in range(rng.randrange(4))}
    calendar = Calendar(
        name="random",
        zone=zone,
        week={name: windows(day) for name, day in zip(WEEKDAYS, week, strict=True)},
        exceptions={day: windows(found) for day, found in special.items()},
    )
    return calendar, change, week, special


def bitmap(zone, change, week, special):
    """The first UTC minute, and for each minute around the change whether the wall clock shows an open one."""
    first, first_date, dates, minutes = wall_clock(zone, change)
    days = np.zeros((dates[-1] + 1, MINUTES), dtype=bool)
    for number, day in enumerate(days):
        local = date.fromordinal(int(first_date) + number)
        for opens, closes in special.get(local, week[local.weekday()]):
            day[opens:closes] = True
    return first, days[dates, minutes]


def runs(open_steps):
    """First and last of every run of successive steps."""
    ends = np.flatnonzero(np.diff(open_steps) != 1)
    return open_steps[np.concatenate(([0], ends + 1))], open_steps[np.concatenate((ends, [len(open_steps) - 1]))]


def differences(case, rng, step):
    """The questions that arithmetic and bitmap answer differently for one case; `step` is 60 or 1 seconds."""
    calendar, change, week, special = case
    first, is_open_at = bitmap(calendar.zone, change, week, special)
    is_open_at = np.repeat(is_open_at, 60 // step)
    start = rng.randrange(2 * DAY // step, (DAYS_BEFORE + 2) * DAY // step)
    open_steps = np.flatnonzero(is_open_at[start:]) + start
    open_steps = open_steps[: FORTY_HOURS // step]
    opens, closes = runs(open_steps)

    def instant(number):
        return first + timedelta(seconds=int(number) * step)

    used_up = rng.choice(closes) if rng.randrange(3) == 0 else rng.choice(open_steps)
    seconds = int(np.searchsorted(open_steps, used_up) + 1) * step
    due_at = instant(used_up + 1)
    end = rng.randrange(start, int(open_steps[-1]) + 2)
    open_until_end = int(np.searchsorted(open_steps, end)) * step
    spans = [
        (instant(opened), instant(min(closed + 1, end)))
        for opened, closed in zip(opens, closes, strict=True)
        if opened < end
    ]
    a, b = instant(start), instant(end)
    answers = {
        "due": (due(calendar, a, seconds), due_at),
        "elapsed until due": (elapsed(calendar, a, due_at), seconds),
        "elapsed": (elapsed(calendar, a, b), open_until_end),
        "is_open": (is_open(calendar, a), bool(is_open_at[start])),
        "next_opening": (next_opening(calendar, a), instant(open_steps[0])),
        "intervals": (intervals(calendar, a, b), spans),
    }
    return [(name, calendar, a, b, seconds, *pair) for name, pair in answers.items() if pair[0] != pair[1]]


@pytest.mark.parametrize(
    ("count", "step"),
    [
        pytest.param(5_000, 60, id="5,000 to the minute", marks=pytest.mark.long),
        pytest.param(200, 1, id="200 to the second"),
    ],
)
def test_arithmetic_equals_the_bitmap_of_minutes(count, step):
    rng = random.Random(20261028 + step)
    assert [found for _ in range(count) for found in differences(random_case(rng), rng, step)] == []
