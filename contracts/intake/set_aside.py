"""What is set aside: made neither a case nor a message of one, until a person releases, dismisses or erases it."""

from datetime import datetime
from typing import Literal

from shared.core.event import Code, Event, Id
from shared.core.parts import Blob, Digest
from shared.core.personal import Personal

from ..common import TextPart
from .mails import Copied


class MessageQuarantined(
    Event, topic="intake.message-quarantined.v1", stream="mail:{message}", also=("set-aside:{item}",)
):
    """A message that could not be made a case or part of one; set aside: kept and visible, can be released."""

    message: Id
    """Digest of its id."""
    contact: Id
    """Sender, as far as it could be read; otherwise a name of this mail alone, so that it has a key of its own."""
    reason: Literal["unreadable", "too-large", "no-sender", "too-many-parts", "timed-out"]
    """Why."""
    raw: Blob | None = None
    """The message as it came."""
    item: Id | None = None
    """Its name in the list of what is set aside."""
    address: Personal | None = None
    """Mail address of the sender, as far as it could be read."""
    subject: Personal | None = None
    """Subject line, as far as it could be read."""


class AutomaticNoted(
    Event, topic="intake.automatic-noted.v1", stream="mail:{message}", also=("contact:{contact}", "set-aside:{item}")
):
    """An automatic reply, a bounce or the like came by mail and is set aside: noted, not answered; can be released."""

    message: Id
    """Digest of its id."""
    contact: Id
    """Sender."""
    case: Id | None
    """The case it belongs to, where that can be told."""
    sign: Code
    """By what it was recognised, such as auto-submitted, bounce for a failed delivery, or own-id for a mail of ours."""
    item: Id | None = None
    """Its name in the list of what is set aside."""
    address: Personal | None = None
    """Mail address of the sender."""
    subject: Personal | None = None
    """Subject line."""
    raw: Blob | None = None
    """The mail as it came."""


class MessageReleased(
    Event, topic="intake.message-released.v1", stream="set-aside:{item}", also=("contact:{contact}",)
):
    """What was set aside is part of a case after all: a person says so."""

    item: Id
    """Its name in the list of what is set aside."""
    message: Id
    """Digest of its id."""
    contact: Id
    """Who wrote it."""
    case: Id
    """The case that it became, or became part of."""
    by: Id
    """Agent id."""


class MessageDismissed(Event, topic="intake.message-dismissed.v1", stream="set-aside:{item}", subject="by"):
    """What was set aside was looked at and stays aside; it is kept."""

    item: Id
    """Its name in the list of what is set aside."""
    message: Id
    """Digest of its id."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why, in the agent's words."""


class MessageErased(Event, topic="intake.message-erased.v1", stream="set-aside:{item}", also=("contact:{contact}",)):
    """The key that a mail set aside is kept under is destroyed: every copy of it is unreadable."""

    item: Id
    """Its name in the list of what is set aside."""
    message: Id
    """Digest of its id."""
    contact: Id
    """Whose key was destroyed: of this mail alone where it names nobody."""
    by: Id
    """Agent id."""
    regime: Code
    """Law or rule: kvkk, gdpr."""
    destroyed_at: datetime
    """When the key was destroyed, UTC."""
    rotation_outstanding: bool
    """Whether the master key has still to be exchanged before backups hold nothing usable."""
    rotated_at: datetime | None = None
    """When it was exchanged, UTC: from then on no backup opens what was erased."""
    keys: tuple[Id, ...] = ()
    """Ids of the destroyed keys: when one comes back with an older vault it is destroyed again."""


class ReleaseMessage(
    Event, topic="to.intake.release-message.v1", stream="set-aside:{item}", also=("contact:{contact}",)
):
    """A command: make what was set aside a case or part of one, as if a person's mail had just come in; read again
    from the raw mail at the edge."""

    item: Id
    """Its name in the list of what is set aside."""
    by: Id
    """Agent id."""
    contact: Id
    """Who wrote it."""
    address: Personal | None = None
    """Mail address of who wrote it."""
    name: Personal | None = None
    """Display name of who wrote it."""
    into: Id | None = None
    """The case to append it to, whoever wrote it; None: where it belongs by its token and its references, else into a
    case of its own."""
    case: Id | None = None
    """The case whose reply token it carries, checked at the edge."""
    references: tuple[Id, ...] = ()
    """Digests of the ids that it answers, nearest first."""
    message_id: Personal | None = None
    """Its Message-ID as it was sent."""
    copies: tuple[Copied, ...] = ()
    """Whom it went to as well, without our own addresses."""
    content: Digest
    """Keyed digest of sender, body and files."""
    subject: Personal
    """Subject line, decoded."""
    text: Personal
    """What is new in it."""
    parts: tuple[TextPart, ...] = ()
    """What was cut from the text, or stands in it forwarded."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    raw: Blob | None = None
    """The mail as it came."""


class DismissMessage(Event, topic="to.intake.dismiss-message.v1", stream="set-aside:{item}", subject="by"):
    """A command: what was set aside stays aside."""

    item: Id
    """Its name in the list of what is set aside."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why, in the agent's words; required."""


class EraseMessage(Event, topic="to.intake.erase-message.v1", stream="set-aside:{item}"):
    """A command: destroy the key that a mail set aside is kept under, which is no customer's; heard again as
    message-key-destroyed."""

    item: Id
    """Its name in the list of what is set aside."""
    regime: Code
    """Law or rule: kvkk, gdpr."""
    by: Id
    """Agent id."""


class MessageKeyDestroyed(Event, topic="to.intake.message-key-destroyed.v1", stream="set-aside:{item}"):
    """The key that an erase-message asked for is destroyed."""

    item: Id
    """The item that it was asked for."""
    items: tuple[Id, ...]
    """All that was kept under the key and is no part of a case."""
    regime: Code
    """Law or rule that the erasure was asked under."""
    by: Id
    """Agent id."""
    destroyed_at: datetime
    """When, UTC."""
    rotation_outstanding: bool
    """Whether the master key has still to be exchanged before backups hold nothing usable."""
    rotated_at: datetime | None = None
    """When it was exchanged, UTC."""
    keys: tuple[Id, ...] = ()
    """Ids of the destroyed keys."""
