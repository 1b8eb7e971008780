"""The parts of a mail in reading order: its text, its files, the mails that are attached to it.

Only multipart/alternative chooses; of everything else each part is read after the other (RFC 2046, 5.1.3 and 5.1.4).
What is packed (winmail.dat) or attached as a mail is opened up within limits, and what is not opened stays a file."""

import base64
import re
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Final

from shared.core.media import media_type

from .charsets import Headers, decode, decode_html, file_name, parameters, words
from .clean import clean
from .flowed import unflowed
from .html import html_text
from .tnef import open_tnef

MAX_PARTS: Final = 10_000
MAX_FILES: Final = 100
MAX_DEPTH: Final = 3
"""Of mails within mails that are opened up, and of multiparts that are read by another boundary than they name."""
MAX_OPENED: Final = 10 * 1024 * 1024
"""Bytes that are opened up out of other files, together."""
MAX_ATTACHED: Final = 20
"""Mails that are opened up, together."""
MAX_TEXTS: Final = 200
"""Parts that are read as text; what comes after them is kept as files."""
SAME_TEXT: Final = 200_000
STUB: Final = 4
"""A plain text is no alternative when the HTML beside it says so many times as much: "your program shows no HTML"."""
MARKUP = ("text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext")
"""Of an alternative, never read: they say again what the text says."""
PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "text/ascii", "plain/text")
RICH = ("text/html", "application/xhtml+xml", "text/enriched", "text/richtext")
"""Read as text where they are no file."""
EXTENSIONS = {
    "text/calendar": "ics", "text/plain": "txt", "text/html": "html", "image/jpeg": "jpg", "image/svg+xml": "svg",
    "message/rfc822": "eml", "application/pdf": "pdf", "application/octet-stream": "bin",
}  # fmt: skip
_DIVIDED = re.compile(rb"^--([^\s\"]{1,70})[ \t]*\r?\nContent-[A-Za-z-]{1,40}:", re.MULTILINE | re.IGNORECASE)
"""The line that begins a part, whatever the mail's header names as the boundary."""
_CODED = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
WORD: Final = 20
"""Characters that may be base64 and are a word of a text that was never encoded."""


class TooManyParts(Exception):
    """More than anybody would look at."""


@dataclass(frozen=True, slots=True)
class File:
    """``inside``: the name of the file that it was packed into; ``cid``: where an HTML text shows it."""

    name: str
    content: bytes
    inside: str = ""
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A mail within the mail, as text: its first header lines and what it says."""

    message_id: str
    text: str


@dataclass
class Content:
    """What a mail holds. ``left``: files that are not among ``files``, for there are too many."""

    text: str = ""
    files: list[File] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def content_of(mail: Message) -> Content:
    """Text, files and attached mails of a mail. Raises TooManyParts, RecursionError."""
    reader = _Reader()
    texts = reader.read(mail)
    content = reader.content
    content.text = _joined(texts) or clean(reader.packed_text) or clean(reader.named_text)
    return content


def leaves(mail: Message) -> Iterator[Message]:
    """Every part in reading order, multiparts too; an attached mail is one part and not looked into."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        yield part
        if part.get_content_maintype() != "message":
            waiting.extend(reversed(children(part)))


def attached_mail(part: Message) -> Message | None:
    """The mail in a part of type message/rfc822; one in base64, which is not allowed but sent, is decoded."""
    if not (inner := children(part)):
        return None
    mail = inner[0]
    coded = str(part.get("content-transfer-encoding", "")).strip().lower()
    if not mail.keys() and coded in ("base64", "quoted-printable"):
        holder = Message()
        holder["Content-Transfer-Encoding"] = coded
        holder.set_payload(mail.get_payload())
        content = holder.get_payload(decode=True)
        mail = message_from_bytes(content if isinstance(content, bytes) else b"", policy=part.policy)
    return mail


def children(part: Message) -> list[Message]:
    """The parts of a part; none of one that is not divided."""
    return [p for p in part.get_payload() if isinstance(p, Message)] if part.is_multipart() else []


def as_it_came(part: Message) -> bytes:
    """The content of a part before any transfer encoding is undone. ``get_payload()`` would decode it by the charset
    that is claimed, and raises for one that is named by RFC 2231 (``charset*=``) or cannot replace (``idna``)."""
    bare = copy(part)
    del bare["content-transfer-encoding"]
    content = bare.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


