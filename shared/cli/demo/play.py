"""The play: five days of a service desk in stepped time, by the public interfaces only. The same seed gives the same
play."""

import heapq
import itertools
import random
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from zoneinfo import ZoneInfo

from .cast import TEAMS, Complaint, Person
from .stage import Said, Sink, Stage

ISTANBUL = ZoneInfo("Europe/Istanbul")
START = datetime(2026, 10, 26, 5, 30, tzinfo=UTC)
"""Monday 08:30 in Istanbul; Wednesday afternoon and Thursday are a public holiday."""
END = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)
GRID = timedelta(minutes=5)
LINK = re.compile(r"/v1/surveys/answer/[\w.~-]+")
Act = Callable[[], Awaitable[None]]


class Play:
    """``run`` plays until the end; ``progress(now, what happened last)`` is called after every step."""

    def __init__(self, stage: Stage, sink: Sink, cast: list[Person], texts: list[Complaint], seed: int):
        self.stage, self.sink, self.texts = stage, sink, texts
        self.dice = random.Random(seed)  # noqa: S311 - a play, not a secret
        self.agents = {p.id: p for p in cast if p.role == "agent"}
        self.chiefs = [p for p in cast if p.role == "supervisor"]
        self.customers = [p for p in cast if p.role == "customer"]
        self.of_case: dict[str, tuple[Complaint, Person | None]] = {}
        self.threaded: set[str] = set()
        self.mailed: list[tuple[Complaint, Person]] = []
        self.recoveries: set[str] = set()
        self.asked: set[str] = set()
        self.busy: set[str] = set()
        self.channels: dict[str, int] = {}
        self._acts: list[tuple[datetime, int, Act]] = []
        self._order = itertools.count()

    # the course of time ---------------------------------------------------------------------------------------------
    async def run(self, progress: Callable[[datetime], None]) -> None:
        await self._open_desk()
        self._plan_complaints()
        due = await self.stage.step(START)
        while True:
            following = min([t for t in (due, self._acts[0][0] if self._acts else None) if t], default=None)
            if following is None or following > END:
                break
            due = await self.stage.step(_ceil(max(following, self.stage.now)))
            acted = False
            while self._acts and self._acts[0][0] <= self.stage.now:
                await heapq.heappop(self._acts)[2]()
                acted = True
            if acted:
                due = await self.stage.quiet()
            for said in self.stage.take():
                self._react(said)
            for mail in self.sink.take():
                self._read(mail)
            progress(self.stage.now)

    def at(self, when: datetime, act: Act) -> None:
        heapq.heappush(self._acts, (_ceil(when), next(self._order), act))

    def after(self, least: int, most: int, act: Act) -> None:
        """In some minutes, within working hours."""
        self.at(_working(self.stage.now + timedelta(minutes=self.dice.randint(least, most))), act)

    # the desk -------------------------------------------------------------------------------------------------------
    async def _open_desk(self) -> None:
        for chief in self.chiefs:
            body = {
                "name": chief.name, "mail": chief.mail, "teams": ("care",), "languages": ("tr", "en"), "skills": (),
                "channels": (), "capacity": 0,
            }  # fmt: skip
            await self._staff("router", "PUT", f"/v1/agents/{chief.id}", body, self.chiefs[0], "supervisor")
        for agent in self.agents.values():
            languages = [s for s in agent.skills if s in ("tr", "en")]
            body = {
                "name": agent.name, "mail": agent.mail, "teams": TEAMS[agent.team], "languages": languages,
                "skills": [s for s in agent.skills if s not in languages], "capacity": 12,
                "channels": ["web", "email", "phone", "chat", "social", "sms", "api"], "manager": self.chiefs[0].id,
            }  # fmt: skip
            await self._staff("router", "PUT", f"/v1/agents/{agent.id}", body, self.chiefs[0], "supervisor")
            await self._staff("router", "PUT", f"/v1/agents/{agent.id}/status", {"status": "available"}, agent)
        for customer in self.customers[::2]:
            contact = {"kind": "mail", "address": customer.mail}
            body = {"contact": contact, "name": customer.name, "language": customer.language}
            await self._staff("intake", "POST", "/v1/customers", body, self.chiefs[0], "supervisor")
        await self.stage.quiet()
        for number, customer in enumerate(self.customers[::2]):
            contact = {"kind": "mail", "address": customer.mail}
            await self._staff("loyalty", "POST", "/v1/members", contact, self.chiefs[0], "supervisor")
            self.at(START + timedelta(hours=1 + number % 7), self._buys(customer, f"order-{1000 + number}"))

    async def _staff(
        self, service: str, method: str, path: str, body: object, who: Person, role: str = "agent"
    ) -> object:
        return await self.stage.call(service, method, path, body, role=role, name=who.id)

    def _buys(self, customer: Person, number: str) -> Act:
        async def act() -> None:
            amount = self.dice.choice((4_990, 24_990, 89_900, 349_000, 1_250_000))
            data = {
                "address": customer.mail, "contact_kind": "mail", "purchase": number, "amount": amount,
                "currency": "TRY", "bought_at": self.stage.now.isoformat(),
            }  # fmt: skip
            await self.stage.event("loyalty", "outside.purchase-made.v1", number, data)

        return act

    # complaints -----------------------------------------------------------------------------------------------------
    def _plan_complaints(self) -> None:
        for number, text in enumerate(self.texts):
            speaks = [c for c in self.customers if text.language in ("", c.language)]
            customer = self.dice.choice(speaks)
            day = self.dice.choices((0, 1, 2), (5, 4, 2))[0]
            minutes = self.dice.randint(30, 540 if day < 2 else 240)
            self.at(START + timedelta(days=day, minutes=minutes), self._complains(number, text, customer))

    def _complains(self, number: int, text: Complaint, customer: Person) -> Act:
        async def act() -> None:
            self.channels[text.channel] = self.channels.get(text.channel, 0) + 1
            if text.channel == "email":
                mail = EmailMessage()
                mail["From"] = f"{customer.name} <{customer.mail}>"
                mail["To"], mail["Subject"] = "servis@vefa.example", text.subject
                mail["Message-ID"] = f"<demo-{number}@customers.example>"
                mail.set_content(text.text)
                self.mailed.append((text, customer))
                await self.stage.mail(mail)
                return
            if text.channel == "social":
                data = {
                    "address": customer.local, "contact_kind": "handle", "channel": "social", "subject": text.subject,
                    "text": text.text,
                }  # fmt: skip
                self.mailed.append((text, customer))
                await self.stage.event("intake", "outside.case-submitted.v1", f"post-{number}", data)
                return
            body = {
                "contact": {"kind": "mail", "address": customer.mail}, "name": customer.name, "subject": text.subject,
                "text": text.text, "channel": text.channel,
            }  # fmt: skip
            who = self.dice.choice(sorted(self.agents)) if text.channel == "phone" else ""
            opened = await self.stage.call(
                "intake", "POST", "/v1/cases", body, role="agent" if who else "", name=who, key=f"complaint-{number}"
            )
            self.of_case[opened["case"]] = (text, customer)

        return act

    # what follows ---------------------------------------------------------------------------------------------------
    def _react(self, said: Said) -> None:
        match said.topic:
            case "intake.case-opened.v1" if said.data.get("recovery"):
                self.recoveries.add(said.data["case"])
            case "intake.case-opened.v1" if said.data["channel"] in ("email", "social"):
                if said.data["case"] not in self.of_case and self.mailed:
                    self.of_case[said.data["case"]] = self.mailed.pop(0)
            case "router.case-assigned.v1" if said.data["case"] not in self.busy:
                self.busy.add(said.data["case"])
                slow = self.dice.random() < 0.06
                self.after(600 if slow else 8, 1500 if slow else 100, self._answers(said.data["case"]))
            case "intake.message-received.v1" if said.data["case"] in self.asked:
                self.asked.discard(said.data["case"])
                self.threaded.add(said.data["case"])
                self.after(10, 60, self._resolves(said.data["case"]))

    async def _owner(self, case: str) -> Person:
        found = await self._staff("intake", "GET", f"/v1/cases/{case}", None, self.chiefs[0], "supervisor")
        assert isinstance(found, dict)
        return self.agents.get(found["owner"] or "", self.agents[min(self.agents)])

    def _answers(self, case: str) -> Act:
        async def act() -> None:
            text, _ = self.of_case.get(case, (None, None))
            owner = await self._owner(case)
            reply = text.reply if text else "Üzgünüz; konuyu kök nedeniyle birlikte ele aldık. We are sorry and on it."
            asks = text is not None and text.channel in ("web", "email") and self.dice.random() < 0.15
            body = {"text": reply, "status": "waiting_customer"} if asks else {"text": reply}
            await self._staff("intake", "POST", f"/v1/cases/{case}/replies", body, owner)
            if asks:
                self.asked.add(case)
            else:
                self.after(15, 200, self._resolves(case))

        return act

    def _resolves(self, case: str) -> Act:
        async def act() -> None:
            causes = {"cause": "wrong_information", "action": "explained"}
            body = {"outcome": "solved", **(causes if case in self.recoveries else {})}
            await self._staff("intake", "POST", f"/v1/cases/{case}/resolve", body, await self._owner(case))

        return act

    # mail -----------------------------------------------------------------------------------------------------------
    def _read(self, mail: EmailMessage) -> None:
        body = mail.get_body(("plain",))
        text = str(body.get_content()) if body else ""
        address = str(mail["To"])
        customer = next((c for c in self.customers if c.mail in address), None)
        if customer is None:
            return
        if link := LINK.search(text):
            if self.dice.random() < 0.65:
                self.after(30, 400, self._scores(link[0]))
        elif mail["Reply-To"] and not mail["Auto-Submitted"] and self.asked:
            self.after(20, 120, self._writes_back(mail, customer))

    def _scores(self, path: str) -> Act:
        async def act() -> None:
            score = self.dice.choices((5, 4, 3, 2, 1), (42, 28, 12, 10, 8))[0]
            await self.stage.call("feedback", "GET", f"{path}?score={score}")
            await self.stage.call("feedback", "POST", path, {"score": score})

        return act

    def _writes_back(self, mail: EmailMessage, customer: Person) -> Act:
        async def act() -> None:
            answer = EmailMessage()
            answer["From"] = f"{customer.name} <{customer.mail}>"
            answer["To"], answer["Subject"] = str(mail["Reply-To"]), f"Re: {mail['Subject']}"
            answer["Message-ID"] = make_msgid(f"{len(self.threaded)}-{next(self._order)}", "customers.example")
            answer["In-Reply-To"] = answer["References"] = str(mail["Message-ID"])
            answer.set_content("Merhaba, istediğiniz bilgi: sipariş numaram 48213. / My order number is 48213.")
            await self.stage.mail(answer)

        return act


def _ceil(at: datetime) -> datetime:
    """The next instant of the five-minute grid: everybody acts on it, so that steps are few."""
    over = (at - START) % GRID
    return at + (GRID - over) if over else at


def _working(at: datetime) -> datetime:
    """The same instant, or the next morning when nobody works."""
    local = at.astimezone(ISTANBUL)
    while True:
        day = local.date().isoformat()
        closes = 13 if day == "2026-10-28" else 18
        if local.weekday() < 5 and day != "2026-10-29" and local.hour < closes:
            return at if local.hour >= 9 else local.replace(hour=9, minute=10).astimezone(UTC)
        local = (local + timedelta(days=1)).replace(hour=9, minute=10)
        at = local.astimezone(UTC)
