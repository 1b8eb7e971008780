"""What can be asked of the classifier: labels as they stand, what waits for a person, how often people agreed."""

from typing import Any

from .desk import SURE, UNSURE, Desk


def agreement(desk: Desk) -> list[dict[str, Any]]:
    return list(desk.tables.get("agreement", {}).values())


def test_labels_stand_with_source_score_and_rule_and_without_the_personal_words() -> None:
    desk = Desk()
    desk.opened(SURE)
    row = desk.tables["classifications"]["one"]
    assert (row["topic"], row["revision"], row["policy"]) == ("delivery", 1, 1)
    assert row["labels"]["topic"]["source"] == "model"
    assert "words" not in row["labels"]["topic"]


def test_a_review_waits_until_somebody_decides() -> None:
    desk = Desk()
    desk.opened(UNSURE)
    assert desk.tables["reviews"]["one/topic"]["since"] == desk.at
    assert len(desk.tables["reviews"]["one/topic"]["top"]) == 3
    desk.corrected("topic", "other")
    assert "one/topic" not in desk.tables["reviews"]


def test_a_closed_case_asks_nothing_any_more() -> None:
    desk = Desk()
    desk.opened(UNSURE)
    desk.closed()
    assert desk.tables["reviews"] == {}


def test_confirmations_and_corrections_count_for_the_model_that_was_judged() -> None:
    desk = Desk()
    for case in ("one", "two", "three"):
        desk.opened(SURE, case)
    desk.corrected("topic", "delivery", "one")
    desk.corrected("topic", "refund", "two")
    [row] = agreement(desk)
    assert (row["topic"], row["predicted"], row["confirmed"], row["corrected"]) == ("delivery", 3, 1, 1)


def test_a_change_of_mind_counts_once() -> None:
    desk = Desk()
    desk.opened(SURE)
    desk.corrected("topic", "refund")
    desk.corrected("topic", "billing")
    assert [row["corrected"] for row in agreement(desk)] == [1]


def test_what_a_rule_decided_is_no_prediction() -> None:
    desk = Desk(rules=[{"name": "parcels", "words": ["parcel"], "then": {"topic": "delivery"}}])
    desk.opened(SURE)
    assert agreement(desk) == []
