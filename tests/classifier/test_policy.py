"""The document ``classification``: what cannot work is refused before it is in force, with the place and the remedy."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from services.classifier.policy import ClassificationPolicy

from .desk import document


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        ClassificationPolicy.model_validate(document(**changes))
    return str(error.value)


def test_the_shipped_document_is_accepted() -> None:
    policy = ClassificationPolicy.model_validate(document())
    assert policy.other in policy.topics
    assert {"delivery", "refund", "privacy"} <= set(policy.values("topic"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"other": "rest"}, r"other: unknown topic 'rest'; known are account"),
        ({"rules": [{"name": "r", "words": ["x"], "then": {"topic": "astrology"}}]}, r"rules, r: unknown topic"),
        ({"rules": [{"name": "r", "then": {"urgency": 2}}]}, "rule r: give at least one of words, channel, form"),
        ({"rules": [{"name": "r", "words": ["x"], "then": {"urgency": 3}}]}, "rules.0.then.urgency"),
        ({"bands": {"auto": 0.5, "suggest": 0.6}}, r"suggest \(0.6\) must not be above auto \(0.5\)"),
        ({"bands": {"auto": 1.0}}, "bands.auto"),
        ({"model": "gpt"}, "model"),
        ({"colour": "red"}, "colour"),
        ({"rules": [{"name": "r", "words": ["ia*de"], "then": {"urgency": 2}}]}, r"rule 'ia\*de': write whole words"),
        ({"rules": [{"name": "r", "words": ["*"], "then": {"urgency": 2}}]}, r"rule '\*': write whole words"),
        ({"rules": [{"name": "r", "channel": ["pigeon"], "then": {"urgency": 2}}]}, "rules.0.channel.0"),
        ({"modifiers": {"repeat": 10**4000}}, "modifiers.repeat"),
        ({"modifiers": {"tags": {"safety": -(2**64)}}}, "modifiers.tags.safety"),
        ({"modifiers": {"tiers": {"gold": 101}}}, "modifiers.tiers.gold"),
        ({"matrix": [5, 3, 1]}, r"matrix: points must rise, not \[5, 3, 1\]"),
        ({"matrix": [1, 2, 2**70]}, "matrix.2"),
        ({"topics": {}}, "other: unknown topic"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], words: str) -> None:
    assert re.search(words, refused(**changes))


def test_a_rule_of_signs_is_read_as_the_words_between_them() -> None:
    rule = {"name": "r", "words": ["(a+)+$"], "then": {"urgency": 2}}
    [read] = ClassificationPolicy.model_validate(document(rules=[rule])).rules
    assert read.holds("b a c", {})
    assert not read.holds("a" * 100_000 + "!", {})


@pytest.mark.parametrize(
    ("topic", "urgency", "priority"),
    [("fault", 0, "low"), ("fault", 1, "high"), ("fault", 2, "urgent"), ("delivery", 1, "normal"),
     ("delivery", 2, "high"), ("campaign", 2, "normal")],
)  # fmt: skip
def test_the_shipped_matrix(topic: str, urgency: int, priority: str) -> None:
    found, _ = ClassificationPolicy.model_validate(document()).priority(topic, urgency, 0, "", (), 0)
    assert found == priority


def test_a_priority_is_never_above_urgent() -> None:
    found, words = ClassificationPolicy.model_validate(document()).priority("fault", 2, 9, "gold", ("safety",), 5)
    assert found == "urgent"
    assert words.endswith("-> urgent")
