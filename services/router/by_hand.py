"""What people do with cases: take, give, release, transfer. It may exceed a capacity, and counts.

Spec: router, Choosing 4 and 13."""

from contracts.router import AssignCase, ReleaseCase, TakeCase, TransferCase
from shared.core.message import Message, Role
from shared.core.world import Refused, World

from .assignment import Said, assign_by_hand, case_of, crew, enqueue_and_settle, routing, settle, unassign, worker_of
from .choosing import Worker
from .policy import unknown
from .state import CaseState


def take(world: World, message: Message, command: TakeCase) -> Said:
    state, worker = _open(world, command.case), _agent(world, command.by, "by")
    if state.owner == command.by:
        return
    if state.owner:
        text = f"belongs to {state.owner}"
        raise Refused("already-owned", "case", text, "ask a supervisor to assign it to you")
    queue = _queue(state)
    if queue not in routing(world).served_by(worker.teams):
        raise Refused("not-your-queue", "case", f"waits in {queue}", "take a case of a queue of your teams", 403)
    if worker.status == "offline":
        raise Refused("offline", "by", "who is offline owns no new case", "set your status to available or away first")
    yield assign_by_hand(world, message, command.case, command.by, "taken", "taken by the agent", by=command.by)
    yield from settle(world, message, crew(world, queue))


def give(world: World, message: Message, command: AssignCase) -> Said:
    state, _ = _open(world, command.case), _agent(world, command.agent, "agent")
    if state.owner == command.agent:
        return
    queue, before = _queue(state), state.owner
    if before:
        yield unassign(world, command.case, "reassigned", command.by, command.reason)
    yield assign_by_hand(
        world, message, command.case, command.agent, "by-hand", "given by hand", command.by, command.reason, before
    )
    yield from settle(world, message, [before] if before else crew(world, queue))


def release(world: World, message: Message, command: ReleaseCase) -> Said:
    state = _open(world, command.case)
    if state.owner is None:
        raise Refused("no-owner", "case", "nobody owns it", "nothing has to be released")
    _may(message, state, command.by)
    yield unassign(world, command.case, "released", command.by, command.reason)
    yield from enqueue_and_settle(world, message, command.case, excluded=(state.owner,))
    yield from settle(world, message, [state.owner])


def transfer(world: World, message: Message, command: TransferCase) -> Said:
    state, doc = _open(world, command.case), routing(world)
    if command.queue not in doc.queues:
        remedy = "name a queue of the routing policy; GET /v1/queues lists them"
        raise Refused("unknown-queue", "queue", unknown("queue", command.queue, doc.queues), remedy, 422)
    if state.owner:
        _may(message, state, command.by)
    elif state.placed and state.placed.queue == command.queue:
        return
    if state.owner:
        yield unassign(world, command.case, "requeued", command.by, command.reason)
    yield from enqueue_and_settle(
        world, message, command.case, queue=command.queue, by=command.by, reason=command.reason
    )
    if state.owner:
        yield from settle(world, message, [state.owner])


def _open(world: World, case: str) -> CaseState:
    state = case_of(world, case)
    if not state.known:
        raise Refused("unknown-case", "case", "no such case", "use the id of a case, not its number", 404)
    if state.ended:
        raise Refused("case-ended", "case", f"it is {state.category}", "reopen it first")
    return state


def _queue(state: CaseState) -> str:
    if state.placed is None:
        raise Refused("not-queued", "case", "it waits in no queue yet", "transfer it to a queue first")
    return state.placed.queue


def _agent(world: World, agent: str, field: str) -> Worker:
    worker = worker_of(world, agent)
    if worker is None:
        remedy = "register the agent with PUT /v1/agents/{agent}"
        raise Refused("unknown-agent", field, f"no agent {agent!r} works here", remedy, 404)
    return worker


def _may(message: Message, state: CaseState, by: str) -> None:
    """Only the owner, or somebody above agents, takes a case from its owner."""
    if message.actor.role == Role.agent and state.owner != by:
        raise Refused("not-yours", "case", f"belongs to {state.owner}", "ask its owner or a supervisor", 403)
