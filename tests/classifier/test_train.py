"""Training: what gets into a model, what is held out, what is calibrated; and the figures."""

import numpy as np
import pytest

from services.classifier.calibrate import fitted_scale, fitted_thresholds
from services.classifier.duplicates import groups, share_of
from services.classifier.evaluate import calibration_error, coverage_at, figures, urgent_found
from services.classifier.model import Model, Prediction
from services.classifier.train import Example, HeadPlan, Parameters, TrainingError, apart, seed_examples, train

TOPIC = (HeadPlan("topic"),)
FAST = Parameters(heads=TOPIC, strengths=(0.3,))


@pytest.fixture(scope="module")
def some() -> list[Example]:
    return [example for example in seed_examples() if example.labels["topic"] in ("delivery", "billing", "staff")]


def answer(label: str, score: float, *others: tuple[str, float]) -> Prediction:
    return Prediction(label, score, 0.0, ((label, score), *others), ())


def written_by(*people: str) -> list[Example]:
    return [Example("zülküf paketimi aldı", {"topic": "delivery"}, person) for person in people]


def vocabulary_of(examples: list[Example]) -> frozenset[str]:
    known = Model.from_bytes(train(examples, parameters=FAST)).vocabulary
    return frozenset(known.words) | frozenset(known.chars)


@pytest.mark.long
def test_a_name_that_four_people_write_stays_out_of_the_model(some: list[Example]) -> None:
    assert not any("zulk" in gram for gram in vocabulary_of([*some, *written_by("a", "b", "c", "d")]))


@pytest.mark.long
def test_a_word_that_five_people_write_enters(some: list[Example]) -> None:
    assert {"zulkuf", "<zulk"} <= vocabulary_of([*some, *written_by("a", "b", "c", "d", "e")])


@pytest.mark.long
def test_one_person_who_writes_often_counts_once(some: list[Example]) -> None:
    assert not any("zulk" in gram for gram in vocabulary_of([*some, *written_by(*["a"] * 20)]))


@pytest.mark.long
def test_a_text_of_ours_does_not_help_a_customers_name_in(some: list[Example]) -> None:
    own = [Example("zülküf", {"topic": "billing"}, own=True)]
    assert not any("zulk" in gram for gram in vocabulary_of([*some, *own, *written_by("a", "b", "c", "d")]))


def test_fewer_than_five_subjects_cannot_be_asked_for(some: list[Example]) -> None:
    with pytest.raises(TrainingError, match="from 5 on"):
        train(some, parameters=Parameters(min_subjects=4))


def test_one_label_is_not_enough_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="head 'topic' has 1 label"):
        train([Example(f"kargom gelmedi {number}", {"topic": "delivery"}) for number in range(30)], parameters=FAST)


def test_too_few_texts_to_share_a_word_are_refused() -> None:
    with pytest.raises(TrainingError, match="more examples"):
        train(written_by("a", "b"), window=[], parameters=FAST)


@pytest.mark.long
def test_training_twice_gives_the_same_file(some: list[Example]) -> None:
    assert train(some, parameters=FAST) == train(some, parameters=FAST)


def test_what_was_learned_is_known_and_what_was_held_out_is_mostly_right(some: list[Example]) -> None:
    late, early = some[::5], [example for number, example in enumerate(some) if number % 5]
    model = Model.from_bytes(train(early, parameters=FAST))
    right = [model.predict(example.text)["topic"].label == example.labels["topic"] for example in late]
    assert sum(right) > 0.7 * len(right)


def test_a_head_learns_only_from_examples_that_name_it(some: list[Example]) -> None:
    unlabelled = [Example(f"fatura fatura fatura {number}", {"action": "no"}) for number in range(5)]
    model = Model.from_bytes(train([*some, *unlabelled], parameters=FAST))
    assert model.heads["topic"].labels == ("billing", "delivery", "staff")


def test_copies_with_another_number_are_one_group() -> None:
    copies = [f"parcel number {number} never came to my house, where is it" for number in range(9)]
    assert set(groups(["a bill", *copies])) == {0, 1}


