"""Where in a mail's lines something is quoted or forwarded, by the words of ``quote_words`` and by shape.

Nothing here decides what is cut. Each line is looked at a bounded number of times, and each look is at a bounded number
of characters."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from . import quote_words as words

LONGEST: Final = 500
"""Characters of a line above a quotation, with those that it was wrapped into."""
TALLEST: Final = 6
"""Lines that it was wrapped into, a blank one among them."""
LOOKS: Final = 150
"""Places of one mail that are looked at closely; behind them all is its sender's own word."""
GLANCES: Final = 1500
"""Lines with a colon or of dashes that are looked at at all."""
WRAPPED: Final = 60
"""Characters from which on a program may have wrapped a line."""
PIECES: Final = 400
"""Of one mail; what follows them is read as its sender's own."""
BLOCK: Final = 30
"""Lines of a block of headers."""


@dataclass(frozen=True)
class Piece:
    """Lines ``start`` to ``end`` (not included)."""

    kind: Literal["own", "block", "rest", "forwarded"]
    """block: lines that begin with '>', and what stands above them; rest: quoted from here to the end without such a
    mark; forwarded: from here to the end, as its own header says."""
    start: int
    end: int
    header: int = 0
    """Lines of its header."""
    said: bool = False
    """Whether the header is one of "X wrote:" and not a block as Outlook writes it."""


def _any(table: dict[str, str]) -> str:
    return "|".join(table.values())


