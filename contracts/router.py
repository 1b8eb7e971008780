"""What router says: queues, owners of cases, agents and teams. What router may be asked: the commands at the end."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.core.event import Code, Event, Id, Part
from shared.core.parts import Words
from shared.core.personal import Of, Open, Personal
from shared.core.vocabulary import Category, Channel, Language, Priority

from .common import CaseFact, CustomerCaseFact

Number = Annotated[str, Open("the human number of a case, V-2026-000123")]
Capacity = Annotated[int, Field(ge=0, le=1000)]

AgentStatus = Literal["available", "away", "offline"]
Rejection = Literal[
    "status",
    "channel",
    "skill",
    "language",
    "excluded",
    "absent",
    "no-capacity",
    "not-in-queue",
    "held",
    "less-spare",
    "idle-shorter",
    "lower-in-order",
]


class Candidate(Part):
    """One agent as the choice saw them."""

    agent: Id
    """Agent id."""
    spare: int
    """Free capacity before the assignment, in weight units."""
    capacity: int
    """Whole capacity."""
    idle_since: datetime | None = None
    """Since when nothing was given to them: their last assignment or their last return, UTC."""
    skills: tuple[Code, ...] = ()
    """Skills that the case asks for and the agent has."""
    rejected: Rejection | None = None
    """Why not this one; None for the chosen one."""


class CaseQueued(
    CustomerCaseFact, topic="router.case-queued.v1", summary="in {queue}, for {condition} (row {rule}, policy {policy})"
):
    """A case waits in a queue."""

    queue: Code
    """The queue."""
    before: Code | None = None
    """Queue that it came from, where that is another."""
    waited_in: Code | None = None
    """Queue that it waited in until now; None: it had an owner or is new here."""
    rule: Code
    """Row of the routing policy that matched, or 'by-hand'."""
    condition: Words
    """Its conditions."""
    policy: int
    """Version of the routing policy."""
    priority: Priority
    """Priority by which it is taken out."""
    skills: tuple[Code, ...] = ()
    """Skills that are required."""
    language: Language | None = None
    """Language that the agent must speak."""
    number: Number = ""
    """Human number of the case."""
    channel: Channel
    """Channel that the agent must work on."""
    category: Category
    """Status category."""
    weight: int
    """Weight units of capacity that it asks for."""
    since: datetime
    """Since when the customer waits for an owner, UTC: kept when the case changes its queue or loses its owner."""
    overflow_at: datetime
    """From when the secondary team may take it and the queue's owner is told, UTC."""
    sticky: Id | None = None
    """Its last agent, who gets it back if they can take it."""
    excluded: tuple[Id, ...] = ()
    """Agents who do not get it from the strategy: who released it."""
    by: Id | None = None
    """Who did it by hand."""
    reason: Annotated[Personal | None, Of("by")] = None
    """Why, in the words of who did it by hand."""


class CaseDequeued(CaseFact, topic="router.case-dequeued.v1"):
    """A case that waited needs no owner any more."""

    queue: Code
    """Queue that it waited in."""
    category: Category
    """What it is now: resolved, closed, merged or spam."""


class CaseAssigned(CustomerCaseFact, topic="router.case-assigned.v1", also=("agent:{agent}",)):
    """A case has an owner."""

    number: Number
    """Human number."""
    queue: Code
    """Queue that it waited in."""
    team: Code | None = None
    """Team of the owner in this queue."""
    agent: Id
    """The owner."""
    before: Id | None = None
    """The owner until now."""
    how: Literal["automatic", "sticky", "taken", "by-hand", "escalated"]
    """Chosen by the strategy, back to its last agent, taken by the agent, given by somebody, or escalated."""
    strategy: Literal["longest_idle", "most_spare"] | None = None
    """Strategy that chose."""
    policy: int
    """Version of the routing policy."""
    why: Words
    """The reason in words."""
    candidates: tuple[Candidate, ...] = ()
    """Everybody who was looked at, with the reason for or against."""
    by: Id | None = None
    """Who did it by hand."""
    reason: Annotated[Personal | None, Of("by")] = None
    """Why, in the words of who did it by hand."""
    priority: Priority
    """Priority of the case."""
    weight: int
    """Weight units that it takes of the owner's capacity; 0 while it waits for the customer or a third party."""
    category: Category
    """Status category."""
    waited: int
    """Seconds that the customer waited for an owner."""


