"""What the words of a rule stand for in a text: words, phrases, stems, words near one another, and how they are spelt.

A rule's line is made of words. ``iade*`` allows suffixes, ``el|kol`` is either, ``=acil`` wants these very letters (so
that `açıl` is not meant), and ``gaz ~ koku*`` means both in one sentence, in any order, within eight words. Everything
else is folded: capitals and missing diacritics do not matter. Reading takes time in proportion to the text. Pure.
Source: spec classifier, Turkish.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.core.text import fold

NEAR = 8
"""Words that the parts of ``a ~ b`` may span, the first and the last counted in."""
_TOKEN = re.compile(r"[^\W_]+|(?<!\d)[.!?;…]+(?=\s|$)|\n\s*\n")
_PART = re.compile(r"(=?)([^\W_]+)(\*?)")
_STRAY_STAR = re.compile(r"\*[^\W_]|(?<![^\W_])\*")
_STRAY_SIGN = re.compile(r"(?<=[^\s~|])=|=(?![^\W_])")
_HIDDEN = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


class Span(NamedTuple):
    """Words from ``first`` to before ``after`` of a text."""

    first: int
    after: int


@dataclass(frozen=True, slots=True)
class Word:
    """One word that a slot of a phrase may be."""

    folded: str
    stem: bool
    spelt: str = ""
    """Its letters, where they must be these."""

    def is_spelt(self, word: str) -> bool:
        """Whether a word of a text has these letters; a capital I may be either of the Turkish two."""
        if not self.spelt:
            return True
        small = word.replace("İ", "i").replace("I", "\0").lower()
        same = all(a == b or (b == "\0" and a in "ıi") for a, b in zip(self.spelt, small, strict=False))
        return same and len(small) >= len(self.spelt)


Phrase = tuple[tuple[Word, ...], ...]
"""A slot per word, each with its alternatives."""
Line = tuple[Phrase, ...]
"""Phrases that stand near one another."""


class Lexicon:
    """Every word that some lines are made of, to be found in a text at one go."""

    def __init__(self, wordings: "Iterable[Wording]") -> None:
        self._whole: dict[str, list[Word]] = defaultdict(list)
        self._stems: dict[str, list[Word]] = defaultdict(list)
        for word in dict.fromkeys(word for wording in wordings for word in wording.words()):
            (self._stems if word.stem else self._whole)[word.folded].append(word)
        self._lengths = sorted({len(stem) for stem in self._stems})

    def of(self, folded: str) -> Iterator[Word]:
        """What a word of a text may be: two looks into dictionaries, and one more per length of a stem."""
        yield from self._whole.get(folded, ())
        for length in self._lengths:
            if length > len(folded):
                return
            yield from self._stems.get(folded[:length], ())


class Reading:
    """A text as rules read it: its words, the number of each one's sentence, and where the words of a lexicon stand."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        plain = text if text.isascii() else _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
        self._sentence: list[int] = []
        self.at: dict[Word, set[int]] = defaultdict(set)
        sentence = 0
        for token in _TOKEN.findall(plain):
            if not token[0].isalnum():
                sentence += 1
                continue
            for word in lexicon.of(fold(token)):
                if word.is_spelt(token):
                    self.at[word].add(len(self._sentence))
            self._sentence.append(sentence)

    def together(self, span: Span) -> bool:
        """Whether these words stand in one sentence."""
        return self._sentence[span.first] == self._sentence[span.after - 1]


