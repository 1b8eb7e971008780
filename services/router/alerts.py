"""A queue's owner is told when nobody can take what waits: once, and again while that lasts."""

from datetime import timedelta

from contracts.router import QueueAlerted
from shared.core.message import Message
from shared.core.world import World

from .assignment import Said, chosen, now_of, routing
from .choosing import Demand


def alert(world: World, message: Message, queue: str) -> Said:
    """Tell of the case that waits longest beyond its overflow, if there is one."""
    at, waiting = now_of(message), world.table("waiting")
    all_waiting = sorted(waiting.where(queue=queue), key=lambda item: (item[1]["since"], item[1]["number"], item[0]))
    late = [d for d in (Demand.of(case, row) for case, row in all_waiting) if d.overflows(at)]
    if late and queue in routing(world).queues:
        longest = late[0]
        teams = " or ".join(routing(world).queues[queue].every_team)
        reasons = chosen(world, longest, at).why
        why = f"nobody of {teams} can take it ({reasons}); it has waited for {longest.waited(at)} s"
        yield from tell(world, message, queue, longest.case, why)


def tell(world: World, message: Message, queue: str, case: str, why: str) -> Said:
    """The alert, unless the owner was told a while ago."""
    doc = routing(world)
    if world.table("alerts").get(queue) is None and queue in doc.queues:
        yield QueueAlerted(
            queue=queue, case=case, owner=doc.queues[queue].owner, why=why,
            waiting=sum(1 for _ in world.table("waiting").where(queue=queue)),
            again_at=now_of(message) + timedelta(seconds=doc.alert_every),
        )  # fmt: skip
