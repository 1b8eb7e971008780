"""The shipped rules by meaning: what each of them is about, and what only sounds like it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from services.classifier.app import app
from services.classifier.policy import ClassificationPolicy

from .test_text import turkish_capitals, without_diacritics

POLICY = ClassificationPolicy.model_validate(json.loads(app.shipped()["classification"]))

TEXTS: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "rules.yaml").read_text("utf-8"))


def speaking(text: str) -> list[str]:
    return [rule.name for rule in POLICY.speaking(text, {})]


def capitals(text: str) -> str:
    return turkish_capitals(text) if not text.isascii() else text.upper()


def plain(text: str) -> str:
    return text


FORMS = (plain, capitals, without_diacritics)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rule", TEXTS)
def test_what_a_rule_is_about_is_found_also_in_capitals_and_without_diacritics(
    rule: str, form: Callable[[str], str]
) -> None:
    assert [text for text in TEXTS[rule]["meant"] if rule not in speaking(form(text))] == []


@pytest.mark.parametrize(
    ("rule", "form"), [(rule, form) for rule in TEXTS for form in FORMS if form is plain or rule != "urgent-words"]
)
def test_what_only_sounds_like_it_is_left_alone(rule: str, form: Callable[[str], str]) -> None:
    assert [text for text in TEXTS[rule]["not_meant"] if rule in speaking(form(text))] == []


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
