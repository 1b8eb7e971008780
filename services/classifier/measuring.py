"""All figures of a model on a file of labelled texts, as ``vefa classifier evaluate`` shows them.

Texts that nearly repeat one of the measured ones are left out of training, or a figure would measure memory. A file
that is trained and measured on gives a fifth of its near-duplicate groups to be measured."""

import csv
import io
import json
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.classifier.duplicates import groups, share_of
from services.classifier.evaluate import figures, urgent_found
from services.classifier.model import Model
from services.classifier.models import model_named
from services.classifier.train import HEADS, Example, HeadPlan, Parameters, TrainingError, train

_MEASURED = 0.2
_TURKISH = frozenset("ıİşŞğĞ")
_LETTERS = str.maketrans({"ı": "i", "İ": "I"})
WARM_UP = 20
"""Texts that are read before the clock runs."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts of a file with the label of each; rows without one of the two are counted only."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    skipped: int = 0

    def only(self, numbers: Sequence[int]) -> "Labelled":
        return Labelled(tuple(self.texts[n] for n in numbers), tuple(self.labels[n] for n in numbers), self.skipped)


def labelled(file: Path, text: str, label: str) -> Labelled:
    """The two named columns of a CSV file (comma, semicolon or tab; UTF-8) or the fields of a JSON-lines file.

    Raises `OSError`, or `ValueError` naming the file and the column that it lacks."""
    rows = _rows(file)
    if not rows:
        raise ValueError(f"{file} has no rows; give a CSV file with a header, or a .jsonl file")
    for column in (text, label):
        if column not in rows[0]:
            raise ValueError(f"{file} has no column {column!r}; there are {', '.join(map(str, rows[0]))}")
    pairs = [(str(row.get(text) or "").strip(), str(row.get(label) or "").strip()) for row in rows]
    whole = [pair for pair in pairs if all(pair)]
    if not whole:
        raise ValueError(f"{file}: no row has both {text!r} and {label!r}")
    return Labelled(tuple(t for t, _ in whole), tuple(label for _, label in whole), len(pairs) - len(whole))


def measured(tested: Labelled, head: str, learned: Labelled | None = None, same: bool = False) -> dict[str, Any]:
    """The figures of the shipped model, or of one that is trained on ``learned`` first, as a JSON object.

    ``same`` says that both are one file, of which a part is held out. Raises `ValueError` for a label that the shipped
    model does not know, `TrainingError` where nothing can be learned, `ImportError` without scikit-learn."""
    if learned is None:
        model, left_out, examples = model_named("seed"), 0, 0
        known = model.heads[head].labels
        if unknown := sorted(set(tested.labels) - set(known)):
            raise ValueError(
                f"the shipped model knows no {head} {', '.join(map(repr, unknown[:10]))}; it knows {', '.join(known)}; "
                "train on a file of your own labels with --train"
            )
    else:
        tested, learned, left_out = _apart(tested, learned, same)
        examples = len(learned.texts)
        model = Model.from_bytes(train(_examples(learned, head), parameters=Parameters(heads=(_plan(head, learned),))))
    return _report(model, head, tested, {"trained_on": examples, "left_out": left_out})


def _report(model: Model, head: str, tested: Labelled, more: Mapping[str, Any]) -> dict[str, Any]:
    answers, seconds = [], []
    for text in tested.texts[:WARM_UP]:
        model.predict(text)
    for text in tested.texts:
        began = time.thread_time()
        answer = model.predict(text)
        seconds.append(time.thread_time() - began)
        answers.append(answer[head])
    found = figures(tested.labels, answers)
    seconds.sort()
    highest = max(model.heads[head].labels)
    urgent = {
        "urgent_in_first_tenth": urgent_found([x == highest for x in tested.labels], [a.value or 0.0 for a in answers])
    }
    return {
        "head": head, "texts": found.texts, "without_label": tested.skipped, **more, "model": model.hash[:12],
        "accuracy": found.accuracy, "top_3": found.top_3, "macro_f1": found.macro_f1, "coverage": found.coverage,
        "at_precision": found.at_precision, "ece": found.ece, **(urgent if head == "urgency" else {}),
        "accuracy_upper_case": _accuracy(model, head, tested, upper_case),
        "accuracy_ascii": _accuracy(model, head, tested, plain), "p50_ms": _milliseconds(seconds, 0.50),
        "p99_ms": _milliseconds(seconds, 0.99),
        "labels": [{"label": label, **asdict(one)} for label, one in found.labels.items()],
        "confusion": [{"human": h, "machine": m, "texts": n} for (h, m), n in found.confusion.items()],
    }  # fmt: skip


def upper_case(text: str) -> str:
    """In capitals, by Turkish rules where the text is Turkish."""
    return (text.replace("i", "İ") if _TURKISH.intersection(text) else text).upper()


def plain(text: str) -> str:
    """Typed on a keyboard without Turkish letters."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _accuracy(model: Model, head: str, tested: Labelled, copy: Callable[[str], str]) -> float:
    hits = (model.predict(copy(t))[head].label == label for t, label in zip(tested.texts, tested.labels, strict=True))
    return round(sum(hits) / len(tested.texts), 4)


def _apart(tested: Labelled, learned: Labelled, same: bool) -> tuple[Labelled, Labelled, int]:
    """What is measured, what is learned from, and how many texts were left out of it as near-duplicates."""
    if same:
        of = groups(tested.texts)
        held = [n for n, group in enumerate(of) if share_of(group, tested.texts) >= 1 - _MEASURED]
        measured_groups = {of[n] for n in held}
        rest = [n for n, group in enumerate(of) if group not in measured_groups]
        if not held or not rest:
            raise TrainingError("too few different texts to hold some of them out; give another file to measure on")
        return tested.only(held), learned.only(rest), 0
    of = groups([*tested.texts, *learned.texts])
    seen = set(of[: len(tested.texts)])
    rest = [n for n, group in enumerate(of[len(tested.texts) :]) if group not in seen]
    return tested, learned.only(rest), len(learned.texts) - len(rest)


def _examples(learned: Labelled, head: str) -> list[Example]:
    return [Example(text, {head: label}) for text, label in zip(learned.texts, learned.labels, strict=True)]


def _plan(head: str, learned: Labelled) -> HeadPlan:
    """How the platform learns this head; a scale of urgency ends at its highest label."""
    plan = next((plan for plan in HEADS if plan.name == head), HeadPlan(head))
    if head != "urgency":
        return HeadPlan(head, balanced=plan.balanced)
    rising = sorted(set(learned.labels))
    values = {label: 1.0 if label == rising[-1] else 0.1 * (label != rising[0]) for label in rising}
    return HeadPlan(head, values, balanced=True)


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start}); save it as such") from None
    if file.suffix == ".jsonl":
        try:
            return [dict(json.loads(line)) for line in content.splitlines() if line.strip()]
        except (ValueError, TypeError):
            raise ValueError(f"{file}: a line is no JSON object; write one object per line") from None
    header = content.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    try:
        return list(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"{file}: {error}; give a CSV file with a header") from None


def _milliseconds(seconds: Sequence[float], share: float) -> float:
    """A percentile of sorted times."""
    return round(1000 * seconds[min(int(share * len(seconds)), len(seconds) - 1)], 3)
