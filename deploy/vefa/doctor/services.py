"""The services: do they act, hear, say, is anything parked, and do mails wait that are no cases."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from shared.base.database import Pool

from .finding import Finding, judged

LATE = timedelta(minutes=10)


def standing(name: str, state: Mapping[str, Any]) -> list[Finding]:
    """Of what a service says of itself on vefa.status.<name>."""
    what = f"service {name}"
    if "problem" in state:
        return [Finding(what, "bad", str(state["problem"]), "see its messages where vefa up runs; it is started again")]
    late = [d for d in (state["next_due"], state["next_effect"]) if d and _behind(d, state["now"])]
    unsaid, waits = state["said"] - state["relayed"], state["waiting"]
    return [
        judged(what, "has a leader" if state["leader"] else "has no leader", "start it again", good=state["leader"]),
        judged(f"{what}, to be published", unsaid, "is NATS up?", good=unsaid < 1000, otherwise="look"),
        judged(f"{what}, waiting", waits, "it cannot keep up", good=waits < 1000, otherwise="look"),
        judged(
            f"{what}, due", f"since {late[0]}" if late else "nothing late", "vefa parked list; see its messages",
            good=not late,
        ),
    ]  # fmt: skip


def _behind(due: str, now: str) -> bool:
    return datetime.fromisoformat(now) - datetime.fromisoformat(due) > LATE


async def ready(name: str, address: str) -> Finding:
    """What /<service>/ready says."""
    what = f"service {name}, ready"
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            body = (await http.get(f"{address}/{name}/ready")).json()
    except (httpx.HTTPError, ValueError) as e:
        return Finding(what, "bad", type(e).__name__, f"it does not answer at {address}")
    return judged(what, body["problem"] or "yes", "see its messages", good=body["ready"])


async def parked(pool: Pool, name: str) -> Finding:
    """Facts that a rule could not take in."""
    async with pool.connection() as conn:
        query = f'select count(*) from "{name}_views".parked where count > 0'  # noqa: S608 - the name of a service
        [count] = await (await conn.execute(query.encode())).fetchone() or (0,)
    return judged(f"service {name}, parked", f"{count} streams", "vefa parked list", good=count == 0, otherwise="look")


async def set_aside(pool: Pool) -> Finding:
    """Mails that intake made neither a case nor a message of, and that nobody has looked at."""
    async with pool.connection() as conn:
        query = "select count(*), min(at) from intake_views.set_aside where state = 'waiting'"
        count, since = await (await conn.execute(query)).fetchone() or (0, None)
    oldest = f", the oldest of {since.astimezone(UTC):%Y-%m-%d %H:%M}Z" if since else ""
    return judged(
        "mails set aside", f"{count} wait{oldest}", "look at them: vefa set-aside", good=count == 0, otherwise="look"
    )  # fmt: skip


async def owners(pool: Pool) -> Finding:
    """Whether each queue of the routing policy in force has an owner who is an agent: its alerts go to them."""
    async with pool.connection() as conn:
        found = await (
            await conn.execute("select document from router_views.policies where key = 'routing'")
        ).fetchone()
        agents = {key for (key,) in await (await conn.execute("select key from router_views.agents")).fetchall()}
    return owned(json.loads(found[0])["queues"] if found else {}, agents)


def owned(queues: Mapping[str, Mapping[str, Any]], agents: Collection[str]) -> Finding:
    """``queues``: of a routing policy; ``agents``: ids of those who work here."""
    nobody = sorted(name for name, queue in queues.items() if not queue.get("owner"))
    strangers = sorted(f"{n} ({q['owner']})" for n, q in queues.items() if q.get("owner") and q["owner"] not in agents)
    told = [f"no owner: {', '.join(nobody)}"] if nobody else []
    told += [f"the owner is no agent here: {', '.join(strangers)}"] if strangers else []
    remedy = "their alerts reach nobody; name an agent's id as owner of each queue: vefa policy show router routing"
    return judged("queues, owners", "; ".join(told) or "each has one", remedy, good=not told, otherwise="look")


def clock(state: Mapping[str, Any]) -> Finding | None:
    """A stepped clock on a platform that somebody takes for real."""
    if "now" not in state:
        return None
    apart = abs(datetime.now(UTC) - datetime.fromisoformat(state["now"]))
    fix = "it runs in stepped time (a demo), or this machine's clock is wrong"
    return judged(
        "platform clock", f"{apart.total_seconds():.0f} s from here", fix, good=apart < LATE, otherwise="look"
    )
