"""Mail out: the address is looked up, the text rendered and the reply token made when it is sent, and only then.

At least once with the same Message-ID; what came of a try is reported as an event (spec: notification, Channels)."""

from dataclasses import dataclass
from datetime import timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal

import aiosmtplib

from contracts.notification import DeliveryReported, NoticeQueued, Withholding
from shared.edge import Edge
from shared.effects import Sender
from shared.events import Event, Message
from shared.reply_token import PURPOSE, reply_token, with_token

from ..content import Reader, cause_of, reader, write
from ..policy import Rule, Templates, Word
from ..wording import Mail

TIMEOUT = 30.0
"""Seconds for each step of a delivery."""


class Undeliverable(Exception):
    """This try failed; ``error`` is the code of the reason."""

    def __init__(self, error: str):
        super().__init__(error)
        self.error = error


def mail_sender(edge: Edge) -> Sender:
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
        try:
            await deliver(edge, await compose(edge, message, to), to)
        except Undeliverable as e:
            return report("failed", error=e.error)
        return report("sent")

    return send


@dataclass(frozen=True)
class Envelope:
    """A mail and the address that bounces go to."""

    mail: EmailMessage
    sender: str


async def compose(edge: Edge, message: Message, to: Reader) -> Envelope:
    """The mail of a queued notice. Raises Undeliverable."""
    queued: NoticeQueued = message.event
    policy: Templates = edge.service.memory.policy("templates", queued.template_version).document
    rule = policy.rule(queued.template)
    if rule is None:
        raise Undeliverable("invalid-template")
    cause = await cause_of(edge, queued.cause_row)
    language: Word = "tr" if queued.language == "tr" else "en"
    try:
        written = await write(edge, policy, rule, language, cause.event, to)
    except ValueError as e:
        raise Undeliverable("invalid-template") from e
    try:
        return _envelope(edge, policy, rule, message, to, written)
    except (
        ValueError,
        IndexError,
        HeaderParseError,
    ) as e:  # what the email package raises on an address it cannot parse
        raise Undeliverable("rejected-address") from e


def _envelope(edge: Edge, policy: Templates, rule: Rule, message: Message, to: Reader, written: Mail) -> Envelope:
    queued: NoticeQueued = message.event
    own = edge.settings.mail_from
    domain = own.rpartition("@")[2]
    expires_at = message.occurred_at + timedelta(days=policy.reply_days)  # of the notice: a second try makes the same
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(policy.company, addr_spec=own)
    mail["To"] = Address(addr_spec=to.address)
    mail["Subject"] = written.subject
    mail["Date"] = format_datetime(edge.now)
    sender, message_id = own, queued.notice
    if queued.case and not to.staff:
        sender = with_token(own, reply_token(edge.links, queued.case, expires_at))
        message_id = f"{edge.links.sign(PURPOSE, queued.case, expires_at)}.{queued.notice}"
        mail["Reply-To"] = Address(policy.company, addr_spec=sender)
    mail["Message-ID"] = f"<{message_id}@{domain}>"
    if queued.case:
        thread = f"<case.{queued.case}@{domain}>"  # no mail has this id: it holds all mails about a case together
        mail["In-Reply-To"] = mail["References"] = thread
    mail["Content-Language"] = queued.language
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
    return Envelope(mail, sender)


async def deliver(edge: Edge, envelope: Envelope, to: Reader) -> None:
    """Hand the mail to the mail server. Raises Undeliverable."""
    settings = edge.settings
    if not settings.mail_port:
        raise Undeliverable("no-mail-server")
    try:
        await aiosmtplib.send(
            envelope.mail, sender=envelope.sender, recipients=[to.address], hostname=settings.mail_host,
            port=settings.mail_port, timeout=TIMEOUT,
        )  # fmt: skip
    except aiosmtplib.SMTPRecipientsRefused as e:
        unknown = all(500 <= refused.code < 600 for refused in e.recipients)
        raise Undeliverable("rejected-address" if unknown else "refused") from e
    except TimeoutError as e:
        raise Undeliverable("timed-out") from e
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, OSError) as e:
        raise Undeliverable("unreachable") from e
    except aiosmtplib.SMTPNotSupported as e:
        raise Undeliverable("rejected-address") from e
    except aiosmtplib.SMTPException as e:
        raise Undeliverable("refused") from e