class CaseUnassigned(
    CustomerCaseFact, topic="router.case-unassigned.v1", also=("agent:{agent}",), summary="from {agent}: {why}"
):
    """A case lost its owner."""

    agent: Id
    """The owner until now."""
    why: Literal["released", "requeued", "reassigned", "absent", "escalated", "left-team"]
    """Why."""
    by: Id | None = None
    """Who did it by hand."""
    reason: Annotated[Personal | None, Of("by")] = None
    """Why, in the words of who did it by hand."""
    weight: int
    """Weight units that the owner has free again."""
    escalation: Code | None = None
    """The escalation behind it: metric/cycle/level."""


class CaseWeighed(
    CaseFact, topic="router.case-weighed.v1", also=("agent:{agent}",), summary="{before} -> {weight} for {agent}"
):
    """The load of an owner changed because the status or the priority of their case did. Once resolved or closed it
    has no owner any more; its last agent is remembered for a reopening."""

    agent: Id
    """The owner."""
    weight: int
    """Weight units that it takes of their capacity from now on."""
    before: int
    """Weight units until now."""
    category: Category
    """Status category."""
    priority: Priority
    """Priority."""


class QueueAlerted(Event, topic="router.queue-alerted.v1", stream="queue:{queue}"):
    """Nobody can take what waits: the queue's owner is told."""

    queue: Code
    """The queue."""
    case: Id
    """The case that waits longest."""
    owner: Id | None = None
    """Agent id of the queue's owner."""
    waiting: int
    """Cases that wait."""
    why: Words
    """Why nobody can take it."""
    again_at: datetime
    """When the owner is told again if somebody still waits in vain, UTC."""


class AgentRegistered(Event, topic="router.agent-registered.v1", stream="agent:{agent}", subject="agent"):
    """An agent works here, or what is known of them changed."""

    agent: Id
    """Agent id, also the subject of their tokens."""
    name: Personal
    """Name as shown to customers and colleagues."""
    mail: Personal
    """Where notices to the agent go."""
    teams: tuple[Code, ...]
    """Teams; each works on the queues that the routing policy gives it."""
    skills: tuple[Code, ...]
    """Skills."""
    languages: tuple[Language, ...]
    """Languages."""
    capacity: int
    """Weight units that they can own at a time."""
    manager: Id | None = None
    """Agent id of the manager."""
    active: bool = True
    """False: no longer works here."""
    channels: tuple[Channel, ...] = ()
    """Channels that they work on; none: all of them."""
    first: bool = False
    """Whether they were not known before: they then start offline."""
    left: tuple[Code, ...] = ()
    """Teams that they belonged to until now."""


class AgentStatusChanged(Event, topic="router.agent-status-changed.v1", stream="agent:{agent}"):
    """An agent is available, away or gone."""

    agent: Id
    """Agent id."""
    status: AgentStatus
    """Now."""
    before: AgentStatus
    """Until now."""


class AgentCommand(Event, stream="agent:{agent}", subject="agent"):
    """A command about one agent."""

    agent: Id
    """Agent id."""


class RegisterAgent(AgentCommand, topic="to.router.register-agent.v1"):
    """Make an agent known or change what is known of them. Refused: unknown teams, a circle of managers."""

    name: Personal
    """Name as shown to customers and colleagues."""
    mail: Personal
    """Where notices to the agent go."""
    teams: tuple[Code, ...] = ()
    """Teams."""
    skills: tuple[Code, ...] = ()
    """Skills."""
    languages: tuple[Language, ...] = ()
    """Languages."""
    channels: tuple[Channel, ...] = ()
    """Channels; none: all of them."""
    capacity: Capacity
    """Weight units that they can own at a time."""
    manager: Id | None = None
    """Agent id of the manager."""
    active: bool = True
    """False: no longer works here; all that they own is queued again."""


class ChangeAgentStatus(AgentCommand, topic="to.router.change-agent-status.v1"):
    """An agent comes, pauses or goes. Refused for an agent who is not registered."""

    status: AgentStatus
    """From now on."""


class CaseCommand(CaseFact, subject="by"):
    """A command about the queue or the owner of one case."""

    by: Id
    """Agent id of who wants it."""


class TakeCase(CaseCommand, topic="to.router.take-case.v1"):
    """An agent takes a case of one of their queues; may exceed their capacity. Refused when somebody else owns it."""


class AssignCase(CaseCommand, topic="to.router.assign-case.v1"):
    """Give a case to an agent, whoever owns it now; may exceed their capacity. Refused for an unknown agent."""

    agent: Id
    """The new owner."""
    reason: Personal
    """Why."""


class ReleaseCase(CaseCommand, topic="to.router.release-case.v1"):
    """The owner gives a case back to its queue; the strategy does not give it to them again."""

    reason: Personal
    """Why."""


class TransferCase(CaseCommand, topic="to.router.transfer-case.v1"):
    """Put a case into another queue, where reclassifications leave it."""

    queue: Code
    """The queue."""
    reason: Personal
    """Why."""
