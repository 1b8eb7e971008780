"""Training a text model from labelled examples with scikit-learn, exported to what `model.py` serves.

`python -m services.classifier.train` builds the seed model from the seed texts beside this file.
"""

import csv
import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.classifier.calibrate import fitted_scale, fitted_thresholds
from services.classifier.duplicates import groups, share_of
from services.classifier.model import Grams, Head, Model, Vocabulary, grams_of, packed

Weights = NDArray[np.float64]
SEED = Path(__file__).parent / "seed"
SEED_TEXTS = ("tr.csv", "en.csv")
SEED_MODEL = SEED / "model.npz"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. `labels` by head name; a head it does not name learns nothing from it.

    `subject` is the data subject the text came from (a keyed hash will do); without one the text counts as its
    own subject. `own` marks a text of ours, exempt from the vocabulary rule.
    """

    text: str
    labels: Mapping[str, str]
    subject: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """How one head is learned. `values` makes its labels a scale; `balanced` weighs rare labels up.

    `strength` sets the SVM's C; without one it is chosen on the window.
    """

    name: str
    values: Mapping[str, float] = field(default_factory=dict)
    balanced: bool = False
    strength: float | None = None


HEADS = (
    HeadPlan("topic"),
    HeadPlan("kind"),
    HeadPlan("urgency", {"0": 0.0, "1": 0.1, "2": 1.0}, balanced=True),
    HeadPlan("sentiment", {"negative": -1.0, "neutral": 0.0, "positive": 1.0}),
    HeadPlan("action"),
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What training may be told.

    `min_subjects`: data subjects an n-gram of customers' texts must occur with (5 is the least the spec allows).
    `min_own`: texts of ours that bring an n-gram in. `strengths`: values of the SVM's C, tried on the window.
    `window`: share (0-1) held out to calibrate. `precision`: share wanted right among what acts alone.
    """

    min_subjects: int = 5
    min_own: int = 2
    strengths: tuple[float, ...] = (0.3, 1.0)
    window: float = 0.2
    precision: float = 0.90
    heads: tuple[HeadPlan, ...] = HEADS


# The seed model judges strangers. Its own window, written by the same hand, would choose a C that fits our wording:
# a softer one places more of other people's complaints (docs/classifier.md, Seed model).
SOFTER = {"topic": 0.05, "sentiment": 0.1}
SEED_PARAMETERS = Parameters(heads=tuple(replace(plan, strength=SOFTER.get(plan.name)) for plan in HEADS))


class TrainingError(ValueError):
    """Examples that nothing can be learned from; the text names what is missing."""


def train(
    examples: Sequence[Example],
    window: Sequence[Example] | None = None,
    parameters: Parameters | None = None,
    facts: Mapping[str, Any] | None = None,
) -> bytes:
    """The content of a model file learned from `examples`; the same examples give the same model on one machine.

    Strength, temperature and thresholds are fitted on `window` (the recent examples), whose near-duplicates are
    left out of the first fit; without one a fifth of the near-duplicate groups is held out. The weights are then
    learned from everything. `facts` are kept in the file. Raises `TrainingError`.
    Source: spec classifier, Model, Bands and the vocabulary rule.
    """
    chosen = parameters or Parameters()
    if chosen.min_subjects < 5:
        raise TrainingError(f"min_subjects is {chosen.min_subjects}: names stay out of a model only from 5 on")
    early, late = apart(list(examples), window, chosen.window)
    trial = _Corpus(early, chosen)
    strengths = {plan.name: _best_strength(trial, plan, late, chosen.strengths) for plan in chosen.heads}
    rehearsal = Model.from_bytes(trial.learned(strengths, [], {}))
    calibrated = [_calibrated(head, rehearsal, late, chosen.precision) for head in rehearsal.heads.values()]
    everything = [*examples, *(window or ())]
    kept = {"strengths": strengths, "examples": len(everything), "window": len(late), **(facts or {})}
    return _Corpus(everything, chosen).learned(strengths, calibrated, kept)


