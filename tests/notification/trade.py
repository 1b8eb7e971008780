"""Words for the tests of notification: events as other services say them."""

from datetime import datetime, timedelta
from typing import Any

from contracts.classifier import CaseClassified, Label
from contracts.intake import CaseOpened, CaseResolved, CustomerKnown, MessageReceived, ParticipantAdded, ReplySent
from contracts.loyalty import MemberEnrolled, PointsExpiring
from contracts.notification import DeliveryReported, NoticeQueued, NoticeWithheld
from contracts.router import AgentRegistered, CaseAssigned
from contracts.sla import TargetBreached, TargetWarned
from services.notification.app import app
from shared.core.event import Event
from tests.scene import MONDAY, Scene

AYSE, CUSTOMER, CASE = "c0ffee00c0ffee00c0ffee00c0ffee00", "customer-1", "01980000-0000-7000-8000-000000000001"
NUMBER = "V-2026-000001"
NIGHT = MONDAY.replace(hour=19)
"""Monday 22:00 in Istanbul."""
NEXT_MORNING = NIGHT + timedelta(hours=11)
"""Tuesday 09:00 in Istanbul."""


def scene(at: datetime = MONDAY, **policies: Any) -> Scene:
    parsers = app.document_parsers()
    shipped = {name: ("notification", document) for name, document in app.shipped().items()}
    return Scene(app.decider, app.views, {**shipped, **policies}, parsers=parsers, at=at)


def opened(case: str = CASE, **fields: Any) -> CaseOpened:
    values = {
        "case": case, "customer": CUSTOMER, "contact": AYSE, "number": NUMBER, "channel": "email",
        "subject": "Buy at http://spam.example", "text": "Kargom gelmedi", **fields,
    }  # fmt: skip
    return CaseOpened(**values)


def classified(case: str = CASE, language: str = "tr", **fields: Any) -> CaseClassified:
    said = {name: Label(value="x", source="rule") for name in ("topic", "kind", "urgency", "sentiment", "action")}
    values = {
        "case": case, "customer": CUSTOMER, "contact": AYSE, "revision": 1, **said,
        "language": Label(value=language, source="model"), "priority": "normal", "arithmetic": "x", "policy": 1,
        "channel": "email", **fields,
    }  # fmt: skip
    return CaseClassified(**values)


def wrote(case: str = CASE, contact: str = AYSE, **fields: Any) -> MessageReceived:
    values = {
        "case": case, "customer": CUSTOMER, "contact": contact, "message": "m0", "channel": "email", "text": "Peki",
        "message_id": "<second@mx.example.com>", **fields,
    }  # fmt: skip
    return MessageReceived(**values)


def copied(contact: str = "c0c0", case: str = CASE) -> ParticipantAdded:
    return ParticipantAdded(case=case, contact=contact, how="copied")


def acknowledged(play: Scene, opening: CaseOpened | None = None, **labels: Any) -> list[Event]:
    """What is said once a case is opened and classified."""
    opening = opening or opened()
    said = play.when(opening)
    return said + play.when(classified(opening.case, **labels))


def known(contact: str = AYSE, **fields: Any) -> CustomerKnown:
    values = {
        "customer": CUSTOMER, "contact": contact, "kind": "mail", "address": "ayse@example.com", "name": "Ayşe",
        "language": "tr", "first": True, **fields,
    }  # fmt: skip
    return CustomerKnown(**values)


def replied(**fields: Any) -> ReplySent:
    values = {
        "case": CASE, "customer": CUSTOMER, "contact": AYSE, "message": "m1", "number": NUMBER, "by": "ali",
        "channel": "email", "text": "Kargonuz yolda <b>bugün</b>", "first": True, **fields,
    }  # fmt: skip
    return ReplySent(**values)


def resolved(**fields: Any) -> CaseResolved:
    values = {
        "case": CASE, "customer": CUSTOMER, "contact": AYSE, "number": NUMBER, "by": "ali", "channel": "email",
        "kind": None, "topic": None, "language": None, "opened_at": MONDAY, "first_response_at": None, "team": None,
        "agent": "ali", "outcome": "solved", **fields,
    }  # fmt: skip
    return CaseResolved(**values)


def agent(name: str, **fields: Any) -> AgentRegistered:
    values = {
        "agent": name, "name": name.title(), "mail": f"{name}@vefa.example", "teams": ("care",), "skills": (),
        "languages": ("tr",), "capacity": 5, **fields,
    }  # fmt: skip
    return AgentRegistered(**values)


def assigned(name: str = "ali", **fields: Any) -> CaseAssigned:
    values = {
        "case": CASE, "customer": CUSTOMER, "contact": AYSE, "number": NUMBER, "queue": "money", "team": "care",
        "agent": name, "how": "automatic", "strategy": "longest_idle", "policy": 1, "why": "idle longest",
        "priority": "high", "weight": 1, "waited": 10, "category": "open", **fields,
    }  # fmt: skip
    return CaseAssigned(**values)


def warned() -> TargetWarned:
    return TargetWarned(case=CASE, metric="resolution", cycle=1, level="near", at=MONDAY, due=MONDAY)


def breached() -> TargetBreached:
    return TargetBreached(
        case=CASE, metric="resolution", cycle=1, policy=1, rule="high", priority="high", breached_at=MONDAY,
        detected_at=MONDAY, target=60,
    )  # fmt: skip


def enrolled() -> MemberEnrolled:
    return MemberEnrolled(member="m-1", customer=CUSTOMER, contact=AYSE, programme="vefa", tier="basic")


def expiring() -> PointsExpiring:
    return PointsExpiring(member="m-1", customer=CUSTOMER, lot="l1", amount=40, expires_at=MONDAY + timedelta(days=30))


def report(notice: NoticeQueued, attempt: int = 1, result: str = "sent", **more: Any) -> DeliveryReported:
    return DeliveryReported(notice=notice.notice, attempt=attempt, result=result, **more)


def queued(said: list[Event]) -> NoticeQueued:
    [event] = said
    assert isinstance(event, NoticeQueued), event
    return event


def reason(said: list[Event]) -> str:
    [event] = said
    assert isinstance(event, NoticeWithheld), event
    return event.withheld.reason
