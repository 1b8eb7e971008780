"""What mail servers report: which mail of ours came back, to whom it could not be delivered, and whether for good.

Reports are delivery reports (RFC 3464, RFC 6533 for addresses in UTF-8) and, where a mail server wrote no report,
plain words around a mail of ours whose token proves it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

from .charsets import Headers, decode
from .parts import attached_mail, children

TOKEN = re.compile(
    r"(?<![a-z0-9.])(?:\d{1,4}\.[0-9a-f]{1,12}\.[0-9a-f-]{36}\.[a-z2-7]{32}|[a-z2-7]{26}[0-9a-f]{4}[a-z2-7]{26})"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
"""The two shapes of a reply token; whether it is ours is checked by who has the key."""
NOTICE = re.compile(rf"({TOKEN.pattern})\.([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})@", re.IGNORECASE)
"""What our Message-IDs begin with: a token, and the id of the notice."""
STATUS = ("message/delivery-status", "message/global-delivery-status")
RECEIPT = ("message/disposition-notification", "message/global-disposition-notification")
RETURNED = (
    "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers",
)  # fmt: skip
MAX_RETURNED = 200_000
"""Characters of a mail that came back that are looked at."""
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,128}@[^\s<>,;:\"()\[\]]{1,253}")
_TRANSIENT = re.compile(
    r"will be retried|will (?:keep|continue) (?:on )?trying|this is a warning message only|no action is required|"
    r"do(?:es)? not need to resend|delivery (?:has been |is )?delayed|delayed mail|tekrar denenecek|yeniden denenecek|"
    r"henüz teslim edilemedi",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"permanent|fatal error|giving up|given up|(?:could not|couldn['’]t|cannot|can not) be delivered|"
    r"undeliverable|undelivered|delivery (?:to .{1,100} )?(?:has )?failed|(?:wasn['’]t|was not) able to deliver|"
    r"unable to deliver|user unknown|unknown user|no such user|mailbox (?:is )?(?:full|unavailable|not found)|"
    r"does(?:n['’]t| not) exist|recipient (?:address )?rejected|address rejected|\b5\d\d[ -]5\.\d\.\d|"
    r"teslim edilemedi|iletilemedi|bulunamadı|mevcut değil",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Returned:
    """A mail that came back. ``recipients``: who it may have been meant for, the likeliest first; ``headers``: its own,
    as text; ``failed``: given up, not only late."""

    recipients: tuple[str, ...] = ()
    headers: str = ""
    failed: bool = False

    @property
    def notices(self) -> list[tuple[str, str]]:
        """(token, notice) of our Message-IDs in it."""
        return list(dict.fromkeys((token, notice.lower()) for token, notice in NOTICE.findall(self.headers)))[:20]

    @property
    def tokens(self) -> list[str]:
        return list(dict.fromkeys(TOKEN.findall(self.headers)))[:20]


def reported(parts: Sequence[Message]) -> Returned | None:
    """What a delivery report says; None where there is none."""
    texts = [_source(p) for p in parts if p.get_content_type() in STATUS]
    if not texts:
        return None
    originals, finals, failed = list[str](), list[str](), False
    for fields in (f for text in texts for f in _blocks(text)):
        if fields.get("action", "").split(";")[0].split("(")[0].strip().lower() != "failed":
            continue
        failed = True
        originals += _recipient(fields.get("original-recipient", ""))
        finals += _recipient(fields.get("final-recipient", ""))
    headers = "\n".join(_headers(p) for p in parts if p.get_content_type() in RETURNED)[:MAX_RETURNED]
    return Returned(_likeliest(originals, finals, headers), headers, failed)


def told(text: str, headers: Headers, parts: Sequence[Message]) -> Returned | None:
    """What a mail server says in plain words about a mail of ours (qmail, exim and others); None where no token stands
    in it, nor in the address that it is sent to. The caller knows that a mail server wrote it."""
    inside = "\n".join(_headers(p) for p in parts if p.get_content_type() in RETURNED)
    whole = f"{inside}\n{text}"[:MAX_RETURNED]
    if not TOKEN.search(f"{whole}\n{headers.joined('to', 'delivered-to', 'x-original-to')}"):
        return None
    said = f"{headers.first('subject')}\n{text[:5000]}"
    failed = bool(headers.all.get("x-failed-recipients") or _GIVEN_UP.search(said)) and not _TRANSIENT.search(said)
    named = _ADDRESS.findall(headers.joined("x-failed-recipients"))
    above = [one for one in _ADDRESS.findall(text[:2000]) if "+" not in one]
    return Returned(_likeliest(named, above, whole), whole, failed)


def _likeliest(originals: list[str], finals: list[str], headers: str) -> tuple[str, ...]:
    """Whom our mail was for: who was reported and stands in its To or Cc; else as it was first addressed; else its To;
    else who was reported last."""
    meant = [a for line in re.findall(r"^[> ]*(?:to|cc):(.*)$", headers, re.IGNORECASE | re.MULTILINE)
             for _, a in getaddresses([line.strip()]) if _ADDRESS.fullmatch(a)]  # fmt: skip
    to = {one.lower() for one in meant}
    sure = [one for one in (*originals, *finals) if one.lower() in to]
    return tuple(dict.fromkeys((*sure, *originals, *meant, *finals)))[:20]


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Groups of fields, by their names in small letters; a folded line belongs to the one before."""
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = re.sub(r"\n[ \t]+", " ", block).split("\n")
        yield {n.strip().lower(): v.strip() for n, colon, v in (line.partition(":") for line in lines) if colon}


def _recipient(field: str) -> list[str]:
    """``rfc822; <a@b>`` as a@b; also utf-8, without a type, in capitals, with a comment."""
    value = field.partition(";")[2] or field
    return [found[0]] if (found := _ADDRESS.search(value)) else []


def _source(part: Message) -> str:
    """A report as text: its groups of fields, which Python's parser takes for headers of mails."""
    if not part.is_multipart():
        return _said(part)
    blocks = list[str]()
    for one in children(part):
        coded = str(part.get("content-transfer-encoding", "")).strip().lower() in ("base64", "quoted-printable")
        mail = attached_mail(part) if coded and not one.keys() else one
        if mail is None:
            continue
        blocks.append("\n".join(f"{n}: {v}" for n, v in mail.raw_items()))
        blocks.append(_said(mail))
    return "\n\n".join(blocks)


def _said(part: Message) -> str:
    content = part.get_payload(decode=True)
    return decode(content, "utf-8") if isinstance(content, bytes) else ""


def _headers(part: Message) -> str:
    """The headers of a mail that came back, as text, and the beginning of what stands below them."""
    mail = attached_mail(part)
    if mail is not None:
        return "\n".join(f"{name}: {value}" for name, values in Headers(mail).raw.items() for value in values)
    content = part.get_payload(decode=True)
    text = decode(content, None) if isinstance(content, bytes) else ""
    return re.sub(r"\n[ \t]+", " ", text.replace("\r\n", "\n"))
