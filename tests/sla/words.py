"""The words in which tests of sla are written: a desk that hears what happens to one case, and its clocks."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import yaml

from contracts.classifier import CaseClassified
from contracts.intake import MessageReceived, ReplySent, StatusChanged
from contracts.notification import NoticeBounced, NoticeFailed, NoticeWithheld, Withholding
from services.sla.domain import decider
from services.sla.policy import TargetsPolicy
from services.sla.views import views
from shared.core.calendar import Calendar
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.vocabulary import Category
from tests.facts import Facts
from tests.scene import Scene

FOLDER = Path(__file__).parents[2] / "services" / "sla"
PARSERS = {"calendar": Calendar.model_validate_json, "targets": TargetsPolicy.model_validate_json}
E = TypeVar("E", bound=Event)

LEVELS = [
    {"name": "near", "at": "-30m", "target": "owner", "action": "notify"},
    {"name": "over", "at": "+1h", "target": "manager", "action": "reassign"},
]
POLICY: dict[str, Any] = {
    "targets": {
        "rules": [
            {
                "name": "recovery", "when": {"recovery": True},
                "then": {"calendar": "always", "first_response": "8h", "next_response": "8h", "resolution": "48h"},
            },
            {
                "name": "urgent", "when": {"priority": "urgent"},
                "then": {
                    "calendar": "tr", "first_response": "1h", "next_response": "1h", "resolution": "4h",
                    "levels": LEVELS,
                },
            },
            {
                "name": "otherwise",
                "then": {
                    "calendar": "tr", "first_response": "2h", "next_response": "1h", "resolution": "8h",
                    "levels": LEVELS,
                },
            },
        ]
    }
}  # fmt: skip


def t(day: int, local: str) -> datetime:
    """An instant of October 2026 by the clocks of Istanbul; 26 is a Monday."""
    hours, minutes = map(int, local.split(":"))
    return datetime(2026, 10, day, hours, minutes, tzinfo=UTC) - timedelta(hours=3)


def shipped(name: str) -> str:
    return json.dumps(yaml.safe_load((FOLDER / name).read_text("utf-8")), default=str)


class Desk(Scene):
    """A scene that hears events at their instants. ``timely``: deadlines fire before what comes after them is heard."""

    def __init__(self, policy: dict[str, Any] | None = None, *, timely: bool = True):
        documents = {f"calendar/{name}": ("sla", shipped(f"calendars/{name}.yaml")) for name in ("tr", "eu", "always")}
        documents["targets"] = ("sla", json.dumps(policy or POLICY))
        super().__init__(decider, views, documents, parsers=PARSERS, at=t(1, "00:00"))
        self.timely = timely

    def handle(self, at: datetime, *events: Event, heard: datetime | None = None) -> list[Event]:
        """What is said because of events that occurred at ``at``, after the deadlines up to when they were heard."""
        moment = max(self.at, heard or at)
        if self.timely:
            self.until(moment)
        self.at = moment
        return [result for event in events for result in self.when(event, occurred_at=at, heard_at=moment)]

    def clock(self, metric: str, cycle: int = 1) -> dict[str, Any]:
        """The row of a clock, {} when there is none."""
        return self.tables.get("clocks", {}).get(f"c1/{metric}/{cycle}", {})

    def counts(self) -> dict[str, int]:
        """Results that count, as 'metric result' -> number."""
        found: dict[str, int] = {}
        for row in self.tables.get("compliance", {}).values():
            for result in ("met", "breached", "cancelled"):
                name = f"{row['metric']} {result}"
                found[name] = found.get(name, 0) + (row.get(result) or 0)
        return {name: number for name, number in found.items() if number}


class Watched(Desk):
    """A desk that keeps the deadlines that it heard."""

    def __init__(self, policy: dict[str, Any] | None = None, *, timely: bool = True):
        self.fired: list[DeadlineReached] = []
        super().__init__(policy, timely=timely)

    def when(self, event: Event, **envelope: Any) -> list[Event]:
        if isinstance(event, DeadlineReached):
            self.fired.append(event)
        return super().when(event, **envelope)


def case_opened(at: datetime, policy: dict[str, Any] | None = None, *, timely: bool = True, **fields: Any) -> Desk:
    """A desk with one open case."""
    desk = Desk(policy, timely=timely)
    desk.handle(at, opened(**fields))
    return desk


def only(kind: type[E], events: Iterable[Event]) -> E:
    """The one event of this kind."""
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def every(kind: type[E], events: Iterable[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def names(events: Iterable[Event]) -> list[str]:
    """What is said, in words: 'clock-started first_response'."""
    return [
        f"{event.TOPIC.split('.')[1]} {getattr(event, 'metric', '')}".strip()
        for event in events
        if not event.TOPIC.startswith("to.")
    ]


FACTS = Facts(at=t(26, "09:00"))
WHO = FACTS.whose
opened, known, resolved, closed, reopened = FACTS.opened, FACTS.known, FACTS.resolved, FACTS.closed, FACTS.reopened


def wrote(message: str = "m1", **fields: Any) -> MessageReceived:
    return FACTS.wrote(message=message, **fields)


def thanked() -> MessageReceived:
    return wrote("m0", acknowledgement=True)


def replied(message: str = "r1") -> ReplySent:
    return FACTS.replied(message=message)


def became(category: Category, before: Category = "open") -> StatusChanged:
    return FACTS.became(category, before)


def classified(priority: Any = "normal", topic: str = "delivery", band: Any = "settled") -> CaseClassified:
    return FACTS.classified(band, priority=priority, topic=topic)


NOTICE: dict[str, Any] = {
    "notice": "n1", "contact": "p1", "template": "reply", "case": "c1", "cause": "x",
    "cause_topic": "intake.reply-sent.v1",
}  # fmt: skip


def bounced(message: str = "r1") -> NoticeBounced:
    return NoticeBounced(**NOTICE, message=message)


def failed(message: str = "r1", again: datetime | None = None) -> NoticeFailed:
    return NoticeFailed(**NOTICE, attempt=1, error="refused", next_attempt=again, message=message)


def withheld(message: str = "r1", reason: Any = "no-address") -> NoticeWithheld:
    return NoticeWithheld(**NOTICE, withheld=Withholding(reason=reason), message=message)
