"""Mail comes in by SMTP: kept raw first, read in a worker, heard by intake, and answered 250 only after our commit.

What cannot be recorded is answered 451, so that the sender's server keeps it and tries again: nothing is dropped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from aiosmtpd.smtp import SMTP

from contracts.intake import MailReceived
from shared.core.event import Event
from shared.core.world import Refused

from .parse import MAX_BYTES
from .taking import StoreBlob, Taking
from .worker import MailReader

NAMESPACE: Final = UUID("0e4fb2a6-5a0c-5d0b-9a0e-6d61696c2e76")
MAX_RECIPIENTS: Final = 100
log = logging.getLogger("vefa.intake.mail")


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
        self._hear, self.host, self.port = hear, host, port
        self.taking = Taking(contact, check_token, store_blob, digest, own.lower(), reader or MailReader())
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
        await self.taking.reader.stop()

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
        event = await self.taking.read(raw, mail_from, recipients)
        content = event.content if isinstance(event, MailReceived) else ""
        return await self._hear(event, None, uuid5(NAMESPACE, f"{event.message}|{event.contact}|{content}"))
