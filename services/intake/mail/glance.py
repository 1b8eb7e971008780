"""A mail at a glance, without parsing it: the headers that tell why it came and from whom, and its bytes as text where
nothing could read it. Nothing here takes longer for a hostile mail than for another."""

import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Final

from .parse import senders_at_a_glance, subject_at_a_glance

GLANCE: Final = 64 * 1024
LINE: Final = 1000
"""Characters of a header that are shown."""
TEXT: Final = 20_000
"""Characters of an unread mail that are shown."""
HEADERS: Final = (
    "From", "Sender", "Reply-To", "To", "Cc", "Date", "Subject", "Message-ID", "In-Reply-To", "References",
    "Return-Path", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond",
    "List-ID", "List-Unsubscribe", "X-Failed-Recipients", "Authentication-Results", "Content-Type",
)  # fmt: skip
"""Who wrote to whom, and by what a machine may be known."""
_END: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")


def headers(raw: bytes) -> Iterator[tuple[str, str]]:
    """(name, value) of the headers that matter, decoded, in the order of the mail."""
    known = {name.lower(): name for name in HEADERS}
    block = _FOLD.sub(" ", _text(_END.split(raw[:GLANCE], maxsplit=1)[0]))
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in known:
            yield known[name.strip().lower()], _words(_CONTROL.sub(" ", value).strip()[:LINE])


def body_at_a_glance(raw: bytes) -> str:
    """What stands below the headers, as it stands there."""
    _, *rest = _END.split(raw[: GLANCE * 2], maxsplit=1)
    text = _CONTROL.sub("", _text(rest[0] if rest else raw[:GLANCE]).replace("\r\n", "\n")).strip()
    return text if len(text) <= TEXT else text[:TEXT] + " […]"


def legible(raw: bytes, sender: str | None) -> bytes:
    """A mail that can be read, in place of one that cannot: its sender, its subject and its body at a glance."""
    mail = EmailMessage()
    mail["From"] = sender or next(senders_at_a_glance(raw, None), "")
    mail["Subject"] = subject_at_a_glance(raw).replace("\n", " ")
    mail.set_content(body_at_a_glance(raw))
    return mail.as_bytes()


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1254", "replace")


def _words(line: str) -> str:
    """Encoded words decoded (RFC 2047); a broken one stays as it is."""
    try:
        return str(make_header(decode_header(line)))
    except Exception:
        return line
