"""Cases move: into a queue, to an owner, out again. Every mover yields facts over the world as it is by then."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from contracts.router import (
    Candidate,
    CaseAssigned,
    CaseDequeued,
    CaseQueued,
    CaseUnassigned,
    CaseWeighed,
)
from shared.core.event import Event
from shared.core.message import Message
from shared.core.personal import Personal
from shared.core.vocabulary import Language
from shared.core.world import NotLoaded, World

from .choosing import Choice, Demand, Worker, candidate, choose, holds, order, rejection
from .policy import Queue, RoutingPolicy, Strategy
from .state import WORKED_ON, CaseState, CustomerState, Placed

HAND = "by-hand"
Left = Literal["released", "requeued", "reassigned", "absent", "escalated", "left-team"]
Said = Iterator[Event]


def routing(world: World) -> RoutingPolicy:
    document: RoutingPolicy = world.policy("routing").document
    return document


def case_of(world: World, case: str) -> CaseState:
    state: CaseState = world[f"case:{case}"]
    return state


def together(world: World, streams: Iterable[str]) -> None:
    """Have all of these streams in memory, loaded in one round trip instead of one each."""
    missing: list[str] = []
    for stream in streams:
        try:
            world[stream]
        except NotLoaded as e:
            missing += e.streams
    if missing:
        raise NotLoaded(*missing)


def now_of(message: Message) -> datetime:
    """The instant of a decision: when it was taken, and never before what it is about."""
    return max(message.heard_at, message.occurred_at)


def worker_of(world: World, agent: str | None) -> Worker | None:
    row = world.table("agents").get(agent) if agent else None
    return Worker.of(agent, row) if agent and row else None


def members(world: World, teams: Iterable[str]) -> list[str]:
    """Agents of these teams, in order of their ids."""
    return sorted({row["agent"] for team in teams for _, row in world.table("members").where(team=team)})


def crew(world: World, *queues: str) -> list[str]:
    """Everybody who may ever take a case of these queues."""
    known = routing(world).queues
    return members(world, {team for name in queues if name in known for team in known[name].every_team})


# into a queue ----------------------------------------------------------------------------------------
def enqueue(
    world: World, message: Message, case: str, *, queue: str | None = None, by: str | None = None,
    reason: Personal | None = None, excluded: tuple[str, ...] = (), overflow_at: datetime | None = None,
) -> Said:  # fmt: skip
    """Place a case by hand (``queue``), where it was put by hand, or by the policy; nothing when it waits just so."""
    state, policy, doc = case_of(world, case), world.policy("routing"), routing(world)
    name, rule, condition = _queue(world, doc, state, queue)
    target, before, at = doc.queues[name], state.placed, now_of(message)
    labels = state.labels
    language = labels.language if labels and target.language and labels.language != "other" else None
    fresh = at + timedelta(seconds=target.t_overflow)
    row = world.table("waiting").get(case)
    stays = row is not None and row["queue"] == name
    said = CaseQueued(
        case=case, customer=state.customer, contact=state.contact, number=state.number, queue=name,
        before=before.queue if before and before.queue != name else None,
        waited_in=row["queue"] if row else None, rule=rule, condition=condition,
        policy=policy.version, priority=state.priority, skills=target.requires(labels.topic if labels else None),
        language=cast(Language | None, language), channel=state.channel,
        category=state.category, weight=doc.weights.of(state.priority, state.channel),
        since=before.since if before else message.occurred_at,
        overflow_at=overflow_at or (before.overflow_at if before and stays else fresh),
        sticky=before.sticky if before else state.last_owner,
        excluded=tuple(sorted({*(before.excluded if before else ()), *excluded})), by=by, reason=reason,
    )  # fmt: skip
    if not stays or Placed.of(said) != before:
        yield said


def _queue(world: World, doc: RoutingPolicy, state: CaseState, by_hand: str | None) -> tuple[str, str, str]:
    """(queue, rule, its conditions)."""
    if by_hand:
        return by_hand, HAND, "put here by hand"
    if state.pinned in doc.queues:
        return cast(str, state.pinned), HAND, "stays where it was put by hand"
    match = doc.routing.first(facts(world, state))
    return match.then, match.rule, match.condition


def facts(world: World, state: CaseState) -> dict[str, Any]:
    """What the routing policy may ask about a case."""
    customer: CustomerState = world[f"customer:{state.customer}"]
    return {
        **(state.labels.model_dump() if state.labels else {}), "priority": state.priority, "channel": state.channel,
        "tier": customer.tier, "organisation": state.organisation, "business": state.organisation is not None,
        "recovery": state.recovery,
    }  # fmt: skip


# to an owner -----------------------------------------------------------------------------------------
def settle(world: World, message: Message, agents: Iterable[str]) -> Said:
    """Give waiting cases to these agents as far as they have room: in the order of the queues, each by its own choice.

    Nobody else can have got room, so nobody else is asked for; but every member of a case's queue is looked at. A case
    that has waited too long and lacks only room holds its agents; once it is assigned, the others are let go."""
    doc, at = routing(world), now_of(message)
    free = {w.agent: w for w in (worker_of(world, agent) for agent in agents) if w and w.free}
    queues = doc.served_by(team for worker in free.values() for team in worker.teams)
    waiting = world.table("waiting")
    in_order = [item for name in sorted(queues) for item in waiting.where(queue=name)]
    in_order.sort(key=lambda item: order(item[0], item[1], doc.ageing))
    together(world, (f"case:{case}" for case, _ in in_order[: sum(worker.spare for worker in free.values())]))
    held: frozenset[str] = frozenset()
    let_go: set[str] = set()
    for case, row in in_order:
        if not free:
            break
        demand = Demand.of(case, row)
        queue = doc.queues[demand.queue]
        asked = [w for w in free.values() if not w.teams.isdisjoint(queue.teams(demand.overflows(at)))]
        if any(rejection(demand, worker, held) is None for worker in asked):
            choice = chosen(world, demand, at, held)
            assert choice.agent is not None
            yield assign(world, message, demand.case, choice.agent, choice, queue.strategy)
            _refresh(world, free, choice.agent)
            if demand.waited(at) >= doc.hold_after:
                let_go.add(demand.queue)
        elif demand.waited(at) >= doc.hold_after:
            held |= {w.agent for w in asked if holds(demand, w)}
            free = {agent: worker for agent, worker in free.items() if agent not in held}
    if let_go:
        yield from settle(world, message, crew(world, *let_go))


def _refresh(world: World, free: dict[str, Worker], agent: str) -> None:
    worker = worker_of(world, agent)
    if worker and worker.free and agent in free:
        free[agent] = worker
    else:
        free.pop(agent, None)


def chosen(world: World, demand: Demand, at: datetime, held: frozenset[str] = frozenset()) -> Choice:
    queue: Queue = routing(world).queues[demand.queue]
    pools = [
        [w for w in (worker_of(world, agent) for agent in members(world, (team,))) if w]
        for team in queue.teams(demand.overflows(at))
    ]
    return choose(demand, pools, queue.strategy, held)


def assign(
    world: World, message: Message, case: str, agent: str, choice: Choice, strategy: Strategy | None = None
) -> CaseAssigned:
    """The fact that ``choice`` gave the case to ``agent`` by itself."""
    return _assigned(world, message, case, agent, choice.how, choice.why, choice.candidates, strategy)


def assign_by_hand(
    world: World, message: Message, case: str, agent: str, how: Literal["taken", "by-hand", "escalated"], why: str,
    by: str | None = None, reason: Personal | None = None, before: str | None = None,
) -> CaseAssigned:  # fmt: skip
    """The fact that somebody, or an escalation, gave the case to ``agent``."""
    worker, placed = worker_of(world, agent), case_of(world, case).placed
    looked_at = (candidate(worker, frozenset(placed.skills if placed else ())),) if worker else ()
    return _assigned(world, message, case, agent, how, why, looked_at, None, by, reason, before)


def _assigned(
    world: World, message: Message, case: str, agent: str, how: Any, why: str, candidates: tuple[Candidate, ...],
    strategy: Strategy | None, by: str | None = None, reason: Personal | None = None, before: str | None = None,
) -> CaseAssigned:  # fmt: skip
    state, doc, worker = case_of(world, case), routing(world), worker_of(world, agent)
    assert state.placed is not None
    queue, at = doc.queues.get(state.placed.queue), now_of(message)
    team = next((t for t in queue.every_team if worker and t in worker.teams), None) if queue else None
    return CaseAssigned(
        case=case, customer=state.customer, contact=state.contact, number=state.number, queue=state.placed.queue,
        team=team, agent=agent, before=before, how=how, strategy=strategy, policy=world.policy("routing").version,
        why=why, candidates=candidates, by=by, reason=reason, priority=state.priority, weight=load_of(doc, state),
        category=state.category, waited=max(int((at - state.placed.since).total_seconds()), 0),
    )  # fmt: skip


def load_of(doc: RoutingPolicy, state: CaseState) -> int:
    """Weight units that a case takes of its owner's capacity as it is now."""
    return doc.weights.of(state.priority, state.channel) if state.category in WORKED_ON else 0


