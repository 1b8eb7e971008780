"""What loyalty shows: members, lots, every movement with its why, tier basis, grants and the programme's totals.

``totals`` has one row, ``programme``: earned = active + pending + spent + expired + clawed_back + cancelled - owed.
Whose account it is stands in ``customers`` and ``contacts`` alone, which an erasure empties."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.intake import CaseOpened, ContactForgotten, CustomerErased, CustomerKnown
from contracts.loyalty import (
    DebtFilled,
    GrantApproved,
    GrantRefused,
    GrantRequested,
    MemberEnrolled,
    PointsActivated,
    PointsCancelled,
    PointsClawedBack,
    PointsEarned,
    PointsExpired,
    PointsSpent,
    PurchaseHeld,
    Share,
    SpendRefunded,
    TierChanged,
    TierKept,
)
from contracts.outside import PurchaseMade
from shared.core.event import Event
from shared.core.message import Message
from shared.core.projection import Add, Drop, Index, Put, RowOp, Table, arm, disarm
from shared.core.views import Views

from .ledger import points
from .state import hold_key

TOTALS = ("active", "pending", "owed", "earned", "spent", "expired", "clawed_back", "cancelled")
TABLES = {
    "members": Table(
        {
            "programme": "text", "tier": "text", "enrolled_at": "timestamptz", "balance": "bigint", "pending": "bigint",
            "owed": "bigint", "lifetime": "bigint", "review_period": "text", "review_at": "timestamptz",
        }
    ),
    "customers": Table({"member": "text"}, indexes=("member",)),
    "contacts": Table({"customer": "text"}),
    "cases": Table({"number": "text"}, indexes=("number",)),
    "basis": Table({"member": "text", "period": "text", "points": "bigint"}, indexes=("member",)),
    "lots": Table(
        {
            "member": "text", "state": "text", "earned": "bigint", "left": "bigint", "rule": "text", "source": "text",
            "earned_at": "timestamptz", "activates_at": "timestamptz", "expires_at": "timestamptz",
        },
        indexes=("member",),
    ),
    "ledger": Table(
        {
            "member": "text", "row": "bigint", "at": "timestamptz", "movement": "text", "balance": "bigint",
            "pending": "bigint", "source": "text", "lots": "json", "why": "text",
        },
        indexes=(Index(("member", "row")),),
    ),
    "grants": Table(
        {
            "case": "text", "amount": "bigint", "severity": "text", "state": "text", "team": "text", "by": "text",
            "decided_by": "text", "why": "text", "at": "timestamptz", "reason": "personal",
        },
        indexes=("case", "state"),
    ),
    "purchases": Table({"contact": "text", "bought_at": "timestamptz"}),
    "totals": Table({"members": "bigint", **dict.fromkeys(TOTALS, "bigint")}),
}  # fmt: skip


@dataclass(frozen=True)
class Movement:
    """One row of the ledger: what it changed (names of TOTALS), by how much, in which lots, and why."""

    name: str
    member: str
    source: str
    why: str
    changes: Mapping[str, int]
    lots: Mapping[str, int]
    basis: tuple[str, int] | None = None


def project(message: Message) -> Iterator[RowOp]:
    match event := message.event:
        case CustomerKnown():
            yield Put("contacts", event.contact, {"customer": event.customer})
        case CustomerErased():
            yield Drop("customers", event.customer)
            yield from (Drop("contacts", contact) for contact in event.contacts)
        case CaseOpened():
            yield Put("cases", event.case, {"number": event.number})
        case ContactForgotten():
            yield Drop("contacts", event.contact)
        case PurchaseMade():
            yield Put("purchases", event.purchase, {"contact": event.contact, "bought_at": event.bought_at})
        case PurchaseHeld():
            yield arm(message, hold_key(event.purchase), event.stream, "hold", event.until)
        case MemberEnrolled():
            yield Put("customers", event.customer, {"member": event.member})
            row = {"programme": event.programme, "tier": event.tier, "enrolled_at": message.occurred_at}
            yield Put("members", event.member, row | dict.fromkeys(("balance", "pending", "owed", "lifetime"), 0))
            yield Add("totals", "programme", {"members": 1})
        case TierChanged() | TierKept():
            yield from _tier(message, event)
        case GrantRequested() | GrantApproved() | GrantRefused():
            yield from _grant(message, event)
    if moved := movement(event):
        yield from _moved(message, moved)
        yield from _lots(message)


def movement(event: Event) -> Movement | None:
    """The ledger's row of an event; None when no points move."""
    match event:
        case PointsEarned(amount=n):
            changes = {"earned": n, "pending": n}
            counted = (event.period, n) if event.period else None
            return Movement("earned", event.member, event.source, event.arithmetic, changes, {event.lot: n}, counted)
        case PointsActivated(amount=n):
            why = "the waiting time is over"
            return Movement("activated", event.member, event.lot, why, {"pending": -n, "active": n}, {event.lot: n})
        case PointsCancelled(amount=n):
            counted = (event.period, -n) if event.period else None
            why, changes = f"{event.of} came back while pending", {"pending": -n, "cancelled": n}
            return Movement("cancelled", event.member, event.source, why, changes, {event.lot: -n}, counted)
        case PointsSpent(amount=n):
            changes = {"active": -n, "spent": n}
            return Movement("spent", event.member, event.spend, event.what, changes, _parts(event.shares, -1))
        case SpendRefunded():
            back = points(event.shares)
            changes = {"active": back, "spent": -back - event.lost, "expired": event.lost}
            why = "the spend was undone" + (f"; {event.lost} points had expired" if event.lost else "")
            return Movement("refunded", event.member, event.spend, why, changes, _parts(event.shares))
        case PointsExpired(amount=n):
            why, changes = f"worthless from {event.expired_at:%Y-%m-%dT%H:%MZ}", {"active": -n, "expired": n}
            return Movement("expired", event.member, event.lot, why, changes, {event.lot: -n})
        case PointsClawedBack(amount=n):
            counted = (event.period, -n - event.forgiven - event.expired) if event.period else None
            changes = {"active": -points(event.shares), "owed": event.owed, "clawed_back": n}
            why = f"{event.of} came back" + (f"; {event.forgiven} points were left" if event.forgiven else "")
            why += f"; {event.expired} points had expired unused" if event.expired else ""
            lots = _parts(event.shares, -1)
            return Movement("clawed-back", event.member, event.source, why, changes, lots, counted)
        case DebtFilled(amount=n):
            why = f"filled what was owed; {event.owed} still are"
            changes = {"active": -n, "owed": -n}
            return Movement("debt-filled", event.member, event.member, why, changes, _parts(event.shares, -1))
    return None


