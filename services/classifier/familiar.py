"""Whether a model can judge a text at all: of words it never met it still names, surely, the label it met most.

A word is known when the vocabulary holds it, or nearly all letter n-grams of a longer one: Turkish words are seldom met
with the same suffixes twice. Numbers and single letters say nothing of their own. Pure."""

from collections.abc import Sequence

from shared.core.text import char_ngrams

from .language import Language
from .model import Vocabulary

LEAST_KNOWN = 0.25
"""The share of a text's words below which nothing is judged. With the rule for foreign texts this holds
back 37 of 16,279 Turkish tweets and none of 10,003 questions to a bank."""
_NEARLY_ALL = 0.85
_LONGER = 5


def familiar(vocabulary: Vocabulary, words: Sequence[str], language: Language) -> bool:
    """Whether enough (folded) words of a text are known: a quarter, or most of them in a language nobody trained on,
    whose words look alike here and there (`paket`, `factura`)."""
    read = [word for word in words if sum(map(str.isalpha, word)) > 1]
    if 2 * sum(map(vocabulary.has_word, read)) > len(read):
        return True  # nearly every text: letters need not be looked at
    known = sum(_knows(vocabulary, word) for word in read)
    foreign = language == "other" and len(read) - known >= 2  # two words of chat or a product are often named so
    return known > len(read) - known if foreign else known >= max(1, LEAST_KNOWN * len(read))


def _knows(vocabulary: Vocabulary, word: str) -> bool:
    if vocabulary.has_word(word):
        return True
    if len(word) < _LONGER:
        return False
    grams = char_ngrams(word)
    return sum(map(vocabulary.has_run, grams)) >= _NEARLY_ALL * len(grams)
