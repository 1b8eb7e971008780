"""The words of the router's tests: a desk with agents and cases."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.classifier import CaseClassified, Label
from contracts.intake import CaseOpened, CaseReopened, CaseResolved, StatusChanged
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
from contracts.sla import CaseEscalated
from services.router.domain import decider
from services.router.policy import RoutingPolicy
from services.router.views import views
from shared.core.event import Event
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

    def opened(self, case: str, **content: Any) -> "Desk":
        values = {
            "customer": f"customer-{case}",
            "contact": f"contact-{case}",
            "channel": "web",
            "number": f"V-2026-{case}",
            **content,
        }
        self.when(CaseOpened(case=case, subject="s", text="t", **values))
        return self

    def classified(
        self, case: str, topic: str = "billing", priority: Any = "normal", unsure: tuple[str, ...] = (), **labels: Any
    ) -> list[Event]:
        """``unsure`` are the labels whose guesses wait for a person."""
        if not self.memory[f"case:{case}"].known:
            self.opened(case, channel=labels.get("channel", "web"))
        state = self.memory[f"case:{case}"]
        usual = {"kind": "complaint", "urgency": "1", "sentiment": "neutral", "action": "yes", "language": "tr"}
        values = {**usual, "topic": topic, **labels}
        bands: dict[bool, Any] = {True: "review", False: "settled"}
        heads = {h: Label(value=values[h], source="rule", band=bands[h in unsure]) for h in ("topic", *usual)}
        return self.when(CaseClassified(
            case=case, customer=state.customer, contact=state.contact, revision=1, **heads, priority=priority,
            arithmetic="a", tags=labels.get("tags", ()), policy=1, channel=state.channel,
        ))  # fmt: skip

    def becomes(self, case: str, category: Any) -> list[Event]:
        before = self.memory[f"case:{case}"].category
        return self.when(StatusChanged(case=case, status=category, category=category, before=before, by="rule"))

    def resolved(self, case: str) -> list[Event]:
        state = self.memory[f"case:{case}"]
        return self.when(CaseResolved(
            case=case, customer=state.customer, contact=state.contact, number=state.number, by="rule",
            channel=state.channel, kind="complaint", topic="billing", language="tr", opened_at=self.at,
            first_response_at=self.at, team="money", agent=state.owner or "ada", outcome="solved",
        ))  # fmt: skip

    def reopened(self, case: str) -> list[Event]:
        state = self.memory[f"case:{case}"]
        return self.when(CaseReopened(
            case=case, customer=state.customer, contact=state.contact, by="customer", cause="reply", reopens=1,
            resolved_at=self.at,
        ))  # fmt: skip

    def escalated(
        self, case: str, action: Any = "reassign", target: Any = "manager", level: str = "over"
    ) -> list[Event]:
        return self.when(CaseEscalated(
            case=case, metric="resolution", cycle=1, level=level, step=1, action=action, target=target, at=self.at,
            due=self.at,
        ))  # fmt: skip

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


def names(said: list[Event]) -> list[str]:
    return [event.TOPIC.split(".")[1] for event in said]


def queued(said: list[Event]) -> CaseQueued:
    return next(e for e in said if isinstance(e, CaseQueued))


def assigned(said: list[Event]) -> CaseAssigned:
    return next(e for e in said if isinstance(e, CaseAssigned))
