"""One way to read text for training, prediction, rules and search: fold, words, n-grams, word rules. Pure."""

import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_TURKISH_CAPITALS = str.maketrans({"I": "ı", "İ": "i"})
# Letters that NFKD leaves whole although people type them as plain ASCII.
_STROKED = str.maketrans({"ı": "i", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th"})
# Accents of their own, and invisible characters that would hide a word from every rule.
_DROPPED = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_WORD = re.compile(r"[^\W_]+")
_MARK = re.compile(r"!+|\?+|[:;=]-?[()dp]+")
_RULE_PART = re.compile(r"([^\W_]+)(\*?)")
_INNER_STAR = re.compile(r"\*[^\W_]")
_CHAR_SIZES = (2, 3, 4, 5)


def fold(text: str) -> str:
    """The text in small ASCII letters where it has any: `"İADE ŞİKÂYETİ"` and `"iade sikayeti"` come out the same.

    Letters of other alphabets stay, without case and accents. `fold(fold(x)) == fold(x)`; the length may change.
    """
    if text.isascii():
        return text.lower()
    small = unicodedata.normalize("NFKC", text).translate(_TURKISH_CAPITALS).casefold()
    plain = _DROPPED.sub("", unicodedata.normalize("NFKD", small)).casefold().translate(_STROKED)
    return unicodedata.normalize("NFC", _DROPPED.sub("", unicodedata.normalize("NFKD", plain)))


def words(folded: str) -> list[str]:
    """The words of a folded text in order: runs of letters and digits; an apostrophe ends a word (`vefa'dan`)."""
    return _WORD.findall(folded)


def marks(folded: str) -> list[str]:
    """Runs of `!` or `?` and ASCII smileys, at most two characters of each: they carry mood."""
    return [mark[:2] for mark in _MARK.findall(folded)]


def word_ngrams(of: list[str]) -> list[str]:
    """Words, then pairs of neighbours joined by one space."""
    return of + [f"{left} {right}" for left, right in itertools.pairwise(of)]


def char_ngrams(word: str) -> list[str]:
    """Runs of 2 to 5 characters inside one word whose edges are marked `<` and `>`."""
    marked = f"<{word}>"
    length = len(marked)
    return [marked[at : at + size] for size in _CHAR_SIZES for at in range(length - size + 1)]


@dataclass(frozen=True, slots=True)
class WordRules:
    """Whole words, phrases and stems to look for: `pass` is not in "compass", `iade*` is in "iadesini".

    Build it with `word_rules`. Source of the rule: spec classifier, Turkish.
    """

    rules: tuple[str, ...]
    _patterns: tuple[re.Pattern[str], ...]

    def found_in(self, folded: str) -> tuple[str, ...]:
        """The rules, as they were written, that the folded text satisfies, in the order they were given."""
        line = f" {' '.join(words(folded))} "
        return tuple(rule for rule, pattern in zip(self.rules, self._patterns, strict=True) if pattern.search(line))


def word_rules(rules: Iterable[str]) -> WordRules:
    """Rules as people write them: words, each of which may end in `*` for any suffix (`müşteri hizmet*`).

    Capitals and diacritics do not matter; signs between words count as spaces, in the rule as in the text.
    Raises `ValueError` naming a rule that holds no word or has `*` anywhere but at the end of a word.
    """
    written = tuple(rules)
    return WordRules(written, tuple(map(_compiled, written)))


def _compiled(rule: str) -> re.Pattern[str]:
    parts = _RULE_PART.findall(fold(rule))
    stems = sum(stem == "*" for _, stem in parts)
    if not parts or rule.count("*") != stems or _INNER_STAR.search(rule):
        raise ValueError(f"rule {rule!r}: write whole words, each with at most one * at its end, such as 'iade*'")
    return re.compile(" ".join([""] + [re.escape(word) + ("[^ ]*" if stem else "") for word, stem in parts] + [""]))
