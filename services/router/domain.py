"""The rules of the router: who hears what, and what is said because of it.

Queue, owner and load follow from what a case is (``work.follow``), so that a repeated fact changes nothing. Who owns a
case keeps it when a reclassification would have put it elsewhere: they know it, and a person can transfer it."""

from collections.abc import Iterator

from contracts.classifier import CaseClassified
from contracts.intake import CaseClosed, CaseReopened, CaseResolved, StatusChanged
from contracts.router import (
    AssignCase,
    ChangeAgentStatus,
    RegisterAgent,
    ReleaseCase,
    TakeCase,
    TransferCase,
)
from contracts.sla import CaseEscalated
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.world import Decider, World

from . import by_hand, escalations, staff
from .alerts import alert
from .assignment import crew, follow, settle, together
from .state import CaseState, CustomerState, evolve


def decide(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case CaseClassified() | StatusChanged() | CaseResolved() | CaseClosed() | CaseReopened() as e:
            yield from follow(world, message, e.case)
        case CaseEscalated() as e:
            yield from escalations.escalate(world, message, e)
        case DeadlineReached() as e:
            yield from _due(world, message, e)
        case TakeCase() as e:
            yield from by_hand.take(world, message, e)
        case AssignCase() as e:
            yield from by_hand.give(world, message, e)
        case ReleaseCase() as e:
            yield from by_hand.release(world, message, e)
        case TransferCase() as e:
            yield from by_hand.transfer(world, message, e)
        case RegisterAgent() as e:
            yield from staff.register(world, message, e)
        case ChangeAgentStatus() as e:
            yield from staff.change_status(world, message, e)


def _due(world: World, message: Message, event: DeadlineReached) -> Iterator[Event]:
    waiting = world.table("waiting")
    if event.kind == "overflow" and (row := waiting.get(event.of.removeprefix("case:"))):
        yield from settle(world, message, crew(world, row["queue"]))
        yield from alert(world, message, row["queue"])
    elif event.kind == "alert":
        yield from alert(world, message, event.of.removeprefix("queue:"))
    elif event.kind == "policy-changed":
        cases = [case for case, _ in waiting]
        together(world, (f"case:{case}" for case in cases))
        for case in cases:
            yield from follow(world, message, case)
        yield from settle(world, message, [agent for agent, _ in world.table("agents")])


decider = Decider({"case": CaseState(), "customer": CustomerState()}, evolve, decide)
