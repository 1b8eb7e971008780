"""Customers, their contact points and their consents."""

from typing import Literal

from shared.core.event import Code, Event, Id
from shared.core.personal import Personal
from shared.core.vocabulary import Channel, Language

from ..common import ContactKind


class CustomerKnown(
    Event,
    topic="intake.customer-known.v1",
    stream="customer:{customer}",
    also=("contact:{contact}", "account:{external_id}"),
    begins="first",
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
