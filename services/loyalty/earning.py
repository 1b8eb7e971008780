"""Rules of earning and taking back: credits once per rule and source, purchases of members and of others, returns.

A purchase of somebody who is not a member: by policy ``unknown_purchase`` it waits ``hold_days`` for the enrolment,
or earns nothing. A purchase in another currency than the programme's earns nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.loyalty import EnrolMember, PointsCancelled, PointsClawedBack, PointsEarned, PurchaseHeld
from contracts.outside import PurchaseMade, PurchaseReturned
from shared.core.event import Event
from shared.core.instants import AHEAD
from shared.core.message import Message, uuid7
from shared.core.world import Refused, World

from . import ledger
from .currencies import shown
from .members import account_of, customer_of, enrolled, programme, settle, upgrade
from .policy import EarningRule, Enrolling, Occasion
from .state import Contact, Credit, Purchase, Source


def enrol_by_command(world: World, message: Message, asked: EnrolMember) -> Iterator[Event]:
    contact = _contact(world, asked.contact)
    if not contact.customer:
        raise Refused(
            "unknown-contact", "contact", "no customer is known by this contact point",
            "open a case or send the customer's data first, then enrol", 404,
        )  # fmt: skip
    if member := customer_of(world, contact.customer).member:
        raise Refused("member-already", "contact", f"already in, as member {member}", f"use member {member}")
    yield from enrol(world, message, contact.customer, asked.contact)


def enrol_when(world: World, message: Message, customer: str, contact: str, occasion: Enrolling) -> Iterator[Event]:
    """Enrol a customer who is not in yet, where the policy says so for this occasion."""
    if occasion in programme(world).auto_enrol and not customer_of(world, customer).member:
        yield from enrol(world, message, customer, contact)


def enrol(world: World, message: Message, customer: str, contact: str) -> Iterator[Event]:
    joined = enrolled(world, message, customer, contact)
    yield joined
    for point in sorted({contact, *customer_of(world, customer).contacts}):
        yield from release(world, message, point, joined.member)


def release(world: World, message: Message, contact: str, member: str) -> Iterator[Event]:
    """Credit the purchases of a contact point that waited for the enrolment."""
    for purchase in _contact(world, contact).held:
        yield from _credit_purchase(world, message, member, purchase)


def known(world: World, message: Message, customer: str, contact: str) -> Iterator[Event]:
    """A contact point has a customer now: what waited there is credited, or makes them a member."""
    member = customer_of(world, customer).member
    if member:
        yield from release(world, message, contact, member)
    elif _contact(world, contact).held:
        yield from enrol_when(world, message, customer, contact, "purchase")


def refuse_ahead(made: PurchaseMade, now: datetime) -> None:
    """Raises Refused for a purchase that lies ahead: its points would count in a year that nobody knows yet."""
    if made.bought_at > now + AHEAD:
        raise Refused(
            "in-the-future", "bought_at", f"{made.bought_at:%Y-%m-%dT%H:%M:%SZ} lies ahead", "check the shop's clock",
            422,
        )  # fmt: skip


def bought(world: World, message: Message, made: PurchaseMade) -> Iterator[Event]:
    if message.command:
        refuse_ahead(made, message.heard_at)
    contact, document = _contact(world, made.contact), programme(world)
    if contact.customer:
        yield from enrol_when(world, message, contact.customer, made.contact, "purchase")
    member = customer_of(world, contact.customer).member if contact.customer else ""
    if member:
        yield from _credit_purchase(world, message, member, made.purchase)
    elif document.unknown_purchase == "hold" and made.purchase not in contact.held:
        until = message.occurred_at + timedelta(days=document.hold_days)
        yield PurchaseHeld(contact=made.contact, purchase=made.purchase, until=until)


def returned(world: World, message: Message, back: PurchaseReturned) -> Iterator[Event]:
    yield from _reverse_purchase(world, message, back.purchase, back.returned)


def _credit_purchase(world: World, message: Message, member: str, name: str) -> Iterator[Event]:
    purchase, document = _purchase(world, name), programme(world)
    if purchase.currency != document.currency:
        return
    for rule in document.rules_on("purchase"):
        if not rule.labels or set(rule.labels) & set(purchase.labels):
            yield from _by_rule(world, message, member, rule, name, purchase.bought_at, amount=purchase.amount)
    if purchase.returns:
        yield from _reverse_purchase(world, message, name, max(purchase.returns))


def earn_on(
    world: World, message: Message, occasion: Occasion, customer: str, source: str, case: str
) -> Iterator[Event]:
    """Credit what the rules give for an occasion, when the customer is a member."""
    if member := customer_of(world, customer).member:
        for rule in programme(world).rules_on(occasion):
            yield from _by_rule(world, message, member, rule, source, message.occurred_at, case=case)


def _by_rule(
    world: World, message: Message, member: str, rule: EarningRule, source: str, earned_at: datetime,
    *, amount: int = 1, case: str | None = None,
) -> Iterator[Event]:  # fmt: skip
    tier = account_of(world, member).tier
    points = rule.points_for(amount, tier)
    percent = rule.percent.get(tier, 100)
    words = f"{points} points"
    if rule.per:
        currency = programme(world).currency
        words = f"{shown(amount, currency)} {currency} x {rule.points} per {shown(rule.per, currency)}"
        words += f" x {percent} % ({tier})" if percent != 100 else ""
        words += f" = {points}"
    yield from credit(
        world, message, member, rule.name, source, points, earned_at, words,
        pending_days=rule.pending_days, counts=rule.counts, case=case,
    )  # fmt: skip


def credit(
    world: World, message: Message, member: str, rule: str, source: str, points: int, earned_at: datetime, words: str,
    *, pending_days: int = 0, counts: bool = False, case: str | None = None,
) -> Iterator[Event]:  # fmt: skip
    """One lot, once per (rule, source); then all that it makes due: activation, debts, a higher tier."""
    if points <= 0 or rule in _source(world, source).credits:
        return
    document = programme(world)
    activates_at = earned_at + timedelta(days=pending_days)
    expires_at = document.expires_at(activates_at)
    notice_at = None
    if expires_at and document.notice_days:
        notice_at = max(expires_at - timedelta(days=document.notice_days), activates_at)
    period = document.period(earned_at) if counts else None
    lot = str(uuid7(earned_at, f"lot|{member}|{rule}|{source}"))
    yield PointsEarned(
        member=member, lot=lot, amount=points, rule=rule, source=source,
        earned_at=earned_at, activates_at=activates_at, expires_at=expires_at, notice_at=notice_at, period=period,
        arithmetic=words, policy=world.policy("programme").version, case=case,
    )  # fmt: skip
    yield from settle(world, member, message.occurred_at)
    if period:
        yield from upgrade(world, member, period, message.occurred_at)


def _reverse_purchase(world: World, message: Message, name: str, by: str) -> Iterator[Event]:
    """Take back in proportion to all that came back: rounding is cumulative, a full return is a full claw-back."""
    purchase = _purchase(world, name)
    if not purchase.amount:  # nothing was bought under this name: what it earned was for something else
        return
    for rule, earned in sorted(_source(world, name).credits.items()):
        yield from reverse(world, message, name, rule, earned.amount * purchase.returned // purchase.amount, by)


def reverse(world: World, message: Message, of: str, rule: str, total: int, by: str) -> Iterator[Event]:
    """Take a credit back until ``total`` of its points are: from the pending lot, or by the policy ``clawback`` from
    what is free. What expired unused is gone already and counts as taken back: no other points pay for it."""
    if total <= _source(world, of).credits[rule].reversed:
        return
    yield from settle(world, _source(world, of).credits[rule].member, message.occurred_at)
    earned: Credit = _source(world, of).credits[rule]
    points = total - earned.reversed
    account, mode = account_of(world, earned.member), programme(world).clawback
    lot = account.lots.get(earned.lot)
    if lot and lot.pending:
        yield PointsCancelled(
            member=earned.member, lot=earned.lot, amount=points, source=by, of=of, rule=rule, period=earned.period
        )
        return
    expired = min(points, earned.expired - earned.written_off)
    shares = () if mode == "only_pending" else ledger.take(account, points - expired, first=earned.lot)
    missing = points - expired - ledger.points(shares)
    owed = missing if mode == "unlimited" else 0
    yield PointsClawedBack(
        member=earned.member, source=by, of=of, rule=rule, period=earned.period, amount=ledger.points(shares) + owed,
        shares=shares, owed=owed, forgiven=missing - owed, expired=expired,
    )  # fmt: skip


def _contact(world: World, contact: str) -> Contact:
    point: Contact = world[f"contact:{contact}"]
    return point


def _purchase(world: World, name: str) -> Purchase:
    purchase: Purchase = world[f"purchase:{name}"]
    return purchase


def _source(world: World, name: str) -> Source:
    source: Source = world[f"source:{name}"]
    return source
