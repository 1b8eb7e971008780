"""Which language a text is in: Turkish, English or other; also in capitals, without diacritics, and in two words.

Common words and endings decide, because they are there in the shortest complaint and survive folding; py3langid is
asked only about a text that shows too few. Alone it knows 97 % of Turkish tweets, and 93 % typed in ASCII.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from services.classifier.common_words import (
    ENGLISH_CONTRACTIONS,
    ENGLISH_ENDINGS,
    TURKISH_ENDINGS,
    TURKISH_SUFFIXES,
    WIDELY_WRITTEN,
    WORDS,
)
from shared.core.text import fold, words

Language = Literal["tr", "en", "other"]

READ_CHARACTERS = 2_000
_ENOUGH = 1.0
_TURKISH_LETTERS = frozenset("ığşİĞŞ")
_FOREIGN_LETTERS = frozenset("ßäåæøñãõàèìòùêëôœąęłńóśźżčřžůűőțșă¿¡")
_APOSTROPHE = re.compile(r"([^\W_]+)['’`]([^\W_]+)")
_NOT_SPEECH = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|<\w+>")


@dataclass(frozen=True, slots=True)
class Detected:
    """The language of a text and how sure it is: the share (0-1) of the evidence that speaks for it, 0 for none."""

    language: Language
    score: float


def detect(text: str) -> Detected:
    """The language of the first 2,000 characters, links, handles and addresses left out.

    A text in another alphabet is other. Pure: the same text always gives the same answer.
    """
    spoken = _NOT_SPEECH.sub(" ", text[:READ_CHARACTERS])
    letters = [character for character in spoken if character.isalpha()]
    if not letters:
        return Detected("other", 0.0)
    latin = sum(_is_latin(character) for character in letters)
    if latin * 2 < len(letters):
        return Detected("other", round(1 - latin / len(letters), 4))
    found = _evidence(spoken)
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
    total = sum(found.values())
    if ranked and ranked[0][1] >= _ENOUGH and (len(ranked) == 1 or ranked[0][1] > ranked[1][1]):
        return Detected(_named(ranked[0][0]), round(ranked[0][1] / total, 4))
    return _asked(spoken, found)


def _evidence(spoken: str) -> Mapping[str, float]:
    """How much speaks for each language: about 1 for a common word of it alone."""
    found: dict[str, float] = defaultdict(float)
    folded = fold(spoken)
    for _, tail in _APOSTROPHE.findall(folded):
        if tail in ENGLISH_CONTRACTIONS:
            found["en"] += 1
        elif tail in TURKISH_SUFFIXES:
            found["tr"] += 1
    for word in words(_APOSTROPHE.sub(r"\1", folded)):
        languages = _LANGUAGES_OF.get(word, ())
        for language in languages:
            found[language] += 1 / len(languages)
        if not languages and len(word) >= 5:
            if word.endswith(TURKISH_ENDINGS):
                found["tr"] += 1.0 if len(word) >= 8 else 0.5
            elif word.endswith(ENGLISH_ENDINGS):
                found["en"] += 0.5
    if not spoken.isascii():
        composed = unicodedata.normalize("NFC", spoken)
        found["tr"] += min(3, sum(character in _TURKISH_LETTERS for character in composed))
        found["az"] += 3 * composed.lower().count("ə")
        found["foreign"] += min(3, sum(character in _FOREIGN_LETTERS for character in composed.lower()))
    return {language: weight for language, weight in found.items() if weight > 0}


def _asked(spoken: str, found: Mapping[str, float]) -> Detected:
    """py3langid's word where there is too little of ours; ours where it names a language we have no evidence for."""
    language, _ = _identifier().classify(spoken)
    named = _named(language)
    if named == "other" and found:
        named = _named(max(sorted(found), key=lambda name: found[name]))
    return Detected(named, 0.5)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(WIDELY_WRITTEN)
    return identifier


def _named(language: str) -> Language:
    return "tr" if language == "tr" else "en" if language == "en" else "other"


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN")


def _by_word() -> dict[str, tuple[str, ...]]:
    languages: dict[str, list[str]] = defaultdict(list)
    for language, listed in WORDS.items():
        for word in listed:
            languages[word].append(language)
    return {word: tuple(names) for word, names in languages.items()}


_LANGUAGES_OF = _by_word()
