"""Business time: calendars as policy documents, and the open seconds between two instants (spec: sla, Arithmetic).

An instant is open when the wall clock of the calendar's zone then shows a time inside a window of that local date. So
across a clock change a window has its true length, a local time that does not exist is never open, and one that comes
twice is open both times. Every interval is half-open; all sums are made in UTC, in integers of microseconds.
"""

import difflib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from importlib import resources
from itertools import accumulate, pairwise
from operator import sub
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
YEARS = range(1970, 2200)

_WINDOW = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400  # seconds; instants inside a timeline are in microseconds since 1970
_SECOND = 1_000_000
_BLOCK_DAYS = 32
_BLOCK = _BLOCK_DAYS * _DAY * _SECOND
_BLOCKS_KEPT = 512
_SAMPLE = _DAY // 2  # no zone changes its clock twice within half a day
_TEN_YEARS = 3_653 * _DAY * _SECOND


class NoOpenTime(ValueError):
    """The calendar has not enough open time within ten years after the given instant."""


def window_minutes(window: str) -> tuple[int, int]:
    """Opening and closing of "HH:MM-HH:MM" in minutes of the day, 0 to 1440; ValueError says what to write instead."""
    parts = _WINDOW.fullmatch(window)
    if not parts:
        raise ValueError(f"window {window!r} is not of the form HH:MM-HH:MM; write for example '09:00-12:30'")
    opens_hour, opens_minute, closes_hour, closes_minute = map(int, parts.groups())
    opens, closes = opens_hour * 60 + opens_minute, closes_hour * 60 + closes_minute
    if max(opens_minute, closes_minute) > 59 or max(opens, closes) > 1440:
        raise ValueError(f"window {window!r} has a time that no clock shows; times go from 00:00 to 24:00")
    if opens >= closes:
        raise ValueError(
            f"window {window!r} does not close after it opens; a night is two windows, "
            "like '22:00-24:00' on one day and '00:00-06:00' on the next"
        )
    return opens, closes


