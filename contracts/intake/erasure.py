"""Erasures: keys of customers that are destroyed, and the master key that is exchanged afterwards."""

from datetime import datetime
from typing import Annotated

from shared.core.event import Code, Event, Id
from shared.core.parts import Words
from shared.core.personal import Open

from ..common import Count


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