class _Corpus:
    """Examples as a TF-IDF matrix over the vocabulary that they are allowed to bring in."""

    def __init__(self, examples: Sequence[Example], parameters: Parameters) -> None:
        self.examples = examples
        self.plans = parameters.heads
        grams = [grams_of(example.text) for example in examples]
        self.vocabulary = _vocabulary(examples, grams, parameters)
        self.matrix = self.rows(grams)

    def rows(self, grams: Iterable[Grams]) -> Any:
        """A scipy CSR matrix, one row per text."""
        from scipy.sparse import csr_matrix

        vectors = [self.vocabulary.vector(gram) for gram in grams]
        starts = np.cumsum([0, *(len(vector.features) for vector in vectors)])
        features = np.concatenate([vector.features for vector in vectors])
        weights = np.concatenate([vector.weights for vector in vectors])
        return csr_matrix((weights, features, starts), shape=(len(vectors), len(self.vocabulary)))

    def known(self, plan: HeadPlan) -> tuple[Any, list[str]]:
        """The rows that have a label of this head, and the labels. Raises `TrainingError` with fewer than two."""
        numbers = [number for number, example in enumerate(self.examples) if plan.name in example.labels]
        wanted = [self.examples[number].labels[plan.name] for number in numbers]
        if len(set(wanted)) < 2:
            raise TrainingError(
                f"head {plan.name!r} has {len(set(wanted))} label in the examples: it needs two or more"
            )
        return self.matrix[numbers], wanted

    def columns(self, plan: HeadPlan, strength: float) -> tuple[list[str], Weights, Weights]:
        """Labels, weights (features x labels) and biases of a linear SVM per label against the rest."""
        from sklearn.svm import LinearSVC

        rows, wanted = self.known(plan)
        machine = LinearSVC(C=strength, class_weight="balanced" if plan.balanced else None, random_state=0)
        machine.fit(rows, wanted)
        labels = [str(label) for label in machine.classes_]
        if len(labels) > 2:
            return labels, machine.coef_.T, machine.intercept_
        # scikit-learn keeps one column for two labels; half of it on each side gives the same distance.
        weights, bias = machine.coef_.T / 2, machine.intercept_ / 2
        return labels, np.hstack([-weights, weights]), np.concatenate([-bias, bias])

    def learned(self, strengths: Mapping[str, float], calibrated: Sequence[Head], facts: Mapping[str, Any]) -> bytes:
        """The content of a model file; heads take temperature and thresholds from `calibrated` by name."""
        fitted = {head.name: head for head in calibrated}
        heads: list[Head] = []
        weights, biases, start = [], [], 0
        for plan in self.plans:
            labels, columns, bias = self.columns(plan, strengths[plan.name])
            values = tuple(plan.values[label] for label in labels) if plan.values else ()
            head = Head(plan.name, tuple(labels), start, values=values)
            heads.append(_like(fitted[plan.name], head) if plan.name in fitted else head)
            weights.append(columns)
            biases.append(bias)
            start += len(labels)
        return packed(self.vocabulary, np.hstack(weights), np.concatenate(biases), heads, facts)


def _vocabulary(examples: Sequence[Example], grams: Sequence[Grams], parameters: Parameters) -> Vocabulary:
    """The n-grams that enough data subjects (or texts of ours) share, sorted, with smoothed IDF."""
    sides = [[gram.word for gram in grams], [gram.char for gram in grams]]
    kept = [_kept(examples, side, parameters) for side in sides]
    if not all(kept):
        raise TrainingError(
            f"no word occurs with {parameters.min_subjects} data subjects: more examples are needed, unlike one another"
        )
    counts = [count for side in kept for count in side.values()]
    idf = [math.log((1 + len(examples)) / (1 + count)) + 1 for count in counts]
    return Vocabulary(list(kept[0]), list(kept[1]), np.array(idf, dtype=np.float32))


