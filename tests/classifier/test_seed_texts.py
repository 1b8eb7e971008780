"""The seed texts themselves: enough of each topic and language, consistent labels, none said twice, nobody named."""

import csv
import re
from collections import Counter

import pytest

from services.classifier.duplicates import groups
from services.classifier.train import HEADS, SEED, SEED_TEXTS

TOPICS = {
    *("delivery", "return", "refund", "billing", "payment", "account"),
    *("fault", "quality", "staff", "cancellation", "campaign", "privacy"),
}
KINDS = {"complaint", "request", "question", "praise", "product_feedback", "privacy_request", "order"}
PRIVATE = re.compile(r"\S@\S|https?:|www\.|(?:\+|\b0)\d(?:[ ()-]?\d){8,}")

Row = dict[str, str]


def rows_of(name: str) -> list[Row]:
    with (SEED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=SEED_TEXTS)
def rows(request: pytest.FixtureRequest) -> list[Row]:
    return rows_of(request.param)


def test_each_topic_has_at_least_120_texts_that_tell_their_own_story(rows: list[Row]) -> None:
    alone = set(groups([row["text"] for row in rows]))
    counts = Counter(row["topic"] for number, row in enumerate(rows) if number in alone)
    assert set(counts) == TOPICS
    assert min(counts.values()) >= 120


def test_no_text_nearly_repeats_another(rows: list[Row]) -> None:
    group = groups([row["text"] for row in rows])
    again = [(rows[first]["text"], rows[number]["text"]) for number, first in enumerate(group) if first != number]
    assert again == []


def test_labels_are_ones_that_the_heads_know(rows: list[Row]) -> None:
    assert {row["kind"] for row in rows} == KINDS
    assert {row["urgency"] for row in rows} == {"0", "1", "2"}
    assert {row["sentiment"] for row in rows} == {"negative", "neutral", "positive"}
    assert {row["action"] for row in rows} == {"yes", "no"}
    assert all(set(row) == {*(plan.name for plan in HEADS), "text"} for row in rows)


def test_praise_asks_for_nothing_and_a_request_for_something(rows: list[Row]) -> None:
    wanted = {"praise": "no", "product_feedback": "no", "request": "yes", "question": "yes", "privacy_request": "yes"}
    assert [row["text"] for row in rows if wanted.get(row["kind"], row["action"]) != row["action"]] == []
    assert [row["text"] for row in rows if row["kind"] == "praise" and row["sentiment"] != "positive"] == []
    assert [row["text"] for row in rows if row["urgency"] == "2" and row["action"] == "no"] == []


def test_every_topic_is_also_asked_about_and_praised(rows: list[Row]) -> None:
    kinds = Counter((row["topic"], row["kind"]) for row in rows)
    for kind, least in (("question", 10), ("praise", 5), ("complaint", 60)):
        assert {topic for topic in TOPICS if kinds[topic, kind] < least} == set()


def test_no_text_names_an_address_or_a_telephone(rows: list[Row]) -> None:
    assert [row["text"] for row in rows if PRIVATE.search(row["text"])] == []
