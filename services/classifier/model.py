"""Serving a trained text model: one `.npz` of plain arrays, numpy only, the same score for the same text everywhere."""

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shared.core.text import char_ngrams, fold, marks, word_ngrams, words

FORMAT = 1
READ_CHARACTERS = 4_000
"""A text is read this far: a complaint says what it is about early, and one long text must not hold up the others."""
Link = Literal["softmax", "logistic"]
"""How linear scores become probabilities: `softmax`, or each through the `logistic` curve and then shared out."""
_DECIMALS = 6
_TOP = 3
_EXPLAINING = 5
# Term frequency 1 + ln n, rounded: the last bit of a logarithm differs between machines.
_DAMPED = np.array([0.0] + [round(1.0 + math.log(count), 9) for count in range(1, 256)])
_BLOCK_SHARE = math.sqrt(0.5)


@dataclass(frozen=True, slots=True)
class Grams:
    """What a text is made of for a model: its words, and word n-grams with marks, repeated as they occur."""

    words: list[str]
    word: list[str]

    @property
    def char(self) -> list[str]:
        """Character n-grams inside the words, repeated as they occur."""
        return [gram for word in self.words for gram in char_ngrams(word)]


def grams_of(text: str) -> Grams:
    """The n-grams of the first `READ_CHARACTERS` characters of a text as it was written."""
    folded = fold(text[:READ_CHARACTERS])
    found = words(folded)
    return Grams(found, word_ngrams(found) + marks(folded))


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which calibrated score on a label may act alone, and what was seen when it was fitted.

    precision and coverage are shares (0-1) on the fitting window, support the number of texts it predicted so.
    """

    score: float
    precision: float
    coverage: float
    support: int


@dataclass(frozen=True, slots=True)
class Head:
    """One question the model answers: its labels in column order from `start`, calibration, thresholds per label.

    `values` gives a number per label when the labels are a scale (urgency, sentiment); empty otherwise.
    """

    name: str
    labels: tuple[str, ...]
    start: int
    link: Link = "softmax"
    temperature: float = 1.0
    values: tuple[float, ...] = ()
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)

    @property
    def columns(self) -> slice:
        return slice(self.start, self.start + len(self.labels))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer of one head. `score` and `top` are calibrated (0-1), `raw` is the linear score before calibration.

    `value` is the expected place on the head's scale: sentiment -1 to 1; urgency 0 to 1, by which a queue is ranked.
    `words` are up to five word n-grams (folded) that spoke for the label, strongest first: personal data.
    """

    label: str
    score: float
    raw: float
    top: tuple[tuple[str, float], ...]
    words: tuple[str, ...]
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """A text as feature numbers (ascending) and weights; the first `word_count` of them are word n-grams."""

    features: NDArray[np.intp]
    weights: NDArray[np.float64]
    word_count: int


class ModelError(ValueError):
    """A model file that cannot be served; the text says why and what to do."""