_I: Final = re.IGNORECASE
_UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Marks of direction and width, which programs of other scripts put around names."""
QUOTED = re.compile(r"[ \t\xa0]{0,4}>")
_BARRED = re.compile(r"[ \t]{0,2}\|")
_RULE = re.compile(r"[ \t>]{0,4}[_=*\-\u2014]{5,}[ \t]*$")
_ADDRESS = re.compile(r"(?<![^\s<>@\"'(:])[^\s<>@]{1,64}@[^\s<>@]")
_DAY = re.compile(
    r"\b\d{4}(?:[-/]|\.\s?)\d{1,2}(?:[-/]|\.\s?)\d{1,2}\b|\b\d{1,2}(?:[-/]|\.\s?)\d{1,2}(?:[-/]|\.\s?)\d{2,4}\b|\d{4}\s?[年년]|"
    r"\b\d{1,2}\.?\s(?:de\s)?[^\W\d]{2,12}[.׳',]{0,2}\s(?:de\s)?\d{4}\b|\b[^\W\d]{3,12}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s\d{4}\b|"
    r"\b\d{4}\.\s[^\W\d]{2,12}\.?\s\d{1,2}\b"
)
_HOUR = re.compile(r"\b\d{1,2}\s?[:.h時时]\s?\d{2}\b|\b\d{1,2}\s?[ap]\.?m\b", _I)
_WROTE = re.compile(rf"(?<!\w)(?:{_any(words.WROTE)})(?!\w)|写道|寫道|작성|書きました|のメッセージ", _I)
_LEAD = re.compile(
    rf"(?:-{{2,9}}\s?)?(?:(?:{words.LEADS})(?![\w])|\d|[^\W\d]{{2,12}}\.?,?\s\d|[^\W\d]{{2,10}}[.,]\s[^\W\d]{{2,10}})",
    _I,
)
_NAMED = re.compile(r"(?:[\"'“]?\w[^<>\n]{0,120}[<(\[]\s?|[<]?)(?:mailto:)?[^\s<>@]{1,64}@[^\s<>@]", _I)
_ENDS = re.compile(r"(?:[:：]|-{2,})[\s*\xa0]*$")
_BARE_ENDS = re.compile(r"<\s?[^\s<>@]{1,64}@[^\s<>@]{1,255}>[\s*]*$")
_ADDRESSED = re.compile(r"@[^\s<>@]{1,255}[>\])\"]{1,3}[\s*]*[:：][\s*]*$")
_SAYS = re.compile(rf"[^\W\d_a-zçğıöşü][^\n<>]{{1,50}} (?:{_any(words.WROTE)})[ \xa0]?[:：]$")
_TOLD = re.compile(
    r"(?<![\w@.'’-])(?:(?-i:bana|bize|mir|uns|m['’]a|nous a|me ha|mi ha|(?:to|told) (?:me|us))|"
    r"(?:bana|bize)(?-i: [a-zçğıöşü\d]\w*))(?![\w@])",
    _I,
)
"""Who tells what somebody wrote to them writes themselves."""
_THEIRS = re.compile(rf"(?<![\w@.'’-])(?:{words.THEIRS})(?![\w@])", _I)
_IN_BRACKETS = re.compile(r"<[^<>@\s]{1,64}@[^<>]{1,255}>")
_REMNANT = re.compile(r">[ \t]?(?:[^\W\d][^\n>]{0,40})?[:：]\s*$")
"""The end of a wrapped line above a quotation, which begins with the '>' of an address."""

_ALL_SENDERS = _any(words.SENDERS)
_DATES = _any(words.DATES)
_AFTER = r"[ \t\xa0]?[*_]{0,2}[ \t\xa0]?[:：]"
_SENDER = re.compile(rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{_ALL_SENDERS}){_AFTER}", _I)
_PARCEL = re.compile(rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{words.PARCEL}){_AFTER}", _I)
_DATED = re.compile(rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{_DATES}){_AFTER}", _I)
_SUBJECT = re.compile(rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{words.SUBJECTS}){_AFTER}", _I)
_LABEL = re.compile(
    rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{_ALL_SENDERS}|{_DATES}|{words.SUBJECTS}|{words.OTHERS}){_AFTER}", _I
)
_OF_A_FORM = re.compile(rf"[ \t\xa0]{{0,8}}[*_]{{0,2}}(?:{words.FORMS})(?: no)?{_AFTER}", _I)
_SHAPED = re.compile(r"[ \t\xa0]{0,8}[*_]{0,2}[^\W\d_][^\n:：.!?]{0,24}?[ \t\xa0]?[:：]")
_DASHED = re.compile(r"[ \t]{0,4}[-_=*\u2014]{2,40}[ \t]?([^\W\d_][^\n]{2,70}?)[ \t]?[-_=*\u2014]{2,40}[ \t]*$")
_ORIGINAL = re.compile(rf"(?:{words.ORIGINAL})$", _I)
_FORWARDED = re.compile(rf"(?:{words.FORWARDED})$", _I)
_BEGINS = re.compile(rf"[ \t]{{0,4}}(?:{words.BEGINS_FORWARDED})[ \t\xa0]?[:：][ \t]*$", _I)


def pieces(lines: list[str]) -> list[Piece]:
    """The lines as pieces, in order and without a gap."""
    found, at, look = list[Piece](), 0, _Looks(lines)
    while at < len(lines) and len(found) < PIECES:
        piece = look.at(at)
        if piece is None:
            at += 1
            continue
        before = found[-1].end if found else 0
        start = max(look.ruled(piece), before)
        if start > before:
            found.append(Piece("own", before, start))
        found.append(Piece(piece.kind, start, piece.end, max(0, piece.header + piece.start - start), piece.said))
        at = piece.end
    last = found[-1].end if found else 0
    return found if last == len(lines) else [*found, Piece("own", last, len(lines))]


class _Looks:
    """What begins at a line, if something does."""

    def __init__(self, lines: list[str]):
        self.lines, self.left, self.glances = lines, LOOKS, GLANCES
        self.quoted = [">" in line[:5] and QUOTED.match(line) is not None for line in lines]
        for at, line in enumerate(lines):
            if self.quoted[at] and len(line) < 60 and _REMNANT.match(line) and self._open_address(at):
                self.quoted[at] = False

    def _open_address(self, at: int) -> bool:
        above = " ".join(line[:LONGEST] for line in self.lines[max(0, at - 3) : at])
        return not self.quoted[at - 1] and above.count("<") > above.count(">") if at else False

    def at(self, at: int) -> Piece | None:
        line = self.lines[at]
        if not line:
            return None
        if self.quoted[at]:
            header = self._header_ending(at - 1, above_quoted=True)
            start = at if header is None else header
            return Piece("block", start, self._end_of_block(at), at - start, header is not None)
        if len(line) > LONGEST or not (":" in line or "：" in line or line[-1] in "->_=*\u2014"):
            return None
        self.glances -= 1
        if self.left <= 0 or self.glances <= 0:
            return None
        return self._divider(at) or self._headers(at) or self._said(at)

    def ruled(self, piece: Piece) -> int:
        """Where a piece begins with a rule, or the words "Original message", that stand right above it."""
        above = piece.start - 1
        while above > 0 and not self.lines[above] and piece.start - above < 3:
            above -= 1
        if piece.header and above >= 0 and len(self.lines[above]) < 100:
            line = self.lines[above]
            if _RULE.match(line) or (piece.kind == "rest" and _ORIGINAL.match(line.strip())):
                return above
        return piece.start

    def _end_of_block(self, at: int) -> int:
        end = at + 1
        while at < len(self.lines) and (self.quoted[at] or not self.lines[at]):
            if self.quoted[at]:
                end = at + 1
            at += 1
        return end

    def _to_the_end(self, kind: Literal["rest", "forwarded"], start: int, header: int, said: bool = False) -> Piece:
        return Piece(kind, start, len(self.lines), header, said)

    def _divider(self, at: int) -> Piece | None:
        """Words between dashes, or a rule above a block of headers of whatever language."""
        line = self.lines[at]
        if _BEGINS.match(line):
            return self._to_the_end("forwarded", at, 1)
        if line.lstrip()[:1] not in ("-", "_", "=", "*", "\u2014"):
            return None
        self.left -= 1
        if dashed := _DASHED.match(line):
            if _FORWARDED.match(dashed[1].strip()):
                return self._to_the_end("forwarded", at, 1)
            if _ORIGINAL.match(dashed[1].strip()):
                return self._to_the_end("rest", at, 1 + self._block(at + 1, by_shape=True))
        if (dashed or _RULE.match(line)) and (header := self._block(at + 1, by_shape=True)):
            return self._to_the_end("rest", at, 1 + header)
        return None

    def _headers(self, at: int) -> Piece | None:
        """A block of headers as Outlook writes it; a form that somebody filled in is none."""
        if not _LABEL.match(self.lines[at]):
            return None
        self.left -= 1
        header = self._block(at, by_shape=False)
        return self._to_the_end("rest", at, header) if header else None

    def _block(self, at: int, by_shape: bool) -> int:
        """How many lines from here on are headers, 0 when they are not those of a mail."""
        labels, address, hour, subject, last, blank, sender = 0, False, False, False, at, 0, None
        form = False
        first = self.lines[at] if at < len(self.lines) else ""
        for here in range(at, min(at + BLOCK, len(self.lines))):
            line = self.lines[here][:LONGEST]
            if not line:
                blank += 1
                continue
            known = _LABEL.match(line)
            form = form or (not known and not blank and _OF_A_FORM.match(line) is not None)
            if known or (by_shape and labels < 8 and _SHAPED.match(line)):
                if blank and labels and not known:
                    break
                labels, last, blank = labels + 1, here, 0
                sender = line if sender is None and _SENDER.match(line) else sender
                address = address or "@" in line
                subject = subject or _SUBJECT.match(line) is not None
                hour = hour or (_HOUR.search(line) is not None and (by_shape or _DATED.match(line) is not None))
            elif not labels and not by_shape:
                return 0
            elif blank or here - last > 2 or (not labels and blank + here - at > 2):
                break
        if labels < 3 and not (labels == 2 and sender and address and hour):
            return 0
        if by_shape:
            if form and (sender is None or _PARCEL.match(sender)):
                return 0
            return last + 1 - at if address or (hour and sender) else 0
        if sender != first:  # as older programs write it, with the date or the subject first
            return last + 1 - at if sender and address and labels > 3 else 0
        mail = address or (hour and subject and not _PARCEL.match(sender))
        return last + 1 - at if mail else 0

    def _said(self, at: int) -> Piece | None:
        """A line as "X wrote:" above text without '>', and a line of date and address above '|'."""
        line = self.lines[at]
        following = next((here for here in range(at + 1, min(at + 4, len(self.lines))) if self.lines[here]), None)
        if following is not None and self.quoted[following]:
            return None  # if it is a header, it is that of the block that follows
        if line[-1] == ">" and following is not None and _BARRED.match(self.lines[following]):
            self.left -= 1
            if _BARE_ENDS.search(line) and _DAY.search(line):
                end = following
                while end < len(self.lines) and (not self.lines[end] or _BARRED.match(self.lines[end])):
                    end += 1
                return Piece("block", at, end, 1, True)
        if not _ENDS.search(_UNSEEN.sub("", line[-20:])) or not any(c.isdigit() or c in "@<" for c in self._near(at)):
            return None
        self.left -= 1
        start = self._header_ending(at, above_quoted=False)
        return None if start is None else self._to_the_end("rest", start, at + 1 - start, said=True)

    def _near(self, at: int) -> str:
        return "".join(line[:LONGEST] for line in self.lines[max(0, at - TALLEST + 1) : at + 1])

    def _header_ending(self, end: int, above_quoted: bool) -> int | None:
        """The first line of "X wrote:" that ends at a line or, above '>', at most two blank ones above it."""
        while above_quoted and end >= 0 and not self.lines[end]:
            end -= 1
        if end < 0 or self.quoted[end] or len(self.lines[end]) > LONGEST or self.left <= 0:
            return None
        self.left -= above_quoted
        joined, found = "", None
        for start in range(end, max(-1, end - TALLEST), -1):
            line = _UNSEEN.sub("", self.lines[start]).strip()
            if self.quoted[start] or len(joined) + len(line) > LONGEST or (found is not None and found - start > 2):
                break
            if not line:
                if start == end or not joined.startswith("<"):
                    break
                continue
            joined = f"{line} {joined}" if joined else line
            whole = _is_header(joined, above_quoted)
            if whole and (found is None or self._continues(start, found)):
                return start
            if whole is not None and found is None:
                found = start
        return found

    def _continues(self, start: int, found: int) -> bool:
        """Whether the lines from one on are the beginning of what was found below them, by where they were wrapped."""
        above = _UNSEEN.sub("", " ".join(self.lines[start:found]))
        if len(self.lines[found - 1]) + 1 + len(self.lines[found].split(maxsplit=1)[0]) >= WRAPPED:
            return True
        return len(above.split()) <= 10 and (_LEAD.match(above) or _NAMED.match(above)) is not None


def _is_header(said: str, above_quoted: bool) -> bool | None:
    """Whether it is a whole line above a quotation; False: it is one, but its day or its writer may stand above it."""
    if said.count("<") < said.count(">"):
        return None
    ends = _ENDS.search(said) is not None
    if not ends and not (above_quoted and _BARE_ENDS.search(said)):
        return None
    if _TOLD.search(said) or (_THEIRS.search(said) and not _IN_BRACKETS.search(said)):
        return None
    address, day = "@" in said and _ADDRESS.search(said) is not None, _DAY.search(said) is not None
    hour, wrote = _HOUR.search(said) is not None, _WROTE.search(said) is not None
    if above_quoted:
        enough = (
            (wrote and (address or day or hour)) or (day and (address or hour)) or _ADDRESSED.search(said) is not None
        )
    else:
        enough = (wrote and (address or (day and hour))) or (day and hour and _ADDRESSED.search(said) is not None)
    begins = (_LEAD.match(said) or _NAMED.match(said)) is not None
    if not enough or not (begins or wrote):
        return False if above_quoted and _SAYS.match(said) else None
    return begins and day and (wrote or address)
