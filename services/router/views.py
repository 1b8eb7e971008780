"""The tables of the router: who is free, what waits, who owns what; the board, and why everything came about.

``agents``, ``members``, ``waiting``, ``owned`` and ``alerts`` are resident: rules read them; they hold open things."""

from collections.abc import Iterator
from typing import Any

from contracts.intake import CaseOpened
from contracts.router import (
    AgentRegistered,
    AgentStatusChanged,
    CaseAssigned,
    CaseDequeued,
    CaseQueued,
    CaseUnassigned,
    CaseWeighed,
    QueueAlerted,
)
from shared.core.facts import DeadlineReached, PolicyPublished
from shared.core.message import Message
from shared.core.projection import Add, Drop, Index, Put, RowOp, Table, arm, disarm
from shared.core.views import Views

from .state import ENDED

TABLES = {
    "agents": Table(
        {
            "status": "text", "capacity": "bigint", "load": "bigint", "cases": "bigint", "idle_since": "timestamptz",
            "turn": "bigint", "teams": "json", "skills": "json", "languages": "json", "channels": "json",
            "manager": "text",
        },
        resident=True,
    ),
    "members": Table({"team": "text", "agent": "text"}, resident=True, indexes=("team",)),
    "waiting": Table(
        {
            "number": "text", "queue": "text", "priority": "text", "channel": "text", "since": "timestamptz",
            "weight": "bigint", "skills": "json", "language": "text", "sticky": "text", "excluded": "json",
            "overflow_at": "timestamptz",
        },
        resident=True, indexes=("queue",),
    ),
    "owned": Table(
        {"agent": "text", "queue": "text", "weight": "bigint", "category": "text", "priority": "text"},
        resident=True, indexes=("agent",),
    ),
    "alerts": Table({"again_at": "timestamptz"}, resident=True),
    "profiles": Table({"name": "personal", "mail": "personal", "active": "bool"}),
    "board": Table(
        {
            "number": "text", "queue": "text", "owner": "text", "priority": "text", "category": "text",
            "channel": "text", "since": "timestamptz", "assigned_at": "timestamptz",
        },
        indexes=("queue", "owner"),
    ),
    "cases": Table({"number": "text"}, indexes=("number",)),
    "queues": Table(
        {
            "waiting": "bigint", "queued": "bigint", "assigned": "bigint", "waited": "bigint", "alerts": "bigint",
            "alerted_at": "timestamptz",
        }
    ),
    "assignments": Table(
        {
            "case": "text", "row": "bigint", "at": "timestamptz", "what": "text", "queue": "text", "agent": "text",
            "by": "text", "why": "text", "reason": "personal", "how": "text", "strategy": "text", "policy": "bigint",
            "priority": "text",
            "waited": "bigint", "candidates": "json",
        },
        indexes=(Index(("case", "row")),),
    ),
}  # fmt: skip


def project(message: Message) -> Iterator[RowOp]:
    match message.event:
        case CaseOpened() as e:
            yield Put("cases", e.case, {"number": e.number})
        case CaseQueued() as e:
            yield from _queued(message, e)
        case CaseDequeued() as e:
            yield from (Drop("waiting", e.case), Drop("board", e.case), disarm(f"overflow:{e.case}"))
            yield Add("queues", e.queue, {"waiting": -1})
            yield _history(message, e.case, "dequeued", queue=e.queue, why=e.category)
        case CaseAssigned() as e:
            yield from _assigned(message, e)
        case CaseUnassigned() as e:
            yield Drop("owned", e.case)
            yield Put("board", e.case, {"owner": None, "assigned_at": None})
            yield Add("agents", e.agent, {"load": -e.weight, "cases": -1})
            why = f"{e.why}: {e.escalation}" if e.escalation else e.why
            yield _history(message, e.case, "unassigned", agent=e.agent, by=e.by, why=why, reason=e.reason)
        case CaseWeighed() as e:
            yield from _weighed(message, e)
        case QueueAlerted() as e:
            yield Put("alerts", e.queue, {"again_at": e.again_at})
            yield arm(message, f"alert:{e.queue}", e.stream, "alert", e.again_at)
            yield Add("queues", e.queue, {"alerts": 1})
            yield Put("queues", e.queue, {"alerted_at": message.occurred_at})
            yield _history(message, e.case, "alerted", queue=e.queue, agent=e.owner, why=e.why)
        case AgentRegistered() as e:
            yield from _registered(message, e)
        case AgentStatusChanged() as e:
            back = {"idle_since": message.heard_at, "turn": message.row} if e.status == "available" else {}
            yield Put("agents", e.agent, {"status": e.status, **back})
        case DeadlineReached(kind="alert") as e:
            yield Drop("alerts", e.of.removeprefix("queue:"))
        case PolicyPublished(name="routing") as e:
            # the kernel says it because of a command: the rules hear of it by a deadline that is due at once
            yield arm(message, "policy:routing", e.stream, "policy-changed", message.occurred_at)


