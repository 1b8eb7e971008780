"""Made-up facts about one case of one customer, as the services say them: what matters to a test is given, the rest is
usual."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.classifier import CaseClassified, Label
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CustomerKnown,
    MessageReceived,
    ReplySent,
    StatusChanged,
)
from contracts.router import CaseAssigned
from contracts.sla import CaseEscalated, TargetBreached
from tests.scene import MONDAY

LABELS: Mapping[str, Any] = {
    "topic": "delivery", "kind": "complaint", "urgency": "1", "sentiment": "neutral", "action": "yes", "language": "tr",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Whose they are, and what several of them say alike. Every method takes the fields of its event."""

    case: str = "c1"
    customer: str = "k1"
    contact: str = "p1"
    number: str = "V-2026-000001"
    channel: str = "email"
    by: str = "a1"
    """The agent."""
    at: datetime = MONDAY

    @property
    def whose(self) -> dict[str, Any]:
        return {"case": self.case, "customer": self.customer, "contact": self.contact}

    # intake -----------------------------------------------------------------------------------------------------------
    def known(self, **fields: Any) -> CustomerKnown:
        usual = {"kind": "mail", "address": "ayse@example.com", "first": True}
        return CustomerKnown(**{"customer": self.customer, "contact": self.contact, **usual, **fields})

    def opened(self, **fields: Any) -> CaseOpened:
        usual = {"number": self.number, "channel": self.channel, "subject": "Late", "text": "It came late."}
        return CaseOpened(**{**self.whose, **usual, **fields})

    def wrote(self, **fields: Any) -> MessageReceived:
        usual = {"message": "m1", "channel": self.channel, "text": "Where is it?"}
        return MessageReceived(**{**self.whose, **usual, **fields})

    def replied(self, **fields: Any) -> ReplySent:
        usual = {"message": "r1", "number": self.number, "channel": self.channel, "text": "It comes.", "first": False}
        return ReplySent(**{**self.whose, "by": self.by, **usual, **fields})

    def became(self, category: str, before: str = "open", **fields: Any) -> StatusChanged:
        usual = {"status": category, "category": category, "before": before, "by": self.by}
        return StatusChanged(**{"case": self.case, **usual, **fields})

    def resolved(self, **fields: Any) -> CaseResolved:
        unsaid = dict.fromkeys(("kind", "topic", "language", "first_response_at", "team", "agent"))
        usual = {"number": self.number, "channel": self.channel, "opened_at": self.at, "outcome": "solved"}
        return CaseResolved(**{**self.whose, "by": self.by, **unsaid, **usual, **fields})

    def closed(self, **fields: Any) -> CaseClosed:
        return CaseClosed(**{**self.whose, "how": "supervisor", "by": self.by, "outcome": "solved", **fields})

    def reopened(self, **fields: Any) -> CaseReopened:
        usual = {"by": "customer", "cause": "reply", "reopens": 1, "resolved_at": None}
        return CaseReopened(**{**self.whose, **usual, **fields})

    # the others -------------------------------------------------------------------------------------------------------
    def classified(self, band: str = "settled", **fields: Any) -> CaseClassified:
        """Labels are given as values, of a rule in this band, or as they are."""
        said = {name: fields.pop(name, usual) for name, usual in LABELS.items()}
        heads = {n: v if isinstance(v, Label) else label(v, band) for n, v in said.items()}
        usual = {"revision": 1, "priority": "normal", "arithmetic": "", "policy": 1, "channel": self.channel}
        return CaseClassified(**{**self.whose, **heads, **usual, **fields})

    def assigned(self, **fields: Any) -> CaseAssigned:
        usual = {
            "number": self.number, "queue": "general", "team": "billing", "agent": self.by, "how": "automatic",
            "strategy": "longest_idle", "policy": 1, "why": "", "priority": "normal", "category": "open", "weight": 1,
            "waited": 0,
        }  # fmt: skip
        return CaseAssigned(**{**self.whose, **usual, **fields})

    def breached(self, **fields: Any) -> TargetBreached:
        return TargetBreached(**{
            "case": self.case, "metric": "resolution", "cycle": 1, "policy": 1, "rule": "all", "priority": "normal",
            "breached_at": self.at, "detected_at": self.at, "target": 3600, **fields,
        })  # fmt: skip

    def escalated(self, **fields: Any) -> CaseEscalated:
        return CaseEscalated(**{
            "case": self.case, "metric": "resolution", "cycle": 1, "level": "over", "step": 1, "action": "reassign",
            "target": "manager", "at": self.at, "due": self.at, **fields,
        })  # fmt: skip


def label(value: str, band: str = "settled", source: str = "rule") -> Label:
    return Label.model_validate({"value": value, "source": source, "band": band})