def _parts(shares: tuple[Share, ...], sign: int = 1) -> dict[str, int]:
    return {share.lot: sign * share.amount for share in shares}


def _moved(message: Message, moved: Movement) -> Iterator[RowOp]:
    changes = {name: amount for name, amount in moved.changes.items() if amount}
    balance, pending = changes.get("active", 0) - changes.get("owed", 0), changes.get("pending", 0)
    row = {
        "member": moved.member, "row": message.row, "at": message.occurred_at, "movement": moved.name,
        "balance": balance, "pending": pending, "source": moved.source, "lots": moved.lots, "why": moved.why,
    }  # fmt: skip
    yield Put("ledger", str(message.id), row)
    account = {
        "balance": balance,
        "pending": pending,
        "owed": changes.get("owed", 0),
        "lifetime": changes.get("earned", 0),
    }
    yield Add("members", moved.member, account)
    yield Add("totals", "programme", changes)
    if moved.basis:
        period, counted = moved.basis
        yield Put("basis", f"{moved.member}/{period}", {"member": moved.member, "period": period})
        yield Add("basis", f"{moved.member}/{period}", {"points": counted})


def _lots(message: Message) -> Iterator[RowOp]:
    match event := message.event:
        case PointsEarned():
            row = {
                "member": event.member, "state": "pending", "earned": event.amount, "left": event.amount,
                "rule": event.rule, "source": event.source, "earned_at": event.earned_at,
                "activates_at": event.activates_at, "expires_at": event.expires_at,
            }  # fmt: skip
            yield Put("lots", event.lot, row)
            yield disarm(hold_key(event.source))
            yield arm(message, f"activate/{event.lot}", event.stream, "activate", event.activates_at)
            if event.expires_at:
                yield arm(message, f"expire/{event.lot}", event.stream, "expire", event.expires_at)
            if event.notice_at:
                yield arm(message, f"notice/{event.lot}", event.stream, "notice", event.notice_at)
        case PointsActivated():
            yield Put("lots", event.lot, {"state": "active"})
            yield disarm(f"activate/{event.lot}")
        case PointsExpired():
            yield Put("lots", event.lot, {"state": "expired"})
            yield Add("lots", event.lot, {"left": -event.amount})
            yield disarm(f"expire/{event.lot}")
        case PointsCancelled():
            yield Add("lots", event.lot, {"left": -event.amount})
        case PointsSpent() | PointsClawedBack() | DebtFilled():
            yield from (Add("lots", share.lot, {"left": -share.amount}) for share in event.shares)
        case SpendRefunded():
            for share in event.shares:
                yield Put("lots", share.lot, {"state": "active", "expires_at": share.expires_at})
                yield Add("lots", share.lot, {"left": share.amount})
                if share.expires_at:
                    yield arm(message, f"expire/{share.lot}", event.stream, "expire", share.expires_at)


def _tier(message: Message, event: TierChanged | TierKept) -> Iterator[RowOp]:
    row = {"tier": event.tier, "review_period": event.period, "review_at": event.review_at}
    yield Put("members", event.member, row)
    key = f"tier/{event.member}"
    yield arm(message, key, event.stream, "tier", event.review_at) if event.review_at else disarm(key)


def _grant(message: Message, event: GrantRequested | GrantApproved | GrantRefused) -> Iterator[RowOp]:
    row = {"case": event.case, "amount": event.amount, "severity": event.severity, "at": message.occurred_at}
    match event:
        case GrantRequested():
            yield Put("grants", event.grant, row | {"state": "requested", "by": event.by, "team": event.team})
        case GrantApproved():
            yield Put("grants", event.grant, row | {"state": "approved", "decided_by": event.by, "team": event.team})
        case GrantRefused():
            yield Put("grants", event.grant, row | {"state": "refused", "decided_by": event.by, "why": event.why})
    if not isinstance(event, GrantRefused) and event.reason is not None:
        yield Put("grants", event.grant, {"by": event.by, "reason": event.reason})


READS = (
    CustomerKnown, CustomerErased, CaseOpened, ContactForgotten, PurchaseMade, PurchaseHeld, MemberEnrolled,
    TierChanged, TierKept, GrantRequested, GrantApproved, GrantRefused, PointsEarned, PointsActivated,
    PointsCancelled, PointsSpent, SpendRefunded, PointsExpired, PointsClawedBack, DebtFilled,
)  # fmt: skip
views = Views(TABLES, project, READS)
