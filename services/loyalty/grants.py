"""From complaint to loyalty: points for a satisfied end, the hand-over, and service recovery grants (spec: loyalty)."""

from collections.abc import Iterator
from typing import Any

from contracts.loyalty import (
    ApproveGrant,
    GrantApproved,
    GrantRefused,
    GrantRequested,
    HandoverOffered,
    RefuseGrant,
    RequestGrant,
)
from shared.core.event import Event
from shared.core.message import Message, uuid7
from shared.core.world import Refused, World

from .earning import credit, earn_on, enrol_when, reverse
from .members import account_of, customer_of, programme
from .policy import RECOVERY_RULE
from .state import Budget, Case, Grant, Source


def ended_well(world: World, message: Message, name: str) -> Iterator[Event]:
    """What a satisfied customer's case brings: points once it is closed, the hand-over once it is resolved."""
    case, document = _case(world, name), programme(world)
    if case.csat is None or case.csat < document.satisfied_csat:
        return
    if case.closed:
        yield from earn_on(world, message, "case_satisfied", case.customer, name, name)
    kept = "no breach" if not case.breaches else "recovery kept" if case.recovered else ""
    member = customer_of(world, case.customer).member
    if case.resolved and kept and member and not case.handed_over:
        why = f"resolved, {kept}, CSAT {case.csat}"
        yield HandoverOffered(member=member, customer=case.customer, case=name, why=why)


def proved_false(world: World, message: Message, name: str) -> Iterator[Event]:
    """The complaint was rejected: its grant is clawed back."""
    if grant := _case(world, name).grant:
        source: Source = world[f"source:{grant}"]
        for rule, earned in source.credits.items():
            yield from reverse(world, message, grant, rule, earned.amount, name)


def request(world: World, message: Message, asked: RequestGrant) -> Iterator[Event]:
    """Within the agent's limit the grant is given at once; above it somebody approves."""
    case, document = _case(world, asked.case), programme(world)
    if not case.customer:
        raise Refused("unknown-case", "case", f"there is no case {asked.case}", "check the id", 404)
    if case.grant:
        raise Refused("grant-exists", "case", f"the case has grant {case.grant}", "one grant per case")
    yield from enrol_when(world, message, case.customer, case.contact, "grant")
    member = customer_of(world, case.customer).member
    tier = document.tiers[document.rank(account_of(world, member).tier) if member else 0].tier
    amount = document.recovery.points[asked.severity][tier]
    grant: dict[str, Any] = {
        "grant": str(uuid7(message.occurred_at, f"grant|{message.id}")), "case": asked.case, "customer": case.customer,
        "amount": amount, "severity": asked.severity,
    }  # fmt: skip
    if not member:
        yield GrantRefused(**grant, by="rule", why="not-a-member")
    elif _left(world, message, case.team) < amount:
        yield GrantRefused(**grant, by="rule", why="budget")
    elif amount > _limit(world, message):
        yield GrantRequested(**grant, by=asked.by, team=case.team, reason=asked.reason)
    else:
        budget = _budget(world, message, case.team)
        yield GrantApproved(**grant, by=asked.by, team=case.team, budget=budget, reason=asked.reason)
        yield from _pay(world, message, member, tier, **grant)


def approve(world: World, message: Message, asked: ApproveGrant) -> Iterator[Event]:
    """Somebody else than who asked, with a limit that is high enough, while the team's budget lasts."""
    grant = _open(world, asked.grant)
    limit, team = _limit(world, message), _case(world, grant.case).team
    if asked.by == grant.by:
        raise Refused("own-request", "by", "who asked cannot approve", "let a colleague with the limit approve", 403)
    if grant.amount > limit:
        text = f"{grant.amount} points are above the limit of {limit} for role {message.actor.role}"
        raise Refused("above-limit", "grant", text, "let somebody with a higher limit approve", 403)
    if (left := _left(world, message, team)) < grant.amount:
        text = f"{grant.amount} points are above the {max(left, 0)} left of this month's budget"
        raise Refused("budget", "grant", text, "raise the team's budget, wait for next month, or refuse")
    member = customer_of(world, grant.customer).member
    facts: dict[str, Any] = {
        "grant": asked.grant, "case": grant.case, "customer": grant.customer, "amount": grant.amount,
        "severity": grant.severity,
    }  # fmt: skip
    if not member:
        yield GrantRefused(**facts, by="rule", why="not-a-member")
        return
    yield GrantApproved(**facts, by=asked.by, team=team, budget=_budget(world, message, team))
    yield from _pay(world, message, member, account_of(world, member).tier, **facts)


def refuse(world: World, asked: RefuseGrant) -> Iterator[Event]:
    grant = _open(world, asked.grant)
    yield GrantRefused.model_validate(
        {**grant.model_dump(exclude={"by", "open"}), "grant": asked.grant, "by": asked.by, "why": "by-hand"}
    )


def _pay(
    world: World, message: Message, member: str, tier: str,
    *, grant: str, case: str, amount: int, severity: str, **_: str,
) -> Iterator[Event]:  # fmt: skip
    words = f"{severity} x {tier} = {amount}"
    yield from credit(world, message, member, RECOVERY_RULE, grant, amount, message.occurred_at, words, case=case)


def _open(world: World, name: str) -> Grant:
    grant: Grant = world[f"grant:{name}"]
    if not grant.case:
        raise Refused("unknown-grant", "grant", f"nobody asked for grant {name}", "check the id", 404)
    if not grant.open:
        raise Refused("grant-decided", "grant", f"grant {name} is decided", "ask for a new one if it was refused")
    return grant


def _limit(world: World, message: Message) -> int:
    return programme(world).recovery.limits.get(message.actor.role, 0)


def _budget(world: World, message: Message, team: str | None) -> str:
    return f"{team or 'none'}/{programme(world).month(message.occurred_at)}"


def _left(world: World, message: Message, team: str | None) -> int:
    budget: Budget = world[f"budget:{_budget(world, message, team)}"]
    return programme(world).recovery.budget_of(team) - budget.used


def _case(world: World, name: str) -> Case:
    case: Case = world[f"case:{name}"]
    return case