def _queued(message: Message, e: CaseQueued) -> Iterator[RowOp]:
    columns = ("number", "queue", "priority", "channel", "since", "weight", "language", "sticky", "overflow_at")
    row = {c: getattr(e, c) for c in columns}
    yield Put("waiting", e.case, {**row, "skills": list(e.skills), "excluded": list(e.excluded)})
    yield Put("board", e.case, {
        "number": e.number, "queue": e.queue, "owner": None, "priority": e.priority, "category": e.category,
        "channel": e.channel, "since": e.since, "assigned_at": None,
    })  # fmt: skip
    yield arm(message, f"overflow:{e.case}", e.stream, "overflow", e.overflow_at)
    if e.waited_in:
        yield Add("queues", e.waited_in, {"waiting": -1})
    yield Add("queues", e.queue, {"waiting": 1, "queued": 0 if e.waited_in == e.queue else 1})
    yield _history(
        message, e.case, "queued", queue=e.queue, by=e.by, why=f"{e.rule}: {e.condition}", reason=e.reason,
        policy=e.policy, priority=e.priority,
    )  # fmt: skip


def _assigned(message: Message, e: CaseAssigned) -> Iterator[RowOp]:
    yield from (Drop("waiting", e.case), disarm(f"overflow:{e.case}"))
    yield Put("owned", e.case, {
        "agent": e.agent, "queue": e.queue, "weight": e.weight, "category": e.category, "priority": e.priority,
    })  # fmt: skip
    yield Put("board", e.case, {"owner": e.agent, "assigned_at": message.occurred_at, "category": e.category})
    yield Put("agents", e.agent, {"idle_since": message.heard_at, "turn": message.row})
    yield Add("agents", e.agent, {"load": e.weight, "cases": 1})
    if e.before is None:
        yield Add("queues", e.queue, {"waiting": -1, "assigned": 1, "waited": e.waited})
    yield _history(
        message, e.case, "assigned", queue=e.queue, agent=e.agent, by=e.by, why=e.why, reason=e.reason, how=e.how,
        strategy=e.strategy, policy=e.policy, priority=e.priority, waited=e.waited,
        candidates=[c.model_dump(mode="json") for c in e.candidates],
    )  # fmt: skip


def _weighed(message: Message, e: CaseWeighed) -> Iterator[RowOp]:
    ended = e.category in ENDED
    yield Add("agents", e.agent, {"load": e.weight - e.before, "cases": -1 if ended else 0})
    if ended:
        yield from (Drop("owned", e.case), Drop("board", e.case))
    else:
        yield Put("owned", e.case, {"weight": e.weight, "category": e.category, "priority": e.priority})
        yield Put("board", e.case, {"category": e.category, "priority": e.priority})
    why = f"{e.category}, {e.before} -> {e.weight} of the capacity"
    yield _history(message, e.case, "ended" if ended else "weighed", agent=e.agent, why=why, priority=e.priority)


def _registered(message: Message, e: AgentRegistered) -> Iterator[RowOp]:
    yield Put("profiles", e.agent, {"name": e.name, "mail": e.mail, "active": e.active})
    for team in e.left if e.active else (*e.left, *e.teams):
        yield Drop("members", f"{team}/{e.agent}")
    if not e.active:
        yield Drop("agents", e.agent)
        return
    for team in e.teams:
        yield Put("members", f"{team}/{e.agent}", {"team": team, "agent": e.agent})
    known: dict[str, Any] = {c: list(getattr(e, c)) for c in ("teams", "skills", "languages", "channels")}
    if e.first:
        known |= {"status": "offline", "load": 0, "cases": 0, "idle_since": message.heard_at, "turn": message.row}
    yield Put("agents", e.agent, {**known, "capacity": e.capacity, "manager": e.manager})


def _history(message: Message, case: str, what: str, **columns: Any) -> Put:
    row = dict.fromkeys(TABLES["assignments"].columns)
    return Put("assignments", f"{case}/{message.row:020d}", {
        **row, "case": case, "row": message.row, "at": message.occurred_at, "what": what, "candidates": [], **columns
    })  # fmt: skip


READS = (
    CaseOpened, CaseQueued, CaseDequeued, CaseAssigned, CaseUnassigned, CaseWeighed, QueueAlerted, AgentRegistered,
    AgentStatusChanged, DeadlineReached, PolicyPublished,
)  # fmt: skip
views = Views(TABLES, project, READS)
