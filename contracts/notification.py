"""What notification says: what was to be sent to whom and what came of it. Addresses and texts are resolved when it
is sent."""

from datetime import datetime
from typing import Annotated, Literal

from shared.core.event import Code, Event, Id, Part
from shared.core.personal import Open
from shared.core.vocabulary import Channel, Language

from .common import Count

Zone = Annotated[str, Open("an IANA time zone, such as Europe/Istanbul")]
TemplateClass = Literal["transactional", "commercial", "critical"]


class Withholding(Part):
    """Reason codes, so that a report can count them."""

    reason: Literal[
        "stale", "no-address", "erased", "opted-out", "no-consent", "volume-thread", "volume-address", "suppressed",
        "silent", "spam", "other-channel",
    ]  # fmt: skip
    """Why it was not sent: silent where the mail asks that nothing automatic answers it, other-channel where whoever
    hears reply-sent carries the answer by the channel that the case came from."""


class NoticeFact(Event, stream="notice:{notice}"):
    """A fact about one notice: one per (recipient, cause, template)."""

    notice: Id
    """Hash of recipient, cause and template: a repeat or a replay can never send again."""
    contact: Id
    """Recipient: a contact point, or agent:<id> for staff."""
    template: Code
    """Template."""
    case: Id | None = None
    """The case it is about."""
    cause: Id
    """Id of the event that asked for it."""
    cause_topic: Annotated[str, Open("a topic")]
    """Its topic."""


class NoticeQueued(
    NoticeFact,
    topic="notification.notice-queued.v1",
    also=("contact:{contact}", "case:{case}"),
    summary="{template} by {channel}",
):
    """Something is to be sent. It counts against the volume of its contact and of its thread."""

    template_version: int
    """Version of the templates policy."""
    template_class: TemplateClass
    """transactional, commercial or critical."""
    channel: Channel
    """By which channel."""
    language: Language
    """In which language."""
    not_before: datetime
    """Not earlier than this (quiet hours, working time), UTC."""
    not_after: datetime
    """Stale after this, UTC."""
    automatic: bool
    """Whether a person wrote it (a reply) or a rule."""
    acknowledgement: bool = False
    """Whether it only says that something arrived: at most a few per thread."""
    cause_row: int
    """Position of the cause in notification's log: texts are read from there when it is sent."""
    message: Id | None = None
    """The message that it carries to the customer: for a reply, the reply's id."""
    by: Id | None = None
    """Agent who had it queued again after it was given up."""
    copies: tuple[Id, ...] = ()
    """Contact points of the case's participants, who get the same mail in copy."""
    thread: tuple[int, ...] = ()
    """Positions, in notification's log, of the mails of its case before it, oldest first: their ids and the subject are
    read from there when it is sent."""


class NoticeSent(NoticeFact, topic="notification.notice-sent.v1", summary="{template} by {channel}"):
    """The channel took it."""

    channel: Channel
    """By which channel."""
    attempt: int
    """1 for the first try."""
    sent_at: datetime
    """When, UTC."""
    message: Id | None = None
    """The message that it carried to the customer: for a reply, the reply's id."""
    copies: tuple[Id, ...] = ()
    """Participants to whom it went in copy."""
    not_copied: tuple[Id, ...] = ()
    """Participants whose copy was refused, or who have no address any more; it is not sent again for them."""


class NoticeFailed(NoticeFact, topic="notification.notice-failed.v1"):
    """The channel did not take it."""

    attempt: int
    """1 for the first try."""
    error: Code
    """What was wrong: refused, unreachable, timed-out, rejected-address, no-address, no-mail-server,
    invalid-template."""
    next_attempt: datetime | None
    """When it is tried again, UTC; None: given up."""
    message: Id | None = None
    """The message that it carried to the customer."""


class NoticeWithheld(NoticeFact, topic="notification.notice-withheld.v1", summary="{template}: {withheld}"):
    """It is not sent, on purpose."""

    withheld: Withholding
    """Why."""
    message: Id | None = None
    """The message that it carried to the customer."""


class NoticeBounced(NoticeFact, topic="notification.notice-bounced.v1", also=("contact:{contact}",)):
    """It came back."""

    message: Id | None = None
    """The message that it carried to the customer."""


class PreferenceChanged(Event, topic="notification.preference-changed.v1", stream="contact:{contact}"):
    """What a recipient wants."""

    contact: Id
    """Recipient."""
    language: Language | None = None
    """Preferred language."""
    muted: tuple[Code, ...] = ()
    """Templates that are not wanted; replies and critical ones cannot be muted."""
    zone: Zone | None = None
    """Time zone of the recipient's quiet hours; None: that of the language."""


class DeliveryReported(Event, topic="to.notification.delivery-reported.v1", stream="notice:{notice}"):
    """Noted by notification for itself: what came of one try to send a notice."""

    notice: Id
    """The notice."""
    attempt: Count
    """1 for the first try."""
    result: Literal["sent", "failed", "withheld"]
    """What came of it."""
    error: Code | None = None
    """failed: what was wrong, as in notice-failed."""
    withheld: Withholding | None = None
    """withheld: why."""
    copies: tuple[Id, ...] = ()
    """sent: participants to whom it went in copy."""
    not_copied: tuple[Id, ...] = ()
    """sent: participants whose copy was refused, or who have no address any more."""


class Redeliver(Event, topic="to.notification.redeliver.v1", stream="notice:{notice}"):
    """A command: try a notice again that was given up. Refused for every other one."""

    notice: Id
    """The notice."""
    by: Id
    """Agent id."""


class ChangePreferences(Event, topic="to.notification.change-preferences.v1", stream="contact:{contact}"):
    """A command: set what a recipient wants, all of it. Refused: unknown templates, and such as cannot be muted."""

    contact: Id
    """Recipient."""
    language: Language | None = None
    """Preferred language."""
    muted: tuple[Code, ...] = ()
    """Templates that are not wanted."""
    zone: Zone | None = None
    """Time zone of the recipient's quiet hours."""


class Unsubscribe(Event, topic="to.notification.unsubscribe.v1", stream="contact:{contact}"):
    """A command: one template is not wanted any more; said by the link in the mail."""

    contact: Id
    """Recipient."""
    template: Code
    """Template."""
