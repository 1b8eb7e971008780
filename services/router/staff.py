"""Agents come, go and change: what becomes of their cases, and what they get."""

from collections.abc import Iterator

from contracts.router import AgentRegistered, AgentStatusChanged, ChangeAgentStatus, RegisterAgent
from shared.core.message import Message
from shared.core.world import Refused, World

from .assignment import Said, crew, hand_over, routing, settle
from .policy import RoutingPolicy, unknown
from .state import WORKED_ON


def register(world: World, message: Message, command: RegisterAgent) -> Said:
    """What is known of an agent changes. Cases of queues that they no longer work on are queued again."""
    _check(world, command)
    doc, row = routing(world), world.table("agents").get(command.agent)
    before = row["teams"] if row else ()
    owned = list(world.table("owned").where(agent=command.agent))
    gone = doc.served_by(before) - doc.served_by(command.teams)
    lost = [case for case, r in owned if not command.active or r["queue"] in gone]
    yield from hand_over(world, message, lost, "left-team")
    yield AgentRegistered(
        **{name: getattr(command, name) for name in RegisterAgent.model_fields}, first=row is None,
        left=tuple(sorted(set(before) - set(command.teams))),
    )  # fmt: skip
    yield from settle(world, message, [command.agent, *_takers(world, lost)])


def change_status(world: World, message: Message, command: ChangeAgentStatus) -> Said:
    """Who goes offline hands over by the policy; who becomes available gets what waits."""
    row = world.table("agents").get(command.agent)
    if row is None:
        remedy = "a supervisor registers agents with PUT /v1/agents/{agent}"
        raise Refused("unknown-agent", "agent", f"no agent {command.agent!r} works here", remedy, 404)
    if row["status"] == command.status:
        return
    yield AgentStatusChanged(agent=command.agent, status=command.status, before=row["status"])
    if command.status == "available":
        yield from settle(world, message, [command.agent])
    elif command.status == "offline" and routing(world).absence == "requeue":
        owned = world.table("owned").where(agent=command.agent)
        cases = [case for case, r in owned if r["category"] in WORKED_ON]
        yield from hand_over(world, message, cases, "absent")
        yield from settle(world, message, _takers(world, cases))


def unskilled(world: World, document: RoutingPolicy) -> Iterator[str]:
    """The queues and topics whose cases nobody could take for lack of a skill, whoever is there."""
    agents = [row for _, row in world.table("agents")]
    skills = {skill for row in agents for skill in row["skills"]}
    for name, queue in sorted(document.queues.items()):
        teams = [{*row["skills"]} for row in agents if {*queue.every_team} & {*row["teams"]}]
        for topic, wanted in ((topic, {*queue.requires(topic)}) for topic in sorted(queue.skills)):
            if any(wanted <= has for has in teams):
                continue
            lacking = [f"nobody has the skill {_near(one, skills)}" for one in sorted(wanted - skills)]
            together = f"nobody of {' or '.join(queue.every_team)} has {' and '.join(sorted(wanted))}"
            yield f"queues.{name}.skills, topic {topic}: {'; '.join(lacking) or together}"


def _near(skill: str, skills: set[str]) -> str:
    """``'faultt'; did you mean 'fault'?``"""
    return unknown("skill", skill, skills).removeprefix("unknown skill ") if skills else repr(skill)


def _takers(world: World, cases: list[str]) -> list[str]:
    """Agents of the queues in which these cases wait by now."""
    waiting = world.table("waiting")
    return crew(world, *{row["queue"] for row in map(waiting.get, cases) if row}) if cases else []


def _check(world: World, command: RegisterAgent) -> None:
    teams, agents = routing(world).teams, world.table("agents")
    for team in command.teams:
        if team not in teams:
            remedy = "name teams of the routing policy, or publish one that gives this team a queue"
            raise Refused("unknown-team", "teams", unknown("team", team, teams), remedy, 422)
    manager, seen = command.manager, {command.agent}
    while manager:
        if manager in seen:
            text = f"{manager} is among those whom {command.agent} manages"
            raise Refused("circle", "manager", text, "name somebody above, or nobody", 422)
        row = agents.get(manager)
        if row is None:
            text = f"no agent {manager!r} works here"
            raise Refused("unknown-agent", "manager", text, "register the manager first", 422)
        seen.add(manager)
        manager = row["manager"]
