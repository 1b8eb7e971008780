"""Facts about a case: it is opened, talked about, resolved, closed and reopened."""

from datetime import datetime
from typing import Annotated, Literal

from shared.core.event import Code, Id
from shared.core.parts import Blob
from shared.core.personal import Of, Open, Personal
from shared.core.vocabulary import Category, Channel, Kind, Language, Outcome

from ..common import CaseFact, CustomerCaseFact, FormField, TextPart

NO_FORM = "none"
"""What stands for the form of a case that came without one, such as a mail."""
Number = Annotated[str, Open("the human number of a case, V-2026-000123")]


class CaseOpened(
    CustomerCaseFact,
    topic="intake.case-opened.v1",
    also=("customer:{customer}", "contact:{contact}", "external:{external_id}", "recovery:{recovery}"),
    begins=True,
    summary="{number} by {channel}",
):
    """A case exists; its opening instant is the envelope's time."""

    number: Number
    """Human number, gap-free per year."""
    channel: Channel
    """Where it came in."""
    form: Code = NO_FORM
    """Category form; 'none' where nobody filled one."""
    kind: Kind | None = None
    """What the sender said it is."""
    topic: Code | None = None
    """What the sender said it is about."""
    language: Language | None = None
    """Language where the sender's is known."""
    subject: Personal
    """One line."""
    text: Personal
    """The concern."""
    fields: tuple[FormField, ...] = ()
    """Filled form fields."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    organisation: Id | None = None
    """The firm, B2B."""
    by: Id | None = None
    """Agent who opened it and wrote down the concern; that text answers nothing, their first reply does."""
    verified: bool = False
    """Whether the sender is known to own the address; if not, an acknowledgement repeats none of the text."""
    contacts_before: int = 0
    """Cases of this customer in the 30 days before: repeat contact."""
    follows: Id | None = None
    """An older case that this one goes on from."""
    recovery: Id | None = None
    """The recovery that this case carries out."""
    external_id: Id | None = None
    """The case's id in the sender's system."""
    parts: tuple[TextPart, ...] = ()
    """What was cut from the text, or stands in it forwarded."""
    message_id: Personal | None = None
    """The Message-ID of the mail that it came by: an answer names it."""
    raw: Blob | None = None
    """The mail as it came."""
    silent: Code | None = None
    """Why nothing automatic answers it: precedence, auto-generated, loop, released and others; None: it may be
    acknowledged."""
    received_at: datetime | None = None
    """When it first came in, UTC, where that was before: a mail that was set aside and released. Clocks count from
    then."""


class MessageReceived(CustomerCaseFact, topic="intake.message-received.v1", summary="by {channel}"):
    """The customer wrote."""

    message: Id
    """Id of the message."""
    channel: Channel
    """Where it came in."""
    text: Personal
    """Text without quotation and signature."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    acknowledgement: bool = False
    """A bare thanks: opens no clock and reopens nothing."""
    parts: tuple[TextPart, ...] = ()
    """What was cut from the text, or stands in it forwarded."""
    message_id: Personal | None = None
    """The Message-ID of the mail that it came by: an answer names it."""
    raw: Blob | None = None
    """The mail as it came."""
    silent: Code | None = None
    """Why nothing automatic answers it: precedence, auto-generated, loop, released and others; None: it may be
    acknowledged."""
    received_at: datetime | None = None
    """When it first came in, UTC, where that was before: a mail that was set aside and released. Clocks count from
    then."""


class ReplySent(CustomerCaseFact, topic="intake.reply-sent.v1", summary="by {by}"):
    """An agent answered in public; notification delivers it."""

    message: Id
    """Id of the message."""
    number: Number
    """Human number of the case."""
    by: Id
    """Agent id."""
    channel: Channel
    """By which channel it goes out."""
    language: Language | None = None
    """Language of the case."""
    text: Personal
    """The answer."""
    first: bool
    """Whether it is the first public answer to the case."""
    template: Code | None = None
    """Answer template that was used."""


