"""The demo's agents and supervisors: they open the desk, answer, ask back and resolve, over HTTP with tokens of their
own."""

from collections.abc import Mapping
from typing import Any

from .agenda import Act, Agenda, Turn
from .cast import TEAMS, Complaint, Person
from .stage import Said, Stage

MINUTES = {"urgent": (4, 30), "high": (5, 80), "normal": (10, 160), "low": (20, 240)}
"""Within how many minutes an agent answers; one of twenty takes much longer."""
PACE = {"phone": (0, 0), "social": (5, 80)}
"""Where everybody waits, or everybody reads along, priority does not matter."""
SLOW = (300, 700)
SOON_HOURS = 4
"""Five days are short: the demo's company asks sooner, and more often, than the shipped policy does."""


class Agents:
    """``threaded`` are cases whose customer wrote back by mail, with their numbers; ``recoveries`` those that make good
    a bad answer."""

    def __init__(self, agenda: Agenda, stage: Stage, staff: list[Person], complaints: Mapping[str, Complaint]):
        self._agenda, self._stage, self._complaints = agenda, stage, complaints
        self.chiefs = [p for p in staff if p.role == "supervisor"]
        self.agents = {p.id: p for p in staff if p.role == "agent"}
        self.threaded: dict[str, str] = {}
        self.recoveries: set[str] = set()
        self.asked: dict[str, str] = {}
        """Cases that wait for their customer -> their numbers."""
        self._owners: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        """Case -> its number. Chances hang on numbers: ids differ from one installation to the next."""

    async def open_desk(self) -> None:
        """Everybody takes a seat; the chief puts the demo's survey policy in force."""
        for chief in self.chiefs:
            body = {
                "name": chief.name, "mail": chief.mail, "teams": ("care",), "languages": ("tr", "en"), "skills": (),
                "channels": (), "capacity": 0,
            }  # fmt: skip
            await self.says("router", "PUT", f"/v1/agents/{chief.id}", body)
        for agent in self.agents.values():
            languages = [s for s in agent.skills if s in ("tr", "en")]
            body = {
                "name": agent.name, "mail": agent.mail, "teams": TEAMS[agent.team], "languages": languages,
                "skills": [s for s in agent.skills if s not in languages], "capacity": 12,
                "channels": ["web", "email", "phone", "chat", "social", "sms", "api"], "manager": self.chiefs[0].id,
            }  # fmt: skip
            await self.says("router", "PUT", f"/v1/agents/{agent.id}", body)
            await self.says("router", "PUT", f"/v1/agents/{agent.id}/status", {"status": "available"}, agent)
        policy = (await self.says("feedback", "GET", "/feedback/policies/surveys"))["document"]
        policy["triggers"] = [
            {**trigger, "delay_hours": SOON_HOURS, "every": min(trigger.get("every", 1), 3)}
            for trigger in policy["triggers"]
        ]
        policy["throttle"] = {"group_days": 14, "global_days": 1}
        body = {"document": policy, "reason": "five days are short: ask sooner"}
        await self.says("feedback", "PUT", "/feedback/policies/surveys", body)

    async def says(self, service: str, method: str, path: str, body: object = None, who: Person | None = None) -> Any:
        """A request of an agent, or of the first supervisor."""
        who = who or self.chiefs[0]
        return await self._stage.call(service, method, path, body, role=who.role, name=who.id)

    def handle(self, said: Said) -> None:
        """What an agent does about what happened."""
        case = said.data.get("case", "")
        match said.topic:
            case "intake.case-opened.v1" if said.data.get("recovery"):
                self.recoveries.add(case)
            case "router.case-assigned.v1" if case in self._owners:
                self._owners[case] = said.data["agent"]
            case "router.case-assigned.v1":
                self._owners[case], self._numbers[case] = said.data["agent"], said.data["number"]
                slow = self._agenda.dice("slow", said.data["number"]).random() < 0.05
                complaint = self._complaints.get(case)
                pace = PACE.get(complaint.channel if complaint else "", MINUTES[said.data["priority"]])
                least, most = SLOW if slow and pace[1] else pace
                self._plan(least, most, "answers", case, self._answers(case, said.data["number"]))
            case "intake.message-received.v1" if case in self.asked:
                self.threaded[case] = self.asked.pop(case)
                self._plan(10, 60, "resolves", case, self._resolves(case))

    def _plan(self, least: int, most: int, does: str, case: str, act: Act) -> None:
        turn = Turn.REPLY if does == "answers" else Turn.RESOLVE
        self._agenda.within(least, most, turn, f"{does} {self._numbers[case]}", act)

    def _owner(self, case: str) -> Person:
        return self.agents.get(self._owners.get(case, ""), self.agents[min(self.agents)])

    def _answers(self, case: str, number: str) -> Act:
        async def act() -> None:
            text = self._complaints.get(case)
            owner = self._owner(case)
            reply = text.reply if text else "Üzgünüz; konuyu kök nedeniyle birlikte ele aldık. We are sorry and on it."
            asks = text is not None and text.channel in ("web", "email") and self._asks_back(case)
            body = {"text": reply, "status": "waiting_customer"} if asks else {"text": reply}
            if asks:
                self.asked[case] = number
            await self.says("intake", "POST", f"/v1/cases/{case}/replies", body, owner)
            if not asks:
                self._plan(15, 200, "resolves", case, self._resolves(case))

        return act

    def _asks_back(self, case: str) -> bool:
        return self._agenda.dice("asks", self._numbers[case]).random() < 0.15

    def _resolves(self, case: str) -> Act:
        async def act() -> None:
            causes = {"cause": "wrong_information", "action": "explained"}
            body = {"outcome": "solved", **(causes if case in self.recoveries else {})}
            await self.says("intake", "POST", f"/v1/cases/{case}/resolve", body, self._owner(case))

        return act
