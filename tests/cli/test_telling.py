"""What an event says to people: labels with the words that spoke for them, candidates and spans."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.vefa.base import learn_topics
from deploy.vefa.demo.story import LEFT_OUT
from shared.audit.wording import candidates, label, says, span, told
from shared.core.event import Event

DELIVERY = {"value": "delivery", "source": "model", "score": 0.9312, "words": ["kargo", "teslim", "gelmedi", "gün"]}


def contracts(kind: type[Event] = Event) -> Iterator[type[Event]]:
    for one in kind.__subclasses__():
        yield one
        yield from contracts(one)


def said(topic: str, /, **content: Any) -> str:
    return told(topic, content, lambda text: f"<{text}>")


def test_a_label_is_told_with_its_score_its_source_and_the_words_that_spoke_for_it() -> None:
    assert label(DELIVERY) == "delivery 0.93 by model: kargo, teslim, gelmedi"
    assert label({"value": "2", "source": "rule", "rule": "fraud"}) == "2 by rule fraud"
    assert label({"value": "complaint", "source": "sender", "words": []}) == "complaint by sender"


def test_a_classification_is_told_by_its_labels_and_not_by_its_arithmetic() -> None:
    other = {"value": "negative", "source": "model", "score": 0.9, "words": ["yok"]}
    heads = dict.fromkeys(("kind", "sentiment", "urgency"), other)
    assert said("classifier.case-classified.v1", topic=DELIVERY, **heads, priority="high", arithmetic="2 x 2 = 4") == (
        "topic delivery 0.93 by model: kargo, teslim, gelmedi; kind negative 0.90 by model;"
        " sentiment negative 0.90 by model; urgency negative 0.90 by model; priority high"
    )


def test_candidates_are_told_with_the_chosen_one_first_and_why_not_the_others() -> None:
    seen = [
        {"agent": "can", "spare": 11, "capacity": 12, "rejected": "less-spare"},
        {"agent": "ada", "spare": 12, "capacity": 12},
        *({"agent": f"a{n}", "spare": 0, "capacity": 9, "rejected": "absent"} for n in range(5)),
    ]
    assert candidates(seen[:2]) == "ada 12/12 chosen, can 11/12 less-spare"
    assert candidates(seen).endswith("a2 0/9 absent, 2 more")
    assert said("router.case-assigned.v1", agent="ada", why="most free", candidates=seen[:2]) == (
        "to ada: most free; candidates: ada 12/12 chosen, can 11/12 less-spare"
    )


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 min"), (45, "45 s"), (5400, "1 h 30 min"), (90_000, "25 h")])
def test_spans(seconds: int, shown: str) -> None:
    assert span(seconds) == shown


def test_a_clock_is_told_with_target_due_row_and_calendar() -> None:
    content = {
        "metric": "first_response", "target": 14_400, "due": "d", "condition": "otherwise", "rule": "otherwise",
        "policy": 1, "calendar": "tr", "calendar_version": 2,
    }  # fmt: skip
    assert said("sla.clock-started.v1", **content) == (
        "first response within 4 h, due <d>, for any case (row otherwise, policy 1, calendar tr 2)"
    )


def test_an_optional_field_that_is_not_there_is_a_dash_and_an_unknown_event_says_nothing() -> None:
    assert said("feedback.recovery-closed.v1", cause="wrong_information") == "wrong_information: -"
    assert said("shop.order-placed.v1", order="1") == ""
    assert says("sla.clock-started.v1", "rule")
    assert not says("shop.order-placed.v1", "rule")


def test_the_words_speak_of_fields_that_the_contracts_have() -> None:
    learn_topics()
    kinds = {kind.TOPIC: kind for kind in contracts() if getattr(kind, "TOPIC", "")}
    assert kinds.keys() >= LEFT_OUT
    assert sum(bool(kind.SUMMARY) for kind in kinds.values()) > 30
    for topic, kind in kinds.items():
        assert set(re.findall(r"{(\w+)}", kind.SUMMARY)) <= kind.model_fields.keys(), topic
