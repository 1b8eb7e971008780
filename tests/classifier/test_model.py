"""Serving a trained model: the shipped one and files that are none."""

import io
from pathlib import Path

import numpy as np
import pytest

from services.classifier import model as serving
from services.classifier.model import FORMAT, Head, Model, ModelError, Threshold, Vocabulary, calibrated, packed
from services.classifier.train import SEED_MODEL, seed_digest, seed_examples
from shared.core.text import fold

COMPLAINT = "Kargom iki haftadır gelmedi, paramı geri istiyorum! Bu nasıl iş??"


@pytest.fixture(scope="module")
def seed() -> Model:
    return Model.load(SEED_MODEL)


def tiny(**changed: object) -> bytes:
    """Two words and one character run; `refund` speaks for refund, `parcel` for delivery."""
    parts: dict[str, object] = {
        "vocabulary": Vocabulary(["parcel", "refund"], ["<re"], np.array([1.0, 2.0, 1.0])),
        "weights": np.array([[1.0, -1.0], [-1.0, 1.0], [-0.5, 0.5]]),
        "bias": np.array([0.25, -0.25]),
        "heads": [Head("topic", ("delivery", "refund"), 0, thresholds={"refund": Threshold(0.8, 0.95, 0.5, 40)})],
        "facts": {"made_from": "a test"},
    }
    return packed(**(parts | changed))  # type: ignore[arg-type]


def rewritten(content: bytes, **arrays: object) -> bytes:
    with np.load(io.BytesIO(content)) as stored:
        kept = {name: stored[name] for name in stored.files}
    out = io.BytesIO()
    np.savez(out, **(kept | arrays))  # type: ignore[arg-type]
    return out.getvalue()


def test_a_score_is_the_sum_of_weights_in_the_text_plus_bias() -> None:
    answer = Model.from_bytes(tiny()).predict("refund")["topic"]
    half = 0.5**0.5
    assert answer.label == "refund"
    assert answer.raw == pytest.approx(-0.25 + half * 1.0 + half * 0.5, abs=1e-6)


def test_the_words_that_spoke_are_words_of_the_text_that_raised_the_label() -> None:
    assert Model.from_bytes(tiny()).predict("parcel refund refund")["topic"].words == ("refund",)


def test_a_text_of_unknown_words_is_answered_by_the_bias_alone() -> None:
    answer = Model.from_bytes(tiny()).predict("qqqq")["topic"]
    assert (answer.label, answer.raw, answer.words) == ("delivery", 0.25, ())


@pytest.mark.parametrize("text", ["", "   ", "\x00", "🙂", "a" * 100_000, "我的包裹在哪里"])
def test_any_text_has_an_answer(seed: Model, text: str) -> None:
    answers = seed.predict(text)
    assert set(answers) == {"topic", "kind", "urgency", "sentiment", "action"}
    assert all(0 < answer.score <= 1 for answer in answers.values())


def test_the_top_three_are_sorted_and_begin_with_the_label(seed: Model) -> None:
    topic = seed.predict(COMPLAINT)["topic"]
    assert len(topic.top) == 3
    assert topic.top[0] == (topic.label, topic.score)
    assert [score for _, score in topic.top] == sorted((score for _, score in topic.top), reverse=True)


@pytest.mark.parametrize("link", ["softmax", "logistic"])
def test_calibrated_scores_sum_to_one_and_survive_extreme_scores(link: serving.Link) -> None:
    assert sum(calibrated(np.array([900.0, -900.0, 0.0]), link, 0.05)) == pytest.approx(1, abs=1e-5)
    assert sum(calibrated(np.array([-900.0, -901.0]), link, 0.05)) == pytest.approx(1, abs=1e-5)


def test_a_colder_temperature_makes_a_score_surer() -> None:
    raw = np.array([1.0, 0.0])
    assert calibrated(raw, "softmax", 0.5)[0] > calibrated(raw, "softmax", 1.0)[0]


@pytest.mark.parametrize("copy", [fold, lambda text: text.replace("i", "İ").upper()], ids=["ascii", "capitals"])
def test_a_copy_in_capitals_or_ascii_gets_the_same_numbers(seed: Model, copy: object) -> None:
    assert seed.predict(copy(COMPLAINT)) == seed.predict(COMPLAINT)  # type: ignore[operator]


def test_the_same_file_gives_the_same_numbers_again(seed: Model) -> None:
    assert Model.load(SEED_MODEL).predict(COMPLAINT) == seed.predict(COMPLAINT)


def test_a_text_read_again_gets_the_same_numbers_and_leaves_no_name_in_memory(seed: Model) -> None:
    text = f"{COMPLAINT} Xqzvyaslan"
    assert seed.predict(text) == seed.predict(text) == Model.load(SEED_MODEL).predict(text)
    assert "kargom" in seed.vocabulary._runs
    assert "xqzvyaslan" not in seed.vocabulary._runs


def test_packing_the_same_model_gives_the_same_bytes_and_hash() -> None:
    assert tiny() == tiny()
    assert Model.from_bytes(tiny()).hash != Model.from_bytes(tiny(facts={})).hash


def test_only_the_beginning_of_a_very_long_text_is_read(seed: Model) -> None:
    filler = "kargo " * (serving.READ_CHARACTERS // 6 + 1)
    assert seed.predict(filler + "iade") == seed.predict(filler)


def test_thresholds_and_facts_come_back_from_the_file() -> None:
    read = Model.from_bytes(tiny())
    assert read.heads["topic"].thresholds == {"refund": Threshold(0.8, 0.95, 0.5, 40)}
    assert read.facts == {"made_from": "a test"}


def test_a_scale_gives_the_expected_place_between_its_ends(seed: Model) -> None:
    angry, glad = seed.predict(COMPLAINT)["sentiment"], seed.predict("Çok teşekkürler, harika hizmet!")["sentiment"]
    assert angry.value is not None
    assert glad.value is not None
    assert -1 <= angry.value < glad.value <= 1


@pytest.mark.parametrize("content", [b"", b"no zip", tiny()[:-40], tiny()[:200]])
def test_what_is_no_model_file_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="not a model file"):
        Model.from_bytes(content)


def test_a_model_of_another_format_is_refused() -> None:
    meta = np.frombuffer(f'{{"format": {FORMAT + 1}}}'.encode(), dtype=np.uint8)
    with pytest.raises(ModelError, match="train the model again"):
        Model.from_bytes(rewritten(tiny(), meta=meta))


@pytest.mark.parametrize("changed", [{"weights": np.zeros((2, 2))}, {"bias": np.zeros(3)}, {"idf": np.ones(2)}])
def test_arrays_that_do_not_fit_together_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="train the model again"):
        Model.from_bytes(rewritten(tiny(), **changed))


def test_a_pickle_in_a_model_file_is_not_opened() -> None:
    with pytest.raises(ModelError, match="ValueError"):
        Model.from_bytes(rewritten(tiny(), bias=np.array([{"a": 1}], dtype=object)))


def test_the_shipped_model_was_trained_from_the_shipped_texts(seed: Model) -> None:
    remedy = "the seed texts or parameters changed: run `python -m services.classifier.train`"
    assert seed.facts["made_from"] == seed_digest(), remedy
    assert seed.facts["examples"] == len(seed_examples())


def test_the_shipped_model_is_small() -> None:
    assert SEED_MODEL.stat().st_size < 3_000_000


def test_serving_does_not_import_what_trains() -> None:
    source = Path(serving.__file__).read_text(encoding="utf-8")
    assert "sklearn" not in source
    assert "scipy" not in source
