"""A mail as plain facts: sender, ids, subject, what was written, files, signs of a robot. Runs in a limited worker.

First with Python's default policy, which reads more; where that raises, with compat32."""

import base64
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Any, Final

from .mailsigns import Returned, automatic_sign, returned_mail
from .mailhtml import html_text
from .mailtext import clean, reply_text

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_PARTS: Final = 10_000
MAX_FILES: Final = 100
MAX_REFERENCES: Final = 20
TOKEN = re.compile(
    r"(?<![a-z0-9.])(?:\d{1,4}\.[0-9a-f]{1,12}\.[0-9a-f-]{36}\.[a-z2-7]{32}|[a-z2-7]{26}[0-9a-f]{4}[a-z2-7]{26})(?![a-z0-9])",
    re.IGNORECASE,
)
"""The two shapes of a reply token; whether it is ours is checked by who has the key."""
_ID = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>,;\"@]{1,128}@[^\s<>,;\"@]{1,253}")

_BRACKETED = re.compile(r"<([^<>]+)>\s*$")
GLANCE: Final = 64 * 1024
MAX_FROM: Final = 2000
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FROM = re.compile(rb"^from:((?:[^\n]|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)

Facts = dict[str, Any]
"""message_id, address, name, subject, text, content, references, tokens, automatic, returned_to, returned_tokens and
files (name, base64 content); only ``reason`` when it goes into quarantine."""


def parse(raw: bytes, mail_from: str | None = None) -> Facts:
    """Facts about a mail; ``mail_from`` is the envelope's return path, None when there was no envelope."""
    if len(raw) > MAX_BYTES:
        return {"reason": "too-large"}
    for reading in (policy.default, policy.compat32):
        try:
            return _read(message_from_bytes(raw, policy=reading), mail_from)
        except RecursionError:
            return {"reason": "too-many-parts"}
        except MemoryError:
            return {"reason": "too-large"}
        except Exception:  # noqa: S112 - whatever a broken mail does to a parser, the other policy is tried
            continue
    return {"reason": "unreadable"}


def _read(mail: Message, mail_from: str | None) -> Facts:
    headers = Headers(mail)
    leaves: list[Message] = []
    for count, part in enumerate(_parts(mail), 1):
        if count > MAX_PARTS:
            return {"reason": "too-many-parts"}
        leaves.append(part)
    name, address = _sender(headers, mail_from)
    sign = automatic_sign(headers.all, mail.get_content_type(), address, mail_from, leaves)
    returned = returned_mail(leaves) if sign == "bounce" else Returned()
    whole, files = _content(leaves)
    ids = [*_ID.findall(headers.first("in-reply-to")), *reversed(_ID.findall(headers.joined("references")))]
    tokens = [
        *TOKEN.findall(headers.joined("to", "cc", "delivered-to", "x-original-to")),
        *TOKEN.findall(" ".join(ids)),
    ]
    return {
        "message_id": next(iter(_ID.findall(headers.first("message-id"))), headers.first("message-id"))[:500],
        "address": address, "name": name[:200], "subject": headers.first("subject")[:500], "text": reply_text(whole),
        "content": whole, "references": list(dict.fromkeys(ids))[:MAX_REFERENCES],
        "tokens": list(dict.fromkeys(tokens))[:MAX_REFERENCES], "automatic": sign, "files": files,
        "returned_to": returned.recipient, "returned_tokens": TOKEN.findall(returned.headers)[:MAX_REFERENCES],
    } | ({} if address else {"reason": "no-sender"})  # fmt: skip


class Headers:
    """The headers of a mail in plain: raw 8-bit ones too, as UTF-8 or as Turkish Windows; no line break survives."""

    def __init__(self, mail: Message):
        self.all: dict[str, list[str]] = {}
        self.raw: dict[str, list[str]] = {}
        for key, value in mail.raw_items():
            text = decode(str(value).encode("utf-8", "surrogateescape"), None)
            line = re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()
            self.raw.setdefault(key.lower(), []).append(line)
            self.all.setdefault(key.lower(), []).append(_words(line))

    def first(self, name: str) -> str:
        return next(iter(self.all.get(name, ())), "")

    def joined(self, *names: str) -> str:
        return " ".join(value for name in names for value in self.all.get(name, ()))


def _words(line: str) -> str:
    """Encoded words decoded (RFC 2047); a broken one stays as it is."""
    try:
        parts = decode_header(line)
    except Exception:
        return line
    text = "".join(part if isinstance(part, str) else decode(part, charset) for part, charset in parts)
    return re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f]+", " ", clean(text)))


