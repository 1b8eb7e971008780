"""What loyalty remembers of customers, contact points, cases, purchases and grants; accounts are in ``ledger``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from contracts.feedback import AnswerChanged, RecoveryClosed, SurveyAnswered
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
)
from contracts.loyalty import (
    GrantApproved,
    GrantRefused,
    GrantRequested,
    HandoverOffered,
    MemberEnrolled,
    PointsCancelled,
    PointsClawedBack,
    PointsEarned,
    PointsExpired,
    PointsLost,
    PointsSpent,
    PurchaseHeld,
    Share,
    SpendRefunded,
)
from contracts.outside import PurchaseMade, PurchaseReturned
from contracts.router import CaseAssigned
from contracts.sla import BreachRetracted, TargetBreached
from shared.core.event import Event, State
from shared.core.facts import DeadlineReached
from shared.core.message import Message

from . import ledger

S = TypeVar("S", bound=State)


class Customer(State):
    """A customer's contact points, and the account; after an erasure nothing leads to it."""

    member: str = ""
    contacts: tuple[str, ...] = ()


class Contact(State):
    """Whose contact point it is, and the purchases that wait for an enrolment."""

    customer: str = ""
    held: tuple[str, ...] = ()


class Case(State):
    """How a complaint stands: what the hand-over and the grant ask of it."""

    customer: str = ""
    contact: str = ""
    team: str | None = None
    resolved: bool = False
    closed: bool = False
    csat: int | None = None
    breaches: tuple[str, ...] = ()
    recovered: bool = False
    handed_over: bool = False
    grant: str = ""
    """The grant that is asked for or given."""


class Purchase(State):
    """A purchase as it was first told; a return may be heard before it (then ``made`` is False)."""

    made: bool = False
    amount: int = 0
    currency: str = ""
    bought_at: datetime = datetime.min.replace(tzinfo=UTC)
    labels: tuple[str, ...] = ()
    returns: Mapping[str, int] = {}

    @property
    def returned(self) -> int:
        return min(sum(self.returns.values()), self.amount)


class Credit(State):
    """One lot as it was earned, and how many of its points expired unused, and were taken back, forgiven, or counted as
    taken back because they had expired."""

    member: str
    lot: str
    amount: int
    period: str | None
    expired: int = 0
    reversed: int = 0
    written_off: int = 0
    """Of what was reversed, the part that had expired."""


class Source(State):
    """What one source earned, by rule: the reason why a second delivery earns nothing."""

    credits: Mapping[str, Credit] = {}


class Spend(State):
    member: str = ""
    amount: int = 0
    shares: tuple[Share, ...] = ()
    refunded: bool = False


class Grant(State):
    case: str = ""
    customer: str = ""
    amount: int = 0
    severity: str = ""
    by: str = ""
    open: bool = False


class Budget(State):
    """Points granted by one team in one month."""

    used: int = 0


STATES: Mapping[str, State] = {
    "member": ledger.Account(), "customer": Customer(), "contact": Contact(), "case": Case(), "purchase": Purchase(),
    "source": Source(), "spend": Spend(), "grant": Grant(), "budget": Budget(),
}  # fmt: skip


def evolve(state: State, message: Message) -> State:
    """The state of one stream after one more message of it."""
    match state:
        case ledger.Account():
            return ledger.evolve(state, message.event)
        case Customer():
            return _customer(state, message.event)
        case Contact():
            return _contact(state, message.event)
        case Case():
            return _case(state, message.event)
        case Purchase():
            return _purchase(state, message.event)
        case Source():
            return _source(state, message.event)
        case Spend():
            return _spend(state, message.event)
        case Grant():
            return _grant(state, message.event)
        case Budget():
            return Budget(used=state.used + message.event.amount) if isinstance(message.event, GrantApproved) else state
    return state


def _with(state: S, **update: Any) -> S:
    return state.model_copy(update=update)