@dataclass
class _Reader:
    content: Content = field(default_factory=Content)
    packed_text: str = ""
    named_text: str = ""
    parts: int = 0
    texts: int = 0
    undivided: int = 0
    opened: int = 0

    def read(self, part: Message, depth: int = 0) -> list[str]:
        """The texts of a part in order; its files are kept on the way."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise TooManyParts
        kind = part.get_content_type()
        if part.get_content_maintype() == "message":
            return self._message(part, kind, depth)
        if not part.is_multipart():
            return self._undivided(part, depth) if kind.startswith("multipart/") else self._leaf(part, kind, depth)
        if kind == "multipart/alternative":
            return self._alternative(part, depth)
        return [text for child in children(part) for text in self.read(child, depth)]

    def _undivided(self, part: Message, depth: int) -> list[str]:
        """A multipart whose boundary stands nowhere: by the one that does; else what is there is read as plain text."""
        source = as_it_came(part)
        self.undivided += 1
        found = _DIVIDED.search(source) if self.undivided <= MAX_DEPTH else None
        mail = message_from_bytes(b'Content-Type: %s; boundary="%s"\n\n%s' % (
            part.get_content_type().encode("ascii", "replace"), found[1], source)) if found else part  # fmt: skip
        return self.read(mail, depth) if mail.is_multipart() else [decode(source, None)]

    def _alternative(self, part: Message, depth: int) -> list[str]:
        """Plain text where it says as much as the HTML beside it; files of every alternative stay."""
        plain, rich = list[str](), list[str]()
        for child in children(part):
            kind = child.get_content_type()
            if kind in MARKUP:
                continue
            found = self.read(child, depth)
            (plain if kind in PLAIN else rich).extend(found)
        if not plain or not rich:
            return plain or rich[:1] or rich
        says, more = len(_letters(_joined(plain))), len(_letters(_joined(rich)))
        return rich if says * STUB < more and (says == 0 or more > 200) else plain

    def _leaf(self, part: Message, kind: str, depth: int) -> list[str]:
        content = _bytes(part)
        name = name_of(part)
        held = part.get_content_disposition()
        read = kind in (*PLAIN, *RICH) and held != "attachment"
        if read and not name and self.texts < MAX_TEXTS:
            self.texts += 1
            return [_text(part, kind, content)]
        if read and name and not self.named_text:
            self.named_text = _text(part, kind, content)  # some programs name the text itself
        cid = str(part.get("content-id", "")).strip("<> \t\r\n")[:200]
        if content or name:
            self._file(File(name or _named_by(cid, kind, content), content, cid=cid), depth)
        return []

    def _message(self, part: Message, kind: str, depth: int) -> list[str]:
        mail = attached_mail(part) if kind in ("message/rfc822", "message/global") else None
        if mail is None:
            content = _source(part)
            self._file(File(name_of(part) or _named_by("", kind, content), content), depth)
            return []
        subject = Headers(mail).first("subject")
        name = name_of(part) or f"{file_name(subject)[:100] or 'message'}.eml"
        if depth == 0:  # one within another is in the file of that
            self._keep(File(name, _source(part)))
        self._open_mail(mail, name, depth)
        return []

    def _file(self, file: File, depth: int) -> None:
        """Keep a file; open it up where it holds others."""
        if file.content[:4] == b"\x78\x9f\x3e\x22" and self._may_open(len(file.content)):
            packed = open_tnef(file.content)
            self.packed_text = self.packed_text or packed.text or html_text(packed.html)
            if not packed.whole or not packed.files:
                self._keep(file)
            for one in packed.files:
                kept = one.name or _named_by(one.cid, "", one.content)
                self._keep(File(kept, one.content, inside=file.name, cid=one.cid))
            return
        self._keep(file)
        if file.name.lower().endswith(".eml") and media_type(file.content) == "message/rfc822":
            self._open_mail(message_from_bytes(file.content), file.name, depth)

    def _open_mail(self, mail: Message, name: str, depth: int) -> None:
        if depth >= MAX_DEPTH or len(self.content.attached) >= MAX_ATTACHED or not self._may_open(0):
            return
        headers = Headers(mail)
        at = len(self.content.attached)
        self.content.attached.append(Attached("", ""))  # its place is before those within it
        before, packed, named = len(self.content.files), self.packed_text, self.named_text
        self.packed_text = self.named_text = ""
        text = _joined(self.read(mail, depth + 1)) or clean(self.packed_text) or clean(self.named_text)
        self.packed_text, self.named_text = packed, named
        for n, file in enumerate(self.content.files[before:], before):
            self.content.files[n] = File(file.name, file.content, file.inside or name, file.cid)
            self.opened += len(file.content)
        lines = [f"{h.capitalize()}: {v}" for h in ("from", "date", "subject", "to") if (v := headers.first(h)[:300])]
        self.content.attached[at] = Attached(headers.first("message-id"), clean("\n".join(lines) + "\n\n" + text))

    def _may_open(self, size: int) -> bool:
        self.opened += size
        return self.opened <= MAX_OPENED

    def _keep(self, file: File) -> None:
        if len(self.content.files) < MAX_FILES:
            self.content.files.append(file)
        else:
            self.content.left.append(file.name)


def name_of(part: Message) -> str:
    """The name of a part's file, '' for none: of Content-Disposition, then of Content-Type."""
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        if name := file_name(parameters(part, header).get(parameter, "")):
            return name
    return ""


