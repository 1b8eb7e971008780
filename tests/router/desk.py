"""The words of the router's tests: a desk with agents and cases."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.router import (
    AssignCase,
    CaseAssigned,
    CaseQueued,
    ChangeAgentStatus,
    RegisterAgent,
    ReleaseCase,
    TakeCase,
    TransferCase,
)
from services.router.domain import decider
from services.router.policy import RoutingPolicy
from services.router.views import views
from shared.core.event import Event
from tests.facts import LABELS, Facts, label
from tests.scene import Scene

POLICY: Mapping[str, Any] = {
    "queues": {
        "billing": {"team": "money", "secondary": "general", "owner": "chief", "skills": {"refund": ["refunds"]}},
        "delivery": {"team": "delivery", "strategy": "most_spare"},
        "general": {"team": "general"},
    },
    "routing": {"rules": [
        {"name": "money", "when": {"topic": ["billing", "refund"]}, "then": "billing"},
        {"name": "delivery", "when": {"topic": "delivery"}, "then": "delivery"},
        {"name": "gold", "when": {"tier": "gold"}, "then": "billing"},
        {"name": "others", "then": "general"},
    ]},
    "weights": {"priority": {"urgent": 2}, "channel": {"phone": 2}},
    "ageing": 14400, "hold_after": 28800, "alert_every": 1800,
}  # fmt: skip


class Desk(Scene):
    """A scene in which agents come and cases are classified."""

    def __init__(self, **policy: Any) -> None:
        document = json.dumps({**POLICY, **policy})
        super().__init__(
            decider, views, {"routing": ("router", document)}, parsers={"routing": RoutingPolicy.model_validate_json}
        )

    def hire(self, agent: str, *teams: str, here: bool = True, **known: Any) -> list[Event]:
        known = {"languages": ("tr", "en"), "capacity": 3, **known}
        said = self.when(
            RegisterAgent(agent=agent, name=agent, mail=f"{agent}@vefa.example", teams=teams or ("money",), **known)
        )
        return said + (self.status(agent, "available") if here else [])

    def status(self, agent: str, status: Any) -> list[Event]:
        return self.when(ChangeAgentStatus(agent=agent, status=status))

    def of(self, case: str) -> Facts:
        """What others say of a case, as the router knows it."""
        state = self.memory[f"case:{case}"]
        return Facts(case, state.customer, state.contact, state.number, state.channel, "rule", self.at)

    def opened(self, case: str, **content: Any) -> "Desk":
        case_facts = Facts(case, f"customer-{case}", f"contact-{case}", f"V-2026-{case}", "web")
        self.when(case_facts.opened(**content))
        return self

    def classified(
        self, case: str, topic: str = "billing", priority: Any = "normal", unsure: tuple[str, ...] = (), **labels: Any
    ) -> list[Event]:
        """``unsure`` are the labels whose guesses wait for a person."""
        channel = labels.pop("channel", "web")
        if not self.memory[f"case:{case}"].known:
            self.opened(case, channel=channel)
        said = {**LABELS, "topic": topic, **labels}
        waits = {head: label(said[head], "review") for head in unsure}
        return self.when(self.of(case).classified(priority=priority, **{"topic": topic, **labels, **waits}))

    def becomes(self, case: str, category: Any) -> list[Event]:
        return self.when(self.of(case).became(category, self.memory[f"case:{case}"].category))

    def resolved(self, case: str) -> list[Event]:
        owner = self.memory[f"case:{case}"].owner or "ada"
        return self.when(self.of(case).resolved(topic="billing", team="money", agent=owner))

    def reopened(self, case: str) -> list[Event]:
        return self.when(self.of(case).reopened(resolved_at=self.at))

    def escalated(
        self, case: str, action: Any = "reassign", target: Any = "manager", level: str = "over"
    ) -> list[Event]:
        return self.when(self.of(case).escalated(action=action, target=target, level=level))

    def takes(self, agent: str, case: str, **envelope: Any) -> list[Event]:
        return self.when(TakeCase(case=case, by=agent), **envelope)

    def given_to(self, agent: str, case: str) -> list[Event]:
        return self.when(AssignCase(case=case, agent=agent, by="chief", reason="knows them"))

    def releases(self, agent: str, case: str, **envelope: Any) -> list[Event]:
        return self.when(ReleaseCase(case=case, by=agent, reason="cannot"), **envelope)

    def transferred(self, case: str, queue: str, by: str = "chief", **envelope: Any) -> list[Event]:
        return self.when(TransferCase(case=case, queue=queue, by=by, reason="wrong department"), **envelope)

    def owner(self, case: str) -> str | None:
        row = self.memory.table("owned").get(case)
        return row["agent"] if row else None

    def load(self, agent: str) -> int:
        row = self.memory.table("agents").get(agent)
        assert row is not None
        return int(row["load"])

    def waiting(self) -> list[str]:
        return [case for case, _ in self.memory.table("waiting")]

    def queue(self, case: str) -> str:
        state = self.memory[f"case:{case}"]
        return str(state.placed.queue)

    def overflow_at(self, case: str) -> datetime:
        row = self.memory.table("waiting").get(case)
        assert row is not None
        at: datetime = row["overflow_at"]
        return at


def queued(said: list[Event]) -> CaseQueued:
    return next(e for e in said if isinstance(e, CaseQueued))


def assigned(said: list[Event]) -> CaseAssigned:
    return next(e for e in said if isinstance(e, CaseAssigned))
