"""One way to read text for training, prediction, rules and search: fold, words, n-grams. Pure."""

import itertools
import re
import unicodedata

_TURKISH_CAPITALS = str.maketrans({"I": "ı", "İ": "i"})
# Letters that NFKD leaves whole although people type them as plain ASCII.
_STROKED = str.maketrans({"ı": "i", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th"})
# Accents of their own, and invisible characters that would hide a word from every rule.
_DROPPED = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_WORD = re.compile(r"[^\W_]+")
_MARK = re.compile(r"!+|\?+|[:;=]-?[()dp]+")
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
