"""What the router does about an escalation of sla: raise a priority, or move a case to somebody who can help."""

from collections.abc import Iterator

from contracts.sla import CaseEscalated
from shared.core.message import Message
from shared.core.world import World

from .alerts import tell
from .assignment import (
    Said,
    assign_by_hand,
    case_of,
    chosen,
    demand_of,
    enqueue_and_settle,
    follow,
    now_of,
    routing,
    settle,
    unassign,
    worker_of,
)
from .choosing import Demand
from .state import CaseState, escalation


def escalate(world: World, message: Message, event: CaseEscalated) -> Said:
    """A raised priority reorders; a case moves only to somebody who has room, or else its queue's owner is told.

    A waiting case is opened to the secondary team at once."""
    state, at = case_of(world, event.case), now_of(message)
    if event.action == "raise_priority":
        if state.owner or state.placed:
            yield from follow(world, message, event.case)
    elif event.action == "reassign" and state.placed and not state.ended:
        if state.owner is None:
            if state.placed.overflow_at > at:
                yield from enqueue_and_settle(world, message, event.case, overflow_at=at)
        elif escalation(event) not in state.escalations:
            yield from _reassign(world, message, event, state, state.owner)


def _reassign(world: World, message: Message, event: CaseEscalated, state: CaseState, owner: str) -> Said:
    demand = demand_of(world, event.case, excluded=(owner,), at=now_of(message))
    found = next(_somebody(world, message, event, demand, owner), None)
    if found is None:
        why = f"{event.level} of {event.metric} wants another owner, but nobody has room"
        yield from tell(world, message, demand.queue, demand.case, why)
        return
    agent, who = found
    yield unassign(world, event.case, "escalated", escalation=escalation(event))
    why = f"{event.level} of {event.metric}: {who}"
    yield assign_by_hand(world, message, event.case, agent, "escalated", why, before=owner)
    yield from settle(world, message, [owner])


def _somebody(
    world: World, message: Message, event: CaseEscalated, demand: Demand, owner: str
) -> Iterator[tuple[str, str]]:
    """(agent, who they are) of everybody who may take it, the wished target first, then by the policy."""
    doc = routing(world)
    wished = event.target if event.target in ("manager", "queue_owner") else "team"
    for target in dict.fromkeys((wished, *doc.reassign)):
        match target:
            case "manager":
                yield from ((agent, "manager") for agent in _managers(world, owner) if _has_room(world, agent, demand))
            case "queue_owner":
                chief = doc.queues[demand.queue].owner if demand.queue in doc.queues else None
                if chief and chief != owner and _has_room(world, chief, demand):
                    yield chief, "owner of the queue"
            case _ if demand.queue in doc.queues:
                if agent := chosen(world, demand, now_of(message)).agent:
                    yield agent, "another agent of the queue"


def _managers(world: World, agent: str) -> Iterator[str]:
    """The chain of superiors upwards."""
    seen, agents = {agent}, world.table("agents")
    row = agents.get(agent)
    while row and row["manager"] and row["manager"] not in seen:
        seen.add(row["manager"])
        yield row["manager"]
        row = agents.get(row["manager"])


def _has_room(world: World, agent: str, demand: Demand) -> bool:
    """An absent superior, or one whose hands are full, is skipped; skills and languages are not asked of a superior."""
    worker = worker_of(world, agent)
    return worker is not None and worker.free and worker.spare >= demand.weight