def test_what_nearly_repeats_the_window_is_not_learned_from_when_calibrating(some: list[Example]) -> None:
    copied = [Example(f"{example.text} 17", example.labels) for example in some[:10]]
    early, late = apart(some, copied, 0.2)
    assert late == copied
    assert early == some[10:]


def test_without_a_window_about_a_fifth_is_held_out_and_nothing_is_lost(some: list[Example]) -> None:
    early, late = apart(some, None, 0.2)
    assert 0.1 * len(some) < len(late) < 0.3 * len(some)
    assert len(early) + len(late) == len(some)


def test_different_complaints_are_not_duplicates() -> None:
    texts = [example.text for example in seed_examples()[:200]]
    assert len(set(groups(texts))) > 195


def test_a_group_lies_at_the_same_place_wherever_it_stands_in_the_file() -> None:
    assert share_of(0, ["my parcel", "a bill"]) == share_of(1, ["a bill", "parcel my"])


def test_a_perfectly_calibrated_coin_gets_a_temperature_that_says_so() -> None:
    raw = np.array([[1.0, 0.0]] * 100)
    right = np.array([0] * 75 + [1] * 25)
    scale = fitted_scale(raw, right)
    assert scale.scores(raw)[0][0] == pytest.approx(0.75, abs=0.02)


def test_a_threshold_is_the_lowest_score_that_keeps_the_wanted_precision() -> None:
    sure, unsure = [[0.9, 0.1]] * 40, [[0.6, 0.4]] * 20
    right = np.array([0] * 40 + [0, 1] * 10)
    threshold = fitted_thresholds(("a", "b"), np.array(sure + unsure), right, 0.9)["a"]
    assert (threshold.score, threshold.precision, threshold.support) == (0.9, 1.0, 60)
    assert threshold.coverage == pytest.approx(40 / 60, abs=1e-4)


def test_a_label_that_is_often_wrong_may_not_act_alone() -> None:
    scores = np.array([[0.9, 0.1]] * 40)
    assert fitted_thresholds(("a", "b"), scores, np.array([0, 1] * 20), 0.9) == {}


def test_five_lucky_hits_are_not_enough_to_act_alone() -> None:
    assert fitted_thresholds(("a", "b"), np.array([[0.9, 0.1]] * 5), np.zeros(5, dtype=np.intp), 0.9) == {}


def test_the_figures_of_four_texts_are_those_counted_by_hand() -> None:
    human = ["refund", "refund", "bill", "bill"]
    machine = [answer("refund", 0.9), answer("bill", 0.6, ("refund", 0.3)), answer("bill", 0.8), answer("bill", 0.7)]
    found = figures(human, machine, at_precision=1.0)
    assert (found.accuracy, found.top_3, found.coverage) == (0.75, 1.0, 0.75)
    assert found.confusion == {("bill", "bill"): 2, ("refund", "bill"): 1, ("refund", "refund"): 1}
    assert (found.labels["bill"].precision, found.labels["bill"].recall, found.labels["bill"].f1) == (0.6667, 1.0, 0.8)


def test_texts_of_one_score_are_covered_together_or_not_at_all() -> None:
    assert coverage_at([0.9, 0.9], [True, False], 0.95) == 0.0


def test_a_model_that_says_ninety_and_is_right_half_the_time_is_off_by_forty_points() -> None:
    assert calibration_error([0.9] * 10, [True, False] * 5) == pytest.approx(0.4)


def test_the_urgent_are_counted_in_the_first_tenth_of_the_ranked_queue() -> None:
    ranks = [number / 20 for number in range(20)]
    urgent = [number in (19, 3) for number in range(20)]
    assert urgent_found(urgent, ranks) == 0.5


def test_a_label_nobody_gave_has_no_recall() -> None:
    found = figures(["bill"], [answer("refund", 0.5)])
    assert (found.labels["refund"].recall, found.labels["bill"].precision) == (None, None)


def test_figures_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        figures([], [])