def demand_of(world: World, case: str, excluded: tuple[str, ...], at: datetime) -> Demand:
    """What an owned case would ask for if it waited and overflowed now."""
    state, doc = case_of(world, case), routing(world)
    placed = state.placed
    assert placed is not None
    return Demand(
        case, placed.queue, state.priority, state.channel, placed.since, doc.weights.of(state.priority, state.channel),
        frozenset(placed.skills), placed.language, None, frozenset(excluded), at,
    )  # fmt: skip


# out again -------------------------------------------------------------------------------------------
def unassign(
    world: World, case: str, why: Left, by: str | None = None, reason: Personal | None = None,
    escalation: str | None = None,
) -> CaseUnassigned:  # fmt: skip
    """The fact that a case lost its owner."""
    state, row = case_of(world, case), world.table("owned").get(case)
    assert state.owner is not None
    return CaseUnassigned(
        case=case, customer=state.customer, contact=state.contact, agent=state.owner, why=why, by=by, reason=reason,
        weight=row["weight"] if row else 0, escalation=escalation,
    )  # fmt: skip


def hand_over(world: World, message: Message, cases: Iterable[str], why: Left) -> Said:
    """Put owned cases back into their queues; who has room is asked for by the caller."""
    cases = list(cases)
    together(world, (f"case:{case}" for case in cases))
    together(world, (f"customer:{case_of(world, case).customer}" for case in cases))
    for case in cases:
        yield unassign(world, case, why)
        yield from enqueue(world, message, case)