class NoteAdded(CustomerCaseFact, topic="intake.note-added.v1"):
    """An agent wrote something that the customer does not see: about them, so it goes when they are erased."""

    by: Id
    """Agent id."""
    text: Personal
    """The note."""


class StatusChanged(CaseFact, topic="intake.status-changed.v1", subject="by", summary="{before} -> {status}, by {by}"):
    """The status of a case changed without resolving or closing it."""

    status: Code
    """The company's own name of the status."""
    category: Category
    """What it means for clocks and reports."""
    before: Category
    """Category until now."""
    by: Id
    """Agent id, or 'customer' or 'rule'."""
    reason: Personal | None = None
    """Why, in the agent's words."""


class CaseResolved(
    CustomerCaseFact, topic="intake.case-resolved.v1", also=("customer:{customer}",), summary="{outcome}, by {by}"
):
    """An agent solved the case; with everything that a later report asks of it."""

    number: Number
    """Human number."""
    by: Id
    """Agent id."""
    channel: Channel
    """Channel of the case."""
    kind: Kind | None
    """Kind as classified."""
    topic: Code | None
    """Topic as classified."""
    language: Language | None
    """Language as classified."""
    opened_at: datetime
    """When the case was opened, UTC."""
    first_response_at: datetime | None
    """When it was first answered, UTC; None: never."""
    team: Code | None
    """Team of the owner."""
    agent: Id | None
    """Owner."""
    outcome: Outcome
    """How it ended."""
    cause: Code | None = None
    """Root cause from the company's list."""
    action: Code | None = None
    """What was done about the cause."""
    reopens: int = 0
    """How often it had been reopened."""
    recovery: Id | None = None
    """The recovery that this case carried out."""
    closes_at: datetime | None = None
    """When it is closed if nobody objects until then, UTC."""


class CaseConfirmed(CustomerCaseFact, topic="intake.case-confirmed.v1"):
    """The customer says that it is solved."""


class CaseClosed(
    CustomerCaseFact, topic="intake.case-closed.v1", also=("customer:{customer}",), summary="{how}, by {by}"
):
    """Nothing more will happen; a later reply within the follow-up window reopens."""

    how: Literal["confirmed", "quiet", "supervisor"]
    """Customer's confirmation, N quiet days, or a supervisor with a reason."""
    by: Id
    """Agent id, or 'customer' or 'rule'."""
    outcome: Outcome
    """How it ended."""
    reason: Annotated[Personal | None, Of("by")] = None
    """Why, in a supervisor's words."""


class CaseReopened(
    CustomerCaseFact,
    topic="intake.case-reopened.v1",
    also=("customer:{customer}",),
    summary="because of {cause}, by {by}",
):
    """Resolved or closed, and open again."""

    by: Id
    """Agent id, or 'customer' or 'rule'."""
    cause: Literal["customer-said-no", "reply", "agent", "recovery"]
    """What brought it back."""
    reopens: int
    """How often by now."""
    resolved_at: datetime | None
    """When it had been resolved, UTC."""


class ParticipantAdded(CaseFact, topic="intake.participant-added.v1", also=("contact:{contact}",)):
    """Somebody beside the customer takes part in a case: our mails to the customer go to them in copy."""

    contact: Id
    """The participant; who that is says customer-known."""
    how: Literal["copied"]
    """A mail of the customer went to them in copy."""


class CasesLinked(CaseFact, topic="intake.cases-linked.v1", also=("case:{other}",), summary="with {other}: {why}"):
    """Two cases belong together."""

    other: Id
    """The other case."""
    why: Literal["follow-up", "recovery", "foreign-sender", "participant", "by-hand"]
    """What links them."""
    contact: Id | None = None
    """Whose mails about the other case go on with this one: a sender who takes no part there, or only in copy."""
