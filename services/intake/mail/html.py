"""HTML of a mail as text: cleaned, tables in rows, the target of a link beside its text, what is quoted behind '>'.

Nothing of it takes longer for a hostile mail than for another: tags, and the attributes of one, are counted first."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import nh3

from .clean import clean

MAX_HTML: Final = 2_000_000
MAX_TAGS: Final = 10_000
"""What stands behind so many is not looked at: the time to read nested ones grows with their square."""
MAX_ATTRIBUTES: Final = 100
"""Of one tag: the cleaner compares each with all before it. HTML with more in a tag is read without the cleaner."""
COUNTED: Final = 10 * MAX_HTML
"""Characters that are looked at to count attributes: what looks like tags within one value is looked at for each."""
MAX_TARGET: Final = 2_000
"""Characters of a link's target that are shown."""
MAX_TABLES: Final = 20
"""Tables within tables whose rows are lines; those within them are read as paragraphs."""
ROW: Final = 300
"""Characters of the cells of a row that is one line."""

_BLOCKS: Final = frozenset(
    ["p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "hr"]
)
_KEPT: Final = {*_BLOCKS, "td", "th", "tbody", "thead", "a", "b", "i", "em", "strong", "span"}
_DIVIDERS: Final = frozenset(
    (
        "divrplyfwdmsg",
        "outlookmessageheader",
        "ms-outlook-mobile-reference-message",
        "mail-editor-reference-message-container",
    )
)
_ATTRIBUTES: Final = {"a": {"href"}, "div": {"class", "id", "style"}, "blockquote": {"class", "type", "style"}}
_OUTLOOK_RULE = re.compile(r"border-top:\s?solid #(?:e1e1e1|b5c4df)", re.IGNORECASE)
_INDENTED = re.compile(r"border:\s?(?:none|0)", re.IGNORECASE)
RULE: Final = "_" * 32
"""As Outlook draws it in a plain text above the headers of what it quotes or forwards."""

# of attributes as the cleaner reads them, from wherever it may see a tag begin: also in what looks like a comment
_TAG = re.compile(r"</?[a-zA-Z][^\s/>]*+")
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?)?)?""")
_LIKE_A_TAG = re.compile(r"<(?:!--|[/!?]?([a-zA-Z][a-zA-Z0-9]*)[^<>]*>?)")


def html_text(html: str) -> str:
    """HTML as plain text: cleaned first, so that no script, style, form or remote image is looked at."""
    upto = "<".join(html[:MAX_HTML].split("<", MAX_TAGS + 1)[: MAX_TAGS + 1])
    if _overloaded(upto):
        return clean(unescape(_LIKE_A_TAG.sub(lambda tag: "\n" if (tag[1] or "").lower() in _BLOCKS else " ", upto)))
    cleaned = nh3.clean(
        upto, tags=_KEPT, attributes=_ATTRIBUTES, link_rel=None, url_schemes={"http", "https", "mailto", "tel"},
        clean_content_tags={"script", "style", "title", "noscript"},
    )  # fmt: skip
    parser = _Text()
    parser.feed(cleaned)
    parser.close()
    return clean("\n".join(parser.lines))


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
    """Cleaned HTML as lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self.quotes: list[bool] = []
        self.pre = 0
        self.link: tuple[str, list[str]] | None = None
        self.outside: list[list[str]] = []
        """The lines around each cell that is open, and the cells of each row that is."""
        self.rows: list[list[list[str]]] = []
        self.cells: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._end_line()
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._open_cell()
        elif tag == "a":
            self.link = (given.get("href", ""), [])
        elif tag == "blockquote":
            cited = given.get("type") == "cite" or "quote" in given.get("class", "")
            self.quotes.append(cited or not _INDENTED.search(given.get("style", "")[:1000]))
        elif tag == "pre":
            self.pre += 1
        elif tag == "div" and _divides(given):
            self.lines += [RULE, ""]

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag == "p":
            self.lines.append("")
        elif tag in ("td", "th"):
            self._close_cell()
        elif tag == "tr" and self.rows:
            self._row(self.rows.pop())
        elif tag == "a" and self.link:
            self._target(self.link[0], "".join(self.link[1]))
            self.link = None
        elif tag == "blockquote" and self.quotes:
            self.quotes.pop()
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)

    def handle_data(self, data: str) -> None:
        if self.link:
            self.link[1].append(data)
        if not self.pre:
            self._say(re.sub(r"\s+", " ", data))
            return
        first, *further = data.split("\n")
        self._say(first)
        for line in further:
            self.lines.append("")
            self._say(line)

    def _say(self, words: str) -> None:
        if not self.lines[-1]:
            words = words if self.pre else words.lstrip()
            depth = sum(self.quotes)
            if words and depth:
                words = "> " * min(depth, 5) + words
        elif not self.pre and self.lines[-1].endswith(" "):
            words = words.lstrip()
        self.lines[-1] += words

    def _end_line(self) -> None:
        if self.lines[-1]:
            self.lines.append("")

    def _target(self, href: str, text: str) -> None:
        if said := target(href, text):
            if not self.lines[-1] and len(self.lines) > 1 and self.lines[-2]:
                self.lines[-2] += f" ({said})"
            else:
                self.lines[-1] = f"{self.lines[-1].rstrip()} ({said})"

    def _open_cell(self) -> None:
        opened = bool(self.rows) and len(self.outside) < MAX_TABLES
        self.cells.append(opened)
        if opened:
            self.outside.append(self.lines)
            self.lines = [""]
        else:
            self._end_line()

    def _close_cell(self) -> None:
        if self.cells and self.cells.pop():
            cell, self.lines = self.lines, self.outside.pop()
            if self.rows:
                self.rows[-1].append(cell)
        else:
            self._end_line()

    def _row(self, cells: list[list[str]]) -> None:
        """Short cells are one line, as in a table of figures; long ones, as in a layout, stand below each other."""
        filled = [[line.strip() for line in cell if line.strip()] for cell in cells]
        filled = [cell for cell in filled if cell]
        short = len(filled) > 1 and all(len(cell) <= 2 for cell in filled) and not any(self.quotes)
        if short and sum(len(line) for cell in filled for line in cell) <= ROW:
            self.lines[-1] += "\t".join(" ".join(cell) for cell in filled)
        else:
            for cell in cells:
                self._end_line()
                self.lines += cell
        self._end_line()


