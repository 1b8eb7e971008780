"""A raw mail as the event that is heard: read in the worker, its tokens checked, its bytes and files kept.

Only here are the keys: the worker reads a mail as a first one and as an answer to a mail of ours, and whether one of
its tokens is ours chooses."""

import base64
import contextlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from contracts.common import TextPart
from contracts.intake import Copied, MailReceived, MailUnreadable
from shared.core.parts import Blob
from shared.core.personal import Personal
from shared.core.world import Refused

from .glance import legible
from .parse import Facts, senders_at_a_glance, subject_at_a_glance
from .people import Person, copies, is_ours
from .worker import MailReader

TEXT_BYTES: Final = 60 * 1024
"""Of a mail's text that goes into the event, as JSON; a longer text is kept whole as a file beside it."""
PARTS_BYTES: Final = 24 * 1024
"""Of what was cut from it, together; a part that does not fit goes with the whole text into the file."""
NAMES_BYTES: Final = 16 * 1024
"""Of the names of its files, together: longer ones are shortened."""
UNKNOWN: Final = "unknown"
"""Begins the name of whom a mail does not name; what follows is of this mail alone. Older logs have only the word."""
MAX_COPIES: Final = 20
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_OF_OURS = re.compile(rf"^(?:case\.|[^@]+\.)?{_UUID}$", re.IGNORECASE)
"""What stands before the @ in a Message-ID that we made, also in one whose token is out of date."""


class StoreBlob(Protocol):
    async def __call__(self, content: bytes, name: str, subject: str) -> Blob:
        """Keep content encrypted under the subject's key and describe it."""
        ...


@dataclass(frozen=True)
class Taking:
    """How a raw mail is read at the edge.

    contact      (kind, address) -> (contact id, normalised address); Refused when it is no address
    check_token  reply token -> id of its case, or None when it is not ours
    store        keeps raw mails and files
    digest       keyed digest of texts
    own          the address that our mails come from: what comes from there is a loop"""

    contact: Callable[[str, str], tuple[str, str]]
    check_token: Callable[[str], str | None]
    store: StoreBlob
    digest: Callable[..., str]
    own: str
    reader: MailReader

    async def read(
        self, raw: bytes, mail_from: str | None = None, recipients: tuple[str, ...] = ()
    ) -> MailReceived | MailUnreadable:
        """The event of one mail, whatever it is. Keeps its bytes and its files; says nothing to anybody."""
        facts = await self.reader.read(raw, mail_from, self.own)
        if "reason" in facts:
            return await self._unreadable(raw, facts, mail_from)
        return await self._received(raw, facts, recipients, mail_from)

    async def read_again(self, raw: bytes, sender: str | None = None) -> MailReceived | MailUnreadable:
        """The event of a mail that lay aside, as it is read now; of one that nothing can read, what can be seen at a
        glance. ``sender``: who wrote it, where somebody knows better."""
        facts = await self.reader.read(raw, None, self.own)
        if "text" not in facts:
            facts = await self.reader.read(legible(raw, sender), None, self.own)
        return await self._received(raw, facts | ({"address": sender} if sender else {}), (), None)

    async def _received(
        self, raw: bytes, facts: Facts, recipients: tuple[str, ...], mail_from: str | None
    ) -> MailReceived | MailUnreadable:
        case = self._case(facts, recipients)
        if case or any(self._names_ours(one) for one in facts["references"]):
            facts = facts | facts["answer"]
        try:
            contact, address = self.contact("mail", facts["address"])
        except Refused:
            return await self._unreadable(raw, facts | {"reason": "no-sender"}, mail_from)
        returned = self._returned(facts, case)
        bounced, notice = (returned[1], returned[2]) if returned and facts["automatic"] == "bounce" else (None, None)
        text, parts, whole = fitted(facts["text"], facts["parts"])
        files = named(facts, whole)
        attachments = [await self.store(content, name, contact) for name, content in files]
        return MailReceived(
            message=self._id(raw, facts["message_id"]), contact=contact, address=Personal(address),
            name=Personal(facts["name"]) or None, bounced=bounced, returned=notice,
            case=(returned[0] if returned else None) or case,
            references=tuple(self.digest("mail", one) for one in facts["references"]),
            automatic="own-id" if self._comes_from_us(facts, address) else facts["automatic"], silent=facts["silent"],
            message_id=Personal(facts["message_id"]) or None, copies=self._copies(facts, recipients, address),
            parts=tuple(parts), content=self._content(contact, facts), subject=Personal(facts["subject"]),
            text=Personal(text), attachments=tuple(attachments), raw=await self.store(raw, "mail.eml", contact),
        )  # fmt: skip

    async def _unreadable(self, raw: bytes, facts: Facts, mail_from: str | None) -> MailUnreadable:
        """Kept under the key of whoever seems to have sent it, else under one of its own, so that an erasure reaches
        it."""
        message = self._id(raw, "")
        contact, address = f"{UNKNOWN}.{message}", ""
        for one in (facts.get("address", ""), *senders_at_a_glance(raw, mail_from)):
            with contextlib.suppress(Refused):
                contact, address = self.contact("mail", one)
                break
        return MailUnreadable(
            message=message, contact=contact, reason=facts["reason"],
            raw=await self.store(raw, "mail.eml", contact), address=Personal(address) or None,
            subject=Personal(facts.get("subject") or subject_at_a_glance(raw)) or None,
        )  # fmt: skip

    def _id(self, raw: bytes, message_id: str) -> str:
        """By what other mails name it: digest of the Message-ID, of all bytes where there is none. It proves nothing:
        ids can be forged or given twice, and whether it is the same mail says ``content``."""
        return self.digest("mail", message_id) if message_id else self.digest("mail-bytes", raw.decode("latin-1"))

    def _content(self, contact: str, facts: Facts) -> str:
        """Equal for the same mail only: who wrote, subject, all of its text, the bytes of its files, which mail it
        answers. A relay may have changed anything else."""
        files = (sha256(base64.b64decode(f["content"])).hexdigest() for f in facts["files"])
        answered = next(iter(facts["references"]), "")
        return self.digest("content", contact, facts["subject"], facts["content"], answered, *files)

    def _case(self, facts: Facts, recipients: tuple[str, ...]) -> str | None:
        """The case of the first token that is ours: in the envelope, then in headers."""
        extensions = [address.partition("@")[0].rpartition("+")[2] for address in recipients]
        return self._first_case((*extensions, *facts["tokens"]))

    def _names_ours(self, message_id: str) -> bool:
        local, _, domain = message_id.rpartition("@")
        return domain.lower() == self.own.rpartition("@")[2].lower() != "" and bool(_OF_OURS.match(local))

    def _returned(self, facts: Facts, to: str | None) -> tuple[str, str | None, str | None] | None:
        """(case, contact point, notice) of a mail of ours that came back; a token proves the case: in what came back,
        or in the address that it is sent back to, which is that of case ``to``."""
        found = facts["returned"]
        if not found or (case := self._first_case(found["tokens"]) or to) is None:
            return None
        notice = next((notice for token, notice in found["notices"] if self.check_token(token.lower()) == case), None)
        for address in found["recipients"]:
            if is_ours(address, self.own):
                continue
            with contextlib.suppress(Refused):
                return case, self.contact("mail", address)[0], notice
        return case, None, notice

    def _first_case(self, tokens: Iterable[str]) -> str | None:
        return next((case for token in tokens if (case := self.check_token(token.lower()))), None)

    def _comes_from_us(self, facts: Facts, address: str) -> bool:
        """Ours by its sender, or by a Message-ID that only we can have made."""
        return is_ours(address, self.own) or self._first_case(facts["own_tokens"]) is not None

    def _copies(self, facts: Facts, recipients: tuple[str, ...], sender: str) -> tuple[Copied, ...]:
        people = [Person(name, address) for name, address in (*facts["beside"], *facts["copies"])]
        found: dict[str, Copied] = {}
        for one in copies(people, self.own, (*recipients, sender, facts["address"])):
            with contextlib.suppress(Refused):
                contact, address = self.contact("mail", one.address)
                name = Personal(one.name[:200]) or None
                found.setdefault(contact, Copied(contact=contact, address=Personal(address), name=name))
        return tuple(found.values())[:MAX_COPIES]


