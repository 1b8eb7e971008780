"""What the outside may say: customers by form, app or phone, the company's shop and other systems by HTTP or NATS."""

from typing import Annotated

from pydantic import Field

from shared.core.event import Code, Event, Id
from shared.core.instants import Instant
from shared.core.parts import Blob
from shared.core.personal import Open, Personal
from shared.core.vocabulary import Channel, Kind, Language

from .common import CaseFact, ContactKind, FormField, Money


class CaseSubmitted(
    Event, topic="outside.case-submitted.v1", stream="contact:{contact}", also=("external:{external_id}",)
):
    """Somebody brings a complaint or another concern; intake makes a case of it."""

    contact: Id
    """Keyed hash of the normalised address, made at the edge."""
    contact_kind: ContactKind
    """What the address is."""
    address: Personal
    """Mail address, phone number in E.164, handle or customer number."""
    name: Personal | None = None
    """How the person wants to be called."""
    channel: Channel
    """Where it came in."""
    form: Code | None = None
    """Which category form was filled; none where the sender named none."""
    kind: Kind | None = None
    """What the sender says it is."""
    language: Language | None = None
    """The sender's language where known; otherwise the classifier finds it."""
    topic: Code | None = None
    """What the sender says it is about."""
    subject: Personal
    """One line."""
    text: Personal
    """The concern in the sender's words."""
    fields: tuple[FormField, ...] = ()
    """Filled form fields."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    organisation: Id | None = None
    """The firm on whose behalf, B2B."""
    external_id: Id | None = None
    """The case's id in the sender's system."""
    by: Id | None = None
    """Agent who opened it for the customer."""
    verified: bool = False
    """Whether the edge knows that the sender owns the address (token, signature); a public form does not."""


class MessageSubmitted(CaseFact, topic="outside.message-submitted.v1"):
    """The customer adds to a case."""

    contact: Id
    """Keyed hash of the sender's address."""
    channel: Channel
    """Where it came in."""
    text: Personal
    """The message."""
    attachments: tuple[Blob, ...] = ()
    """Files."""
    contact_kind: ContactKind | None = None
    """What the sender's address is; needed only where the sender may be new."""
    address: Personal | None = None
    """The sender's address; needed only where the sender may be new."""


class CustomerChanged(
    Event, topic="outside.customer-changed.v1", stream="contact:{contact}", also=("account:{external_id}",)
):
    """Another system knows something about a customer."""

    contact: Id
    """Keyed hash of the address."""
    contact_kind: ContactKind
    """What the address is."""
    address: Personal
    """The address."""
    external_id: Id | None = None
    """The customer's id there."""
    name: Personal | None = None
    """Full name."""
    language: Language | None = None
    """Preferred language."""
    tier: Code | None = None
    """Tier in the other system."""
    tags: tuple[Code, ...] = ()
    """Tags to be added."""


class ConsentChanged(Event, topic="outside.consent-changed.v1", stream="contact:{contact}"):
    """A person allowed or forbade commercial messages on a channel."""

    contact: Id
    """Keyed hash of the address."""
    channel: Channel
    """For which channel."""
    given: bool
    """True: allowed; False: withdrawn."""
    origin: Code
    """Where it was said: web, call, register."""
    contact_kind: ContactKind | None = None
    """What the address is; needed only where the person may be new."""
    address: Personal | None = None
    """The address; needed only where the person may be new."""


class PurchaseMade(Event, topic="outside.purchase-made.v1", stream="contact:{contact}", also=("purchase:{purchase}",)):
    """The shop sold something; loyalty gives points for it."""

    contact: Id
    """Keyed hash of the buyer's address."""
    purchase: Id
    """Order or receipt number: a second delivery changes nothing."""
    amount: Money
    """Total in minor units of the currency (kuruş, cent)."""
    currency: Annotated[str, Open("ISO 4217 code"), Field(pattern="^[A-Z]{3}$")]
    """ISO 4217."""
    bought_at: Instant
    """Instant of the purchase, UTC, from 1970 on and not ahead of us: its points and tiers are counted from it."""
    labels: tuple[Code, ...] = ()
    """Product groups."""


class PurchaseReturned(
    Event, topic="outside.purchase-returned.v1", stream="contact:{contact}", also=("purchase:{purchase}",)
):
    """Goods came back, all or in part."""

    contact: Id
    """Keyed hash of the buyer's address."""
    purchase: Id
    """The purchase."""
    returned: Id
    """Number of the return: a second delivery changes nothing."""
    amount: Annotated[Money, Field(ge=1)]
    """Value of what came back, in minor units."""