def _checked_windows(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is not a list of windows; write ['09:00-18:00'], or [] for closed")
    for window in value:
        if not isinstance(window, str):
            raise ValueError(f"{window!r} is not text; put the window in quotes, like '09:00-18:00'")
    minutes = [window_minutes(window) for window in value]
    for (earlier, later), (one, other) in zip(pairwise(minutes), pairwise(value), strict=True):
        if later < earlier:
            raise ValueError(f"windows {one!r} and {other!r} are out of order; put the earlier one first")
        if later[0] < earlier[1]:
            raise ValueError(f"windows {one!r} and {other!r} overlap; join them or move one")
    return tuple(value)


def _checked_date(value: object) -> object:
    is_date = isinstance(value, date) and not isinstance(value, datetime)
    if is_date or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise ValueError(f"{value!r} is not a date; write it as YYYY-MM-DD, like 2026-10-29")


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


def _checked_zone(zone: str) -> str:
    if zone not in zone_names():
        near = difflib.get_close_matches(zone, sorted(zone_names()), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write an IANA name, like 'Europe/Istanbul'"
        raise ValueError(f"unknown time zone {zone!r}; {hint}")
    return zone


Windows = Annotated[tuple[str, ...], BeforeValidator(_checked_windows)]
Day = Annotated[date, BeforeValidator(_checked_date)]
Week = Mapping[Weekday, tuple[str, ...]]


def _whole_week(week: Week) -> Week:
    return {day: week.get(day, ()) for day in WEEKDAYS}


class Calendar(BaseModel):
    """When an organisation works: a policy document, checked when it is made (spec: sla, Policy and calendar).

    Windows are local times "HH:MM-HH:MM" of one date, in order and apart; 24:00 is the end of the day. A weekday that
    is not named is closed; an exception replaces the weekday's windows ([]: closed). `exception_names` is for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    zone: Annotated[str, AfterValidator(_checked_zone)]
    week: Annotated[Mapping[Weekday, Windows], AfterValidator(_whole_week)]
    exceptions: Mapping[Day, Windows] = {}
    exception_names: Mapping[Day, str] = {}

    @classmethod
    def always(cls, zone: str = "UTC") -> Self:
        """24 hours a day, 7 days a week."""
        return cls(name="always", zone=zone, week=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)))

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not any(self.week.values()) and not any(self.exceptions.values()):
            raise ValueError(f"calendar {self.name!r} is never open; give at least one weekday a window in `week`")
        nameless = sorted(self.exception_names.keys() - self.exceptions.keys())
        if nameless:
            raise ValueError(
                f"exception_names has {nameless[0]}, which is not in `exceptions`; add it there or drop it"
            )
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A changed calendar, checked like a new one (pydantic's own copy would keep the old one's cached hours)."""
        return type(self).model_validate({**self.model_dump(), **(update or {})})

    def __hash__(self) -> int:
        return hash((self.name, self.hours))

    @cached_property
    def hours(self) -> "_Hours":
        """All that the arithmetic needs of this document, as one hashable value."""
        return _Hours(
            self.zone,
            tuple(tuple(window_minutes(window) for window in self.week[day]) for day in WEEKDAYS),
            tuple((day, tuple(map(window_minutes, windows))) for day, windows in sorted(self.exceptions.items())),
        )

    @cached_property
    def timeline(self) -> "_Timeline":
        """The hours laid out in UTC; calendars with the same hours share one."""
        return _timeline(self.hours)


def elapsed(calendar: Calendar, a: datetime, b: datetime) -> int:
    """Open time in [a, b) in whole seconds, rounded down; 0 when b is not after a."""
    return calendar.timeline.open_between(_instant(a), _instant(b)) // _SECOND


def due(calendar: Calendar, start: datetime, seconds: int) -> datetime:
    """The earliest UTC instant with `elapsed(start, due) == seconds`: a target used up at closing is due at closing.

    0 seconds are due at `start`. ValueError for negative seconds, NoOpenTime when it lies beyond ten years.
    """
    if seconds < 0:
        raise ValueError(f"seconds is {seconds}; a target that is already used up is due at the instant of that change")
    return _datetime(calendar.timeline.due(_instant(start), seconds * _SECOND))


def is_open(calendar: Calendar, t: datetime) -> bool:
    """Whether `t` lies in a window; the closing instant does not."""
    instant = _instant(t)
    return calendar.timeline.open_between(instant, instant + 1) > 0


def next_opening(calendar: Calendar, t: datetime) -> datetime:
    """The first open instant at or after `t`, in UTC: `t` itself when it is open. NoOpenTime beyond ten years."""
    return _datetime(calendar.timeline.next_opening(_instant(t)))


def intervals(calendar: Calendar, a: datetime, b: datetime) -> list[tuple[datetime, datetime]]:
    """The open intervals of [a, b) in UTC, in order and as long as can be: none touches the next."""
    found = calendar.timeline.intervals(_instant(a), _instant(b))
    return [(_datetime(start), _datetime(end)) for start, end in found]


def _instant(t: datetime) -> int:
    if t.utcoffset() is None:
        raise ValueError(f"{t.isoformat()} has no time zone; give an aware datetime, like datetime(..., tzinfo=UTC)")
    if t.year not in YEARS:
        raise ValueError(f"{t.isoformat()} is outside {YEARS[0]}-{YEARS[-1]}; check the clock or the date it came from")
    since = t.astimezone(UTC) - _EPOCH
    return (since.days * _DAY + since.seconds) * _SECOND + since.microseconds


def _datetime(instant: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant)


class _Hours(NamedTuple):
    """A calendar's rules in minutes of the day: zone, windows from Monday to Sunday, exceptions in order of date."""

    zone: str
    week: tuple[tuple[tuple[int, int], ...], ...]
    exceptions: tuple[tuple[date, tuple[tuple[int, int], ...]], ...]


class _Block(NamedTuple):
    """The open intervals of 32 UTC days; `sums[i]` is the open time of the block up to `ends[i]`."""

    starts: list[int]
    ends: list[int]
    sums: list[int]

    @property
    def total(self) -> int:
        return self.sums[-1] if self.sums else 0

    def open_before(self, instant: int) -> int:
        found = bisect_right(self.starts, instant) - 1
        return self.sums[found] - max(0, self.ends[found] - instant) if found >= 0 else 0

    def instant_of(self, open_time: int) -> int:
        """The earliest instant with so much open time before it; 0 < open_time <= total."""
        found = bisect_left(self.sums, open_time)
        return self.ends[found] - (self.sums[found] - open_time)


class _Timeline:
    """A calendar's open time in UTC, worked out block by block when it is asked for."""

    def __init__(self, hours: _Hours) -> None:
        self._hours = hours
        self._exceptions = dict(hours.exceptions)
        self._blocks: dict[int, _Block] = {}

    def open_between(self, a: int, b: int) -> int:
        if b <= a:
            return 0
        first, last = a // _BLOCK, b // _BLOCK
        whole = sum(self._block(number).total for number in range(first, last))
        return whole + self._block(last).open_before(b) - self._block(first).open_before(a)

    def due(self, start: int, open_time: int) -> int:
        if open_time == 0:
            return start
        number = start // _BLOCK
        missing = open_time + self._block(number).open_before(start)
        while missing > self._block(number).total:
            missing -= self._block(number).total
            number += 1
            self._check_horizon(start, number * _BLOCK)
        found = self._block(number).instant_of(missing)
        self._check_horizon(start, found)
        return found

    def next_opening(self, instant: int) -> int:
        number = instant // _BLOCK
        while not (block := self._block(number)).ends or block.ends[-1] <= instant:
            number += 1
            self._check_horizon(instant, number * _BLOCK)
        found = max(instant, block.starts[bisect_right(block.ends, instant)])
        self._check_horizon(instant, found)
        return found

    def intervals(self, a: int, b: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for number in range(a // _BLOCK, b // _BLOCK + 1):
            for start, end in zip(*self._block(number)[:2], strict=True):
                _append(found, max(start, a), min(end, b))
        return found

    def _check_horizon(self, start: int, reached: int) -> None:
        if reached - start > _TEN_YEARS:
            raise NoOpenTime(
                f"the calendar in zone {self._hours.zone} has too little open time in the ten years after "
                f"{_datetime(start).isoformat()}; give its week more windows, or the target fewer seconds"
            )

    def _block(self, number: int) -> _Block:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()
            block = self._blocks[number] = self._laid_out(number)
        return block

    def _laid_out(self, number: int) -> _Block:
        found: list[tuple[int, int]] = []
        for begin, end, offset in _offsets(self._hours.zone, number):
            for day in range((begin + offset) // _DAY, (end + offset - 1) // _DAY + 1):
                midnight = day * _DAY - offset
                for opens, closes in self._windows(_EPOCH.date() + timedelta(days=day)):
                    _append(found, max(begin, midnight + opens * 60), min(end, midnight + closes * 60))
        starts, ends = [start * _SECOND for start, _ in found], [end * _SECOND for _, end in found]
        return _Block(starts, ends, list(accumulate(map(sub, ends, starts))))

    def _windows(self, day: date) -> tuple[tuple[int, int], ...]:
        exception = self._exceptions.get(day)
        return self._hours.week[day.weekday()] if exception is None else exception


def _append(found: list[tuple[int, int]], start: int, end: int) -> None:
    """Add an interval to intervals in order: an empty one vanishes, one that touches the last makes that longer."""
    if start >= end:
        return
    if found and found[-1][1] == start:
        start = found.pop()[0]
    found.append((start, end))


@lru_cache(maxsize=256)
def _timeline(hours: _Hours) -> _Timeline:
    return _Timeline(hours)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    # from the pinned package, not from the operating system: a replay elsewhere must come to the same instants
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _offset(zone: str, at: int) -> int:
    offset = (_EPOCH + timedelta(seconds=at)).astimezone(_zone(zone)).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def _next_change(zone: str, begin: int, limit: int) -> int:
    """The first instant after `begin` with another UTC offset, or `limit`."""
    offset = _offset(zone, begin)
    for sample in range(begin, limit, _SAMPLE):
        until = min(sample + _SAMPLE, limit)
        if _offset(zone, until) != offset:
            between = range(sample + 1, until)
            return sample + 1 + bisect_left(between, True, key=lambda at: _offset(zone, at) != offset)
    return limit


@lru_cache(maxsize=4096)
def _offsets(zone: str, number: int) -> list[tuple[int, int, int]]:
    """The block's spans of one UTC offset: begin and end in seconds since 1970, offset in seconds."""
    spans = []
    begin, limit = number * _BLOCK_DAYS * _DAY, (number + 1) * _BLOCK_DAYS * _DAY
    while begin < limit:
        end = _next_change(zone, begin, limit)
        spans.append((begin, end, _offset(zone, begin)))
        begin = end
    return spans