class Vocabulary:
    """The n-grams a model knows, words before characters, each with its inverse document frequency."""

    def __init__(self, words: list[str], chars: list[str], idf: NDArray[Any]) -> None:
        if len(idf) != len(words) + len(chars):
            raise ModelError(f"{len(idf)} weights for {len(words) + len(chars)} n-grams: train the model again")
        self.words = words
        self.chars = chars
        self.idf = idf.astype(np.float64)
        self._words = {gram: number for number, gram in enumerate(words)}
        self._chars = {gram: number for number, gram in enumerate(chars, len(words))}
        self._runs: dict[str, list[int]] = {}
        """Character n-grams of words met before; of vocabulary words only, so that no name is kept in memory."""

    def __len__(self) -> int:
        return len(self.idf)

    def has_word(self, folded: str) -> bool:
        """Whether this very word is known."""
        return folded in self._words

    def has_run(self, characters: str) -> bool:
        """Whether this character n-gram is known."""
        return characters in self._chars

    def vector(self, grams: Grams) -> Vector:
        """TF-IDF of the n-grams known here; word and character part are each of length sqrt(1/2)."""
        word_features, word_weights = self._block(_numbers(grams.word, self._words))
        runs = [number for word in grams.words for number in self._runs_of(word)]
        char_features, char_weights = self._block(runs)
        return Vector(
            np.concatenate([word_features, char_features]),
            np.concatenate([word_weights, char_weights]),
            len(word_features),
        )

    def _runs_of(self, word: str) -> list[int]:
        found = self._runs.get(word)
        if found is None:
            found = _numbers(char_ngrams(word), self._chars)
            if word in self._words:
                self._runs[word] = found
        return found

    def _block(self, known: list[int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        features, counts = np.unique(np.array(known, dtype=np.intp), return_counts=True)
        weights = _DAMPED[np.minimum(counts, len(_DAMPED) - 1)] * self.idf[features]
        length = math.sqrt(math.fsum(weights * weights))
        return features, weights * (_BLOCK_SHARE / length) if length else weights


def _numbers(grams: list[str], of: dict[str, int]) -> list[int]:
    return [number for number in map(of.get, grams) if number is not None]


class Model:
    """A trained model in memory. Build it with `Model.load` or `Model.from_bytes`; it does not change afterwards."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], content_hash: str) -> None:
        self.hash = content_hash
        meta = json.loads(arrays["meta"].tobytes())
        if meta.get("format") != FORMAT:
            raise ModelError(f"model format {meta.get('format')!r} is not {FORMAT}: train the model again")
        self.facts: dict[str, Any] = meta["facts"]
        self.heads = {head["name"]: _head_from(head) for head in meta["heads"]}
        self.vocabulary = Vocabulary(_lines(arrays["words"]), _lines(arrays["chars"]), arrays["idf"])
        self._weights = arrays["weights"].astype(np.float32)
        self._bias = arrays["bias"].astype(np.float64)
        shape = (len(self.vocabulary), sum(len(head.labels) for head in self.heads.values()))
        if self._weights.shape != shape or self._bias.shape != shape[1:]:
            raise ModelError(f"model arrays do not fit together, weights should be {shape}: train the model again")

    @classmethod
    def from_bytes(cls, content: bytes) -> "Model":
        """A model from the content of its file. Raises `ModelError` when it is not one."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                read = {name: arrays[name] for name in ("meta", "words", "chars", "idf", "weights", "bias")}
            return cls(read, hashlib.sha256(content).hexdigest())
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"not a model file ({type(error).__name__}): train the model again") from error

    @classmethod
    def load(cls, path: Path) -> "Model":
        """A model from its `.npz` file. Raises `OSError`, or `ModelError` when the file is not a model."""
        return cls.from_bytes(path.read_bytes())

    def predict(self, text: str) -> dict[str, Prediction]:
        """The answer of every head, by head name. Pure: the same file and text give the same numbers."""
        return self.answers(grams_of(text))

    def answers(self, grams: Grams) -> dict[str, Prediction]:
        """The same of a text whose n-grams are known already."""
        vector = self.vocabulary.vector(grams)
        rows = self._weights[vector.features].astype(np.float64)
        raw = _summed(rows, vector.weights) + self._bias
        return {name: self._answer(head, raw[head.columns], rows, vector) for name, head in self.heads.items()}

    def raw(self, text: str) -> NDArray[np.float64]:
        """The linear scores of all heads' labels in column order, for calibration and evaluation."""
        vector = self.vocabulary.vector(grams_of(text))
        return _summed(self._weights[vector.features].astype(np.float64), vector.weights) + self._bias

    def _answer(self, head: Head, raw: NDArray[np.float64], rows: NDArray[np.float64], vector: Vector) -> Prediction:
        scores = calibrated(raw, head.link, head.temperature)
        order = sorted(range(len(scores)), key=lambda column: (-scores[column], column))
        best = order[0]
        spoke = rows[: vector.word_count, head.start + best] * vector.weights[: vector.word_count]
        strongest = np.argsort(-spoke, kind="stable")[:_EXPLAINING]
        return Prediction(
            label=head.labels[best],
            score=scores[best],
            raw=round(float(raw[best]), _DECIMALS),
            top=tuple((head.labels[column], scores[column]) for column in order[:_TOP]),
            words=tuple(self.vocabulary.words[vector.features[at]] for at in strongest if spoke[at] > 0),
            value=_expected(scores, head.values),
        )


def calibrated(raw: NDArray[np.float64], link: Link, temperature: float) -> list[float]:
    """Probabilities (sum 1, rounded to six decimals) of one head's linear scores."""
    if link == "softmax":
        highest = float(raw.max())
        powers = [math.exp((float(score) - highest) / temperature) for score in raw]
    else:
        powers = [1.0 / (1.0 + math.exp(min(-float(score) / temperature, 500.0))) for score in raw]
    total = math.fsum(powers)
    return [round(power / total, _DECIMALS) for power in powers]


def packed(
    vocabulary: Vocabulary,
    weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    heads: list[Head],
    facts: Mapping[str, Any],
) -> bytes:
    """The content of a model file, the same bytes for the same arguments (one zlib). Weights become float16."""
    meta = {"format": FORMAT, "heads": [_head_to(head) for head in heads], "facts": facts}
    out = io.BytesIO()
    np.savez_compressed(
        out,
        meta=np.frombuffer(json.dumps(meta, sort_keys=True, ensure_ascii=False).encode(), dtype=np.uint8),
        words=np.frombuffer("\n".join(vocabulary.words).encode(), dtype=np.uint8),
        chars=np.frombuffer("\n".join(vocabulary.chars).encode(), dtype=np.uint8),
        idf=vocabulary.idf.astype(np.float32),
        weights=weights.astype(np.float16),
        bias=np.round(bias, 6),
    )
    return out.getvalue()


def _summed(rows: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    # Row after row in feature order: a matrix product would leave the order to the machine's BLAS.
    summed: NDArray[np.float64] = np.add.reduce(rows * weights[:, None], axis=0)
    return summed


def _expected(scores: list[float], values: tuple[float, ...]) -> float | None:
    if not values:
        return None
    return round(math.fsum(score * value for score, value in zip(scores, values, strict=True)), _DECIMALS)


def _lines(blob: NDArray[Any]) -> list[str]:
    text = blob.tobytes().decode()
    return text.split("\n") if text else []


def _head_to(head: Head) -> dict[str, Any]:
    limits = {
        label: [limit.score, limit.precision, limit.coverage, limit.support] for label, limit in head.thresholds.items()
    }
    return {
        "name": head.name,
        "labels": head.labels,
        "start": head.start,
        "link": head.link,
        "temperature": head.temperature,
        "values": head.values,
        "thresholds": limits,
    }


def _head_from(stored: Mapping[str, Any]) -> Head:
    return Head(
        name=stored["name"],
        labels=tuple(stored["labels"]),
        start=stored["start"],
        link=stored["link"],
        temperature=stored["temperature"],
        values=tuple(stored["values"]),
        thresholds={label: Threshold(*limit) for label, limit in stored["thresholds"].items()},
    )
