"""What a person wrote in a mail: HTML as text, without quotation and signature, in Turkish and English.

mail-parser-reply finds the headers of quotations; it knows no Turkish ones, so both tables are ours. Its rules for
signatures are not used: they cut "Thanks, but it is still broken" from the second line on."""

import re
import unicodedata
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from itertools import dropwhile
from typing import Literal

import nh3
from mailparser_reply import EmailMessage
from mailparser_reply.constants import MAIL_LANGUAGES, QUOTED_MATCH_INCLUDE

MAX_HTML = 2_000_000
MAX_TAGS = 10_000
"""What stands behind so many is not looked at: the time to read nested ones grows with their square."""
MAX_ATTRIBUTES = 100
"""Of one tag: the cleaner compares each with all before it. HTML with more in a tag is read without the cleaner."""
COUNTED = 10 * MAX_HTML
"""Characters that are looked at to count attributes: what looks like tags within one value is looked at for each."""
LONG_LINE, SEEN = 250, 100
"""Characters."""
MAX_TEXT = 200_000
"""Characters that are looked at; what is longer is kept whole in the raw mail."""

_EN_FIRST, _EN_REST = "From", "Sent|To|Subject|Date|Cc|Reply-To"
_TR_FIRST = "Kimden|Gönderen"
_TR_REST = "Gönderilme(?: Tarihi)?|Gönderme Tarihi|Gönderildi|Tarih|Kime|Alıcı|Bilgi|Cc|Konu"


def _block(first: str, rest: str) -> str:
    """Header lines as Outlook writes them; the sender's line comes first: a filled form is not one."""
    q = QUOTED_MATCH_INCLUDE
    return rf"((?:^|\n){q}[* ]*(?:{first})[ *]*:.*(?:\n+{q}[* ]*(?:{rest})[ *]*:.*)+)"


MAIL_LANGUAGES["vefa-en"] = {
    **MAIL_LANGUAGES["en"],
    "from_header": _block(_EN_FIRST, _EN_REST)
    + r"|(^-{2,} ?(?:Original|Forwarded) Message ?-{2,}$|^Begin forwarded message:$|^-{2,} ?On .{6,200} wrote ?-{2,}$)",
}
MAIL_LANGUAGES["vefa-tr"] = {
    "wrote_header": rf"^({QUOTED_MATCH_INCLUDE}(?=\S[^\n]*(?:\d|@|<))[^\n]{{6,200}}(?:\n[^\n]{{1,120}})??"
    r"\s(?:tarihinde\s(?:[^\n:]{0,120}\s)?)?(?:şunu|şunları)\syazdı(?:\s?\([^\n)]{4,60}\))?\s?:)$",
    "from_header": _block(_TR_FIRST, _TR_REST)
    + r"|(^-{2,} ?(?:Özgün|Orijinal|Asıl|Orjinal|Yönlendirilen|İletilen) (?:İleti|Mesaj|E-?posta) ?-{2,}$)",
    "signatures": "Saygılarımla",
    "disclaimers": "Yasal Uyarı:",
    "sent_from": "gönderildi$",
}
LANGUAGES = ["vefa-tr", "vefa-en"]