def _customer(customer: Customer, event: Event) -> State:
    match event:
        case CustomerKnown() if event.contact not in customer.contacts:
            return Customer(member=customer.member, contacts=(*customer.contacts, event.contact))
        case MemberEnrolled():
            return Customer(member=event.member, contacts=customer.contacts)
        case CustomerErased():
            return Customer()
    return customer


def _contact(contact: Contact, event: Event) -> State:
    match event:
        case CustomerKnown():
            return Contact(customer=event.customer, held=contact.held)
        case PurchaseHeld():
            return Contact(customer=contact.customer, held=(*contact.held, event.purchase))
        case DeadlineReached(kind="hold"):
            held = tuple(p for p in contact.held if hold_key(p) != event.key)
            return Contact(customer=contact.customer, held=held)
        case ContactForgotten():
            return Contact()
    return contact


def hold_key(purchase: str) -> str:
    return f"hold/{purchase}"


def _case(case: Case, event: Event) -> State:
    match event:
        case CaseOpened():
            return _with(case, customer=event.customer, contact=event.contact)
        case CaseAssigned():
            return _with(case, team=event.team)
        case CaseResolved():
            team = event.team or case.team
            return _with(case, customer=event.customer, contact=event.contact, resolved=True, team=team)
        case CaseClosed():
            return _with(case, customer=event.customer, contact=event.contact, resolved=True, closed=True)
        case CaseReopened():
            return _with(case, resolved=False, closed=False, csat=None)
        case SurveyAnswered(kind="csat") | AnswerChanged(kind="csat"):
            return _with(case, customer=event.customer, contact=event.contact, csat=event.score)
        case RecoveryClosed():
            return _with(case, recovered=event.recovered is True)
        case TargetBreached() | BreachRetracted():
            clock = f"{event.metric}/{event.cycle}"
            others = tuple(b for b in case.breaches if b != clock)
            return _with(case, breaches=others if isinstance(event, BreachRetracted) else (*others, clock))
        case HandoverOffered():
            return _with(case, handed_over=True)
        case GrantRequested() | GrantApproved():
            return _with(case, grant=event.grant)
        case GrantRefused():
            return _with(case, grant="")
    return case


def _purchase(purchase: Purchase, event: Event) -> State:
    match event:
        case PurchaseMade() if not purchase.made:
            return _with(
                purchase, made=True, amount=event.amount, currency=event.currency, bought_at=event.bought_at,
                labels=event.labels,
            )  # fmt: skip
        case PurchaseReturned() if event.returned not in purchase.returns:
            return _with(purchase, returns={**purchase.returns, event.returned: event.amount})
    return purchase


def _source(source: Source, event: Event) -> State:
    match event:
        case PointsEarned():
            credit = Credit(member=event.member, lot=event.lot, amount=event.amount, period=event.period)
            return _of(source, event.rule, credit)
        case PointsCancelled() | PointsClawedBack():
            credit = source.credits[event.rule]
            forgiven, expired = (event.forgiven, event.expired) if isinstance(event, PointsClawedBack) else (0, 0)
            taken = credit.reversed + event.amount + forgiven + expired
            return _of(source, event.rule, _with(credit, reversed=taken, written_off=credit.written_off + expired))
        case PointsExpired(rule=str() as rule) | PointsLost(rule=rule) if rule in source.credits:
            credit = source.credits[rule]
            return _of(source, rule, _with(credit, expired=credit.expired + event.amount))
    return source


def _of(source: Source, rule: str, credit: Credit) -> Source:
    return Source(credits={**source.credits, rule: credit})


def _spend(spend: Spend, event: Event) -> State:
    match event:
        case PointsSpent():
            return Spend(member=event.member, amount=event.amount, shares=event.shares)
        case SpendRefunded():
            return _with(spend, refunded=True)
    return spend


def _grant(grant: Grant, event: Event) -> State:
    match event:
        case GrantRequested() | GrantApproved():
            asked = grant.by or event.by
            return Grant(
                case=event.case, customer=event.customer, amount=event.amount, severity=event.severity, by=asked,
                open=isinstance(event, GrantRequested),
            )  # fmt: skip
        case GrantRefused():
            return _with(grant, open=False)
    return grant
