"""Mails that came in, and what came back of those that went out."""

from typing import Literal

from shared.core.event import Code, Event, Id, Part
from shared.core.parts import Blob, Digest
from shared.core.personal import Personal

from ..common import TextPart


class MailSeen(
    Event, topic="intake.mail-seen.v1", stream="mail:{message}", also=("content:{content}", "set-aside:{item}")
):
    """A mail became part of a case: its id is known for threading and for sorting out repeats."""

    message: Id
    """Digest of its Message-ID."""
    case: Id
    """The case."""
    contact: Id
    """Sender."""
    content: Digest
    """Keyed digest of sender, body and files: the same mail under another id."""
    answers: Id | None = None
    """Digest of what it answers, a case and a mail: the same words to another question are another mail."""
    repeat: bool = False
    """Whether this was the same content again under another id: it made nothing new and is set aside."""
    item: Id | None = None
    """Of a repeat: its name in the list of what is set aside."""
    address: Personal | None = None
    """Of a repeat: mail address of the sender."""
    subject: Personal | None = None
    """Of a repeat: subject line."""
    raw: Blob | None = None
    """Of a repeat: the mail as it came."""


class LoopSuspected(Event, topic="intake.loop-suspected.v1", stream="contact:{contact}"):
    """Too many mails of one sender in a short time: what follows is taken in, and nothing automatic answers it."""

    contact: Id
    """Sender."""
    count: int
    """Mails within the window."""
    window: int
    """Seconds."""


class ContactBounced(Event, topic="intake.contact-bounced.v1", stream="contact:{contact}"):
    """What was sent to this address came back; it is not said again until the address writes."""

    contact: Id
    """The contact point."""
    customer: Id
    """Its customer."""
    case: Id | None = None
    """The case that the notice was about: its owner should find another way."""
    notice: Id | None = None
    """The notice that came back, by the Message-ID that the report names; None: it names none of ours."""


class Copied(Part):
    """Somebody whom a mail went to as well."""

    contact: Id
    """Keyed hash of the address."""
    address: Personal
    """Mail address."""
    name: Personal | None = None
    """Display name."""


class MailReceived(Event, topic="to.intake.mail-received.v1", stream="mail:{message}", also=("contact:{contact}",)):
    """A mail was taken in, read and checked at the edge; what becomes of it is decided by the rules for mail."""

    message: Id
    """Keyed digest of its Message-ID; of the whole mail where it has none."""
    contact: Id
    """Sender."""
    address: Personal
    """Mail address of the sender."""
    name: Personal | None = None
    """Display name of the sender."""
    case: Id | None = None
    """The case whose reply token it carries, checked at the edge."""
    bounced: Id | None = None
    """The contact point that a mail of ours about the case could not be delivered to, as the mail server reports."""
    returned: Id | None = None
    """The notice that was bounced, by the Message-ID of ours that the report names."""
    references: tuple[Id, ...] = ()
    """Digests of the ids that it answers, nearest first."""
    automatic: Code | None = None
    """By which sign a machine wrote it, so that it is set aside; None: a person wrote it, as far as can be told."""
    silent: Code | None = None
    """By which sign it asks that nothing automatic answers it; it is read like any other."""
    message_id: Personal | None = None
    """Its Message-ID as it was sent."""
    copies: tuple[Copied, ...] = ()
    """Whom it went to as well, without our own addresses."""
    parts: tuple[TextPart, ...] = ()
    """What was cut from the text, or stands in it forwarded."""
    content: Digest
    """Keyed digest of sender, body and files."""
    subject: Personal
    """Subject line, decoded."""
    text: Personal
    """What is new in it: without quotation and signature."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    raw: Blob | None = None
    """The mail as it came."""


class MailUnreadable(Event, topic="to.intake.mail-unreadable.v1", stream="mail:{message}"):
    """A mail was taken in that cannot be read; it is kept and shown."""

    message: Id
    """Keyed digest of the whole mail."""
    contact: Id
    """Sender, as far as it could be read; otherwise 'unknown.' and the digest of the mail, whose key is its own.
    Formerly 'unknown', one key for all."""
    reason: Literal["unreadable", "too-large", "no-sender", "too-many-parts", "timed-out"]
    """Why."""
    raw: Blob | None = None
    """The mail as it came."""
    address: Personal | None = None
    """Mail address of the sender, as far as it could be read."""
    subject: Personal | None = None
    """Subject line, as far as it could be read."""
