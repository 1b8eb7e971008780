"""The demo's customers: they buy, complain by form, mail, phone and social media, write back, and answer surveys by the
link in their mail."""

import re
from collections import Counter, deque
from datetime import timedelta
from email.message import EmailMessage

from .agenda import START, Act, Agenda, Turn
from .agents import Agents
from .cast import Complaint, Person
from .stage import Said, Stage

LINK = re.compile(r"/v1/surveys/answer/[\w.~-]+")
NUMBER = re.compile(r"\bV-\d{4}-\d{6}\b")
CHOICE = re.compile(r'value="(\d+)"')
MOODS = {"csat": ((5, 4, 3, 2, 1), (42, 28, 12, 10, 8)), "nps": ((10, 9, 8, 7, 5, 3), (26, 24, 18, 14, 10, 8))}


class Customers:
    """``channels`` counts the concerns by channel."""

    def __init__(
        self, agenda: Agenda, stage: Stage, people: list[Person], complaints: dict[str, Complaint], agents: Agents
    ):
        self._agenda, self._stage, self._people, self._agents = agenda, stage, people, agents
        self._complaints = complaints
        self._unopened: deque[tuple[str, Complaint]] = deque()
        """Channel and concern of what was sent by mail or posted and has no known case yet, in the order of sending."""
        self._surveys: Counter[str] = Counter()
        self.channels: Counter[str] = Counter()

    async def join(self) -> None:
        """Half of them are known and members of the loyalty programme before the first day; they buy on it."""
        known = self._people[::2]
        for one in known:
            contact = {"kind": "mail", "address": one.mail}
            body = {"contact": contact, "name": one.name, "language": one.language}
            await self._agents.says("intake", "POST", "/v1/customers", body)
        await self._stage.quiet()
        for number, one in enumerate(known):
            await self._agents.says("loyalty", "POST", "/v1/members", {"kind": "mail", "address": one.mail})
            order = f"order-{1000 + number}"
            self._agenda.at(START + timedelta(hours=1 + number % 7), Turn.CUSTOMER, order, self._buys(one, order))

    def plan(self, texts: list[Complaint]) -> None:
        """Spread the concerns over the first three days."""
        for number, text in enumerate(texts):
            dice = self._agenda.dice("complains", number)
            customer = dice.choice([c for c in self._people if text.language in ("", c.language)])
            day = dice.choices((0, 1, 2), (5, 4, 2))[0]
            when = START + timedelta(days=day, minutes=dice.randint(30, 540 if day < 2 else 240))
            self._agenda.at(when, Turn.COMPLAIN, f"complaint-{number:04}", self._complains(number, text, customer))

    def _buys(self, customer: Person, order: str) -> Act:
        async def act() -> None:
            amount = self._agenda.dice(order).choice((4_990, 24_990, 89_900, 349_000, 1_250_000))
            data = {
                "address": customer.mail, "contact_kind": "mail", "purchase": order, "amount": amount,
                "currency": "TRY", "bought_at": self._stage.now.isoformat(),
            }  # fmt: skip
            await self._stage.event("loyalty", "outside.purchase-made.v1", order, data)

        return act

    # complaints -----------------------------------------------------------------------------------------------------
    def _complains(self, number: int, text: Complaint, customer: Person) -> Act:
        async def act() -> None:
            self.channels[text.channel] += 1
            if text.channel == "email":
                self._unopened.append(("email", text))
                await self._stage.mail(
                    _mail(f"demo-{number}", customer, "servis@vefa.example", text.subject, text.text)
                )
            elif text.channel == "social":
                data = {
                    "address": customer.local, "contact_kind": "handle", "channel": "social", "subject": text.subject,
                    "text": text.text,
                }  # fmt: skip
                self._unopened.append(("social", text))
                await self._stage.event("intake", "outside.case-submitted.v1", f"post-{number}", data)
            else:
                await self._by_form(number, text, customer)

        return act

    async def _by_form(self, number: int, text: Complaint, customer: Person) -> None:
        """By the form, or by an agent who types what is said on the phone."""
        body = {
            "contact": {"kind": "mail", "address": customer.mail}, "name": customer.name, "subject": text.subject,
            "text": text.text, "channel": text.channel,
        }  # fmt: skip
        who = self._agenda.dice("takes call", number).choice(sorted(self._agents.agents))
        role, name = ("agent", who) if text.channel == "phone" else ("", "")
        opened = await self._stage.call(
            "intake", "POST", "/v1/cases", body, role=role, name=name, key=f"complaint-{number}"
        )
        self._complaints[opened["case"]] = text

    def handle(self, said: Said) -> None:
        """Which case a mail or a post became: cases are opened in the order in which they were sent."""
        if said.topic != "intake.case-opened.v1" or said.data["case"] in self._complaints or not self._unopened:
            return
        if said.data["channel"] == self._unopened[0][0]:
            self._complaints[said.data["case"]] = self._unopened.popleft()[1]

    # mail -----------------------------------------------------------------------------------------------------------
    def read(self, mail: EmailMessage) -> None:
        """A customer reads a mail: follows the link of a survey, or answers the agent's question."""
        part = mail.get_body(("plain",))
        text = str(part.get_content()) if part else ""
        to = str(mail["To"])
        customer = next((c for c in self._people if c.mail in to), None)
        if customer is None:
            return
        number = NUMBER.search(str(mail["Subject"]))
        if link := LINK.search(text):
            self._surveys[customer.local] += 1
            name = f"scores {customer.local} {self._surveys[customer.local]}"
            if self._agenda.dice(name, "at all").random() < 0.65:
                self._agenda.within(30, 400, Turn.CUSTOMER, name, self._scores(link[0], name))
        elif number and mail["Reply-To"] and number[0] in self._agents.asked.values():
            name = f"writes back {number[0]}"
            self._agenda.within(20, 120, Turn.CUSTOMER, name, self._writes_back(mail, number[0], customer))

    def _scores(self, path: str, name: str) -> Act:
        async def act() -> None:
            form = await self._stage.call("feedback", "GET", path)
            kind = "nps" if "10" in CHOICE.findall(form) else "csat"
            score = self._agenda.dice(name, kind).choices(*MOODS[kind])[0]
            await self._stage.call("feedback", "POST", path, {"score": score})

        return act

    def _writes_back(self, mail: EmailMessage, number: str, customer: Person) -> Act:
        async def act() -> None:
            text = "Merhaba, istediğiniz bilgi: sipariş numaram 48213. / My order number is 48213."
            answer = _mail(f"answer-{number}", customer, str(mail["Reply-To"]), f"Re: {mail['Subject']}", text)
            answer["In-Reply-To"] = answer["References"] = str(mail["Message-ID"])
            await self._stage.mail(answer)

        return act


def _mail(id: str, sender: Person, to: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{sender.name} <{sender.mail}>"
    mail["To"], mail["Subject"], mail["Message-ID"] = to, subject, f"<{id}@customers.example>"
    mail.set_content(text)
    return mail
