"""The router over HTTP: agents and their status, queues, and what people do with cases by hand."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StrictBool

from contracts.router import (
    AgentStatus,
    AssignCase,
    ChangeAgentStatus,
    RegisterAgent,
    ReleaseCase,
    TakeCase,
    TransferCase,
)
from shared.core.event import Code, Id
from shared.core.message import Role
from shared.core.personal import Personal
from shared.core.vocabulary import Channel, Language
from shared.core.world import Refused
from shared.edge.bodies import WHOLE
from shared.edge.http import Api, Call, roles
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, Place

from .policy import RoutingPolicy, unknown

api = Api()
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
STAFF = roles("agent", "supervisor")


class Agent(BaseModel):
    """What a supervisor says of an agent."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    mail: Annotated[str, Field(min_length=3, max_length=320)]
    teams: tuple[Code, ...] = ()
    skills: tuple[Code, ...] = ()
    languages: tuple[Language, ...] = ()
    channels: tuple[Channel, ...] = ()
    capacity: Annotated[int, Field(ge=0, le=1000), WHOLE]
    manager: Id | None = None
    active: StrictBool = True


class Status(BaseModel):
    status: AgentStatus


class Because(BaseModel):
    reason: Reason


class Given(Because):
    agent: Id


class Forwarded(Because):
    queue: Code


class Placement(BaseModel):
    """Where a case is now."""

    case: str
    number: str
    queue: str
    owner: str | None
    priority: str
    category: str
    channel: str
    since: datetime
    assigned_at: datetime | None


@api.put("/v1/agents/{agent}", access=roles("supervisor"))
async def put_agent(agent: Id, body: Agent, call: Call) -> dict[str, Any]:
    """Register an agent or change what is known of them; they start offline."""
    content = body.model_dump(exclude={"name", "mail"})
    await call.send(RegisterAgent(agent=agent, name=Personal(body.name), mail=Personal(body.mail), **content))
    return {"agent": agent, **content}


@api.get("/v1/agents", access=STAFF, responses=LINKED)
async def get_agents(call: Call, page: Paged, after: After = None, limit: Limit = USUAL) -> list[dict[str, Any]]:
    """Everybody who works here, with load and capacity in weight units."""
    rows = await call.rows(
        "select a.key as agent, p.name, a.status, a.capacity, a.load, a.cases, a.capacity - a.load as spare,"
        " a.idle_since, a.teams, a.skills, a.languages, a.channels, a.manager"
        " from {views}.agents a left join {views}.profiles p using (key)"
        " where a.key > %s order by a.key limit %s", after or "", limit + 1,
    )  # fmt: skip
    return page.of(rows, limit, lambda row: row["agent"])


@api.put("/v1/agents/{agent}/status", access=STAFF)
async def put_status(agent: Id, body: Status, call: Call) -> dict[str, str]:
    """Come, pause or go; an agent for themselves, a supervisor for anybody."""
    if call.actor.role == Role.agent and call.actor.name != agent:
        text = f"the token is {call.actor.name}'s, the status {agent}'s"
        raise Refused("not-yours", "agent", text, "set your own status, or ask a supervisor", 403)
    await call.send(ChangeAgentStatus(agent=agent, status=body.status))
    return {"agent": agent, "status": body.status}


@api.get("/v1/queues", access=STAFF)
async def get_queues(call: Call) -> list[dict[str, Any]]:
    """Every queue of the policy in force: who works on it, how many wait and since when; ``waited`` in seconds."""
    policy, rows = await _policy(call), await call.rows("select * from {views}.queues")
    oldest = await call.rows("select queue, min(since) as since from {views}.waiting group by queue")
    counts, since = {row.pop("key"): row for row in rows}, {row["queue"]: row["since"] for row in oldest}
    nothing = {"waiting": 0, "queued": 0, "assigned": 0, "waited": 0, "alerts": 0, "alerted_at": None}
    return [
        {
            "queue": name, "team": queue.team, "secondary": queue.secondary, "owner": queue.owner,
            "strategy": queue.strategy, "oldest": since.get(name),
            **{c: counts.get(name, {}).get(c) or v for c, v in nothing.items()},
        }
        for name, queue in sorted(policy.queues.items())
    ]  # fmt: skip


@api.get("/v1/queues/{queue}", access=STAFF)
async def get_queue(queue: Code, call: Call) -> dict[str, Any]:
    """What waits in a queue, longest first, and what its agents own."""
    policy = await _policy(call)
    if queue not in policy.queues:
        raise Refused("unknown-queue", "queue", unknown("queue", queue, policy.queues), "see GET /v1/queues", 404)
    board = "select key as case, * from {views}.board where queue = %s and owner"
    waiting = await call.rows(board + " is null order by since, key limit 500", queue)
    owned = await call.rows(board + " is not null order by assigned_at, key limit 500", queue)
    return {
        "queue": queue, **policy.queues[queue].model_dump(),
        "waiting": [Placement(**row) for row in waiting], "owned": [Placement(**row) for row in owned],
    }  # fmt: skip


@api.post("/v1/cases/{case}/take", access=STAFF)
async def take(case: Id, call: Call) -> Placement:
    """The caller becomes the owner of a case that nobody owns."""
    await call.send(TakeCase(case=case, by=call.actor.name))
    return await _placement(case, call)


@api.post("/v1/cases/{case}/assign", access=roles("supervisor"))
async def assign(case: Id, body: Given, call: Call) -> Placement:
    """Give a case to an agent, whoever owns it now."""
    await call.send(AssignCase(case=case, agent=body.agent, by=call.actor.name, reason=Personal(body.reason)))
    return await _placement(case, call)


@api.post("/v1/cases/{case}/release", access=STAFF)
async def release(case: Id, body: Because, call: Call) -> Placement:
    """Give a case back to its queue."""
    await call.send(ReleaseCase(case=case, by=call.actor.name, reason=Personal(body.reason)))
    return await _placement(case, call)


@api.post("/v1/cases/{case}/transfer", access=STAFF)
async def transfer(case: Id, body: Forwarded, call: Call) -> Placement:
    """Put a case into another queue."""
    await call.send(TransferCase(case=case, queue=body.queue, by=call.actor.name, reason=Personal(body.reason)))
    return await _placement(case, call)


@api.get("/v1/cases/{case}/assignments", access=STAFF, responses=LINKED)
async def assignments(
    case: Id, call: Call, page: Paged, after: Place = 0, limit: Limit = USUAL
) -> list[dict[str, Any]]:
    """Everything that the router did with a case, oldest first, with the reason and everybody who was looked at."""
    rows = await call.rows(
        "select row, at, what, queue, agent, by, how, strategy, why, reason, policy, priority, waited, candidates"
        ' from {views}.assignments where "case" = %s and row > %s order by row limit %s',
        case, after, limit + 1,
    )  # fmt: skip
    return page.of(rows, limit, lambda row: row["row"])


async def _placement(case: str, call: Call) -> Placement:
    row = await call.row("select key as case, * from {views}.board where key = %s", case)
    if row is None:
        text, remedy = "it waits in no queue and has no owner", "reopen it, or see its assignments"
        raise Refused("not-queued", "case", text, remedy, 404)
    return Placement(**row)


async def _policy(call: Call) -> RoutingPolicy:
    row = await call.row("select document from {views}.policies where key = 'routing'")
    if row is None:
        raise Refused("no-policy", "routing", "no routing policy is in force yet", "try again in a moment", 503)
    return RoutingPolicy.model_validate_json(row["document"])
