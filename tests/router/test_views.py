"""What the tables show: the board, queues, agents, and why a case came to whom."""

from tests.router.desk import Desk


def history(desk: Desk, case: str) -> list[tuple[str, str]]:
    return [(row["what"], row["why"]) for _, row in sorted(desk.tables["assignments"].items()) if row["case"] == case]


def one_owned_one_waiting() -> Desk:
    desk = Desk()
    desk.hire("ada", capacity=1)
    desk.classified("1")
    desk.later(minutes=1).classified("2", priority="high")
    return desk


def test_the_board_shows_queue_owner_priority_and_since():
    desk = one_owned_one_waiting()
    owned, waiting = desk.tables["board"]["1"], desk.tables["board"]["2"]
    assert (owned["owner"], owned["queue"], owned["number"]) == ("ada", "billing", "V-2026-1")
    assert (waiting["owner"], waiting["priority"], waiting["since"]) == (None, "high", desk.at)


def test_an_ended_case_leaves_the_board():
    desk = one_owned_one_waiting()
    desk.resolved("1")
    desk.resolved("2")
    assert desk.tables["board"] == {}


def test_a_queue_counts_who_waits_who_came_and_how_long_they_waited():
    desk = one_owned_one_waiting()
    desk.later(minutes=2).resolved("1")
    row = desk.tables["queues"]["billing"]
    assert (row["waiting"], row["queued"], row["assigned"], row["waited"]) == (0, 2, 2, 120)


def test_a_changed_priority_is_no_new_case_of_the_queue():
    desk = one_owned_one_waiting()
    desk.classified("2", priority="urgent")
    assert (desk.tables["queues"]["billing"]["waiting"], desk.tables["queues"]["billing"]["queued"]) == (1, 2)


def test_the_history_of_a_case_says_why():
    desk = one_owned_one_waiting()
    desk.becomes("1", "waiting_customer")
    desk.resolved("1")
    assert history(desk, "1") == [
        ("queued", "money: topic in [billing, refund]"),
        ("assigned", "idle since 2026-10-26 06:00:00Z, longest of 1 who can take it"),
        ("weighed", "waiting_customer, 1 -> 0 of the capacity"),
        ("ended", "resolved, 0 -> 0 of the capacity"),
    ]


def test_the_history_keeps_every_candidate():
    desk = Desk()
    desk.hire("bob", languages=("en",))
    desk.hire("ada")
    desk.classified("1")
    [row] = [row for row in desk.tables["assignments"].values() if row["what"] == "assigned"]
    assert [(c["agent"], c["rejected"]) for c in row["candidates"]] == [("ada", None), ("bob", "language")]


def test_an_agent_who_left_is_no_row_of_the_rules_but_keeps_his_profile():
    desk = one_owned_one_waiting()
    desk.hire("ada", active=False, here=False)
    assert (desk.tables["agents"], desk.tables["members"]) == ({}, {})
    assert desk.tables["profiles"]["ada"]["active"] is False
