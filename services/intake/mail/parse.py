"""A mail as plain facts: sender, ids, subject, what was written, files, signs of a machine. Runs in a limited worker.

By compat32, which raises on nothing known, is ten times as fast as Python's default policy on nested mails and keeps
their bytes as they are; everything that the default policy reads of headers is read here from the raw ones."""

import base64
import re
from collections.abc import Iterator
from dataclasses import asdict
from email import message_from_bytes, policy
from email.message import Message
from typing import Any, Final

from .charsets import Headers, header_line, words
from .parts import Content, TooManyParts, content_of, leaves
from .people import NOBODY, people, senders
from .reports import NOTICE, TOKEN, Returned
from .signs import Look, signs
from .text import MAX_TEXT, read_text

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_REFERENCES: Final = 20
_ID = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>,;\"@]{1,128}@[^\s<>,;\"@]{1,253}")
_BRACKETED = re.compile(r"<([^<>]+)>\s*$")
GLANCE: Final = 64 * 1024
MAX_LINE: Final = 2000
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FROM, _SUBJECT = (
    re.compile(rb"^%s:((?:[^\n]|\n[ \t])*)" % name, re.IGNORECASE | re.MULTILINE) for name in (b"from", b"subject")
)

Facts = dict[str, Any]
"""What is known of a mail; only ``reason`` (and what was seen of it) when it goes into quarantine.

message_id    its Message-ID without brackets, '' where it has none
subject, content (the whole text), references (ids that it answers, nearest first)
tokens        what has the shape of a reply token of ours in recipients and ids; own_tokens: in its own Message-ID
copies        (name, address) of To and Cc
files         name, inside (the file that it was packed into), cid, base64 content; left: names of those left out
written       the address of From
address, name, automatic, silent, text, parts   read as a first mail; ``answer`` holds the same read as an answer to a
              mail of ours, and whoever can check the tokens chooses
returned      of a mail that came back: recipients, tokens, notices (token, id of the notice); None for any other"""


def parse(raw: bytes, mail_from: str | None = None, own: str = "") -> Facts:
    """Facts about a mail; ``mail_from`` is the envelope's return path, None when there was no envelope; ``own`` the
    address that our mails come from."""
    if len(raw) > MAX_BYTES:
        return {"reason": "too-large"}
    for reading in (policy.compat32, policy.default):
        try:
            return _read(message_from_bytes(raw, policy=reading), mail_from, own)
        except (RecursionError, TooManyParts):
            return {"reason": "too-many-parts"}
        except MemoryError:
            return {"reason": "too-large"}
        except Exception:  # noqa: S112 - whatever a broken mail does to a parser, the other policy is tried
            continue
    return {"reason": "unreadable"}


def _read(mail: Message, mail_from: str | None, own: str) -> Facts:
    headers = Headers(mail)
    content = content_of(mail)
    who = senders(headers, mail_from, own)
    look = Look(headers, list(leaves(mail)), who, mail_from, content.text, own)
    ids = [*_ID.findall(headers.first("in-reply-to")), *reversed(_ID.findall(headers.joined("references")))]
    message_id = next(iter(_ID.findall(headers.first("message-id"))), headers.first("message-id").strip("<> "))[:500]
    tokens = [
        *TOKEN.findall(headers.joined("to", "cc", "delivered-to", "x-original-to", "x-envelope-to")),
        *TOKEN.findall(" ".join(ids)),
    ]
    return {
        "message_id": message_id, "subject": headers.first("subject")[:500], "content": content.text,
        "references": list(dict.fromkeys(ids))[:MAX_REFERENCES],
        "tokens": list(dict.fromkeys(tokens))[:MAX_REFERENCES], "own_tokens": TOKEN.findall(message_id),
        "copies": [(one.name, one.address) for one in
                   (*people(headers.raw.get("to", ())), *people(headers.raw.get("cc", ())))],
        "beside": [(one.name, one.address) for one in who.beside], "written": who.written.address,
        "files": [
            {"name": f.name, "inside": f.inside, "cid": f.cid, "content": base64.b64encode(f.content).decode()}
            for f in content.files
        ],
        "left": content.left,
        **_reading(look, content, answers=False), "answer": _reading(look, content, answers=True),
    } | ({} if who.first != NOBODY else {"reason": "no-sender"})  # fmt: skip


def _reading(look: Look, content: Content, answers: bool) -> Facts:
    """What depends on whether the mail answers one of ours: who counts as the sender, the signs, the text."""
    found = signs(look, answers)
    person = look.who.answer if answers else look.who.first
    text, parts = _text(content, answers)
    return {
        "address": person.address, "name": person.name, "automatic": found.automatic, "silent": found.silent,
        "text": text, "parts": parts, "returned": _returned(found.returned),
    }  # fmt: skip


def _text(content: Content, answers: bool) -> tuple[str, list[Facts]]:
    """The text with its parts; below it, as forwarded, what attached mails say: of an answer not the mail of ours that
    it answers, which programs attach whole."""
    reading = read_text(content.text, answering=answers)
    text, parts = reading.text, [asdict(part) for part in reading.parts]
    for attached in content.attached:
        if len(text) + len(attached.text) > MAX_TEXT or (answers and NOTICE.search(attached.message_id)):
            continue
        at = len(text) + 2 if text else 0
        text = f"{text}\n\n{attached.text}" if text else attached.text
        parts.append({"kind": "forwarded", "at": at, "length": len(attached.text), "text": ""})
    return text, parts


def _returned(found: Returned | None) -> Facts | None:
    if found is None:
        return None
    return {
        "recipients": list(found.recipients),
        "tokens": found.tokens,
        "notices": found.notices,
        "failed": found.failed,
    }


def senders_at_a_glance(raw: bytes, mail_from: str | None) -> Iterator[str]:
    """Who may have sent a mail that nothing could read: by the first 64 KiB of its headers, then by the envelope, in
    the order of a mail that is read. Nothing here takes longer for a hostile mail than for another."""
    found = _FROM.search(_END_OF_HEADERS.split(raw[:GLANCE], maxsplit=1)[0])
    if found:
        line = found[1][:MAX_LINE].decode("latin-1").strip()
        bracketed = [match[1] for match in [_BRACKETED.search(line)] if match]
        yield from (*bracketed, *_ADDRESS.findall(line)[:1])
    if mail_from:
        yield mail_from


def subject_at_a_glance(raw: bytes) -> str:
    """The subject of a mail that nothing could read, as far as its first headers hold one."""
    found = _SUBJECT.search(_END_OF_HEADERS.split(raw[:GLANCE], maxsplit=1)[0])
    return words(header_line(found[1][:MAX_LINE].decode("ascii", "surrogateescape")))[:500] if found else ""
