"""The ledger of one account: lots of points and what moves them. Pure; every amount is a whole number of points.

Always: no lot is below 0; earned = active + pending + spent + expired + clawed back + cancelled - owed (spec: loyalty,
Invariants). Owed points and active points never meet: what becomes free fills the debt first."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from contracts.loyalty import (
    DebtFilled,
    MemberEnrolled,
    PointsActivated,
    PointsCancelled,
    PointsClawedBack,
    PointsEarned,
    PointsExpired,
    PointsSpent,
    Share,
    SpendRefunded,
    TierChanged,
    TierKept,
)
from shared.core.event import Event, State

PERIODS_KEPT = 3


class Lot(State):
    """What is left of one credit."""

    amount: int
    pending: bool
    earned_at: datetime
    activates_at: datetime
    expires_at: datetime | None
    source: str | None = None
    rule: str | None = None


class Account(State):
    """One member. ``basis`` maps a calendar year to the points that count towards tiers."""

    customer: str = ""
    tier: str = ""
    review_period: str = ""
    basis: Mapping[str, int] = {}
    lots: Mapping[str, Lot] = {}
    owed: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    clawed_back: int = 0
    cancelled: int = 0

    @property
    def active(self) -> int:
        return sum(lot.amount for lot in self.lots.values() if not lot.pending)

    @property
    def pending(self) -> int:
        return sum(lot.amount for lot in self.lots.values() if lot.pending)

    @property
    def balance(self) -> int:
        """What can be spent; negative while points are owed."""
        return self.active - self.owed


def take(account: Account, amount: int, first: str = "") -> tuple[Share, ...]:
    """Up to ``amount`` points of active lots: ``first``, then by expiry, age and id (spec: loyalty, Ledger of lots)."""
    shares: list[Share] = []
    for name, lot in sorted(account.lots.items(), key=lambda item: (item[0] != first, *_spending_order(*item))):
        if amount > 0 and not lot.pending:
            part = min(amount, lot.amount)
            shares.append(
                Share(
                    lot=name, amount=part, earned_at=lot.earned_at, expires_at=lot.expires_at, source=lot.source,
                    rule=lot.rule,
                )
            )  # fmt: skip
            amount -= part
    return tuple(shares)


def _spending_order(name: str, lot: Lot) -> tuple[bool, datetime, datetime, str]:
    return lot.expires_at is None, lot.expires_at or lot.earned_at, lot.earned_at, name


def points(shares: Iterable[Share]) -> int:
    return sum(share.amount for share in shares)


def give_back(
    account: Account, shares: Iterable[Share], at: datetime, grace_days: int
) -> tuple[tuple[Share, ...], tuple[Share, ...]]:
    """The shares of a spend as they return at ``at``, and those that are lost because their lot has expired."""
    back, lost = list[Share](), list[Share]()
    for share in shares:
        open_lot = account.lots.get(share.lot)
        expires_at = open_lot.expires_at if open_lot else share.expires_at
        if expires_at is not None and expires_at <= at:
            if not grace_days:
                lost.append(share)
                continue
            expires_at = at + timedelta(days=grace_days)
        back.append(share.model_copy(update={"expires_at": expires_at}))
    return tuple(back), tuple(lost)


def next_due(account: Account, member: str, at: datetime) -> Event | None:
    """What has to be said next so that the account is up to date at ``at``; None when it is."""
    if account.owed and (shares := take(account, account.owed)):
        filled = points(shares)
        return DebtFilled(member=member, amount=filled, shares=shares, owed=account.owed - filled)
    moments = ((lot.activates_at if lot.pending else lot.expires_at, name) for name, lot in account.lots.items())
    instant, name = min(((i, name) for i, name in moments if i is not None and i <= at), default=(at, ""))
    if not name:
        return None
    lot = account.lots[name]
    if lot.pending:
        return PointsActivated(member=member, lot=name, amount=lot.amount)
    return PointsExpired(
        member=member, lot=name, amount=lot.amount, expired_at=instant, source=lot.source, rule=lot.rule
    )


def evolve(account: Account, event: Event) -> Account:
    """The account after one more event of its stream."""
    match event:
        case MemberEnrolled():
            return account.model_copy(update={"customer": event.customer, "tier": event.tier})
        case PointsEarned():
            lot = Lot(
                amount=event.amount, pending=True, earned_at=event.earned_at, activates_at=event.activates_at,
                expires_at=event.expires_at, source=event.source, rule=event.rule,
            )  # fmt: skip
            return _moved(account, {event.lot: lot}, event.period, event.amount, earned=event.amount)
        case PointsActivated():
            lot = account.lots[event.lot].model_copy(update={"pending": False})
            return _moved(account, {event.lot: lot})
        case PointsCancelled():
            lots = _less(account, ((event.lot, event.amount),))
            return _moved(account, lots, event.period, -event.amount, cancelled=event.amount)
        case PointsSpent():
            return _moved(account, _without(account, event.shares), spent=event.amount)
        case SpendRefunded():
            returned = points(event.shares)
            lots = {share.lot: _more(account, share) for share in event.shares}
            return _moved(account, lots, spent=-returned - event.lost, expired=event.lost)
        case PointsExpired():
            return _moved(account, _less(account, ((event.lot, event.amount),)), expired=event.amount)
        case PointsClawedBack():
            lots, counted = _without(account, event.shares), -event.amount - event.forgiven - event.expired
            return _moved(account, lots, event.period, counted, clawed_back=event.amount, owed=event.owed)
        case DebtFilled():
            return _moved(account, _without(account, event.shares), owed=-event.amount)
        case TierChanged() | TierKept():
            return account.model_copy(update={"tier": event.tier, "review_period": event.period})
    return account


def _moved(
    account: Account, lots: Mapping[str, Lot], period: str | None = None, counted: int = 0, **counters: int
) -> Account:
    update: dict[str, object] = {name: getattr(account, name) + amount for name, amount in counters.items()}
    update["lots"] = {name: lot for name, lot in {**account.lots, **lots}.items() if lot.amount}
    if period:
        basis = {**account.basis, period: account.basis.get(period, 0) + counted}
        update["basis"] = {p: basis[p] for p in sorted(basis)[-PERIODS_KEPT:]}
    return account.model_copy(update=update)


def _without(account: Account, shares: Iterable[Share]) -> dict[str, Lot]:
    return _less(account, ((share.lot, share.amount) for share in shares))


def _less(account: Account, parts: Iterable[tuple[str, int]]) -> dict[str, Lot]:
    left = {name: (account.lots[name], amount) for name, amount in parts}
    if below := [name for name, (lot, amount) in left.items() if amount > lot.amount]:
        raise ValueError(f"lot {below[0]} would fall below 0")
    return {name: lot.model_copy(update={"amount": lot.amount - amount}) for name, (lot, amount) in left.items()}


def _more(account: Account, share: Share) -> Lot:
    held = account.lots.get(share.lot)
    return Lot(
        amount=share.amount + (held.amount if held else 0), pending=False, earned_at=share.earned_at,
        activates_at=share.earned_at, expires_at=share.expires_at, source=share.source, rule=share.rule,
    )  # fmt: skip