def _kept(examples: Sequence[Example], side: Sequence[list[str]], parameters: Parameters) -> dict[str, int]:
    texts: Counter[str] = Counter()
    own: Counter[str] = Counter()
    of_subject: dict[str, set[str]] = defaultdict(set)
    for number, (example, grams) in enumerate(zip(examples, side, strict=True)):
        present = set(grams)
        texts.update(present)
        if example.own:
            own.update(present)
        else:
            of_subject[example.subject or f"text {number}"] |= present
    subjects = Counter(gram for grams in of_subject.values() for gram in grams)
    allowed = {gram for gram, count in subjects.items() if count >= parameters.min_subjects}
    allowed |= {gram for gram, count in own.items() if count >= parameters.min_own}
    return {gram: texts[gram] for gram in sorted(allowed)}


def apart(
    examples: list[Example], window: Sequence[Example] | None, share: float
) -> tuple[list[Example], list[Example]]:
    """Examples to learn from and examples to calibrate on, with no near-duplicate across."""
    together = [*examples, *(window or ())]
    texts = [example.text for example in together]
    group = groups(texts)
    if window is None:
        late = {number for number, of in enumerate(group) if share_of(of, texts) < share}
    else:
        late = set(range(len(examples), len(together)))
    seen = {group[number] for number in late}
    early = [example for number, example in enumerate(together) if group[number] not in seen]
    return early, [together[number] for number in sorted(late)]


def _best_strength(corpus: _Corpus, plan: HeadPlan, late: Sequence[Example], strengths: Sequence[float]) -> float:
    if plan.strength is not None:
        return plan.strength
    if len(strengths) == 1:
        return strengths[0]

    def loss(strength: float) -> float:
        labels, weights, bias = corpus.columns(plan, strength)
        known = [example for example in late if example.labels.get(plan.name) in labels]
        if not known:
            return 0.0
        raw = corpus.rows(grams_of(example.text) for example in known) @ weights + bias
        right = np.array([labels.index(example.labels[plan.name]) for example in known])
        return fitted_scale(raw, right).loss

    return min(strengths, key=loss)


def _calibrated(head: Head, model: Model, late: Sequence[Example], precision: float) -> Head:
    known = [example for example in late if example.labels.get(head.name) in head.labels]
    if not known:
        return head
    raw = np.array([model.raw(example.text)[head.columns] for example in known])
    right = np.array([head.labels.index(example.labels[head.name]) for example in known])
    scale = fitted_scale(raw, right)
    thresholds = fitted_thresholds(head.labels, scale.scores(raw), right, precision)
    return replace(head, link=scale.link, temperature=scale.temperature, thresholds=thresholds)


def _like(calibrated: Head, head: Head) -> Head:
    return replace(head, link=calibrated.link, temperature=calibrated.temperature, thresholds=calibrated.thresholds)


def seed_examples(folder: Path = SEED) -> list[Example]:
    """The texts we wrote ourselves. Raises `OSError` when a file is missing, `TrainingError` on an empty cell."""
    examples = []
    for name in SEED_TEXTS:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), 2):
                labels = {plan.name: row[plan.name] for plan in HEADS}
                if not all(labels.values()) or not row["text"]:
                    raise TrainingError(f"{name}, record {line}: a cell is empty; every column needs a value")
                examples.append(Example(row["text"], labels, own=True))
    return examples


def seed_digest(folder: Path = SEED) -> str:
    """What the seed model depends on, as one sha256: both files of texts and the parameters of training."""
    digest = hashlib.sha256(repr(SEED_PARAMETERS).encode())
    for name in SEED_TEXTS:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Build the seed model and say what it is."""
    content = train(seed_examples(), parameters=SEED_PARAMETERS, facts={"made_from": seed_digest()})
    SEED_MODEL.write_bytes(content)
    model = Model.from_bytes(content)
    print(f"{SEED_MODEL}: {len(content):,} bytes, {len(model.vocabulary):,} n-grams, sha256 {model.hash}")


if __name__ == "__main__":
    main()
