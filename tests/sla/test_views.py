"""What sla shows: rows of clocks, counts that move with a retraction, deadlines, and explanations that add up."""

from services.sla.explain import explain
from shared.core.calendar import Calendar

from .words import Desk, became, bounced, case_opened, classified, reopened, replied, resolved, shipped, t, wrote

NINE = t(26, "09:00")


def explained(desk: Desk, metric: str, now=None, cycle: int = 1):
    key = f"c1/{metric}/{cycle}"
    legs = [row for _, row in sorted(desk.tables["legs"].items()) if row["clock"] == key]
    calendars = {"tr": Calendar.model_validate_json(shipped("calendars/tr.yaml"))}
    return explain(desk.tables["clocks"][key], legs, lambda name, version: calendars[name], now or desk.at)


def test_a_clock_shows_what_it_is_measured_by():
    row = case_opened(NINE).clock("resolution")
    assert (row["state"], row["due"], row["target"], row["rule"], row["calendar_version"]) == (
        "running", t(26, "18:00"), 28800, "otherwise", 1,
    )  # fmt: skip


def test_one_deadline_a_clock_stands_at_the_next_instant_that_matters():
    desk = case_opened(NINE)
    assert {k: r["due"] for k, r in desk.tables["deadlines"].items()} == {
        "c1/first_response/1": t(26, "10:30"), "c1/resolution/1": t(26, "17:30"),
    }  # fmt: skip
    desk.until(t(26, "10:30"))
    assert desk.tables["deadlines"]["c1/first_response/1"]["due"] == t(26, "11:00")


def test_a_paused_clock_has_no_deadline():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), became("waiting_customer"))
    assert set(desk.tables["deadlines"]) == {"c1/first_response/1"}
    assert (desk.clock("resolution")["state"], desk.clock("resolution")["due"]) == ("paused", None)


def test_open_clocks_holds_what_still_runs():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    assert set(desk.tables["open_clocks"]) == {"c1/resolution/1"}
    desk.handle(t(26, "10:05"), bounced())
    assert set(desk.tables["open_clocks"]) == {"c1/first_response/1", "c1/resolution/1"}


def test_a_retraction_moves_the_count():
    desk = case_opened(NINE)
    desk.until(t(26, "12:00"))
    assert desk.counts() == {"first_response breached": 1}
    desk.handle(t(26, "10:00"), replied(), heard=t(26, "12:30"))
    assert desk.counts() == {"first_response met": 1}


def test_a_breach_is_retracted_under_the_pin_it_was_counted_by():
    desk = case_opened(NINE)
    desk.handle(t(26, "12:00"), classified("urgent"))
    desk.handle(t(26, "10:00"), replied(), heard=t(26, "12:30"))
    rows = {r["rule"]: (r.get("met") or 0, r.get("breached") or 0) for r in desk.tables["compliance"].values()}
    assert rows == {"otherwise": (0, 0), "urgent": (1, 0)}


def test_counts_name_day_metric_priority_and_row():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    (row,) = desk.tables["compliance"].values()
    assert row == {
        "day": "2026-10-26", "metric": "first_response", "priority": "normal", "policy": 1, "rule": "otherwise",
        "met": 1,
    }  # fmt: skip


def test_an_explanation_names_every_counted_and_paused_interval_and_their_sum():
    desk = case_opened(NINE)
    desk.handle(t(26, "11:00"), became("waiting_customer"))
    desk.handle(t(26, "14:30"), became("open", "waiting_customer"))
    why = explained(desk, "resolution", now=t(27, "10:00"))
    assert [(i.since, i.counts, i.seconds) for i in why.intervals] == [
        ("started", True, 7200), ("paused", False, 0), ("resumed", True, 16200),
    ]  # fmt: skip
    assert [(w.start, w.end) for w in why.intervals[2].windows] == [
        (t(26, "14:30"), t(26, "18:00")), (t(27, "09:00"), t(27, "10:00")),
    ]  # fmt: skip
    assert (why.used, why.due, why.result, why.intervals[1].category) == (
        23400, t(27, "11:30"), "running", "waiting_customer",
    )  # fmt: skip


def test_an_explanation_ends_where_the_clock_ended():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    why = explained(desk, "first_response", now=t(30, "10:00"))
    assert (why.result, why.used, [i.seconds for i in why.intervals]) == ("met", 3600, [3600])


def test_an_explanation_of_a_reopened_case_leaves_out_the_time_between():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied(), resolved())
    desk.handle(t(27, "09:00"), reopened())
    desk.handle(t(27, "11:00"), resolved())
    why = explained(desk, "resolution")
    assert [(i.since, i.seconds) for i in why.intervals] == [("started", 3600), ("met", 0), ("resumed", 7200)]
    assert (why.result, why.used) == ("met", 10800)


def test_an_explanation_of_a_withdrawn_reply_shows_no_end():
    desk = case_opened(NINE)
    desk.handle(t(26, "10:00"), replied())
    desk.handle(t(26, "10:30"), bounced())
    why = explained(desk, "first_response", now=t(26, "10:30"))
    assert (why.result, why.used, why.due) == ("running", 5400, t(26, "11:00"))


def test_an_explanation_shows_where_the_target_changed():
    desk = case_opened(NINE)
    desk.handle(t(26, "15:00"), classified("urgent"))
    why = explained(desk, "resolution", now=t(26, "16:00"))
    assert [(i.since, i.carried, i.seconds) for i in why.intervals] == [
        ("started", 0, 18000),
        ("retargeted", 18000, 3600),
    ]
    assert (why.target, why.result, why.breached_at) == (14400, "breached", t(26, "15:00"))


def test_cycles_have_rows_of_their_own():
    desk = case_opened(NINE)
    for minute, event in enumerate((replied("r1"), wrote("m1"), replied("r2"), wrote("m2")), 10):
        desk.handle(t(26, f"09:{minute}"), event)
    assert [desk.clock("next_response", cycle)["state"] for cycle in (1, 2)] == ["met", "running"]
