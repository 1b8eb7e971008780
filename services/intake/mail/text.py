"""What of a mail's text is new, and what is folded beside it: quotations, signatures, what was forwarded.

History is cut only in an answer to a mail of ours; what was forwarded is the concern and always stays. Whatever is cut
is a part with its place, and never is everything cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .clean import clean
from .html import html_text
from .quotations import Piece, pieces
from .signatures import LAST, signatures

__all__ = ["MAX_TEXT", "Cut", "Reading", "clean", "html_text", "read_text"]

MAX_TEXT: Final = 200_000
"""Characters that are looked at; what is longer is kept whole in the raw mail."""
QUESTION: Final = 5
"""Lines of a quoted paragraph that stay above the answer to it."""
CHOSEN: Final = 12
"""Lines that somebody quotes themselves, without a header above them, and that stay above their answer."""


@dataclass(frozen=True)
class Cut:
    """A part of a mail's text that is not its sender's own new word."""

    kind: Literal["quoted", "signature", "forwarded"]
    at: int
    """Characters of the reading's text before it."""
    length: int
    """Characters of the reading's text that it covers, where it stays there; 0: it was cut out."""
    text: str
    """What was cut out; '' where it stays."""


@dataclass(frozen=True)
class Reading:
    """A mail's text as an agent reads it, and what is folded beside it, in order."""

    text: str
    parts: tuple[Cut, ...] = ()


@dataclass(frozen=True)
class Span:
    """Lines ``start`` to ``end`` (not included), and what they are."""

    kind: Literal["text", "quoted", "signature", "forwarded"]
    start: int
    end: int


def read_text(text: str, *, answering: bool) -> Reading:
    """What is new in a mail's text; ``answering``: whether it answers a mail of ours.

    Where nothing of its sender's own is left, the whole stays, and the parts cover it: rather too much than nothing."""
    whole = clean(text)[:MAX_TEXT]
    lines = whole.split("\n")
    found = pieces(lines)
    spans = list(_merged(_answer(lines, found) if answering else _first(lines, found)))
    if any(_filled(lines, span) for span in spans if span.kind in ("text", "forwarded")):
        return _assembled(lines, spans)
    return Reading(whole, tuple(_covering(lines, spans)))


def _first(lines: Sequence[str], found: list[Piece]) -> Iterator[Span]:
    """Of a mail that answers none of ours: only signatures go, and headers of mails begin what was forwarded."""
    for piece, own in zip(found, _own(lines, found), strict=True):
        if piece.kind == "own":
            yield from own
        else:
            forwarded = piece.kind == "forwarded" or (piece.kind == "rest" and not piece.said)
            yield Span("forwarded" if forwarded else "text", piece.start, piece.end)


def _answer(lines: Sequence[str], found: list[Piece]) -> Iterator[Span]:
    own = _own(lines, found)
    answers = [any(_filled(lines, span) for span in spans if span.kind == "text") for spans in own]
    answering = any(answers)
    blocks = sum(piece.kind == "block" for piece in found)
    for n, piece in enumerate(found):
        answered = n + 1 < len(found) and answers[n + 1]
        if piece.kind == "own":
            yield from own[n]
        elif piece.kind == "forwarded":
            yield Span("forwarded", piece.start, piece.end)
        elif piece.kind == "rest":
            # where nothing stands above, nothing tells the quoted from an answer below it: only the header is certain
            header = piece.end if answering else piece.start + piece.header
            yield Span("quoted", piece.start, header)
            yield Span("text", header, piece.end)
        else:
            kept = _kept(lines, piece, answered, interleaved=blocks > 1)
            yield Span("quoted", piece.start, kept)
            yield Span("text", kept, piece.end)


def _own(lines: Sequence[str], found: list[Piece]) -> list[list[Span]]:
    """For each piece its text and its signatures, none for what is not its sender's own."""
    spans, left = list[list[Span]](), LAST
    for piece in reversed(found):
        here, at = list[Span](), piece.start
        if piece.kind == "own":
            for start, end in signatures(lines[piece.start : piece.end], left):
                here += Span("text", at, piece.start + start), Span("signature", piece.start + start, piece.start + end)
                at = piece.start + end
            here.append(Span("text", at, piece.end))
            left -= piece.end - piece.start
        spans.append(here)
    return spans[::-1]


def _kept(lines: Sequence[str], block: Piece, answered: bool, interleaved: bool) -> int:
    """From which line on a quoted block stays in the text: of what is answered, the question."""
    filled = [at for at in range(block.start, block.end) if lines[at].strip(" \t\xa0>")]
    if not answered:
        # a single line may be a person's own, such as "> 50 kg", and so is what they announce themselves
        above = next((lines[at] for at in range(block.start - 1, -1, -1) if lines[at]), "")
        own = not block.header and (len(filled) < 2 or above.endswith((":", "：")))
        return block.start if own else block.end
    if not block.header and len(filled) <= CHOSEN:
        return block.start
    start, kept = block.end, 0
    while start > block.start + block.header and kept < QUESTION:
        if lines[start - 1].strip(" \t\xa0>"):
            kept += 1
        elif kept:
            break
        start -= 1
    asked = any(line.rstrip().endswith("?") for line in lines[start : block.end])
    return start if interleaved or not block.header or asked else block.end


def _filled(lines: Sequence[str], span: Span) -> bool:
    return any(lines[at].strip() for at in range(span.start, span.end))


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Without empty ones, and those of one kind as one when nothing stands between them."""
    last = None
    for span in spans:
        if span.start == span.end:
            continue
        if last and last.kind == span.kind:
            last = Span(last.kind, last.start, span.end)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _assembled(lines: Sequence[str], spans: list[Span]) -> Reading:
    text, parts, gap = "", list[Cut](), False
    for span in spans:
        here = list(lines[span.start : span.end])
        filled = [n for n, line in enumerate(here) if line.strip()]
        if not filled:
            gap = True
            continue
        content = "\n".join(here[filled[0] : filled[-1] + 1])
        gap = gap or filled[0] > 0
        if span.kind in ("text", "forwarded"):
            text += ("\n\n" if gap else "\n") if text else ""
            if span.kind == "forwarded":
                parts.append(Cut("forwarded", len(text), len(content), ""))
            text, gap = text + content, False
        elif span.kind != "text":
            parts.append(Cut(span.kind, len(text), 0, content))
        gap = gap or filled[-1] < len(here) - 1
    return Reading(text, tuple(parts))


def _covering(lines: Sequence[str], spans: list[Span]) -> Iterator[Cut]:
    """The parts of a text that stays whole; where no word of one's own stands above it, nothing is a signature."""
    for span in spans:
        if span.kind == "quoted" and _filled(lines, span):
            at = sum(len(line) + 1 for line in lines[: span.start])
            yield Cut(span.kind, at, len("\n".join(lines[span.start : span.end]).rstrip()), "")