def decode(raw: bytes, charset: str | None) -> str:
    """Bytes as text: in the charset that is claimed, else UTF-8, else Windows-1254; never raises."""
    for attempt in (charset, "utf-8", "cp1254"):
        if attempt:
            try:
                return raw.decode(attempt)
            except (LookupError, ValueError):
                continue
    return raw.decode("latin-1")


def _sender(headers: Headers, mail_from: str | None) -> tuple[str, str]:
    """(name, address): of From, then Sender, then the envelope. Parsed first: an encoded word adds no address."""
    for header in ("from", "sender"):
        lines = headers.raw.get(header, [])
        # an encoded word with an unencoded '@' confuses getaddresses; what stands in angle brackets is then the address
        bracketed = [(line[: match.start()], match[1]) for line in lines if (match := _BRACKETED.search(line))]
        for name, address in (*getaddresses(lines), *bracketed):
            if _ADDRESS.fullmatch(address) and "=?" not in address:
                return _words(name.strip()), address
    return "", mail_from if mail_from and _ADDRESS.fullmatch(mail_from) else ""


def senders_at_a_glance(raw: bytes, mail_from: str | None) -> Iterator[str]:
    """Who may have sent a mail that nothing could read: by the first 64 KiB of its headers, then by the envelope, in
    the order of a mail that is read. Nothing here takes longer for a hostile mail than for another."""
    found = _FROM.search(_END_OF_HEADERS.split(raw[:GLANCE], maxsplit=1)[0])
    if found:
        line = found[1][:MAX_FROM].decode("latin-1").strip()
        bracketed = [match[1] for match in [_BRACKETED.search(line)] if match]
        yield from (*bracketed, *_ADDRESS.findall(line)[:1])
    if mail_from:
        yield mail_from


def _parts(mail: Message) -> Iterator[Message]:
    """Every part in reading order, multiparts too; a forwarded mail is one part and not looked into."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        yield part
        if part.is_multipart() and part.get_content_maintype() != "message":
            waiting.extend(p for p in reversed(part.get_payload()) if isinstance(p, Message))  # type: ignore[arg-type]


def _content(parts: list[Message]) -> tuple[str, list[dict[str, str]]]:
    """(text of the mail, files). Plain text wins over HTML; a plain text that is empty does not."""
    plain, html, files = list[str](), list[str](), list[dict[str, str]]()
    for part in parts:
        kind, name = part.get_content_type(), part.get_filename()
        if part.is_multipart() and part.get_content_maintype() != "message":
            continue
        content = _bytes(part)
        if part.get_content_disposition() != "attachment" and not name and kind in ("text/plain", "text/html"):
            (plain if kind == "text/plain" else html).append(decode(content, part.get_content_charset()))
        elif len(files) < MAX_FILES:
            files.append({"name": _file_name(name, kind), "content": base64.b64encode(content).decode()})
    text = clean("\n\n".join(plain))
    return text or "\n\n".join(html_text(one) for one in html), files


def _bytes(part: Message) -> bytes:
    if part.get_content_maintype() == "message":
        inner = part.get_payload()
        return b"\n".join(p.as_bytes() for p in inner if isinstance(p, Message)) if isinstance(inner, list) else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(name: str | None, kind: str) -> str:
    """The last part of a path, without control characters, at most 150 characters; never empty."""
    text = re.sub(r"[\x00-\x1f\x7f]+", "", _words(name or "")).replace("\\", "/").rpartition("/")[2].strip(". ")
    return text[-150:] or {"message/rfc822": "message.eml"}.get(kind, "file")