def follow(world: World, message: Message, case: str) -> Said:
    """Bring queue, owner and load into line with what the case has become. Says nothing when they are."""
    state = case_of(world, case)
    if state.owner:
        yield from _follow_owned(world, message, case, state, state.owner)
    elif state.ended or state.junk:
        if state.placed:
            yield CaseDequeued(case=case, queue=state.placed.queue, category=state.category if state.ended else "spam")
            yield from settle(world, message, crew(world, state.placed.queue))
    elif state.labels or state.pinned:
        yield from _give_to_writer(world, message, case, state)
        if not case_of(world, case).owner:
            yield from enqueue_and_settle(world, message, case)


def _give_to_writer(world: World, message: Message, case: str, state: CaseState) -> Said:
    """Who wrote a case down has the customer on the line: it is theirs when it is placed for the first time."""
    worker = worker_of(world, state.writer)
    if state.placed is None and state.last_owner is None and worker and worker.status != "offline":
        if not routing(world).writer_owns:
            return
        yield from enqueue(world, message, case)
        yield assign_by_hand(world, message, case, worker.agent, "taken", "written down by the agent", by=worker.agent)


def enqueue_and_settle(world: World, message: Message, case: str, **how: Any) -> Said:
    """Place a case and give it to somebody if anybody has room."""
    waiting = world.table("waiting")
    before = waiting.get(case)
    yield from enqueue(world, message, case, **how)
    after = waiting.get(case)
    if after and after != before:
        yield from settle(world, message, crew(world, *{row["queue"] for row in (before, after) if row}))


def _follow_owned(world: World, message: Message, case: str, state: CaseState, owner: str) -> Said:
    doc, row, worker = routing(world), world.table("owned").get(case), worker_of(world, owner)
    assert row is not None
    before, weight = row["weight"], load_of(doc, state)
    if (weight, state.category, state.priority) != (before, row["category"], row["priority"]):
        yield CaseWeighed(
            case=case, agent=owner, weight=weight, before=before, category=state.category, priority=state.priority
        )
    if weight < before:
        yield from settle(world, message, [owner])
    elif weight and not before and doc.absence == "requeue" and worker and worker.status == "offline":
        yield unassign(world, case, "absent")
        yield from enqueue_and_settle(world, message, case)
