"""Who writes: contact points become known, belong to customers, allow or forbid messages, bounce and are forgotten."""

from collections.abc import Generator, Iterator

from contracts.common import ContactKind
from contracts.intake import (
    ChangeConsent,
    ConsentGiven,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    DuplicateSuspected,
    EraseCustomer,
    KeysDestroyed,
    MasterKeyRotated,
    RotationTried,
)
from contracts.notification import NoticeBounced
from contracts.outside import ConsentChanged, CustomerChanged
from shared.core.event import Event
from shared.core.message import Message, uuid7
from shared.core.personal import Personal
from shared.core.vocabulary import Channel, Language
from shared.core.world import Refused, World

from .policy import IntakePolicy, near
from .state import Account, Contact, Customer

REACHED_BY: dict[Channel, ContactKind] = {"email": "mail", "sms": "phone", "phone": "phone", "social": "handle"}
"""Which kind of contact point a channel can reach; others reach every kind."""
STATEMENT = (
    "The keys of every contact point named here are destroyed: names, addresses, messages, answers, notes and"
    " attachments are unreadable in every log, view and copy. Kept: keyed hashes of the contact points, instants,"
    " labels, counts and sums, from which no person can be read; and the reasons that agents gave for their own acts,"
    " under the agents' own keys."
)


def policy(world: World) -> IntakePolicy:
    document = world.policy("intake").document
    assert isinstance(document, IntakePolicy)
    return document


def know(
    world: World,
    message: Message,
    contact: str,
    kind: ContactKind | None,
    address: Personal | None,
    *,
    name: Personal | None = None,
    language: Language | None = None,
    tier: str | None = None,
    tags: tuple[str, ...] = (),
    external_id: str | None = None,
    surely: bool = False,
    seed: str = "",
) -> Generator[Event, None, str]:
    """The customer of a contact point; says customer-known when the point is new or something new is said about it.

    A name that comes with a message is taken when there was none; ``surely``: it comes from who knows it. A new contact
    point that comes with an ``external_id`` is that customer's. ``seed`` tells apart whom one message makes known; by
    itself it makes its sender known. Source: docs/intake.md, Who it is."""
    point: Contact = world[f"contact:{contact}"]
    account = _account(world, external_id)
    customer = point.customer or account or str(uuid7(message.occurred_at, f"{seed or message.id}|customer"))
    stream = f"customer:{customer}"
    known: Customer = world[stream] if point.customer or account else world.new(stream)
    news = (
        point.customer is None
        or (external_id is not None and account is None)
        or (name is not None and (surely or not point.named))
        or (language is not None and language != point.language)
        or (tier is not None and tier != known.tier)
        or not set(tags) <= set(known.tags)
    )
    if news:
        kinds = dict(known.contacts)
        yield CustomerKnown(
            customer=customer, contact=contact, kind=kinds.get(contact) or kind or "handle", tier=tier, tags=tags,
            address=address or Personal(), name=name if surely or not point.named else None,
            language=language or point.language, first=not known.known,
            external_id=external_id if account in (None, customer) else None,
        )  # fmt: skip
    if account not in (None, customer) and account not in known.duplicates:
        assert account is not None
        yield DuplicateSuspected(customer=account, other=customer, why="external-id")
    return customer


def _account(world: World, external_id: str | None) -> str | None:
    """Whose id in another system it is; nobody's after an erasure."""
    if external_id is None:
        return None
    account: Account = world[f"account:{external_id}"]
    return None if account.customer and world[f"customer:{account.customer}"].erased else account.customer


def hear_customer(world: World, message: Message, e: CustomerChanged) -> Iterator[Event]:
    yield from know(
        world, message, e.contact, e.contact_kind, e.address,
        name=e.name, language=e.language, tier=e.tier, tags=e.tags, external_id=e.external_id, surely=True,
    )  # fmt: skip


