"""What loyalty says to what it hears: a line per message; the rules are in ``members``, ``earning`` and ``grants``."""

from collections.abc import Iterable, Iterator

from contracts.feedback import AnswerChanged, RecoveryClosed, SurveyAnswered
from contracts.intake import CaseClosed, CaseResolved, CustomerKnown
from contracts.loyalty import ApproveGrant, EnrolMember, RefundSpend, RefuseGrant, RequestGrant, SpendPoints
from contracts.outside import PurchaseMade, PurchaseReturned
from contracts.sla import BreachRetracted
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.world import Decider, World

from . import earning, grants, members
from .state import STATES, evolve


def decide(world: World, message: Message) -> Iterable[Event]:
    """The events that loyalty says because of ``message``. Raises Refused for a command that is not carried out."""
    match event := message.event:
        case EnrolMember():
            yield from earning.enrol_by_command(world, message, event)
        case SpendPoints():
            yield from members.spend(world, message, event)
        case RefundSpend():
            yield from members.refund(world, message, event)
        case RequestGrant():
            yield from grants.request(world, message, event)
        case ApproveGrant():
            yield from grants.approve(world, message, event)
        case RefuseGrant():
            yield from grants.refuse(world, event)
        case CustomerKnown():
            yield from earning.known(world, message, event.customer, event.contact)
        case PurchaseMade():
            yield from earning.bought(world, message, event)
        case PurchaseReturned():
            yield from earning.returned(world, message, event)
        case CaseResolved():
            yield from earning.enrol_when(world, message, event.customer, event.contact, "resolved_case")
            yield from grants.ended_well(world, message, event.case)
        case CaseClosed(outcome="rejected"):
            yield from grants.proved_false(world, message, event.case)
        case SurveyAnswered():
            yield from earning.earn_on(world, message, "survey_answered", event.customer, event.survey, event.case)
            yield from grants.ended_well(world, message, event.case)
        case CaseClosed() | AnswerChanged() | RecoveryClosed() | BreachRetracted():
            yield from grants.ended_well(world, message, event.case)
        case DeadlineReached():
            yield from _due(world, event)


def _due(world: World, reached: DeadlineReached) -> Iterator[Event]:
    kind, _, name = reached.of.partition(":")
    if kind != "member":
        return
    yield from members.settle(world, name, reached.due)
    if reached.kind == "notice":
        yield from members.notify_expiry(world, name, reached.key.partition("/")[2], reached.due)
    elif reached.kind == "tier":
        yield from members.review(world, name)


decider = Decider(STATES, evolve, decide)
