"""The shipped rules by meaning: what each of them is about, and what only sounds like it."""

import json
from pathlib import Path

import pytest
import yaml

from services.classifier.app import app
from services.classifier.policy import ClassificationPolicy

from .test_text import turkish_capitals, without_diacritics

POLICY = ClassificationPolicy.model_validate(json.loads(app.shipped()["classification"]))

TEXTS: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text("utf-8"))


def pairs(key: str) -> list[tuple[str, str]]:
    return [(rule, text) for rule, texts in TEXTS.items() for text in texts[key]]


def speaking(text: str) -> list[str]:
    return [rule.name for rule in POLICY.speaking(text, {})]


@pytest.mark.parametrize(("rule", "text"), pairs("meant"))
def test_what_a_rule_is_about_is_found(rule: str, text: str) -> None:
    assert rule in speaking(text)


@pytest.mark.parametrize(("rule", "text"), pairs("meant"))
def test_capitals_do_not_hide_it(rule: str, text: str) -> None:
    assert rule in speaking(turkish_capitals(text) if not text.isascii() else text.upper())


@pytest.mark.parametrize(("rule", "text"), pairs("meant"))
def test_missing_diacritics_do_not_hide_it(rule: str, text: str) -> None:
    assert rule in speaking(without_diacritics(text))


@pytest.mark.parametrize(("rule", "text"), pairs("not_meant"))
def test_what_only_sounds_like_it_is_left_alone(rule: str, text: str) -> None:
    assert rule not in speaking(text)


@pytest.mark.parametrize(("rule", "text"), [(r, t) for r, t in pairs("not_meant") if r != "urgent-words"])
def test_nor_in_capitals_or_without_diacritics(rule: str, text: str) -> None:
    assert rule not in speaking(turkish_capitals(text) if not text.isascii() else text.upper())
    assert rule not in speaking(without_diacritics(text))


@pytest.mark.parametrize("text", TEXTS["spam"]["not_meant"] + TEXTS["offers"]["not_meant"])
def test_a_customer_who_names_what_is_offered_is_tagged_by_neither_rule(text: str) -> None:
    assert not {"spam", "offers"} & set(speaking(text))


def test_each_rule_has_ten_texts_of_its_own_and_ten_counter_checks() -> None:
    names = {rule.name for rule in POLICY.rules}
    assert names == set(TEXTS)
    assert min(len(texts) for both in TEXTS.values() for texts in both.values()) >= 10


@pytest.mark.parametrize(
    "text", ["Kargom nerede?", "Where is my order?", "Fatura tutarım yanlış", "Şifremi unuttum", ""]
)
def test_an_ordinary_concern_meets_no_rule(text: str) -> None:
    assert speaking(text) == []
