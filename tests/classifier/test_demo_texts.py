"""The demo's complaints stay unseen by the classifier: none repeats or nearly repeats a text it was trained on."""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from shared.core.text import fold

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "services/classifier/seed").glob("*.csv"))
DEMO = ROOT / "deploy/vefa/demo/complaints.csv"
TOO_ALIKE = 0.4
ALLOWED = {
    "language": {"tr", "en"},
    "channel": {"web", "email", "phone", "social"},
    "kind": {"complaint", "request", "question", "praise", "product_feedback", "privacy_request"},
    "urgency": {"0", "1", "2"},
    "sentiment": {"negative", "neutral", "positive"},
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def grams_of(text: str) -> set[str]:
    plain = " ".join(fold(text).split())
    return {plain[at : at + 5] for at in range(max(1, len(plain) - 4))}


class Known:
    """Texts by their character 5-grams, so that one lookup compares a text with all of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = list(texts)
        self.sizes: list[int] = []
        self.holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self.texts):
            grams = grams_of(text)
            self.sizes.append(len(grams))
            for gram in grams:
                self.holders[gram].append(number)

    def alike(self, text: str) -> list[tuple[float, str]]:
        """Known texts with a Jaccard similarity of `TOO_ALIKE` or more, as (similarity, known text)."""
        grams = grams_of(text)
        shared = Counter(number for gram in grams for number in self.holders.get(gram, ()))
        scores = ((count / (len(grams) + self.sizes[number] - count), number) for number, count in shared.items())
        return [(score, self.texts[number]) for score, number in scores if score >= TOO_ALIKE]


@pytest.fixture(scope="module")
def demo() -> list[dict[str, str]]:
    return rows_of(DEMO)


@pytest.fixture(scope="module")
def seeds() -> list[dict[str, str]]:
    return [row for path in SEEDS for row in rows_of(path)]


def test_there_are_seed_texts_to_compare_with(seeds: list[dict[str, str]]) -> None:
    assert len(seeds) >= 100
    assert all(row["text"].strip() for row in seeds)


def test_a_copy_in_capitals_with_a_word_added_is_found() -> None:
    known = Known(["Kargom iki haftadır yolda görünüyor, takip sayfası değişmiyor."])
    assert known.alike("KARGOM İKİ HAFTADIR YOLDA GÖRÜNÜYOR, TAKİP SAYFASI HİÇ DEĞİŞMİYOR")
    assert not known.alike("Faturamda anlamadığım bir satır var, açıklar mısınız?")


def test_no_demo_text_repeats_a_seed_text(demo: list[dict[str, str]], seeds: list[dict[str, str]]) -> None:
    known = Known(row["text"] for row in seeds)
    found = {row["text"]: known.alike(row["text"]) for row in demo}
    assert not {text: alike for text, alike in found.items() if alike}


def test_every_demo_complaint_tells_its_own_story(demo: list[dict[str, str]]) -> None:
    for column in ("text", "reply"):
        known = Known(row[column] for row in demo)
        assert [row[column] for row in demo if len(known.alike(row[column])) != 1] == []
    subjects = sorted(fold(row["subject"]) for row in demo)
    assert [left for left, right in pairwise(subjects) if left == right] == []


def test_both_languages_have_every_topic_in_sufficient_number(demo: list[dict[str, str]]) -> None:
    assert len(demo) >= 200
    for language in ("tr", "en"):
        topics = Counter(row["topic"] for row in demo if row["language"] == language)
        assert topics.total() >= 100
        assert len(topics) >= 12
        assert min(topics.values()) >= 8


def test_demo_labels_are_ones_that_the_classifier_learns(
    demo: list[dict[str, str]], seeds: list[dict[str, str]]
) -> None:
    assert {row["topic"] for row in demo} <= {row["topic"] for row in seeds}
    for column, allowed in ALLOWED.items():
        assert {row[column] for row in demo} <= allowed


@pytest.mark.parametrize(("column", "fewest", "most"), [("subject", 2, 8), ("text", 15, 90), ("reply", 15, 50)])
def test_demo_texts_have_a_natural_length(demo: list[dict[str, str]], column: str, fewest: int, most: int) -> None:
    assert [row[column] for row in demo if not fewest <= len(row[column].split()) <= most] == []


def test_demo_texts_name_no_address_and_no_telephone(demo: list[dict[str, str]]) -> None:
    private = re.compile(r"\S@\S|https?:|www\.|(?:\d[ ()-]?){7,}")
    assert [row["subject"] for row in demo if private.search(" ".join(row.values()))] == []
