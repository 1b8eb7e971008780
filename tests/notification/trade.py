"""Words for the tests of notification: events as other services say them."""

from datetime import datetime, timedelta
from typing import Any

from contracts.classifier import CaseClassified
from contracts.intake import CaseOpened, CaseResolved, CustomerKnown, MessageReceived, ParticipantAdded, ReplySent
from contracts.loyalty import MemberEnrolled, PointsExpiring
from contracts.notification import DeliveryReported, NoticeQueued, NoticeWithheld
from contracts.router import AgentRegistered, CaseAssigned
from contracts.sla import TargetBreached, TargetWarned
from services.notification.app import app
from shared.core.event import Event
from tests.facts import Facts, label
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


def of(case: str = CASE, contact: str = AYSE) -> Facts:
    return Facts(case, CUSTOMER, contact, NUMBER, by="ali")


def opened(case: str = CASE, **fields: Any) -> CaseOpened:
    return of(case).opened(**{"subject": "Buy at http://spam.example", "text": "Kargom gelmedi", **fields})


def classified(case: str = CASE, language: str = "tr", **fields: Any) -> CaseClassified:
    return of(case).classified(**{"language": label(language, source="model"), **fields})


def wrote(case: str = CASE, contact: str = AYSE, **fields: Any) -> MessageReceived:
    usual = {"message": "m0", "text": "Peki", "message_id": "<second@mx.example.com>"}
    return of(case, contact).wrote(**{**usual, **fields})


def copied(contact: str = "c0c0", case: str = CASE) -> ParticipantAdded:
    return ParticipantAdded(case=case, contact=contact, how="copied")


def acknowledged(play: Scene, opening: CaseOpened | None = None, **labels: Any) -> list[Event]:
    """What is said once a case is opened and classified."""
    opening = opening or opened()
    said = play.when(opening)
    return said + play.when(classified(opening.case, **labels))


def known(contact: str = AYSE, **fields: Any) -> CustomerKnown:
    return of(contact=contact).known(**{"name": "Ayşe", "language": "tr", **fields})


def replied(**fields: Any) -> ReplySent:
    return of().replied(**{"message": "m1", "text": "Kargonuz yolda <b>bugün</b>", "first": True, **fields})


def resolved(**fields: Any) -> CaseResolved:
    return of().resolved(**{"agent": "ali", **fields})


def agent(name: str, **fields: Any) -> AgentRegistered:
    values = {
        "agent": name, "name": name.title(), "mail": f"{name}@vefa.example", "teams": ("care",), "skills": (),
        "languages": ("tr",), "capacity": 5, **fields,
    }  # fmt: skip
    return AgentRegistered(**values)


def assigned(name: str = "ali", **fields: Any) -> CaseAssigned:
    usual = {"queue": "money", "team": "care", "agent": name, "why": "idle longest", "priority": "high", "waited": 10}
    return of().assigned(**{**usual, **fields})


def warned() -> TargetWarned:
    return TargetWarned(case=CASE, metric="resolution", cycle=1, level="near", at=MONDAY, due=MONDAY)


def breached() -> TargetBreached:
    return of().breached(rule="high", priority="high", target=60)


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