def _divides(given: dict[str, str]) -> bool:
    """Whether a div is Outlook's divider above the headers of an older mail."""
    names = {given.get("id", "").lower().removeprefix("x_"), *given.get("class", "").lower().split()}
    return bool(names & _DIVIDERS) or _OUTLOOK_RULE.search(given.get("style", "")[:1000]) is not None


def target(href: str, text: str) -> str:
    """What to show beside a link's text: its target, or '' where the text says it already or there is no text."""
    shown = re.sub(r"\s+", " ", text).strip()
    if not shown or not href:
        return ""
    scheme, _, rest = href.partition(":")
    if scheme.lower() == "mailto":
        address = unquote(rest.partition("?")[0]).strip()
        return "" if address.lower() in shown.lower() else address[:MAX_TARGET]
    if scheme.lower() == "tel":
        number = re.sub(r"\D", "", rest)
        return "" if re.sub(r"\D", "", shown)[-7:] == number[-7:] else rest[:MAX_TARGET]
    if scheme.lower() not in ("http", "https"):
        return ""
    whole = _unwrapped(href)
    return "" if _bare(whole) in (_bare(shown), _bare(shown.strip("()<>[].,"))) else whole[:MAX_TARGET]


def _unwrapped(href: str) -> str:
    """Where a link leads that a mail gateway has wrapped."""
    try:
        parts = urlsplit(href)
        if (parts.hostname or "").endswith(".safelinks.protection.outlook.com"):
            inner = parse_qs(parts.query, max_num_fields=20).get("url", [""])[0]
            return inner if inner.startswith(("http://", "https://")) else href
    except ValueError:
        pass
    return href


def _bare(address: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|^www\.", "", unquote(address).lower()).rstrip("/")
