"""How good a model is on labelled texts: the figures that are shown before it is promoted. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.classifier.model import Prediction

_BINS = 15


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Machine against human for one label: shares 0-1 (None where nothing was predicted or nothing was there)."""

    precision: float | None
    recall: float | None
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Figures:
    """One head on one set of texts; every share is 0-1.

    `coverage` is the largest share of texts, most certain first, among which `at_precision` are right; `ece` the
    expected calibration error over 15 bins; `confusion` counts (human label, machine label).
    """

    texts: int
    accuracy: float
    top_3: float
    macro_f1: float
    at_precision: float
    coverage: float
    ece: float
    labels: Mapping[str, LabelFigures]
    confusion: Mapping[tuple[str, str], int]


def figures(human: Sequence[str], machine: Sequence[Prediction], at_precision: float = 0.95) -> Figures:
    """The figures of one head, texts in the same order on both sides. Raises `ValueError` without texts."""
    if not human or len(human) != len(machine):
        raise ValueError(f"{len(human)} labels and {len(machine)} predictions: give one of each per text, at least one")
    hits = [label == prediction.label for label, prediction in zip(human, machine, strict=True)]
    confusion = Counter((label, prediction.label) for label, prediction in zip(human, machine, strict=True))
    labels = {label: _of_label(label, confusion) for label in sorted({name for pair in confusion for name in pair})}
    present = [one.f1 for one in labels.values() if one.support]
    in_top = [label in dict(prediction.top) for label, prediction in zip(human, machine, strict=True)]
    scores = [prediction.score for prediction in machine]
    return Figures(
        texts=len(human),
        accuracy=_share(sum(hits), len(hits)),
        top_3=_share(sum(in_top), len(in_top)),
        macro_f1=round(math.fsum(present) / len(present), 4),
        at_precision=at_precision,
        coverage=coverage_at(scores, hits, at_precision),
        ece=calibration_error(scores, hits),
        labels=labels,
        confusion=dict(sorted(confusion.items())),
    )


def coverage_at(scores: Sequence[float], hits: Sequence[bool], precision: float) -> float:
    """The largest share of texts that some least score lets through with the wanted precision."""
    ranked = sorted(zip(scores, hits, strict=True), key=lambda pair: -pair[0])
    right = covered = 0
    for count, (score, hit) in enumerate(ranked, 1):
        right += hit
        ties_on = count < len(ranked) and ranked[count][0] == score
        if not ties_on and right >= precision * count:
            covered = count
    return _share(covered, len(ranked))


def calibration_error(scores: Sequence[float], hits: Sequence[bool]) -> float:
    """Expected calibration error: mean distance of score and share of hits over 15 equal bins, weighted by size."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for score, hit in zip(scores, hits, strict=True):
        bins.setdefault(min(int(score * _BINS), _BINS - 1), []).append((score, hit))
    gaps = [abs(math.fsum(score - hit for score, hit in inside)) for inside in bins.values()]
    return round(math.fsum(gaps) / len(scores), 4)


def urgent_found(urgent: Sequence[bool], ranks: Sequence[float], first: float = 0.10) -> float:
    """The share of the urgent texts within the `first` part (0-1) of the queue ranked by `ranks`, highest first.

    Equal ranks stay in the order they came. 1.0 when nothing was urgent.
    """
    order = sorted(range(len(ranks)), key=lambda number: (-ranks[number], number))
    served = order[: math.ceil(first * len(order))]
    return _share(sum(urgent[number] for number in served), sum(urgent)) if any(urgent) else 1.0


def _of_label(label: str, confusion: Mapping[tuple[str, str], int]) -> LabelFigures:
    right = confusion.get((label, label), 0)
    predicted = sum(count for (_, machine), count in confusion.items() if machine == label)
    support = sum(count for (human, _), count in confusion.items() if human == label)
    return LabelFigures(
        precision=_share(right, predicted) if predicted else None,
        recall=_share(right, support) if support else None,
        f1=_share(2 * right, predicted + support),
        support=support,
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4)