def hear_consent(world: World, message: Message, e: ConsentChanged) -> Iterator[Event]:
    customer = yield from know(world, message, e.contact, e.contact_kind, e.address)
    yield from _consent(world, customer, e.contact, e.channel, e.given, e.origin)


def change_consent(world: World, e: ChangeConsent) -> Iterator[Event]:
    """Refused for an unknown customer, a contact point of somebody else, or one that the channel cannot reach."""
    customer = existing(world, e.customer)
    kinds = dict(customer.contacts)
    if e.contact is not None and e.contact not in kinds:
        raise Refused("unknown-contact", "contact", "not a contact point of this customer", "leave it out for all", 404)
    kind = REACHED_BY.get(e.channel)
    reached = [c for c, k in customer.contacts if e.contact in (None, c) and kind in (None, k)]
    if not reached:
        raise Refused("no-contact", "channel", f"no contact point that {e.channel} reaches", "choose another channel")
    for contact in reached:
        yield from _consent(world, e.customer, contact, e.channel, e.given, e.origin)


def _consent(world: World, customer: str, contact: str, channel: Channel, given: bool, origin: str) -> Iterator[Event]:
    state: Customer = world[f"customer:{customer}"]
    if state.consents.get(f"{contact}/{channel}") is given:
        return
    said = ConsentGiven if given else ConsentWithdrawn
    yield said(customer=customer, contact=contact, channel=channel, origin=origin)


def hear_bounce(world: World, e: NoticeBounced) -> Iterator[Event]:
    yield from bounced(world, e.contact, e.case)


def bounced(world: World, contact: str, case: str | None, notice: str | None = None) -> Iterator[Event]:
    """What was sent to a customer's contact point came back; said once until the contact point writes, and once more
    for each further notice that a report names."""
    point: Contact = world[f"contact:{contact}"]
    told = point.bounced and (notice is None or notice in point.returned)
    if point.customer is not None and not told:
        yield ContactBounced(contact=contact, customer=point.customer, case=case, notice=notice)


def check_erasure(world: World, e: EraseCustomer) -> Iterator[Event]:
    """Nothing is said yet: the projection opens the effect ``erase``, and its result is heard as keys-destroyed."""
    check_regime(world, e.regime)
    existing(world, e.customer)
    return iter(())


def check_regime(world: World, regime: str) -> None:
    """Refused when the policy knows no such law or rule."""
    regimes = policy(world).regimes
    if regime not in regimes:
        remedy = near(regime, regimes) or f"use one of {', '.join(regimes)}"
        raise Refused("unknown-regime", "regime", f"the policy knows no regime {regime!r}", remedy, 422)


def certify(world: World, message: Message, e: KeysDestroyed) -> Iterator[Event]:
    """Forget each contact point that is still this customer's, then say what was destroyed; a repeat says nothing."""
    customer: Customer = world[f"customer:{e.customer}"]
    if customer.erased:
        return
    certificate = str(uuid7(message.occurred_at, f"{message.id}|certificate"))
    for contact in e.contacts:
        point: Contact = world[f"contact:{contact}"]
        if point.customer == e.customer:
            yield ContactForgotten(contact=contact, certificate=certificate)
    yield CustomerErased(
        customer=e.customer, contacts=e.contacts, destroyed_at=e.destroyed_at, certificate=certificate,
        rotation_outstanding=e.rotation_outstanding, rotated_at=e.rotated_at, regime=e.regime, statement=STATEMENT,
        keys=e.keys,
    )  # fmt: skip


def rotated(e: RotationTried) -> Iterator[Event]:
    if e.rotated_at is not None:
        yield MasterKeyRotated(rotated_at=e.rotated_at)


def existing(world: World, customer: str) -> Customer:
    """The customer's state; Refused 404 when unknown, 410 when erased."""
    state: Customer = world[f"customer:{customer}"]
    if not state.known:
        raise Refused("unknown-customer", "customer", "there is no such customer", "look the id up", 404)
    if state.erased:
        raise Refused("erased", "customer", "this customer was erased", "nothing is left to be done", 410)
    return state
