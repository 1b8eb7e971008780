"""What router says: queues, owners of cases, agents and teams."""

from datetime import datetime
from typing import Annotated, Literal

from shared.events import Code, Event, Id, Open, Personal, Value

from .common import CustomerCaseFact, Language, Priority, Words

AgentStatus = Literal["available", "away", "offline"]
Rejection = Literal[
    "status", "channel", "skill", "language", "excluded", "absent", "no-capacity", "not-in-queue", "less-spare", "idle-shorter",
    "lower-in-order",
]


class Candidate(Value):
    """One agent as the choice saw him."""

    agent: Id
    """Agent id."""
    spare: int
    """Free capacity before the assignment, in weight units."""
    capacity: int
    """Whole capacity."""
    idle_since: datetime | None
    """End of the last assignment or of the last absence, UTC."""
    skills: tuple[Code, ...] = ()
    """Skills that the case asks for and the agent has."""
    rejected: Rejection | None = None
    """Why not this one; None for the chosen one."""


class CaseQueued(CustomerCaseFact, topic="router.case-queued.v1"):
    """A case waits in a queue."""

    queue: Code
    """The queue."""
    before: Code | None = None
    """Queue that it came from."""
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


class CaseAssigned(CustomerCaseFact, topic="router.case-assigned.v1", also=("agent:{agent}",)):
    """A case has an owner."""

    number: Annotated[str, Open("the human number of the case")]
    """Human number."""
    queue: Code
    """Queue that it waited in."""
    team: Code | None
    """Team of the owner in this queue."""
    agent: Id
    """The owner."""
    before: Id | None = None
    """The owner until now."""
    how: Literal["automatic", "sticky", "taken", "by-hand"]
    """Chosen by the strategy, back to its last agent, taken by the agent, or given by somebody."""
    strategy: Literal["longest_idle", "most_spare"] | None
    """Strategy that chose."""
    policy: int
    """Version of the routing policy."""
    why: Words
    """The reason in words."""
    candidates: tuple[Candidate, ...] = ()
    """Everybody who was looked at, with the reason for or against."""
    by: Id | None = None
    """Who did it by hand."""
    priority: Priority
    """Priority of the case."""
    weight: int
    """Weight units that it takes of the owner's capacity."""
    waited: int
    """Seconds in the queue."""


class CaseUnassigned(CustomerCaseFact, topic="router.case-unassigned.v1", also=("agent:{agent}",)):
    """A case lost its owner."""

    agent: Id
    """The owner until now."""
    why: Literal["released", "requeued", "absent", "escalated", "left-team"]
    """Why."""
    by: Id | None = None
    """Who did it by hand."""


class QueueAlerted(Event, topic="router.queue-alerted.v1", stream="queue:{queue}"):
    """Nobody can take what waits: the queue's owner is told."""

    queue: Code
    """The queue."""
    case: Id
    """The case that waits longest."""
    owner: Id | None
    """Agent id of the queue's owner."""
    waiting: int
    """Cases that wait."""
    why: Words
    """Why nobody can take it."""


class AgentRegistered(Event, topic="router.agent-registered.v1", stream="agent:{agent}", subject="agent"):
    """An agent works here, or what is known of him changed."""

    agent: Id
    """Agent id, also the subject of his tokens."""
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
    """Weight units that he can own at a time."""
    manager: Id | None = None
    """Agent id of the manager."""
    active: bool = True
    """False: no longer works here."""


class AgentStatusChanged(Event, topic="router.agent-status-changed.v1", stream="agent:{agent}"):
    """An agent is available, away or gone."""

    agent: Id
    """Agent id."""
    status: AgentStatus
    """Now."""
    before: AgentStatus
    """Until now."""
