"""Rules of an account: who a member is, keeping the ledger up to date, tiers, spending and its undoing."""

from collections.abc import Iterator
from datetime import datetime

from contracts.loyalty import (
    MemberEnrolled,
    PointsExpiring,
    PointsLost,
    PointsSpent,
    RefundSpend,
    SpendPoints,
    SpendRefunded,
    TierChanged,
    TierKept,
)
from shared.core.event import Event
from shared.core.message import Message, uuid7
from shared.core.world import Refused, World

from . import ledger
from .ledger import Account
from .policy import Programme
from .state import Customer, Spend


def programme(world: World) -> Programme:
    document: Programme = world.policy("programme").document
    return document


def account_of(world: World, member: str) -> Account:
    account: Account = world[f"member:{member}"]
    return account


def customer_of(world: World, customer: str) -> Customer:
    known: Customer = world[f"customer:{customer}"]
    return known


def enrolled(world: World, message: Message, customer: str, contact: str) -> MemberEnrolled:
    """A new account of ``customer``; its id says nothing about them."""
    document = programme(world)
    return MemberEnrolled(
        member=str(uuid7(message.occurred_at, f"member|{message.id}|{customer}")), customer=customer, contact=contact,
        programme=document.programme, tier=document.tiers[0].tier,
    )  # fmt: skip


def settle(world: World, member: str, at: datetime) -> Iterator[Event]:
    """Everything of the account that is due at ``at``: activations, expiries (exclusive), debts that free points fill.

    A rule that reads a balance calls it first, so that a deadline that is heard late changes no answer."""
    while event := ledger.next_due(account_of(world, member), member, at):
        yield event


def notify_expiry(world: World, member: str, lot_name: str, at: datetime) -> Iterator[Event]:
    """Tell a member, once per lot, what will expire; nothing for an empty lot or an erased customer."""
    account = account_of(world, member)
    lot = account.lots.get(lot_name)
    reachable = customer_of(world, account.customer).member == member
    if lot and not lot.pending and lot.expires_at and lot.expires_at > at and reachable:
        yield PointsExpiring(
            member=member, customer=account.customer, lot=lot_name, amount=lot.amount, expires_at=lot.expires_at
        )


def upgrade(world: World, member: str, period: str, at: datetime) -> Iterator[Event]:
    """The tier that the points of ``period`` reach, at the event that crosses the threshold (spec: loyalty, Tiers)."""
    document, account = programme(world), account_of(world, member)
    basis = account.basis.get(period, 0)
    rank = document.rank_for(basis)
    review_at = document.review_at(period)
    if rank > document.rank(account.tier) and at < review_at:
        tier = document.tiers[rank]
        yield TierChanged(
            member=member, customer=account.customer, tier=tier.tier, before=account.tier, basis=basis, period=period,
            review_at=review_at, why=f"{basis} points in {period} reach {tier.tier} (from {tier.from_})",
        )  # fmt: skip


def review(world: World, member: str) -> Iterator[Event]:
    """After a year and its grace: the tier is kept, or falls one step. Points of the year after keep it too."""
    document, account = programme(world), account_of(world, member)
    rank, year, following = document.rank(account.tier), account.review_period, f"{int(account.review_period) + 1:04}"
    if rank == 0:
        return
    basis, needed = account.basis.get(year, 0), document.tiers[rank].from_
    if max(basis, account.basis.get(following, 0)) >= needed:
        yield TierKept(
            member=member, customer=account.customer, tier=account.tier, basis=basis, period=following,
            review_at=document.review_at(following),
        )  # fmt: skip
        return
    yield TierChanged(
        member=member, customer=account.customer, tier=document.tiers[rank - 1].tier, before=account.tier, basis=basis,
        period=following, review_at=document.review_at(following) if rank > 1 else None,
        why=f"{basis} points in {year} do not keep {account.tier} (from {needed})",
    )  # fmt: skip


def spend(world: World, message: Message, asked: SpendPoints) -> Iterator[Event]:
    _must_exist(world, asked.member)
    yield from settle(world, asked.member, message.occurred_at)
    account = account_of(world, asked.member)
    if account.owed:
        raise Refused("points-owed", "amount", f"{account.owed} points are owed", "earn them first: they fill the debt")
    if account.balance < asked.amount:
        raise Refused(
            "too-few-points", "amount", f"{asked.amount} is above the balance of {account.balance}",
            f"spend at most {account.balance}; {account.pending} more are pending",
        )  # fmt: skip
    yield PointsSpent(
        member=asked.member, spend=str(uuid7(message.occurred_at, f"spend|{message.id}")), amount=asked.amount,
        shares=ledger.take(account, asked.amount), what=asked.what,
    )  # fmt: skip


def refund(world: World, message: Message, asked: RefundSpend) -> Iterator[Event]:
    spent: Spend = world[f"spend:{asked.spend}"]
    if spent.member != asked.member:
        raise Refused("unknown-spend", "spend", f"{asked.member} has no spend {asked.spend}", "see the ledger", 404)
    if spent.refunded:
        raise Refused("refunded-already", "spend", f"{asked.spend} is undone already", "nothing is left to do")
    yield from settle(world, asked.member, message.occurred_at)
    account, grace = account_of(world, asked.member), programme(world).refund_grace_days
    shares, lost = ledger.give_back(account, spent.shares, message.occurred_at, grace)
    yield SpendRefunded(member=asked.member, spend=asked.spend, shares=shares, lost=ledger.points(lost))
    for share in lost:
        if share.source and share.rule:
            yield PointsLost(
                member=asked.member, lot=share.lot, amount=share.amount, source=share.source, rule=share.rule
            )
    yield from settle(world, asked.member, message.occurred_at)


def _must_exist(world: World, member: str) -> None:
    if not account_of(world, member).customer:
        raise Refused("unknown-member", "member", f"there is no member {member}", "enrol with POST /v1/members", 404)
