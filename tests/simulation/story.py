"""What people do in a world: one to three complaints, who carries them on, and how far time is skipped afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import uuid5

import orjson
from psycopg import OperationalError

from contracts.intake import Reply, Resolve
from contracts.router import ChangeAgentStatus, RegisterAgent
from shared.core.event import Event
from shared.core.message import NAMESPACE, Actor
from shared.core.personal import Personal
from shared.runtime.ordering import Overloaded
from shared.runtime.outcome import Outcome

from .transport import SimulatedBus, SimulatedTransport

TEXTS = (
    ("Kargom gelmedi", "On gündür kargomu bekliyorum, kimse yanıt vermiyor. Çok kızgınım!"),
    ("Wrong bill", "I was billed twice for the same order last month. Please refund one of them."),
    ("Cihaz çalışmıyor", "Aldığım ürün ikinci gün bozuldu, değiştirmenizi istiyorum."),
)
STORIES = 24
AGENTS = ("ada", "can")
TRIES = (OperationalError, TimeoutError, Overloaded)
Until = Callable[[Callable[[], Any], str], Awaitable[None]]


@dataclass(frozen=True)
class Story:
    """Drawn once for a number; many seeds play the same one."""

    number: int
    cases: int
    customers: int
    replies: bool
    resolves: bool
    writes: bool
    """The customer writes again, by mails that come twice."""
    buys: bool
    refuses: bool
    """The mail server takes some mails only when they are tried again."""
    skips: int
    """How often time is skipped to the next instant at which something is due."""

    @classmethod
    def drawn(cls, number: int) -> "Story":
        chance = Random(f"story|{number}")
        draw = chance.random
        cases = 1 + sum(number % STORIES >= STORIES * part for part in (0.6, 0.9))
        return cls(
            number, cases, 1 if draw() < 0.5 else cases, draw() < 0.5, draw() < 0.4, draw() < 0.4, draw() < 0.5,
            draw() < 0.3, int(draw() * 3),
        )  # fmt: skip


class People:
    """Everybody outside: each asks again until they are answered. ``accepted`` are the complaints that were."""

    def __init__(self, bus: SimulatedBus, until: Until, disks: Any, now: Any):
        self._bus, self._until, self._disks, self._now = bus, until, disks, now
        self.accepted: dict[str, str] = {}
        """Complaint -> its case."""
        self.purchases: list[str] = []

    async def open_desk(self) -> None:
        for agent in AGENTS:
            actor = Actor("supervisor", "lead")
            event = RegisterAgent(
                agent=agent, name=Personal(agent), mail=Personal(f"{agent}@vefa.example"), capacity=50,
                teams=("care", "privacy", "money", "delivery", "technical", "sales", "general"),
                skills=("refund", "fault", "privacy"), languages=("tr", "en"),
            )  # fmt: skip
            await self._command("router", f"register {agent}", actor, event)
            coming = ChangeAgentStatus(agent=agent, status="available")
            await self._command("router", f"available {agent}", actor, coming)

    async def play(self, story: Story) -> None:
        await asyncio.gather(*(self._complain(story, n) for n in range(story.cases)))

    async def _complain(self, story: Story, n: int) -> None:
        name, address = f"complaint-{n}", f"customer{n % story.customers}@example.com"
        subject, text = TEXTS[(story.number + n) % len(TEXTS)]
        await asyncio.sleep(0.3 * n)
        if story.buys:
            self.purchases.append(f"purchase-{n}")
            bought = {"purchase": f"purchase-{n}", "amount": 250_000, "currency": "TRY",
                      "bought_at": self._now().isoformat()}  # fmt: skip
            buying = self._tell("loyalty", f"buy-{n}", "outside.purchase-made.v1", address, bought)
        content = {"channel": "api", "subject": subject, "text": text}
        answer = await self._tell("intake", name, "outside.case-submitted.v1", address, content)
        [case] = {said["subject"] for said in answer["said"] if said["type"] == "intake.case-opened.v1"}
        self.accepted[name] = case.removeprefix("case:")
        if story.buys:
            await buying
        await self._carry_on(story, n, self.accepted[name], address)

    async def _carry_on(self, story: Story, n: int, case: str, address: str) -> None:
        if story.writes:
            content = {"case": case, "channel": "email", "text": "Hâlâ bekliyorum, sipariş numaram 12345."}
            mail = "outside.message-submitted.v1"
            await asyncio.gather(*(self._tell("intake", f"mail-{n}", mail, address, content) for _ in range(2)))
        if not (story.replies or story.resolves):
            return
        cases = self._disks["intake"].table("cases")
        await self._until(lambda: cases.get(case, {}).get("category") == "open", f"{case} has no owner")
        row, by = cases[case], AGENTS[n % 2]
        actor = Actor("agent", by)
        if story.replies:
            reply = Reply(case=case, contact=row["contact"], by=by, text=Personal("Konuyu inceliyoruz."))
            await self._command("intake", f"reply {n}", actor, reply)
        if story.resolves:
            await self._command("intake", f"resolve {n}", actor, Resolve(case=case, by=by, outcome="solved"))

    async def _tell(self, service: str, id: str, kind: str, address: str, data: dict[str, Any]) -> Any:
        """By NATS, with the same id until it is answered."""
        body = orjson.dumps({
            "specversion": "1.0", "id": id, "source": "shop", "type": kind,
            "data": {**data, "contact_kind": "mail", "address": address},
        })  # fmt: skip
        while True:
            try:
                answer = orjson.loads(await self._bus.call(service, lambda transport: transport.told(body)))
            except TRIES:
                continue
            if "problem" not in answer:
                return answer
            if answer["status"] != 503:
                raise AssertionError(f"{kind} {id}: {answer}")
            await asyncio.sleep(0.5)

    async def _command(self, service: str, name: str, actor: Actor, event: Event) -> None:
        """By HTTP, with the same Idempotency-Key until it is answered."""

        async def says(transport: SimulatedTransport) -> Outcome:
            edge = transport.edge()
            return await edge.of(actor).send(event, id=uuid5(NAMESPACE, name))

        while True:
            try:
                await self._bus.call(service, says)
                return
            except TRIES:
                await asyncio.sleep(0.5)
