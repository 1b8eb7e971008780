"""Which of a person's own lines are a signature or a footer, and which are their concern.

Below a closing only what looks like a signature is one; a fact, a question or a further sentence stays where it is."""

import re
from collections.abc import Sequence
from typing import Final

from . import signature_words as words
from .signature_looks import LINK, LISTED, MINE, POSTSCRIPT, Look, look, of_a_firm, sent_from

LAST: Final = 60
"""Filled lines of a text, from its end, among which signatures are looked for."""
LONGEST: Final = 1500
"""Characters of a line, or of a footer with its further lines, that are looked at."""
_I: Final = re.IGNORECASE
_DELIMITER = re.compile(r"(?:--|__|\u2014|\u2013|_{5,80}|-{5,80}|\*{5,80})\s*$")
_CLOSING = re.compile(rf"(?:{words.CLOSINGS})(?:\s?[/|]\s?(?:{words.CLOSINGS}))?[\s,.!;:]*$", _I)
_THANKS = re.compile(rf"(?:{words.THANKS})(?P<closed>\s?[,.;ve&]{{0,3}}\s?(?:{words.CLOSINGS}))?[\s,.!;:]*$", _I)
_FROM_DEVICE = re.compile(
    r"(?:[^\W\d]{1,20} )?from (?:my |a )?(?:mobile|phone|i ?phone|ipad|android|cell)(?: \w{1,6}){0,2}$", _I
)
_FOOTERS = [(re.compile(rf"[\W_]{{0,4}}(?:{begins})", _I), re.compile(speaks, _I)) for begins, speaks in words.FOOTERS]
_LEGAL = re.compile(rf"(?<!\w)(?:{words.LEGAL})", _I)
_OUR_LEGAL = re.compile(
    r"\b(?:siz|size|sizi|sizin|sizden|olacak|edece\w{1,5}|başvur\w{1,8}|aç(?:ıl)?acak\w{0,4})\b", _I
)
_ANNOUNCES = re.compile(
    r"aşağı|şöyle|adresim|adresimiz|bilgiler(?:i|im|imiz)\b|numaram|telefonum|below|following|"
    r"my (?:new )?(?:address|contact|number|"
    r"details)|deliver to|folgende|(?:meine|neue) (?:adresse|anschrift)|ci-dessous|suivant|siguiente|seguente|"
    r"volgende|följande|"
    r"følgende|poniż|следующ|наступн|seguinte",
    _I,
)
_GREETING = re.compile(rf"(?:{words.GREETINGS})[\s,.!:]*$", _I)
_PREDICATE = re.compile(rf"(?:^|\s)(?:{words.PREDICATES})", _I)
_BELOW = re.compile(rf"(?<!\w)(?:{words.BELOW})", _I)
_GREETS = re.compile(
    r"(?:merhaba(?:lar)?|selam(?:lar)?|sayın|sn\.|iyi günler|günaydın|hello|hi|hey|dear|hallo|sehr geehrte[rs]?|"
    r"liebe[rs]?|bonjour|hola|ciao|buongiorno)(?: [^\W\d_]\w{0,20}\.?){0,3}[\s,.!:]{0,3}$",
    _I,
)


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
            self.looks[n] = "strong" if sent_from(said) else look(said, self.shouted)
        return self.looks[n]

    def _sent_from(self, n: int) -> int:
        if not sent_from(self.text[n]):
            return 0
        first = n
        while first and first - 1 not in self.cut and _FROM_DEVICE.match(self.text[first - 1]):
            first -= 1
        while n + 1 < len(self.text) and (sent_from(self.text[n + 1]) or _FROM_DEVICE.match(self.text[n + 1])):
            n += 1
        return self._take(first, n + 1)

    def _delimiter(self, n: int) -> int:
        """A line of two dashes: what follows is a signature if it looks like one and is the last of its kind."""
        if not _DELIMITER.match(self.text[n]):
            return 0
        end = self._run(n + 1, unknown=True)
        if end == n + 1 or self._asked_for(n, n + 1, end) or any(_DELIMITER.match(one) for one in self.text[n + 1 :]):
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
        if end == begin or self._asked_for(n, begin, end):
            return 0
        if end < len(self.text) and _GREETING.match(self.text[n]) and all(_greets(one) for one in self.text[:n]):
            return 0  # it opens the mail
        if closing:
            self.signed = True
            return self._take(n, end)
        assert thanks is not None
        strong = any(self.look(one) == "strong" for one in range(begin, end))
        alone = all(_greets(one) for one in self.text[:n])
        return self._take(start, end) if strong or thanks["closed"] or alone else 0

    def _asked_for(self, n: int, start: int, end: int) -> bool:
        """Whether the lines of a signature are what a line above it speaks of: 'send it to the address below'."""
        return any(_BELOW.search(one) for one in self.text[max(0, n - 4) : n]) and any(
            self.look(one) == "strong" for one in range(start, end)
        )

    def _run(self, start: int, unknown: bool) -> int:
        """Behind the last line of what looks like a signature from a line on."""
        end, n, weak = start, start, 0
        while n < len(self.text):
            seen = self.look(n)
            if sent_from(self.text[n]) or self._is_footer(n) or self._is_legal(n):
                end = n = max(n + 1, self._footer_end(n))
                continue
            if seen == "concern" or (seen in ("weak", "unknown") and n > start and _PREDICATE.search(self.text[n])):
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
        own = LINK.sub("", said)
        if "?" in own or MINE.search(own):
            return False
        return any(begins and speaks.search(said, begins.end()) for begins, speaks in kinds)

    def _is_legal(self, n: int) -> bool:
        """Only asked of what stands below a signature."""
        said = self.text[n]
        return bool(_LEGAL.search(said)) and "?" not in said and not MINE.search(said) and not _OUR_LEGAL.search(said)

    def _footer_end(self, n: int) -> int:
        """A footer goes on to the end of its paragraph."""
        if not self._is_footer(n):
            return n + 1
        while n + 1 < len(self.text) and self.filled[n + 1] == self.filled[n] + 1:
            if LISTED.match(self.text[n + 1]) or POSTSCRIPT.match(self.text[n + 1]):
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
        firm = any(of_a_firm(self.text[n]) for n in range(first, behind))
        above = self.text[first - 1]
        if strong > 1 and firm and not above.endswith((":", "：")) and not _ANNOUNCES.search(above):
            self._take(first, behind)


def _greets(line: str) -> bool:
    return len(line) <= 60 and _GREETS.match(line) is not None
