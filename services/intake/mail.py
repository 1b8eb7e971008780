"""Mail comes in by SMTP: kept raw first, read in a worker, heard by intake, and answered 250 only after our commit.

What cannot be recorded is answered 451, so that the sender's server keeps it and tries again: nothing is dropped."""

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID, uuid5

from aiosmtpd.smtp import SMTP

from contracts.common import Blob
from contracts.intake import MailReceived, MailUnreadable
from shared.events import Event, Personal
from shared.world import Refused

from .mailparse import MAX_BYTES, Facts, senders_at_a_glance
from .mailworker import MailReader

NAMESPACE: Final = UUID("0e4fb2a6-5a0c-5d0b-9a0e-6d61696c2e76")
TEXT_BYTES: Final = 60 * 1024
"""Of a mail's text that goes into the event, as JSON; a longer text is kept whole as a file beside it."""
UNKNOWN: Final = "unknown"
MAX_RECIPIENTS: Final = 100
log = logging.getLogger("vefa.intake.mail")


class StoreBlob(Protocol):
    async def __call__(self, content: bytes, name: str, subject: str) -> Blob:
        """Keep content encrypted under the subject's key and describe it."""
        ...


class _Server(SMTP):
    """Real mails have longer lines than RFC 5321 allows: a whole attachment may be one."""

    line_length_limit = MAX_BYTES


class SmtpIntake:
    """An SMTP server on localhost that hands every mail to ``hear``.

    hear         (event, occurred_at or None, event id) -> after the commit; what it raises becomes 451
    contact      (kind, address) -> (contact id, normalised address); Refused when it is no address
    check_token  reply token -> id of its case, or None when it is not ours
    digest       keyed digest of texts
    store_blob   keeps raw mails and files
    own          the address that our own mails come from: what comes from there is a loop"""

    def __init__(
        self,
        hear: Callable[[Event, datetime | None, UUID], Awaitable[Any]],
        contact: Callable[[str, str], tuple[str, str]],
        check_token: Callable[[str], str | None],
        store_blob: StoreBlob,
        port: int,
        digest: Callable[..., str],
        own: str = "",
        host: str = "127.0.0.1",
        reader: MailReader | None = None,
    ):
        self._hear, self._contact, self._check, self._store, self._digest = (
            hear,
            contact,
            check_token,
            store_blob,
            digest,
        )
        self.host, self.port, self._own = host, port, own.lower()
        self._reader = reader or MailReader()
        self._server: asyncio.Server | None = None

    async def start(self) -> dict[str, str]:
        """Listen; returns {"smtp": "smtp://host:port"}."""
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it logs senders and recipients
        self._server = await asyncio.get_running_loop().create_server(self._session, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return {"smtp": f"smtp://{self.host}:{self.port}"}

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await self._reader.stop()

    def _session(self) -> SMTP:
        return _Server(
            self, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="vefa", ident="Vefa", timeout=60,
            loop=asyncio.get_running_loop(),
        )  # fmt: skip

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients; send again to the others"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        try:
            await self.take(bytes(envelope.content), envelope.mail_from, tuple(envelope.rcpt_tos))
        except Exception as error:  # whatever it is: the sender's server must try again
            if isinstance(error, Refused) and error.status == 422:
                return "250 2.0.0 recorded before"  # the same id with other bytes: the mail is in the log
            log.warning("a mail could not be recorded: %s", type(error).__name__)
            return "451 4.3.0 not recorded; try again later"
        return "250 2.0.0 recorded"

    async def take(self, raw: bytes, mail_from: str | None = None, recipients: tuple[str, ...] = ()) -> Any:
        """Record one mail, whatever it is; returns what ``hear`` returned. For an IMAP poll as well as for SMTP."""
        facts = await self._reader.read(raw, mail_from)
        event: MailReceived | MailUnreadable
        if "reason" in facts:
            event = await self._quarantined(raw, facts, mail_from)
        else:
            event = await self._received(raw, facts, recipients, mail_from)
        content = event.content if isinstance(event, MailReceived) else ""
        return await self._hear(event, None, uuid5(NAMESPACE, f"{event.message}|{event.contact}|{content}"))

    async def _received(
        self, raw: bytes, facts: Facts, recipients: tuple[str, ...], mail_from: str | None
    ) -> MailReceived | MailUnreadable:
        try:
            contact, address = self._contact("mail", facts["address"])
        except Refused:
            return await self._quarantined(raw, facts | {"reason": "no-sender"}, mail_from)
        text, files = facts["text"], list(facts["files"])
        short = shortened(text)
        if short != text:
            files.append({"name": "message.txt", "content": base64.b64encode(text.encode()).decode()})
        attachments = [await self._store(base64.b64decode(f["content"]), f["name"], contact) for f in files]
        bounced, returned = self._bounced(facts)
        return MailReceived(
            message=self._id(raw, facts), contact=contact, address=Personal(address),
            name=Personal(facts["name"]) or None, bounced=bounced,
            case=returned or self._case(facts, recipients),
            references=tuple(self._digest("mail", one) for one in facts["references"]),
            automatic="own-id" if self._is_ours(address) else facts["automatic"],
            content=self._digest("content", contact, facts["content"]), subject=Personal(facts["subject"]),
            text=Personal(short), attachments=tuple(attachments), raw=await self._store(raw, "mail.eml", contact),
        )  # fmt: skip

    async def _quarantined(self, raw: bytes, facts: Facts, mail_from: str | None) -> MailUnreadable:
        """Kept under the key of whoever seems to have sent it, so that an erasure reaches it."""
        contact = UNKNOWN
        for address in (facts.get("address", ""), *senders_at_a_glance(raw, mail_from)):
            with contextlib.suppress(Refused):
                contact, _ = self._contact("mail", address)
                break
        blob = await self._store(raw, "mail.eml", contact)
        return MailUnreadable(message=self._id(raw, {}), contact=contact, reason=facts["reason"], raw=blob)

    def _id(self, raw: bytes, facts: Facts) -> str:
        """Digest of the Message-ID, of all bytes where there is none."""
        message_id = facts.get("message_id")
        return self._digest("mail", message_id) if message_id else self._digest("mail-bytes", raw.decode("latin-1"))

    def _case(self, facts: Facts, recipients: tuple[str, ...]) -> str | None:
        """The case of the first token that is ours: in the envelope, then in headers."""
        extensions = [address.partition("@")[0].rpartition("+")[2] for address in recipients]
        return self._first_case((*extensions, *facts["tokens"]))

    def _bounced(self, facts: Facts) -> tuple[str | None, str | None]:
        """(contact point, case) of a mail of ours that came back; its token proves the case."""
        try:
            contact, _ = self._contact("mail", facts["returned_to"])
        except Refused:
            return None, None
        case = self._first_case(facts["returned_tokens"])
        return (contact, case) if case else (None, None)

    def _first_case(self, tokens: Iterable[str]) -> str | None:
        return next((case for token in tokens if (case := self._check(token.lower()))), None)

    def _is_ours(self, address: str) -> bool:
        local, _, domain = address.lower().rpartition("@")
        return f"{local.partition('+')[0]}@{domain}" == self._own


def shortened(text: str) -> str:
    """The text up to 60 KiB as JSON, which is what an event can hold."""
    if len(text) * 6 <= TEXT_BYTES or len(json.dumps(text, ensure_ascii=False).encode()) <= TEXT_BYTES:
        return text
    keep = TEXT_BYTES
    while len(json.dumps(text[:keep], ensure_ascii=False).encode()) > TEXT_BYTES - 8:
        keep = keep * 9 // 10
    return text[:keep] + " […]"
