"""The policy document ``routing``: which case waits where, who may take it, what it weighs, and what if nobody can.

A decision table with hit policy FIRST leads to a queue (spec: router). Durations are plain seconds, weights units of
capacity."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.core.decisions import DecisionTable
from shared.core.event import Code, Id, Value
from shared.core.vocabulary import Channel, Priority

FACTS = frozenset({
    "kind", "topic", "urgency", "priority", "channel", "language", "tier", "organisation", "business", "sentiment",
    "recovery", "tags",
})  # fmt: skip
PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high", "urgent")
EVERY_TOPIC = "*"
Seconds = Annotated[int, Field(gt=0, le=366 * 86_400)]
Weight = Annotated[int, Field(ge=1, le=100)]
Strategy = Literal["longest_idle", "most_spare"]


class Queue(Value):
    """Where cases wait, and who takes them."""

    team: Code
    """Team that works on it."""
    secondary: Code | None = None
    """Team that may take what nobody of the first could take for ``t_overflow``."""
    owner: Id | None = None
    """Agent who is told when nobody can take what waits."""
    strategy: Strategy = "longest_idle"
    """``longest_idle``: who has been given nothing for longest; ``most_spare``: who has the largest free share."""
    language: bool = True
    """Whether the agent must speak the language of the case; 'other' is never asked for."""
    skills: Mapping[str, tuple[Code, ...]] = {}
    """Skills that a topic requires; '*' for every topic."""
    t_overflow: Seconds = 900
    """Seconds until the secondary team may take a case and, if that does not help, the owner is told."""

    def requires(self, topic: str | None) -> tuple[str, ...]:
        """The skills that a case of this topic requires, sorted."""
        return tuple(sorted({*self.skills.get(EVERY_TOPIC, ()), *self.skills.get(topic or "", ())}))

    def teams(self, overflow: bool) -> tuple[str, ...]:
        """Teams that may take a case: the secondary one only once the case overflows."""
        return (self.team, self.secondary) if overflow and self.secondary else (self.team,)

    @property
    def every_team(self) -> tuple[str, ...]:
        return self.teams(overflow=True)


class Weights(Value):
    """What a case takes of its owner's capacity: the weight of its priority times that of its channel."""

    priority: Mapping[Priority, Weight] = {}
    channel: Mapping[Channel, Weight] = {}

    def of(self, priority: Priority, channel: Channel) -> int:
        return self.priority.get(priority, 1) * self.channel.get(channel, 1)


class Routing(DecisionTable[str]):
    """Ordered rules; ``then`` is the name of a queue."""


class RoutingPolicy(Value):
    """The whole document."""

    queues: Mapping[Code, Queue]
    routing: Routing
    weights: Weights = Weights()
    ageing: Seconds = 14400
    """Seconds of waiting that are worth one step of priority in the order of the queues: nothing starves."""
    hold_after: Seconds = 28800
    """A case that has waited this long and finds no room holds its agents: nothing after it fills them up again."""
    alert_every: Seconds = 1800
    """How often a queue's owner is told while somebody waits in vain."""
    absence: Literal["keep", "requeue"] = "requeue"
    """What becomes of the new and open cases of an agent who goes offline."""
    writer_owns: bool = True
    """Whether a case that an agent writes down, by phone or at a counter, is given to that agent."""
    reassign: tuple[Literal["manager", "team", "queue_owner"], ...] = ("manager", "team", "queue_owner")
    """Who is tried, in this order, after the one that an escalation wants the case to be moved to."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.routing.check_facts(FACTS)
        for row, rule in enumerate(self.routing.rules, 1):
            if rule.then not in self.queues:
                raise ValueError(f"routing, row {row} ({rule.name}): {unknown('queue', rule.then, self.queues)}")
        return self

    @property
    def teams(self) -> tuple[str, ...]:
        """Every team that works on a queue, sorted."""
        return tuple(sorted({team for queue in self.queues.values() for team in queue.every_team}))

    def served_by(self, teams: Iterable[str]) -> set[str]:
        """Queues that members of these teams may take cases of."""
        mine = set(teams)
        return {name for name, queue in self.queues.items() if mine.intersection(queue.every_team)}


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """``unknown queue 'biling'; did you mean 'billing'?``"""
    near = get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
    return f"unknown {what} {name!r}; {hint}"


def raised(priority: Priority, steps: int) -> Priority:
    """A priority some steps up, at most 'urgent'."""
    return PRIORITIES[min(PRIORITIES.index(priority) + steps, len(PRIORITIES) - 1)]


def higher(one: Priority, other: Priority) -> Priority:
    return max(one, other, key=PRIORITIES.index)