def is_nobody(contact: str) -> bool:
    """Whether that is nobody's contact point, but stands for a mail that names none."""
    return contact.partition(".")[0] == UNKNOWN


def fitted(text: str, parts: Sequence[Facts]) -> tuple[str, list[TextPart], str]:
    """(text, parts, the whole) as far as an event can hold them; the whole is '' where nothing had to be left out."""
    short = shortened(text)
    kept = list[TextPart]()
    room, lost = PARTS_BYTES, short != text
    for part in parts:
        size = len(json.dumps(part["text"], ensure_ascii=False).encode())
        if part["at"] > len(short):
            lost = True
            continue
        if size > room:
            lost, part = True, part | {"text": shortened(part["text"], room)}
            size = room
        room -= size
        length = min(part["length"], len(short) - part["at"])
        kept.append(TextPart(kind=part["kind"], at=part["at"], length=length, text=Personal(part["text"])))
    return short, kept, whole(text, parts) if lost else ""


def whole(text: str, parts: Sequence[Facts]) -> str:
    """The text with what was cut out back at its place."""
    made, end = list[str](), 0
    for part in sorted(parts, key=lambda p: p["at"]):
        made += [text[end : part["at"]], f"\n\n{part['text']}\n\n" if part["text"] else ""]
        end = part["at"]
    return "".join((*made, text[end:]))


def named(facts: Facts, text: str) -> list[tuple[str, bytes]]:
    """(name, bytes) of the files to keep: those of the mail; a list of those that were too many; the whole text where
    the event holds less of it. Names are shortened where they are more than an event holds."""
    files = [(f["name"], base64.b64decode(f["content"])) for f in facts["files"]]
    if facts["left"]:
        names = "\n".join(facts["left"])
        files.append((f"{len(facts['left'])}-more-files.txt", f"Only in the mail as it came:\n{names}\n".encode()))
    if text:
        files.append(("message.txt", text.encode()))
    if sum(len(name.encode()) for name, _ in files) > NAMES_BYTES:
        files = [(name[-40:], content) for name, content in files]
    return files


def shortened(text: str, most: int = TEXT_BYTES) -> str:
    """The text up to so many bytes as JSON, which is what an event can hold."""
    if len(text) * 6 <= most or len(json.dumps(text, ensure_ascii=False).encode()) <= most:
        return text
    keep = most
    while keep and len(json.dumps(text[:keep], ensure_ascii=False).encode()) > most - 8:
        keep = keep * 9 // 10
    return text[:keep] + " […]"
