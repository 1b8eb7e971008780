"""Who takes a case: a pure choice among agents, which says of everybody why or why not (spec: router, Choosing)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal

from contracts.router import Candidate, Rejection
from shared.core.vocabulary import Priority

from .policy import PRIORITIES, Strategy


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent as the choice sees them."""

    agent: str
    status: str
    capacity: int
    load: int
    idle_since: datetime
    turn: int
    """Position in the log of what ``idle_since`` is the instant of: an order among equal instants."""
    skills: frozenset[str]
    languages: frozenset[str]
    channels: frozenset[str]
    teams: frozenset[str]

    @classmethod
    def of(cls, agent: str, row: Mapping[str, Any]) -> "Worker":
        """From a row of the table ``agents``."""
        sets = (frozenset(row[c]) for c in ("skills", "languages", "channels", "teams"))
        return cls(agent, row["status"], row["capacity"], row["load"], row["idle_since"], row["turn"], *sets)

    @property
    def spare(self) -> int:
        return self.capacity - self.load

    @property
    def free(self) -> bool:
        """Whether automation may give them anything at all."""
        return self.status == "available" and self.spare > 0


@dataclass(frozen=True, slots=True)
class Demand:
    """What a waiting case asks for."""

    case: str
    queue: str
    priority: Priority
    channel: str
    since: datetime
    weight: int
    skills: frozenset[str] = frozenset()
    language: str | None = None
    sticky: str | None = None
    excluded: frozenset[str] = frozenset()
    overflow_at: datetime | None = None

    @classmethod
    def of(cls, case: str, row: Mapping[str, Any]) -> "Demand":
        """From a row of the table ``waiting``."""
        return cls(
            case, row["queue"], row["priority"], row["channel"], row["since"], row["weight"], frozenset(row["skills"]),
            row["language"], row["sticky"], frozenset(row["excluded"]), row["overflow_at"],
        )  # fmt: skip

    def overflows(self, at: datetime) -> bool:
        return self.overflow_at is not None and self.overflow_at <= at

    def waited(self, at: datetime) -> int:
        return max(int((at - self.since).total_seconds()), 0)


def order(case: str, row: Mapping[str, Any], ageing: int) -> tuple[datetime, datetime, str, str]:
    """Sorts what is taken first to the front: each step of priority is worth ``ageing`` seconds of waiting. Among
    equals the lower number is first.

    The same at every instant: who is before another stays so, and nothing starves."""
    since: datetime = row["since"]
    return since - timedelta(seconds=ageing * PRIORITIES.index(row["priority"])), since, row["number"], case


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it (None: nobody), how they were found, and everybody who was looked at."""

    agent: str | None
    how: Literal["automatic", "sticky"]
    why: str
    candidates: tuple[Candidate, ...]


def choose(
    demand: Demand, pools: Iterable[Iterable[Worker]], strategy: Strategy, held: frozenset[str] = frozenset()
) -> Choice:
    """The choice for ``demand`` among ``pools`` of agents, tried in order: the queue's team, then the secondary one.

    The case's last agent comes first if they can take it. Then the strategy decides; ties: who is idle longest, then
    the agent id. ``held`` are agents whose room is kept for a case that has waited too long."""
    seen: dict[str, tuple[Worker, Rejection | None]] = {}
    for number, pool in enumerate(pools, 1):
        fresh = {w.agent: (w, rejection(demand, w, held)) for w in pool if w.agent not in seen}
        seen |= fresh
        able = [worker for worker, why_not in fresh.values() if why_not is None]
        if able:
            return _chosen(demand, able, seen, strategy, number)
    reasons = (why_not for _, why_not in seen.values())
    return Choice(None, "automatic", _in_vain(demand, reasons), _candidates(demand, seen))


def rejection(demand: Demand, worker: Worker, held: frozenset[str] = frozenset()) -> Rejection | None:
    """Why this agent cannot be given the case by automation; None when they can."""
    if worker.status != "available":
        return "absent" if worker.status == "offline" else "status"
    if worker.channels and demand.channel not in worker.channels:
        return "channel"
    if worker.agent in demand.excluded:
        return "excluded"
    if demand.skills - worker.skills:
        return "skill"
    if demand.language and demand.language not in worker.languages:
        return "language"
    if worker.spare < demand.weight:
        return "no-capacity"
    return "held" if worker.agent in held else None


def holds(demand: Demand, worker: Worker) -> bool:
    """Whether a case that has waited too long keeps this agent's room: they lack but room, and may get enough."""
    return worker.capacity >= demand.weight and rejection(demand, worker) == "no-capacity"


def candidate(worker: Worker, skills: frozenset[str], rejected: Rejection | None = None) -> Candidate:
    return Candidate(
        agent=worker.agent, spare=worker.spare, capacity=worker.capacity, idle_since=worker.idle_since,
        skills=tuple(sorted(skills & worker.skills)), rejected=rejected,
    )  # fmt: skip


def _chosen(
    demand: Demand, able: list[Worker], seen: dict[str, tuple[Worker, Rejection | None]], strategy: Strategy, pool: int
) -> Choice:
    known = next((worker for worker in able if worker.agent == demand.sticky), None)
    best = known or min(able, key=lambda worker: _rank(worker, strategy))
    for worker in able:
        if worker is not best:
            seen[worker.agent] = (worker, _beaten(worker, best, strategy, known is not None))
    team = "" if pool == 1 else " of the secondary team"
    if known:
        return Choice(best.agent, "sticky", "knows the case from before", _candidates(demand, seen))
    among = f"{len(able)}{team} who can take it"
    words = {
        "longest_idle": f"idle since {best.idle_since:%Y-%m-%d %H:%M:%S}Z, longest of {among}",
        "most_spare": f"{best.spare} of {best.capacity} free, the largest share of {among}",
    }
    return Choice(best.agent, "automatic", words[strategy], _candidates(demand, seen))


def _rank(worker: Worker, strategy: Strategy) -> tuple[Any, ...]:
    turn = (worker.idle_since, worker.turn, worker.agent)
    return (-Fraction(worker.spare, worker.capacity), *turn) if strategy == "most_spare" else turn


def _beaten(worker: Worker, best: Worker, strategy: Strategy, sticky: bool) -> Rejection:
    """By what an agent who could have taken the case was beaten."""
    if sticky:
        return "lower-in-order"
    if strategy == "most_spare" and worker.spare * best.capacity != best.spare * worker.capacity:
        return "less-spare"
    if (worker.idle_since, worker.turn) != (best.idle_since, best.turn):
        return "idle-shorter"
    return "lower-in-order"


def _candidates(demand: Demand, seen: Mapping[str, tuple[Worker, Rejection | None]]) -> tuple[Candidate, ...]:
    return tuple(candidate(worker, demand.skills, why_not) for _, (worker, why_not) in sorted(seen.items()))


def _in_vain(demand: Demand, reasons: Iterable[Rejection | None]) -> str:
    """``3 no-capacity, 1 skill fault``: how many could not take it, by reason, and what they lack."""
    asked = {"skill": " ".join(sorted(demand.skills)), "language": demand.language}
    counts = Counter(f"{reason} {asked[reason]}" if reason in asked else str(reason) for reason in reasons)
    return ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))) or "nobody"
