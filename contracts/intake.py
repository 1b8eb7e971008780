"""What intake says: the life of a case, customers and their contact points."""

from datetime import datetime
from typing import Annotated, Literal

from shared.core.event import Code, Event, Id, Part
from shared.core.parts import Blob, Digest, Words
from shared.core.personal import Of, Open, Personal
from shared.core.vocabulary import Category, Channel, Kind, Language, Outcome

from .common import CaseFact, ContactKind, Count, CustomerCaseFact, FormField, TextPart

NO_FORM = "none"
"""What stands for the form of a case that came without one, such as a mail."""
Number = Annotated[str, Open("the human number of a case, V-2026-000123")]


class CaseOpened(
    CustomerCaseFact,
    topic="intake.case-opened.v1",
    also=("customer:{customer}", "contact:{contact}", "external:{external_id}", "recovery:{recovery}"),
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
    """Agent who opened it and wrote down the concern; that text answers nothing, his first reply does."""
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
    """An agent wrote something that the customer does not see: about him, so it goes when he is erased."""

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


class LoopSuspected(Event, topic="intake.loop-suspected.v1", stream="contact:{contact}"):
    """Too many mails of one sender in a short time: what follows is taken in, and nothing automatic answers it."""

    contact: Id
    """Sender."""
    count: int
    """Mails within the window."""
    window: int
    """Seconds."""


class CustomerKnown(
    Event,
    topic="intake.customer-known.v1",
    stream="customer:{customer}",
    also=("contact:{contact}", "account:{external_id}"),
):
    """A contact point belongs to a customer."""

    customer: Id
    """The customer."""
    contact: Id
    """Keyed hash of the address."""
    kind: ContactKind
    """What the address is."""
    address: Personal
    """The address."""
    name: Personal | None = None
    """Name where it was given."""
    language: Language | None = None
    """Preferred language."""
    first: bool
    """Whether this made the customer known for the first time."""
    tier: Code | None = None
    """Tier in another system."""
    tags: tuple[Code, ...] = ()
    """Tags."""
    external_id: Id | None = None
    """The customer's id in another system: contact points that come with it belong to this customer."""


class DuplicateSuspected(
    Event, topic="intake.duplicate-suspected.v1", stream="customer:{customer}", also=("customer:{other}",)
):
    """Two customers seem to be one; nothing is merged by itself."""

    customer: Id
    """Whom the id belongs to."""
    other: Id
    """Whose contact point came with that id too."""
    why: Literal["external-id"]
    """What speaks for it."""


class ConsentGiven(Event, topic="intake.consent-given.v1", stream="customer:{customer}", also=("contact:{contact}",)):
    """Commercial messages are allowed on this channel."""

    customer: Id
    """The customer."""
    contact: Id
    """The contact point."""
    channel: Channel
    """The channel."""
    origin: Code
    """Where it was said."""


class ConsentWithdrawn(
    Event, topic="intake.consent-withdrawn.v1", stream="customer:{customer}", also=("contact:{contact}",)
):
    """Commercial messages are forbidden on this channel."""

    customer: Id
    """The customer."""
    contact: Id
    """The contact point."""
    channel: Channel
    """The channel."""
    origin: Code
    """Where it was said."""


class CustomerErased(Event, topic="intake.customer-erased.v1", stream="customer:{customer}"):
    """The keys of all contact points of a customer are destroyed; every copy of the texts is unreadable."""

    customer: Id
    """The customer."""
    contacts: tuple[Id, ...]
    """The contact points whose keys were destroyed."""
    destroyed_at: datetime
    """When the keys were destroyed, UTC."""
    certificate: Id
    """Id of the certificate of destruction."""
    rotation_outstanding: bool
    """Whether the master key has still to be exchanged before backups hold nothing usable."""
    rotated_at: datetime | None = None
    """When it was exchanged, UTC: from then on no backup opens what was erased."""
    regime: Code
    """Law or rule: kvkk, gdpr."""
    statement: Words
    """What was destroyed and what was not."""
    keys: tuple[Id, ...] = ()
    """Ids of the destroyed keys: when one comes back with an older vault it is destroyed again."""


class ContactForgotten(Event, topic="intake.contact-forgotten.v1", stream="contact:{contact}"):
    """The contact point is forgotten: its next message is a new customer's."""

    contact: Id
    """The keyed hash that remains."""
    certificate: Id
    """Id of the certificate of destruction."""


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


class Reply(Event, topic="to.intake.reply.v1", stream="case:{case}"):
    """A command: answer in public."""

    case: Id
    """The case."""
    contact: Id
    """To whom: contact point of the case, whose key protects the text."""
    by: Id
    """Agent id."""
    text: Personal
    """The answer."""
    template: Code | None = None
    """Answer template that was used."""
    expected_version: Count | None = None
    """Version of the case that the answer was written against; a stale one is refused."""
    status: Code | None = None
    """Status afterwards, such as waiting_customer."""


class AddNote(Event, topic="to.intake.add-note.v1", stream="case:{case}"):
    """A command: write something that the customer does not see."""

    case: Id
    """The case."""
    contact: Id
    """The case's contact point: data subject of the note."""
    by: Id
    """Agent id."""
    text: Personal
    """The note."""


class ChangeStatus(Event, topic="to.intake.change-status.v1", stream="case:{case}", subject="by"):
    """A command: set the company's own status."""

    case: Id
    """The case."""
    status: Code
    """Name of the status in the policy."""
    by: Id
    """Agent id."""
    reason: Personal | None = None
    """Why."""


class Resolve(Event, topic="to.intake.resolve.v1", stream="case:{case}"):
    """A command: the case is solved."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""
    outcome: Outcome
    """How it ended."""
    cause: Code | None = None
    """Root cause from the company's list; a recovery must have one."""
    action: Code | None = None
    """What was done about it; a recovery must have one."""
    expected_version: Count | None = None
    """Version of the case that was looked at; a stale one is refused."""


class Confirm(Event, topic="to.intake.confirm.v1", stream="case:{case}"):
    """A command: the customer says whether the case is solved."""

    case: Id
    """The case."""
    contact: Id
    """Who says it."""
    solved: bool
    """Yes closes, no reopens."""
    text: Personal | None = None
    """In the customer's words."""


class Close(Event, topic="to.intake.close.v1", stream="case:{case}", subject="by"):
    """A command of a supervisor: close without waiting."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""
    reason: Personal
    """Why; required."""
    outcome: Outcome | None = None
    """How it ended; required for a case that was not resolved."""


class Reopen(Event, topic="to.intake.reopen.v1", stream="case:{case}"):
    """A command: a resolved or closed case is open again."""

    case: Id
    """The case."""
    by: Id
    """Agent id."""


class LinkCases(Event, topic="to.intake.link-cases.v1", stream="case:{case}", also=("case:{other}",)):
    """A command: two cases belong together."""

    case: Id
    """The case."""
    other: Id
    """The other case."""
    by: Id
    """Agent id."""


class ChangeConsent(Event, topic="to.intake.change-consent.v1", stream="customer:{customer}"):
    """A command: a customer allows or forbids commercial messages."""

    customer: Id
    """The customer."""
    contact: Id | None = None
    """One contact point; None: every one that the channel can reach."""
    channel: Channel
    """For which channel."""
    given: bool
    """True: allowed; False: withdrawn."""
    origin: Code
    """Where it was said: web, call, register."""
    by: Id | None = None
    """Agent who wrote it down."""


class EraseCustomer(Event, topic="to.intake.erase-customer.v1", stream="customer:{customer}"):
    """A command: destroy the keys of every contact point of a customer; heard again as keys-destroyed."""

    customer: Id
    """The customer."""
    regime: Code
    """Law or rule: kvkk, gdpr."""
    by: Id
    """Agent id."""


class KeysDestroyed(Event, topic="to.intake.keys-destroyed.v1", stream="customer:{customer}"):
    """The keys that an erase-customer asked for are destroyed."""

    customer: Id
    """The customer."""
    contacts: tuple[Id, ...]
    """The contact points whose keys were destroyed."""
    regime: Code
    """Law or rule that the erasure was asked under."""
    destroyed_at: datetime
    """When, UTC."""
    rotation_outstanding: bool
    """Whether the master key has still to be exchanged before backups hold nothing usable."""
    rotated_at: datetime | None = None
    """When it was exchanged, UTC."""
    keys: tuple[Id, ...] = ()
    """Ids of the destroyed keys."""


class RotateMasterKey(Event, topic="to.intake.rotate-master-key.v1", stream="vault:master"):
    """A command: exchange the master key, so that old copies of the vault open nothing that was erased."""

    by: Id
    """Who asks; 'nightly' or 'restored' for the service itself."""


class RotationTried(Event, topic="to.intake.rotation-tried.v1", stream="vault:master"):
    """What came of a rotate-master-key."""

    rotated_at: datetime | None
    """When it was exchanged, UTC; none when that failed."""
    problem: Annotated[str, Open("class of an exception, never its text")] = ""
    """Why it failed; '' when it did not."""
    attempt: Count
    """Number of the try, from 1."""


class MasterKeyRotated(Event, topic="intake.master-key-rotated.v1", stream="vault:master"):
    """Every key is wrapped by a new master key and the old one is gone: what was erased before is erased in every old
    copy too."""

    rotated_at: datetime
    """When, UTC."""
