"""Which of a person's own lines are a signature or a footer, and which are his concern.

Below a closing only what looks like a signature is one; a fact, a question or a further sentence stays where it is."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from . import signwords as words

LAST: Final = 60
"""Filled lines of a text, from its end, among which signatures are looked for."""
LONGEST: Final = 1500
"""Characters of a line, or of a footer with its further lines, that are looked at."""
Look = Literal["blank", "concern", "strong", "weak", "unknown"]

_I: Final = re.IGNORECASE
_DELIMITER = re.compile(r"(?:--|__|\u2014|\u2013|_{10,80}|-{10,80}|\*{10,80})\s*$")
_CLOSING = re.compile(rf"(?:{words.CLOSINGS})(?:\s?[/|]\s?(?:{words.CLOSINGS}))?[\s,.!;:]*$", _I)
_THANKS = re.compile(rf"(?:{words.THANKS})(?P<closed>\s?[,.;ve&]{{0,3}}\s?(?:{words.CLOSINGS}))?[\s,.!;:]*$", _I)
_MINE = re.compile(words.MINE, _I)
_SAID = re.compile(words.SAID, _I)
_CONCERNS = re.compile(words.CONCERNS, _I)
_LISTED = re.compile(r"(?:[-*•·]|\(?\d{1,2}[.)])\s+\S")
_POSTSCRIPT = re.compile(words.POSTSCRIPT, _I)
_TITLE = re.compile(rf"(?<!\w)(?:{words.TITLES})(?!\w)", _I)
_COMPANY = re.compile(rf"(?<!\w)(?:{words.COMPANIES})(?:\.|(?!\w))", _I)
_STREET = re.compile(
    rf"(?<!\w)(?:{words.STREETS})(?:\.|(?!\w))|stra(?:ße|sse)\b|\w{{2}}(?:str\.|gatan|straat|vej|veien)", _I
)
_CONTACT = re.compile(rf"(?<!\w)(?:{words.CONTACTS})\.?\s?(?:no|numarası)?\s?[:.|]", _I)
_CONTACT_WORD = re.compile(rf"(?:{words.CONTACTS})\.?", _I)
_PHONE = re.compile(r"(?<![\w/.])(?:\+|00?|\()[ (]?\d[\d ()/.\u2011-]{5,24}\d(?!\w)")
_NUMBER = re.compile(r"[+0][\d ()/.-]{2,24}$")
_MAIL = re.compile(r"(?<![^\s<>(:\[])[^\s<>@()]{1,64}@[^\s<>@()]{1,255}")
_LINK = re.compile(r"(?:https?://|(?<![\w@])www\.)[^\s<>()\[\]]{1,1000}", _I)
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
_FROM_DEVICE = re.compile(
    r"(?:[^\W\d]{1,20} )?from (?:my |a )?(?:mobile|phone|i ?phone|ipad|android|cell)(?: \w{1,6}){0,2}$", _I
)
_FOOTERS = [(re.compile(rf"[\W_]{{0,4}}(?:{begins})", _I), re.compile(speaks, _I)) for begins, speaks in words.FOOTERS]
_LEGAL = re.compile(rf"(?<!\w)(?:{words.LEGAL})", _I)
_OUR_LEGAL = re.compile(
    r"\b(?:siz|size|sizi|sizin|sizden|olacak|edece\w{1,5}|başvur\w{1,8}|aç(?:ıl)?acak\w{0,4})\b", _I
)
_MARKUP = re.compile(r"[\[\]<>()*_]|https?:\S{0,1000}")


def signatures(lines: Sequence[str], last: int = LAST) -> list[tuple[int, int]]:
    """Spans (first, behind the last) of a person's own lines that are signature or footer; in order.

    ``last``: how many filled lines are looked at, from the end."""
    filled = [at for at, line in enumerate(lines) if line.strip()][-last:] if last > 0 else []
    return _Reader(lines, filled).spans() if filled else []


class _Reader:
    def __init__(self, lines: Sequence[str], filled: list[int]):
        self.lines, self.filled = lines, filled
        self.text = [lines[at].strip()[:LONGEST] for at in filled]
        self.shouted = not any(c.islower() for line in self.text[: max(1, len(self.text) // 2)] for c in line)
        self.looks: dict[int, Look] = {}
        self.cut: set[int] = set()
        self.footers: dict[int, bool] = {}
        self.signed = False

    def spans(self) -> list[tuple[int, int]]:
        n = 0
        while n < len(self.text):
            n = self._sent_from(n) or self._delimiter(n) or self._closing(n) or self._footer(n) or n + 1
        if not self.signed:
            self._bare()
        spans = list[tuple[int, int]]()
        for n in sorted(self.cut):
            at = self.filled[n]
            if n - 1 in self.cut:
                spans[-1] = (spans[-1][0], at + 1)
            else:
                spans.append((at, at + 1))
        return spans

    def _take(self, first: int, behind: int) -> int:
        self.cut.update(range(first, behind))
        return behind

    def look(self, n: int) -> Look:
        if n not in self.looks:
            said = self.text[n]
            self.looks[n] = "strong" if _sent_from(said) else look(said, self.shouted)
        return self.looks[n]

    def _sent_from(self, n: int) -> int:
        if not _sent_from(self.text[n]):
            return 0
        first = n
        while first and first - 1 not in self.cut and _FROM_DEVICE.match(self.text[first - 1]):
            first -= 1
        while n + 1 < len(self.text) and (_sent_from(self.text[n + 1]) or _FROM_DEVICE.match(self.text[n + 1])):
            n += 1
        return self._take(first, n + 1)

    def _delimiter(self, n: int) -> int:
        """A line of two dashes: what follows is a signature if it looks like one and is the last of its kind."""
        if not _DELIMITER.match(self.text[n]):
            return 0
        end = self._run(n + 1, unknown=True)
        if end == n + 1 or any(_DELIMITER.match(one) for one in self.text[n + 1 :]):
            return 0
        self.signed = True
        return self._take(n, end)

    def _closing(self, n: int) -> int:
        """A closing goes with the signature below it, never alone; thanks are said and stay."""
        closing, thanks = _CLOSING.match(self.text[n]), _THANKS.match(self.text[n])
        if not closing and not thanks:
            return 0
        start = n + 1
        begin = start + 1 if start < len(self.text) and _DELIMITER.match(self.text[start]) else start
        end = self._run(begin, unknown=False)
        if end == begin:
            return 0
        if closing:
            self.signed = True
            return self._take(n, end)
        assert thanks is not None
        strong = any(self.look(one) == "strong" for one in range(begin, end))
        alone = all(_greets(one) for one in self.text[:n])
        return self._take(start, end) if strong or thanks["closed"] or alone else 0

    def _run(self, start: int, unknown: bool) -> int:
        """Behind the last line of what looks like a signature from a line on."""
        end, n, weak = start, start, 0
        while n < len(self.text):
            seen = self.look(n)
            if _sent_from(self.text[n]) or self._is_footer(n) or self._is_legal(n):
                end = n = max(n + 1, self._footer_end(n))
                continue
            if seen == "concern":
                break
            far = not unknown and n > start and self.filled[n] - self.filled[n - 1] > 1 and weak + (end > start) > 1
            if seen == "strong" or (seen == "weak" and weak < 4 and not far):
                weak += seen == "weak"
                end = n = n + 1
                continue
            # a line between lines of a signature, such as a motto
            if len(self.text[n]) > 90 or (n == start and not unknown):
                break
            if n + 1 >= len(self.text) or self.look(n + 1) != "strong":
                break
            n += 1
        return end

    def _footer(self, n: int) -> int:
        if not self._is_footer(n):
            return 0
        end = self._footer_end(n)
        return self._take(n, self._run(end, unknown=False) if end < len(self.text) else end)

    def _paragraph(self, n: int) -> str:
        said = [self.text[n]]
        while (n := n + 1) < len(self.text) and self.filled[n] == self.filled[n - 1] + 1 and len(said) < 40:
            said.append(self.text[n])
        return " ".join(said)[:LONGEST]

    def _is_footer(self, n: int) -> bool:
        if n not in self.footers:
            self.footers[n] = self._reads_as_footer(n)
        return self.footers[n]

    def _reads_as_footer(self, n: int) -> bool:
        kinds = [(begins.match(self.text[n]), speaks) for begins, speaks in _FOOTERS]
        if not any(begins for begins, _ in kinds):
            return False
        said = self._paragraph(n)
        own = _LINK.sub("", said)
        if "?" in own or _MINE.search(own):
            return False
        return any(begins and speaks.search(said, begins.end()) for begins, speaks in kinds)

    def _is_legal(self, n: int) -> bool:
        """Only asked of what stands below a signature."""
        said = self.text[n]
        return bool(_LEGAL.search(said)) and "?" not in said and not _MINE.search(said) and not _OUR_LEGAL.search(said)

    def _footer_end(self, n: int) -> int:
        """A footer goes on to the end of its paragraph."""
        if not self._is_footer(n):
            return n + 1
        while n + 1 < len(self.text) and self.filled[n + 1] == self.filled[n] + 1:
            if _LISTED.match(self.text[n + 1]) or _POSTSCRIPT.match(self.text[n + 1]):
                break
            n += 1
        return n + 1

    def _bare(self) -> None:
        """A last paragraph that is nothing but the lines of a signature, and that no line above announces."""
        behind = len(self.text)
        while behind and behind - 1 in self.cut:
            behind -= 1
        first = behind
        while first and self.look(first - 1) in ("strong", "weak"):
            first -= 1
            if first and self.filled[first] - self.filled[first - 1] > 1:
                break
        if not first or behind - first < 2 or self.filled[first] - self.filled[first - 1] < 2:
            return
        strong = sum(self.look(n) == "strong" for n in range(first, behind))
        of_a_firm = any(_of_a_firm(self.text[n]) for n in range(first, behind))
        above = self.text[first - 1]
        if strong > 1 and of_a_firm and not above.endswith((":", "：")) and not _ANNOUNCES.search(above):
            self._take(first, behind)


_ANNOUNCES = re.compile(
    r"aşağı|şöyle|adresim|adresimiz|bilgiler(?:i|im|imiz)\b|numaram|telefonum|below|following|"
    r"my (?:new )?(?:address|contact|number|"
    r"details)|deliver to|folgende|(?:meine|neue) (?:adresse|anschrift)|ci-dessous|suivant|siguiente|seguente|"
    r"volgende|följande|"
    r"følgende|poniż|следующ|наступн|seguinte",
    _I,
)
_GREETS = re.compile(
    r"(?:merhaba(?:lar)?|selam(?:lar)?|sayın|sn\.|iyi günler|günaydın|hello|hi|hey|dear|hallo|sehr geehrte[rs]?|"
    r"liebe[rs]?|bonjour|hola|ciao|buongiorno)(?: [^\W\d_]\w{0,20}\.?){0,3}[\s,.!:]{0,3}$",
    _I,
)


def _of_a_firm(line: str) -> bool:
    """Whether a line names a title, a firm or its pages: an address and a phone alone may be what was asked for."""
    return any(sign.search(line) for sign in (_TITLE, _COMPANY, _LINK, _MAIL))


def _greets(line: str) -> bool:
    return len(line) <= 60 and _GREETS.match(line) is not None


def _sent_from(line: str) -> bool:
    if len(line) > 160:
        return False
    said = " ".join(_MARKUP.sub(" ", line).split())
    return bool((_SENT.match(said) and not _NOT_SENT.search(said)) or _SENT_BY.match(said))


def look(line: str, shouted: bool = False) -> Look:
    """What a line looks like by itself; ``shouted``: the text is in capitals, so capitals are no sign of a name."""
    said = line.strip().strip("*_|").strip()
    if not said:
        return "unknown"
    if len(said) > 200 or _LISTED.match(said) or _POSTSCRIPT.match(said):
        return "concern"
    if _KEY.match(said):
        return "strong"
    links = _LINK.findall(said)
    rest = _LINK.sub(" ", _MAIL.sub(" ", said))
    if "?" in rest or any(not _HOME.match(link) for link in links):
        return "concern"
    phones = _PHONE.search(rest) is not None or _NUMBER.match(rest) is not None
    left = _CONTACT.sub(" ", _PHONE.sub(" ", _NUMBER.sub("", rest)))
    reached = phones or len(links) > 0 or "@" in said
    labelled = _CONTACT.match(rest) is not None
    capitals, count = _capitals(left)
    digits = _DIGIT.search(left) is not None
    if _MINE.search(rest) and not (_is_name(said, shouted) and not _SAID.search(said)):
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
