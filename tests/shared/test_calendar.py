"""Business time: the golden cases of the sla spec, the document's errors, and the calendars that ship."""

import timeit
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import ValidationError

from shared.core.calendar import Calendar, NoOpenTime, due, elapsed, intervals, is_open, next_opening
from shared.core.holidays import half_day, turkish_holidays, with_turkish_holidays

CALENDARS = Path(__file__).parents[2] / "services" / "sla" / "calendars"
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
HOUR = 3600


def shipped(name):
    return Calendar.model_validate(yaml.safe_load((CALENDARS / f"{name}.yaml").read_text("utf-8")))


def calendar(zone="UTC", **fields):
    return Calendar.model_validate({"name": "test", "zone": zone, "week": {"mon": ["09:00-17:00"]}} | fields)


def at(text, zone="Europe/Istanbul", fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def utc(text):
    return at(text, "UTC")


TR = shipped("tr")
EU = shipped("eu")


@pytest.mark.parametrize(
    ("start", "seconds", "result"),
    [
        pytest.param("2026-10-26 12:00", HOUR, "2026-10-26 14:00", id="lunch"),
        pytest.param("2026-10-27 17:30", 4 * HOUR, "2026-10-28 12:30", id="half-day holiday"),
        pytest.param("2026-10-27 17:30", 5 * HOUR, "2026-10-30 09:30", id="half day and holiday"),
        pytest.param("2026-10-28 13:00", 15 * 60, "2026-10-30 09:15", id="start at the closing of the half day"),
        pytest.param("2026-10-30 19:00", 8 * HOUR, "2026-11-02 18:00", id="start outside hours, ends exactly at close"),
    ],
)
def test_the_golden_targets_are_due_when_the_spec_says(start, seconds, result):
    assert due(TR, at(start), seconds) == at(result)
    assert elapsed(TR, at(start), at(result)) == seconds


@pytest.mark.parametrize(("start", "end", "hours"), [("2026-03-28", "2026-03-29", 7), ("2026-10-24", "2026-10-25", 9)])
def test_a_night_over_the_clock_change_has_its_true_length(start, end, hours):
    always, berlin = Calendar.always("Europe/Berlin"), "Europe/Berlin"
    assert elapsed(always, at(f"{start} 22:00", berlin), at(f"{end} 06:00", berlin)) == hours * HOUR


def carried_over(*running):
    return sum(elapsed(TR, at(f"2026-10-{start}"), at(f"2026-10-{end}")) for start, end in running)


def test_a_pause_holds_the_target():
    carried = carried_over(("26 09:00", "26 11:00"))
    assert carried == 2 * HOUR
    assert due(TR, at("2026-10-26 14:30"), 8 * HOUR - carried) == at("2026-10-27 11:30")


def test_a_new_priority_carries_over_what_was_used():
    carried = carried_over(("26 09:00", "26 11:00"), ("26 14:30", "26 15:00"))
    assert carried == 2.5 * HOUR
    assert due(TR, at("2026-10-26 15:00"), 4 * HOUR - carried) == at("2026-10-26 16:30")


def test_a_new_priority_that_comes_late_finds_its_target_used_up():
    carried = carried_over(("26 09:00", "26 11:00"), ("26 14:30", "27 10:00"))
    assert carried == 6.5 * HOUR
    with pytest.raises(ValueError, match="already used up"):
        due(TR, at("2026-10-27 10:00"), 4 * HOUR - carried)


def test_a_target_of_nothing_is_due_at_the_start_even_when_closed():
    start = at("2026-10-29 03:00")
    assert due(TR, start, 0) == start
    assert due(TR, start, 0).tzinfo is UTC


def test_an_interval_that_ends_before_it_begins_has_no_open_time():
    assert elapsed(TR, at("2026-10-26 11:00"), at("2026-10-26 10:00")) == 0


def test_a_due_instant_keeps_the_fraction_of_its_start():
    start = at("2026-10-26 11:00:00.250")
    assert due(TR, start, 60) == at("2026-10-26 11:01:00.250")
    assert elapsed(TR, start, at("2026-10-26 11:01:00.249999")) == 59


def test_the_opening_instant_is_open_and_the_closing_instant_is_not():
    assert is_open(TR, at("2026-10-26 09:00"))
    assert is_open(TR, at("2026-10-26 12:29:59.999999"))
    assert not is_open(TR, at("2026-10-26 12:30"))
    assert not is_open(TR, at("2026-10-26 08:59:59.999999"))


def test_the_next_opening_of_an_open_instant_is_itself():
    assert next_opening(TR, at("2026-10-26 11:11")) == at("2026-10-26 11:11")


@pytest.mark.parametrize(
    ("closed", "opens"),
    [("26 12:30", "26 13:30"), ("28 13:00", "30 09:00"), ("24 10:00", "26 09:00"), ("26 08:59", "26 09:00")],
)
def test_the_next_opening_passes_lunch_holidays_and_weekends(closed, opens):
    assert next_opening(TR, at(f"2026-10-{closed}")) == at(f"2026-10-{opens}")


def test_the_intervals_of_an_explanation_are_cut_to_what_was_asked_and_in_utc():
    assert intervals(TR, at("2026-10-27 17:30"), at("2026-10-30 09:30")) == [
        (utc("2026-10-27 14:30"), utc("2026-10-27 15:00")),
        (utc("2026-10-28 06:00"), utc("2026-10-28 10:00")),
        (utc("2026-10-30 06:00"), utc("2026-10-30 06:30")),
    ]


def test_days_that_touch_are_one_interval():
    a, b = utc("2020-01-01 10:00"), utc("2026-10-30 09:30")
    assert intervals(Calendar.always(), a, b) == [(a, b)]
    assert intervals(Calendar.always(), b, a) == []


def test_a_window_over_a_skipped_hour_is_an_hour_shorter():
    night = calendar("Europe/Berlin", week={"sun": ["01:00-04:00"]})
    assert intervals(night, utc("2026-03-29 00:00"), utc("2026-03-30 00:00")) == [
        (utc("2026-03-29 00:00"), utc("2026-03-29 02:00"))
    ]


def test_a_window_inside_a_skipped_hour_never_opens():
    night = calendar("Europe/Berlin", week={"sun": ["02:00-03:00"]})
    assert elapsed(night, utc("2026-03-28 00:00"), utc("2026-03-31 00:00")) == 0


def test_a_window_inside_a_repeated_hour_is_open_both_times():
    night = calendar("Europe/Berlin", week={"sun": ["02:15-02:45"]})
    assert intervals(night, utc("2026-10-25 00:00"), utc("2026-10-26 00:00")) == [
        (utc("2026-10-25 00:15"), utc("2026-10-25 00:45")),
        (utc("2026-10-25 01:15"), utc("2026-10-25 01:45")),
    ]
    assert is_open(night, at("2026-10-25 02:30", "Europe/Berlin", fold=1))


def test_a_clock_change_at_midnight_belongs_to_the_day_that_the_wall_shows():
    evening = calendar("America/Sao_Paulo", week={"sat": ["22:00-24:00"]})
    assert elapsed(evening, utc("2018-02-17 12:00"), utc("2018-02-18 12:00")) == 3 * HOUR


def test_a_date_that_a_zone_skipped_has_no_windows():
    samoa = calendar("Pacific/Apia", week={"fri": ["09:00-17:00"]})
    assert elapsed(samoa, utc("2011-12-28 00:00"), utc("2012-01-02 00:00")) == 0


@pytest.mark.parametrize("day", ["2002-03-29", "2002-04-01", "2002-04-30", "2002-05-01"])
def test_two_changes_a_month_apart_are_both_found(day):
    zone = "Asia/Tomsk"
    tomsk = calendar(zone, week=dict.fromkeys(WORKDAYS, ("09:00-17:00",)))
    assert next_opening(tomsk, at(f"{day} 03:00", zone)) == at(f"{day} 09:00", zone)


def test_every_closing_leads_to_the_opening_a_week_later():
    mondays = [utc("2026-10-26 17:00") + timedelta(weeks=week) for week in range(20)]
    assert [next_opening(calendar(), closing) - closing for closing in mondays] == [timedelta(days=6, hours=16)] * 20


def test_a_span_of_lifetimes_is_summed_exactly():
    a, b = utc("1970-01-01 00:00"), utc("2199-12-31 00:00")
    assert elapsed(Calendar.always("Europe/Berlin"), a, b) == (b - a).days * 24 * HOUR


@pytest.mark.parametrize("asked", [elapsed, intervals])
def test_a_naive_end_is_refused(asked):
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        asked(TR, at("2026-10-26 09:00"), datetime(2026, 10, 26, 10))  # noqa: DTZ001


@pytest.mark.parametrize("asked", [is_open, next_opening, lambda tr, t: due(tr, t, 0), lambda tr, t: due(tr, t, 60)])
def test_a_naive_instant_is_refused(asked):
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        asked(TR, datetime(2026, 10, 26, 10))  # noqa: DTZ001


@pytest.mark.parametrize("year", [1, 1969, 2200, 9999])
def test_an_instant_of_another_age_is_refused_instead_of_summed_up(year):
    with pytest.raises(ValueError, match="is outside 1970-2199"):
        elapsed(TR, at("2026-10-26 09:00"), datetime(year, 6, 1, tzinfo=UTC))


def test_a_calendar_that_only_opened_in_the_past_raises_instead_of_looking_for_ever():
    past = calendar(week={}, exceptions={"2020-01-01": ["09:00-10:00"]})
    assert due(past, utc("2019-12-31 00:00"), HOUR) == utc("2020-01-01 10:00")
    with pytest.raises(NoOpenTime, match="ten years after 2026-01-01"):
        due(past, utc("2026-01-01 00:00"), 1)
    with pytest.raises(NoOpenTime, match="ten years after 2026-01-01"):
        next_opening(past, utc("2026-01-01 00:00"))


def test_a_target_may_be_due_in_ten_years_and_not_a_second_later():
    start, ten_years = utc("2026-01-01 00:00"), 3653 * 24 * HOUR
    assert due(Calendar.always(), start, ten_years) == start + timedelta(days=3653)
    with pytest.raises(NoOpenTime):
        due(Calendar.always(), start, ten_years + 1)
    with pytest.raises(NoOpenTime):
        due(Calendar.always(), start, 10**15)


@pytest.mark.parametrize(
    ("fields", "where", "text"),
    [
        ({"zone": "Europe/Istambul"}, ("zone",), "did you mean 'Europe/Istanbul'"),
        ({"zone": "../../etc/passwd"}, ("zone",), "IANA name|did you mean"),
        ({"week": {"mon": ["9:00-17:00"]}}, ("week", "mon"), "'9:00-17:00' is not of the form HH:MM-HH:MM"),
        ({"week": {"mon": ["09:60-17:00"]}}, ("week", "mon"), "times go from 00:00 to 24:00"),
        ({"week": {"mon": ["09:00-24:01"]}}, ("week", "mon"), "times go from 00:00 to 24:00"),
        ({"week": {"mon": ["22:00-06:00"]}}, ("week", "mon"), "a night is two windows"),
        ({"week": {"mon": ["09:00-09:00"]}}, ("week", "mon"), "does not close after it opens"),
        ({"week": {"mon": ["13:00-17:00", "09:00-12:00"]}}, ("week", "mon"), "put the earlier one first"),
        ({"week": {"mon": ["09:00-13:00", "12:00-17:00"]}}, ("week", "mon"), "overlap; join them or move one"),
        ({"week": {"tue": "09:00-17:00"}}, ("week", "tue"), r"write \['09:00-18:00'\], or \[\] for closed"),
        ({"week": {"tue": [540]}}, ("week", "tue"), "put the window in quotes"),
        ({"week": {"monday": []}}, ("week", "monday", "[key]"), "'mon'"),
        ({"week": {}}, (), "is never open; give at least one weekday"),
        ({"exceptions": {"2026-10-29": None}}, ("exceptions", "2026-10-29"), r"or \[\] for closed"),
        ({"exceptions": {"29.10.2026": []}}, ("exceptions", "29.10.2026", "[key]"), "write it as YYYY-MM-DD"),
        ({"exceptions": {"1767225600": []}}, ("exceptions", "1767225600", "[key]"), "write it as YYYY-MM-DD"),
        ({"exception_names": {"2026-10-29": "Bayram"}}, (), "2026-10-29, which is not in `exceptions`"),
        ({"name": ""}, ("name",), "at least 1 character"),
        ({"timezone": "UTC"}, ("timezone",), "not permitted"),
    ],
)
def test_a_mistake_in_the_document_names_its_place_and_the_remedy(fields, where, text):
    with pytest.raises(ValidationError, match=text) as raised:
        calendar(**fields)
    assert raised.value.errors()[0]["loc"] == where


def test_windows_may_touch_and_end_at_midnight():
    touching = calendar(week={"mon": ["00:00-12:00", "12:00-24:00"], "tue": ["00:00-01:00"]})
    assert intervals(touching, utc("2026-10-25 00:00"), utc("2026-10-30 00:00")) == [
        (utc("2026-10-26 00:00"), utc("2026-10-27 01:00"))
    ]


def test_an_exception_beats_the_weekday():
    saturday = calendar(exceptions={"2026-10-24": ["10:00-11:00"], "2026-10-26": []})
    assert elapsed(saturday, utc("2026-10-24 00:00"), utc("2026-10-31 00:00")) == HOUR


def test_calendars_with_the_same_content_are_equal_and_hash_alike():
    assert len({TR, shipped("tr"), EU}) == 2
    assert calendar(week={"mon": ["09:00-17:00"], "sun": []}) == calendar()


def test_a_calendar_survives_json():
    assert Calendar.model_validate_json(TR.model_dump_json()) == TR


def test_a_changed_copy_has_its_own_hours_and_is_checked():
    used = calendar()
    assert is_open(used, utc("2026-10-26 10:00"))
    assert not is_open(used.model_copy(update={"zone": "Asia/Kathmandu"}), utc("2026-10-26 12:00"))
    with pytest.raises(ValidationError, match="unknown time zone"):
        used.model_copy(update={"zone": "Mars"})


def test_the_turkish_calendar_is_what_the_generator_makes():
    bare = TR.model_copy(update={"exceptions": {}, "exception_names": {}})
    assert with_turkish_holidays(bare, (2026, 2027)) == TR
    assert bare.week == dict.fromkeys(WORKDAYS, ("09:00-12:30", "13:30-18:00")) | {"sat": (), "sun": ()}


def test_the_calendar_that_never_closes_is_the_one_that_ships():
    assert shipped("always") == Calendar.always()


def test_the_european_calendar_works_forty_hours_a_week():
    assert elapsed(EU, at("2026-10-19 00:00", EU.zone), at("2026-10-26 00:00", EU.zone)) == 40 * HOUR


def test_a_half_day_on_a_closed_weekday_stays_closed():
    eve_on_a_saturday = date(2027, 5, 15)
    assert turkish_holidays(TR, (2027,))[eve_on_a_saturday].windows == ()


@pytest.mark.parametrize(
    ("day", "kept"),
    [
        (("09:00-12:30", "13:30-18:00"), ("09:00-13:00",)),
        (("09:00-18:00",), ("09:00-13:00",)),
        (("00:00-24:00",), ("00:00-13:00",)),
        (("00:00-02:00", "14:00-18:00"), ("00:00-02:00",)),
        (("08:00-12:00",), ("08:00-12:00",)),
        (("13:00-21:00",), ()),
    ],
)
def test_a_half_day_closes_at_one_and_works_through_lunch(day, kept):
    assert half_day(day) == kept


def test_an_exception_of_the_document_beats_a_generated_holiday():
    open_on_holiday = calendar(exceptions={"2026-10-29": ["10:00-12:00"]}, exception_names={"2026-10-29": "Bayram"})
    published = with_turkish_holidays(open_on_holiday, (2026,))
    assert published.exceptions[date(2026, 10, 29)] == ("10:00-12:00",)
    assert published.exception_names[date(2026, 10, 29)] == "Bayram"


def test_a_year_without_known_holidays_is_refused():
    with pytest.raises(ValueError, match="years has 2150"):
        turkish_holidays(TR, (2026, 2150))


def test_a_warm_target_of_forty_hours_takes_under_fifty_microseconds():
    start = at("2026-10-20 17:30")
    fastest = min(timeit.repeat(lambda: elapsed(TR, start, due(TR, start, 40 * HOUR)), number=100, repeat=20)) / 100
    assert fastest < 50e-6
