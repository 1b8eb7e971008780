"""Mail out: the address is looked up, the text rendered and the reply token made when it is sent, and only then.

At least once with the same Message-ID; what came of a try is reported as an event (spec: notification, Channels)."""

from dataclasses import dataclass
from datetime import timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal

import aiosmtplib

from contracts.notification import DeliveryReported, NoticeQueued, Withholding
from shared.core.event import Event
from shared.core.message import Message
from shared.edge.edge import Edge
from shared.privacy.reply_token import reply_token, with_token
from shared.runtime.effects import EffectHandler

from ..content import Reader, cause_of, reader, write
from ..policy import Rule, Templates, Word
from ..thread import MessageIds, Thread, message_id, thread_of
from ..wording import Mail

TIMEOUT = 30.0
"""Seconds for each step of a delivery."""


class _Headers(HeaderRegistry):
    """Makes the class of each kind of header once; the registry itself makes one for each header of each mail."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        kind = name.lower()
        if kind not in self._made:
            self._made[kind] = super().__getitem__(name)
        return self._made[kind]


_registry = _Headers()
for _name in ("in-reply-to", "references"):
    _registry.map_to_type(_name, MessageIds)  # type: ignore[arg-type]  # the registry mixes BaseHeader in
HEADERS = SMTP.clone(header_factory=_registry)


class Undeliverable(Exception):
    """This try failed; ``error`` is the code of the reason."""

    def __init__(self, error: str):
        super().__init__(error)
        self.error = error


def mail_sender(edge: Edge) -> EffectHandler:
    """The sender of effects of kind ``mail``."""

    async def send(message: Message, key: str, attempt: int, stale: bool) -> Event:
        queued: NoticeQueued = message.event

        def report(result: Literal["sent", "failed", "withheld"], **more: Any) -> Event:
            return DeliveryReported(notice=key, attempt=attempt, result=result, **more)

        if stale:
            return report("withheld", withheld=Withholding(reason="stale"))
        to = await reader(edge, queued.contact)
        if to is None and attempt == 1:
            return report("failed", error="no-address")  # who the contact is may be heard in a moment
        if to is None or to.kind not in ("mail", "erased"):
            return report("withheld", withheld=Withholding(reason="no-address"))
        if not to.address:
            return report("withheld", withheld=Withholding(reason="erased"))
        copies = await _copies(edge, queued, to)
        try:
            taken = await deliver(edge, await compose(edge, message, to, copies))
        except Undeliverable as e:
            return report("failed", error=e.error)
        got = tuple(one.contact for one in copies if one.address in taken)
        return report("sent", copies=got, not_copied=tuple(c for c in queued.copies if c not in got))

    return send


async def _copies(edge: Edge, queued: NoticeQueued, to: Reader) -> tuple[Reader, ...]:
    """Who of those in copy still has an address that can stand in a header; none of them twice."""
    found: dict[str, Reader] = {}
    for contact in queued.copies:
        known = await reader(edge, contact)
        if known is not None and known.kind == "mail" and known.address != to.address and _can_stand(known.address):
            found.setdefault(known.address, known)
    return tuple(found.values())


def _can_stand(address: str) -> bool:
    """Whether an address needs nothing that not every mail server can do: one in copy keeps no mail from the others."""
    try:
        Address(addr_spec=address)
        aiosmtplib.email.quote_address(address)
    except (ValueError, IndexError, HeaderParseError):
        return False
    return address.isascii()


@dataclass(frozen=True)
class Envelope:
    """A mail, the address that bounces go to, and whom it goes to: the first is the one that it is for."""

    mail: EmailMessage
    sender: str
    recipients: tuple[str, ...]


async def compose(edge: Edge, message: Message, to: Reader, copies: tuple[Reader, ...] = ()) -> Envelope:
    """The mail of a queued notice. Raises Undeliverable."""
    queued: NoticeQueued = message.event
    policy: Templates = edge.service.memory.policy("templates", queued.template_version).document
    rule = policy.rule(queued.template)
    if rule is None:
        raise Undeliverable("invalid-template")
    cause = await cause_of(edge, queued.cause_row)
    thread = await thread_of(edge, queued)
    language: Word = "tr" if queued.language == "tr" else "en"
    try:
        written = await write(edge, policy, rule, language, cause.event, to, opened=thread.opened)
    except ValueError as e:
        raise Undeliverable("invalid-template") from e
    try:
        return _envelope(edge, policy, rule, message, (to, *copies), written, thread)
    except (
        ValueError,
        IndexError,
        HeaderParseError,
    ) as e:  # what the email package raises on an address it cannot parse
        raise Undeliverable("rejected-address") from e


def _envelope(
    edge: Edge, policy: Templates, rule: Rule, message: Message, readers: tuple[Reader, ...], written: Mail,
    thread: Thread,
) -> Envelope:  # fmt: skip
    queued: NoticeQueued = message.event
    to, *copies = readers
    own = edge.settings.mail_from
    domain = own.rpartition("@")[2]
    expires_at = message.occurred_at + timedelta(days=policy.reply_days)  # of the notice: a second try makes the same
    mail = EmailMessage(policy=HEADERS)
    mail["From"] = Address(policy.company, addr_spec=own)
    mail["To"] = Address(addr_spec=to.address)
    if copies:
        mail["Cc"] = tuple(Address(addr_spec=one.address) for one in copies)
    mail["Subject"] = written.subject
    mail["Date"] = format_datetime(edge.now)
    sender = own
    if queued.case and not to.staff:
        sender = with_token(own, reply_token(edge.links, queued.case, expires_at))
        mail["Reply-To"] = Address(policy.company, addr_spec=sender)
    mail["Message-ID"] = message_id(edge, message)
    if queued.case:
        common = f"<case.{queued.case}@{domain}>"  # no mail has this id: it holds all mails about a case together
        mail["In-Reply-To"] = thread.answers or common
        mail["References"] = " ".join((common, *thread.references))
    if rule.automatic:
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    if rule.kind == "commercial":
        token = edge.links.sign("unsubscribe", f"{queued.contact}~{queued.template}", expires_at)
        base = edge.settings.public("notification")
        mail["List-Unsubscribe"] = f"<{base}/v1/preferences/unsubscribe/{token}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(written.text, cte="quoted-printable")
    mail.add_alternative(written.html, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = queued.language  # only now: what is said of content goes into the first part otherwise
    return Envelope(mail, sender, tuple(one.address for one in readers))


class Server(aiosmtplib.SMTP):
    """A mail server, for one mail: where it refuses the first recipient nobody gets a copy."""

    first = True

    async def rcpt(self, recipient: str, /, **options: Any) -> aiosmtplib.SMTPResponse:
        try:
            return await super().rcpt(recipient, **options)
        except aiosmtplib.SMTPRecipientRefused as e:
            if self.first:
                raise aiosmtplib.SMTPRecipientsRefused([e]) from e
            raise
        finally:
            self.first = False


async def deliver(edge: Edge, envelope: Envelope) -> tuple[str, ...]:
    """Hand the mail to the mail server; the addresses that it took. Raises Undeliverable."""
    settings = edge.settings
    if not settings.mail_port:
        raise Undeliverable("no-mail-server")
    try:
        async with Server(hostname=settings.mail_host, port=settings.mail_port, timeout=TIMEOUT) as server:
            refused, _ = await server.send_message(
                envelope.mail, sender=envelope.sender, recipients=envelope.recipients
            )
            return tuple(address for address in envelope.recipients if address not in refused)
    except aiosmtplib.SMTPRecipientsRefused as e:
        unknown = all(500 <= refused.code < 600 for refused in e.recipients)
        raise Undeliverable("rejected-address" if unknown else "refused") from e
    except TimeoutError as e:
        raise Undeliverable("timed-out") from e
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, OSError) as e:
        raise Undeliverable("unreachable") from e
    except (aiosmtplib.SMTPNotSupported, ValueError) as e:
        raise Undeliverable("rejected-address") from e
    except aiosmtplib.SMTPException as e:
        raise Undeliverable("refused") from e
