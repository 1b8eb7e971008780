"""The collected mails that broke other programs, kept beside the repository, and made-up damage to them.

``broken(number, seed)`` is the same mail for the same two numbers: a damaged one of those collected, or of ours."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from .mails import file, html, mail, multipart, plain, raw

COLLECTED = Path(__file__).parents[3] / "shared" / "hostile"
"""Test mails of CPython's email package and of flanker and talon."""
PATTERNS = (
    "cpython-test-email/data/msg_*.txt", "flanker/tests/fixtures/messages/**/*.eml",
    "talon/tests/fixtures/standard_replies/*.eml",
)  # fmt: skip
LARGEST = 16 * 1024
"""Bytes of a mail that is damaged: what takes long by its size alone is another proof's."""
OURS: tuple[bytes, ...] = (
    raw({}),
    mail(multipart("alternative", plain("Ürün bozuk geldi."), html("<p>Ürün <b>bozuk</b> geldi.</p>"))),
    mail(multipart("mixed", plain("Fotoğraf ekte."), file("şikâyet.png"), file("fatura.pdf", b"%PDF-1.7"))),
    mail(multipart("related", html("<p>Bakın: <img src='cid:a'></p>"), file("a.png"))),
    raw({"Content-Type": "text/plain; charset=windows-1254", "Content-Transfer-Encoding": "8bit"},
        "Şikâyetim var, ığüşöç".encode("cp1254")),
    raw({"References": "<a@x> <b@x>", "In-Reply-To": "<b@x>", "Cc": "Ali <ali@example.com>"},
        "Hâlâ gelmedi.\r\n\r\n12 Eki 2026 tarihinde Destek şunu yazdı:\r\n> Ne zaman?\r\n"),
)  # fmt: skip
"""What is damaged where nothing is collected."""
CHARSETS = (b"utf-8", b"utf-7", b"utf-16", b"hex", b"iso-2022-jp", b"x-unknown", b"", b"\xff\xfe", b"cp1254", b"idna")
JUNK = (b"\x00", b"\r", b"\n\n", b"\x1b[2J", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"=?utf-8?b?", b"\t")
ENCODINGS = (b"base64", b"quoted-printable", b"x-uuencode", b"8bit", b"binary", b"nonsense")
_NAMES = re.compile(rb"^([A-Za-z-]{2,40}):", re.MULTILINE)
_CHARSET = re.compile(rb"charset=\"?[\w-]*\"?", re.IGNORECASE)
_ENCODING = re.compile(rb"^(content-transfer-encoding:)[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"^--[^\r\n]+\r?\n", re.MULTILINE)


def files(*patterns: str) -> list[Path]:
    """The collected mails, by name; none where nothing is collected."""
    return sorted(path for pattern in patterns or PATTERNS for path in COLLECTED.glob(pattern))


def whole() -> list[bytes]:
    """The mails that are damaged, as they are."""
    return [*OURS, *(content for path in files() if len(content := path.read_bytes()) <= LARGEST)]


def flipped(mail: bytes, dice: random.Random) -> bytes:
    changed = bytearray(mail)
    for _ in range(dice.randint(1, 40) if changed else 0):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut(mail: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(mail) + 1)
    return mail[:at] if dice.random() < 0.7 else mail[:at] + mail[min(len(mail), at + dice.randint(1, 2000)) :]


def doubled(mail: bytes, dice: random.Random) -> bytes:
    """A part, or a stretch of it all, again and again."""
    marks = [found.start() for found in _BOUNDARY.finditer(mail)]
    first, last = sorted(dice.sample(marks, 2)) if len(marks) > 1 else (dice.randrange(len(mail) + 1), len(mail))
    return mail[:last] + mail[first:last] * dice.choice((1, 2, 30)) + mail[last:]


def swapped(mail: bytes, dice: random.Random) -> bytes:
    """Two headers exchange their names."""
    names = list(_NAMES.finditer(mail))
    if len(names) < 2:
        return mail[::-1]
    one, other = sorted(dice.sample(names, 2), key=lambda found: found.start())
    between = mail[one.end(1) : other.start(1)]
    return mail[: one.start(1)] + other[1] + between + one[1] + mail[other.end(1) :]


def recoded(mail: bytes, dice: random.Random) -> bytes:
    changed = _CHARSET.sub(lambda _: b"charset=" + dice.choice(CHARSETS), mail)
    return _ENCODING.sub(lambda found: found[1] + b" " + dice.choice(ENCODINGS), changed)


def nested(mail: bytes, dice: random.Random) -> bytes:
    """Attached to a mail, that one to another."""
    for depth in range(dice.randint(1, 12)):
        head = b"From: n%d@example.com\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" % depth
        mail = head + mail
    return mail


def controls(mail: bytes, dice: random.Random) -> bytes:
    for junk in dice.sample(
        (b"\x00", b"\r", b"\n\n", b"\x1b[2J", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"=?utf-8?b?", b"\t"), 3
    ):
        at = dice.randrange(len(mail) + 1)
        mail = mail[:at] + junk * dice.choice((1, 3, 500)) + mail[at:]
    return mail


DAMAGE: Sequence[Callable[[bytes, random.Random], bytes]] = (
    flipped, cut, doubled, swapped, recoded, nested, controls,
)  # fmt: skip


def broken(number: int, seed: int, mails: Sequence[bytes]) -> bytes:
    """A mail with one to three damages; the kind of the first goes round."""
    dice = random.Random(f"{seed}|{number}")
    content = DAMAGE[number % len(DAMAGE)](dice.choice(mails), dice)
    for _ in range(dice.randrange(3)):
        content = dice.choice(DAMAGE)(content, dice)
    return content
