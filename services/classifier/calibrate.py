"""From linear scores to scores that mean what they say, and from which score on a label may act alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.classifier.model import Threshold, softmax

_OFTEN = 30
_TEMPERATURES = np.round(np.geomspace(0.05, 5.0, 201), 4)


def fitted_temperature(raw: NDArray[np.float64], right: NDArray[np.intp]) -> float:
    """The temperature with the least log loss, of 201 between 0.05 and 5. `raw` is texts x labels, `right` columns."""
    return float(min(_TEMPERATURES, key=lambda temperature: log_loss(raw / temperature, right)))


def fitted_thresholds(
    labels: Sequence[str], raw: NDArray[np.float64], right: NDArray[np.intp], temperature: float, precision: float
) -> dict[str, Threshold]:
    """Per label the lowest score from which the wanted precision (0-1) was reached among the texts predicted so.

    One miss is added to what was seen, so that nothing is trusted on luck. Labels predicted fewer than 30 times are
    fitted together and share what was found. A label that never reaches the precision has no entry: it may not act
    alone. Source: spec classifier, Bands.
    """
    scores = np.array([softmax(row, temperature) for row in raw])
    best = scores.argmax(axis=1)
    hits = best == right
    often = [column for column in range(len(labels)) if np.count_nonzero(best == column) >= _OFTEN]
    seldom = [column for column in range(len(labels)) if column not in often]
    found: dict[str, Threshold] = {}
    for columns in [*([column] for column in often), seldom]:
        among = np.isin(best, columns)
        threshold = _lowest(scores.max(axis=1)[among], hits[among], precision)
        if threshold:
            found |= {labels[column]: threshold for column in columns}
    return found


def _lowest(scores: NDArray[np.float64], hits: NDArray[np.bool_], precision: float) -> Threshold | None:
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(hits[order])
    found: Threshold | None = None
    for count in range(1, len(order) + 1):
        lowest = scores[order[count - 1]]
        ties_on = count < len(order) and scores[order[count]] == lowest
        if not ties_on and reached[count - 1] / (count + 1) >= precision:
            found = Threshold(
                score=float(lowest),
                precision=round(float(reached[count - 1] / count), 4),
                coverage=round(count / len(order), 4),
                support=len(order),
            )
    return found


def log_loss(scaled: NDArray[np.float64], right: NDArray[np.intp]) -> float:
    """Mean negative log probability of the right column, of linear scores already divided by the temperature."""
    highest = scaled.max(axis=1, keepdims=True)
    totals = highest[:, 0] + np.log(np.exp(scaled - highest).sum(axis=1))
    return float(np.mean(totals - scaled[np.arange(len(right)), right]))