def _named_by(cid: str, kind: str, content: bytes) -> str:
    """A name for a file that has none, by what it is."""
    found = media_type(content)
    found = kind if found in ("text/plain", "application/octet-stream") and "/" in kind else found
    if kind == "message/delivery-status":
        return "delivery-status.txt"
    extension = EXTENSIONS.get(found) or re.sub(r"[^a-z0-9]", "", found.rpartition("/")[2])[:8]
    stem = {"text/calendar": "invite", "message/rfc822": "message"}.get(found, found.partition("/")[0])
    stem = file_name(cid.partition("@")[0])[:60] or (
        stem if stem in ("image", "invite", "message", "video", "audio") else "file"
    )
    return stem if stem.lower().endswith(f".{extension}") else f"{stem}.{extension}"


def _text(part: Message, kind: str, content: bytes) -> str:
    given = parameters(part, "content-type")
    content, plain = _below_code(part) or (content, b"")
    if kind in RICH:
        text = html_text(decode_html(content, given.get("charset")))
    else:
        text = decode(content, given.get("charset"))
        if given.get("format", "").lower() == "flowed":
            text = unflowed(text, given.get("delsp", "").lower() == "yes")
    below = decode(plain, given.get("charset"))
    return f"{text}\n\n{html_text(below) if kind in RICH else below}" if plain else text


def _below_code(part: Message) -> tuple[bytes, bytes] | None:
    """(decoded, plain) of a text that says it is base64 and is not to its end: a relay has written below it, or it was
    never encoded; None where it is."""
    if str(part.get("content-transfer-encoding", "")).strip().lower() != "base64":
        return None
    lines = as_it_came(part).splitlines()
    coded = next((n for n, line in enumerate(lines) if line.strip() and not _CODED.fullmatch(line.strip())), len(lines))
    if coded == len(lines):
        return None
    code = b"".join(line.strip() for line in lines[:coded])
    if len(code) % 4 or (len(code) < WORD and not code.endswith(b"=")):
        return b"", b"\n".join(lines)
    return base64.b64decode(code), b"\n".join(lines[coded:])


def _bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _source(part: Message) -> bytes:
    """The bytes of an attached mail or report as they came, as near as the parser keeps them."""
    try:
        return b"\n".join(child.as_bytes() for child in children(part))
    except Exception:  # whatever a broken header does to the generator: the raw mail has it
        return "\n".join(f"{k}: {v}" for child in children(part) for k, v in child.raw_items()).encode(
            "utf-8", "replace"
        )


def _joined(texts: Sequence[str]) -> str:
    """Texts one below the other; one that says the same letters as one before is not said again."""
    kept, known = list[str](), set[str]()
    for text in map(clean, texts):
        letters = _letters(text)
        if text and letters not in known:
            kept.append(text)
            known.add(letters)
    return "\n\n".join(kept)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text[:SAME_TEXT]).casefold()


__all__ = ["Attached", "Content", "File", "TooManyParts", "attached_mail", "content_of", "leaves", "words"]