_SENT_FROM = re.compile(
    r"^(sent from (my|yahoo|outlook|mail)\b.*|get outlook for .*|"
    r".{0,40}(['’]?(dan|den|tan|ten)|umdan|ımdan|imden) gönderildi\.?|.{0,20} için outlook['’]?u edinin.*|"
    r".{0,20} için outlook uygulamasını edinin.*)$",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(saygılarımla|saygılarımızla|saygılar|iyi çalışmalar|iyi günler|sevgiler|selamlar|"
    r"(best|kind|warm) (regards|wishes)|regards|sincerely|yours (sincerely|faithfully|truly)|cheers)[ ,.!]*$",
    re.IGNORECASE,
)
_MARK = re.compile(r"\x01(\d+)\x01")
_QUOTED = re.compile(r"^\s*>")
_RULE = re.compile(r"^[_=*-]{5,}$")
_SAID_BY = re.compile(r"[<\"][^<>\"]*[^\s<>\"]+@[^\s<>\"]+[>\"]?[^\n]{0,60}:$|\d{4}.{0,80}<\s?[^\s<>]+@[^\s<>]+>:?$")
"""The last lines above a quotation in any language: an address, and a colon at the end."""
LONGEST_SIGNATURE = 16
"""Lines of a signature, with its first."""
_DELIMITER = re.compile(r"^(--|__|—)\s*$")


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


def read_text(text: str, *, answering: bool) -> Reading:
    """What is new in a mail's text; ``answering``: whether it answers a mail of ours. Never is everything cut."""
    whole = clean(text)[:MAX_TEXT]
    if not answering:
        return Reading(whole)
    fresh = _without_signature(_without_last_quotation(_first_reply(whole)))
    return Reading(fresh or whole)


def reply_text(text: str) -> str:
    """What is new in an answer to a mail of ours."""
    return read_text(text, answering=True).text


def clean(text: str) -> str:
    """Newlines as \\n, composed letters, no control characters but newline and tab, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    kept = "".join(c for c in unicodedata.normalize("NFC", text) if c in "\n\t" or unicodedata.category(c) != "Cc")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in kept.split("\n"))).strip()


def _first_reply(text: str) -> str:
    """Above the first quotation. The patterns for headers take the square of a line's length: of a long line they see
    the beginning, and a mark for the rest."""
    rests: list[str] = []
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if len(line) > LONG_LINE:
            lines[at] = f"{line[:SEEN]}\x01{len(rests)}\x01"  # no text holds this character any more
            rests.append(line[SEEN:])
    return _MARK.sub(lambda mark: rests[int(mark[1])], _above_quotation("\n".join(lines)))


def _above_quotation(text: str) -> str:
    replies = (
        EmailMessage(text, languages=list(LANGUAGES), include_english=False, keep_hyphen_lists=True).read().replies
    )
    if not replies[0].headers:
        return str(replies[0].content)
    # The quotation comes first: the answer stands below what is quoted with '>', if it is.
    below = str(replies[0].content.removeprefix(replies[0].headers or "")).split("\n")
    answer = list(dropwhile(lambda line: not line.strip() or _QUOTED.match(line), below))
    quoted = any(_QUOTED.match(line) for line in below[: len(below) - len(answer)])
    return "\n".join(answer) if quoted else ""


def _without_last_quotation(text: str) -> str:
    lines = text.strip().split("\n")
    while lines and (not lines[-1].strip() or _QUOTED.match(lines[-1]) or _RULE.match(lines[-1])):
        lines.pop()
    for height in (1, 2):
        above = [line.strip() for line in lines[-height:]]
        said = " ".join(above)
        if len(said) <= LONG_LINE and len(lines) > height and _SAID_BY.search(said) and (height == 1 or above[0]):
            return "\n".join(lines[:-height]).strip()
    return "\n".join(lines).strip()


def _without_signature(text: str) -> str:
    """Cut at a signature's first line when little follows, and only when something stands above it."""
    lines = text.split("\n")
    filled = [at for at, line in enumerate(lines) if line.strip()]
    for n, at in enumerate(filled[1:], 1):
        if len(filled) - n > LONGEST_SIGNATURE:
            continue
        if _begins_signature(lines[at].strip(), [lines[later] for later in filled[n + 1 :]]):
            return "\n".join(lines[:at]).strip()
    return text.strip()


def _begins_signature(line: str, rest: list[str]) -> bool:
    if _DELIMITER.match(line):
        return len(rest) <= 15
    if _SENT_FROM.match(line):
        return len(rest) <= 3
    return bool(_CLOSING.match(line)) and len(rest) <= 8 and all(len(one) <= 80 and "?" not in one for one in rest)


_BLOCKS = {
    "p",
    "div",
    "br",
    "tr",
    "li",
    "ul",
    "ol",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "pre",
    "hr",
}
_KEPT = _BLOCKS | {"td", "th", "tbody", "thead", "a", "b", "i", "em", "strong", "span"}


def _overloaded(html: str) -> bool:
    """Whether a tag has more attributes than are looked at, or counting those of all would take too long."""
    left = COUNTED
    for tag in _TAG.finditer(html):
        at = tag.end()
        for _ in range(MAX_ATTRIBUTES + 1):
            found = _ATTRIBUTE.match(html, at)
            assert found is not None
            end = found.end()
            # what closes a quote was looked for up to the end of all
            left -= (len(html) if html.startswith(("'", '"'), end) else end) - at
            if not found[1]:
                break
            at = end
        else:
            return True
        if left < 0:
            return True
    return False


class _Text(HTMLParser):
    """Cleaned HTML as lines; what stands in a blockquote is quoted with '>'."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines, self.depth = [""], 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _BLOCKS:
            self._end_line()
        elif tag in ("td", "th") and self.lines[-1]:
            self.lines[-1] += "\t"
        self.depth += tag == "blockquote"

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag == "p":
            self.lines.append("")
        self.depth = max(0, self.depth - (tag == "blockquote"))

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        if not self.lines[-1]:
            words = words.lstrip()
            if words and self.depth:
                words = "> " * min(self.depth, 5) + words
        self.lines[-1] += words

    def _end_line(self) -> None:
        if self.lines[-1]:
            self.lines.append("")


# of attributes as the cleaner reads them, from wherever it may see a tag begin: also in what looks like a comment
_TAG = re.compile(r"</?[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?)?)?""")
_LIKE_A_TAG = re.compile(r"<(?:!--|[/!?]?([a-zA-Z][a-zA-Z0-9]*)[^<>]*>?)")


def html_text(html: str) -> str:
    """HTML as plain text: cleaned first, so that no script, style, form or remote image is looked at."""
    upto = "<".join(html[:MAX_HTML].split("<", MAX_TAGS + 1)[: MAX_TAGS + 1])
    if _overloaded(upto):
        return clean(unescape(_LIKE_A_TAG.sub(lambda tag: "\n" if (tag[1] or "").lower() in _BLOCKS else " ", upto)))
    cleaned = nh3.clean(upto, tags=_KEPT, attributes={}, clean_content_tags={"script", "style", "title", "noscript"})
    parser = _Text()
    parser.feed(cleaned)
    parser.close()
    return clean("\n".join(parser.lines))
