"""What one line looks like by itself: a line of a signature, a name, or a person's concern."""

import re
from typing import Final, Literal

from . import signature_words as words

Look = Literal["concern", "strong", "weak", "unknown"]
"""strong: only a contact, a title, a firm or an address; weak: a name, a place; unknown: another short line."""

_I: Final = re.IGNORECASE
MINE = re.compile(words.MINE, _I)
_SAID = re.compile(words.SAID, _I)
_CONCERNS = re.compile(words.CONCERNS, _I)
LISTED = re.compile(r"(?:[-*•·]|\(?\d{1,2}[.)])\s+\S")
POSTSCRIPT = re.compile(words.POSTSCRIPT, _I)
_TITLE = re.compile(rf"(?<!\w)(?:{words.TITLES})(?!\w)", _I)
_COMPANY = re.compile(rf"(?<!\w)(?:{words.COMPANIES})(?:\.|(?!\w))", _I)
_STREET = re.compile(
    rf"(?<!\w)(?:{words.STREETS})(?:\.|(?!\w))|stra(?:ße|sse)\b|\w{{2}}(?:str\.|gatan|straat|vej|veien)", _I
)
_CONTACT = re.compile(rf"(?<!\w)(?:{words.CONTACTS})\.?\s?(?:no|numarası)?\s?[:.|]", _I)
_PHONE = re.compile(r"(?<![\w/.])(?:\+|00?|\()[ (]?\d[\d ()/.\u2011-]{5,24}\d(?!\w)")
_NUMBER = re.compile(r"[+0][\d ()/.-]{2,24}$")
_MAIL = re.compile(r"(?<![^\s<>(:\[])[^\s<>@()]{1,64}@[^\s<>@()]{1,255}")
LINK = re.compile(r"(?:https?://|(?<![\w@])www\.)[^\s<>()\[\]]{1,1000}", _I)
_HOME = re.compile(
    r"(?:https?://)?(?:www\.)?(?:(?:\w+\.)?(?:facebook|instagram|linkedin|twitter|x|youtube|github|wa)\.(?:com|"
    r"me)/.*|[^/?#]{1,100}/?(?:[a-z]{2}/?)?)$",
    _I,
)
_FACT = re.compile(r"([^\W\d][^:：\n]{1,40})[:：]\s+\S")
_YOURS = re.compile(r"n[ıiuü]z\b")
_DIGIT = re.compile(r"\d")
_KEY = re.compile(r"(?:[0-9A-F]{4}[ :]{1,2}){4,12}[0-9A-F]{4}$|(?:[0-9A-F]{2}[ :]){8,40}[0-9A-F]{2}$")
"""A fingerprint."""
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_SMALL: Final = frozenset(
    [
        "ve",
        "ile",
        "and",
        "of",
        "the",
        "de",
        "la",
        "le",
        "du",
        "des",
        "von",
        "van",
        "der",
        "den",
        "und",
        "für",
        "for",
        "et",
        "y",
        "e",
        "di",
        "del",
        "della",
        "do",
        "da",
        "og",
        "och",
        "i",
        "&",
        "zu",
        "zur",
        "at",
        "in",
        "o",
        "z",
        "w",
    ]
)
_SENT = re.compile(
    rf"(?:\w{{1,20}} )?(?:{words.SENT}) (?:{words.FROM})\b(?: (?:{words.MY})\b.{{1,60}}|"
    rf".{{0,30}}(?<!\w)(?:{words.DEVICES})(?!\w).{{0,60}})$",
    _I,
)
_SENT_BY = re.compile(rf"(?:{words.SENT_BY_DEVICE})$", _I)
_NOT_SENT = re.compile(words.NOT_SENT, _I)
_MARKUP = re.compile(r"[\[\]<>()*_]|https?:\S{0,1000}")


def of_a_firm(line: str) -> bool:
    """Whether a line names a title, a firm or its pages: an address and a phone alone may be what was asked for."""
    return any(sign.search(line) for sign in (_TITLE, _COMPANY, LINK, _MAIL))


def sent_from(line: str) -> bool:
    if len(line) > 160:
        return False
    said = " ".join(_MARKUP.sub(" ", line).split())
    return bool((_SENT.match(said) and not _NOT_SENT.search(said)) or _SENT_BY.match(said))


def look(line: str, shouted: bool = False) -> Look:
    """What a line looks like by itself; ``shouted``: the text is in capitals, so capitals are no sign of a name."""
    said = line.strip().strip("*_|").strip()
    if not said:
        return "unknown"
    if len(said) > 200 or LISTED.match(said) or POSTSCRIPT.match(said):
        return "concern"
    if _KEY.match(said):
        return "strong"
    links = LINK.findall(said)
    rest = LINK.sub(" ", _MAIL.sub(" ", said))
    if "?" in rest or any(not _HOME.match(link) for link in links):
        return "concern"
    phones = _PHONE.search(rest) is not None or _NUMBER.match(rest) is not None
    left = _CONTACT.sub(" ", _PHONE.sub(" ", _NUMBER.sub("", rest)))
    reached = phones or len(links) > 0 or "@" in said
    labelled = _CONTACT.match(rest) is not None
    capitals, count = _capitals(left)
    digits = _DIGIT.search(left) is not None
    if MINE.search(rest) and not (_is_name(said, shouted) and not _SAID.search(said)):
        return "concern"
    if (fact := _FACT.match(rest)) and not _CONTACT.search(f"{fact[1]}:"):
        return "concern"
    if reached and not digits and (count == 0 or (capitals and count <= 6) or (labelled and count <= 3)):
        return "strong"
    if labelled and (capitals or digits) and len(said) <= 120:
        return "strong"
    if digits and _CONCERNS.search(said):
        return "concern"
    if _STREET.search(said) and (_DIGIT.search(said) or _COMPANY.search(said)) and capitals and not said.endswith("!"):
        return "strong"
    if digits or _SAID.search(said):
        return "concern"
    if capitals and count <= 12 and _COMPANY.search(said):
        return "strong"
    titled = _TITLE.search(said)
    if titled and ((capitals and count <= 10) or (not titled.start() and count <= 3 and said[0].isupper())):
        return "unknown" if _YOURS.search(said) or said[-1] in "!;:" else "strong"
    if _CONCERNS.search(said):
        return "concern" if count > 3 else "unknown"
    return "weak" if _is_name(said, shouted) else "unknown"


def _capitals(text: str) -> tuple[bool, int]:
    """(whether most words begin with a capital letter, how many words there are)."""
    found = [word for word in _WORD.findall(text) if word.lower() not in _SMALL]
    return bool(found) and 10 * sum(word[0].isupper() for word in found) >= 6 * len(found), len(found)


def _is_name(said: str, shouted: bool) -> bool:
    """A name, a department, a place: few words with capitals, nothing that ends a sentence."""
    capitals, count = _capitals(said)
    if not capitals or count > 6 or len(said) > 60 or said[-1] in "!?:;" or _DIGIT.search(said):
        return False
    if shouted and said.upper() == said:
        return False
    return not (said.endswith(".") and count > 3)