class Wording:
    """Compiled lines of a rule. Build it with `Wording.of`."""

    def __init__(self, written: tuple[str, ...], lines: tuple[Line, ...]) -> None:
        self._written, self._lines = written, lines
        self._begin: dict[Word, list[int]] = defaultdict(list)
        """Lines by each word that may be their first: of a text, only those are looked at."""
        for number, line in enumerate(lines):
            for word in line[0][0]:
                self._begin[word].append(number)

    @classmethod
    def of(cls, written: Iterable[str]) -> "Wording":
        """Lines as people write them. Raises `ValueError` naming a line that holds no word, or a sign where it cannot
        mean anything."""
        lines = tuple(written)
        return cls(lines, tuple(map(_compiled, lines)))

    def words(self) -> Iterator[Word]:
        """Every word of every line."""
        return (word for line in self._lines for phrase in line for slot in phrase for word in slot)

    def found_in(self, reading: Reading, masked: frozenset[int] = frozenset()) -> tuple[str, ...]:
        """The lines, as they were written, that the text satisfies without its ``masked`` words, in their order. The
        reading is of a lexicon that holds these lines."""
        likely = self._likely(reading)
        return tuple(self._written[n] for n in likely if any(True for _ in _satisfied(self._lines[n], reading, masked)))

    def places_in(self, reading: Reading) -> frozenset[int]:
        """The numbers of all words of the text that satisfy one of the lines."""
        spans = (span for n in self._likely(reading) for found in _satisfied(self._lines[n], reading) for span in found)
        return frozenset(place for span in spans for place in range(*span))

    def _likely(self, reading: Reading) -> list[int]:
        return sorted({number for word in reading.at for number in self._begin.get(word, ())})


def found(written: Iterable[str], text: str) -> tuple[str, ...]:
    """The lines that a text satisfies, for one set of lines by itself."""
    wording = Wording.of(written)
    return wording.found_in(Reading(text, Lexicon([wording])))


def _satisfied(line: Line, reading: Reading, masked: frozenset[int] = frozenset()) -> Iterator[tuple[Span, ...]]:
    """Every time the line is satisfied: the span of each of its phrases."""
    spans: list[list[Span]] = []
    for phrase in line:
        spans.append(_phrase(phrase, reading.at, masked))
        if not spans[-1]:
            return
    yield from _near(spans, reading) if len(spans) > 1 else ((span,) for span in spans[0])


def _phrase(phrase: Phrase, at: Mapping[Word, set[int]], masked: frozenset[int]) -> list[Span]:
    """The places of words in a row, without those that touch a masked word."""
    starts: set[int] | None = None
    for offset, slot in enumerate(phrase):
        here = {place - offset for word in slot for place in at.get(word, ())}
        starts = here if starts is None else starts & here
        if not starts:
            return []
    spans = (Span(start, start + len(phrase)) for start in sorted(starts or ()))
    return [span for span in spans if masked.isdisjoint(range(span.first, span.after))]


def _near(spans: Sequence[list[Span]], reading: Reading) -> Iterator[tuple[Span, ...]]:
    """One span of each phrase, all in one sentence and within `NEAR` words: the latest of each, as the text goes on."""
    latest: dict[int, Span] = {}
    for span, phrase in sorted((span, number) for number, places in enumerate(spans) for span in places):
        latest[phrase] = span
        if len(latest) < len(spans):
            continue
        whole = Span(min(s.first for s in latest.values()), max(s.after for s in latest.values()))
        apart = len({s.first for s in latest.values()}) == len(spans)
        if apart and whole.after - whole.first <= NEAR and reading.together(whole):
            yield tuple(latest[number] for number in range(len(spans)))


def _compiled(written: str) -> Line:
    line = tuple(tuple(map(_slot, slots)) for slots in map(_slots, written.split("~")) if slots)
    if _STRAY_STAR.search(written) or not line or not all(slot for phrase in line for slot in phrase):
        raise ValueError(
            f"rule {written!r}: write whole words, each with at most one * at its end, such as 'iade*', "
            f"'el|kol' for either, '=acil' for these very letters, or 'gaz ~ koku*' for words near one another"
        )
    return line


def _slots(phrase: str) -> list[str]:
    """``el | kol ağrı*`` -> ['el|kol', 'ağrı*']; signs that mean nothing are as good as spaces."""
    tight = re.sub(r"\s*\|\s*", "|", _STRAY_SIGN.sub(" ", phrase))
    return [slot.strip("|") for slot in re.findall(r"(?:[^\W_]|[=*|])+", tight) if slot.strip("|")]


def _slot(written: str) -> tuple[Word, ...]:
    """Each alternative of ``=el|kol*``; none where a sign stands wrongly."""
    parts = [_PART.fullmatch(alternative) for alternative in written.split("|")]
    return tuple(_word(*part.groups()) for part in parts if part) if all(parts) else ()


def _word(exact: str, word: str, star: str) -> Word:
    small = unicodedata.normalize("NFC", word).replace("İ", "i").replace("I", "ı").lower()
    return Word(fold(word), bool(star), small if exact else "")
