"""The words in which tests of loyalty are written: a customer with a contact point, a shop, a case and its end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import yaml

from contracts.feedback import SurveyAnswered
from contracts.intake import CaseClosed, CaseOpened, CaseResolved, CustomerErased, CustomerKnown
from contracts.loyalty import EnrolMember, PointsSpent, RequestGrant, Severity, SpendPoints
from contracts.outside import PurchaseMade, PurchaseReturned
from contracts.router import CaseAssigned
from contracts.sla import BreachRetracted, TargetBreached
from services.loyalty.domain import decider
from services.loyalty.ledger import Account
from services.loyalty.policy import Programme
from services.loyalty.views import views
from shared.core.event import Event
from shared.core.message import Actor
from shared.core.personal import Personal
from shared.core.vocabulary import Outcome
from tests.facts import Facts
from tests.scene import MONDAY, Scene

SHIPPED = Path(__file__).parents[2] / "services" / "loyalty" / "policy.yaml"
AGENT, SUPERVISOR, CHIEF = Actor("agent", "a1"), Actor("supervisor", "s1"), Actor("admin", "c1")
E = TypeVar("E", bound=Event)


def document(**changes: Any) -> dict[str, Any]:
    """The shipped programme, with one point per 1.00, free at once and for ever, and ``changes``."""
    rule = {"name": "purchase", "occasion": "purchase", "points": 1, "per": 100, "counts": True}
    events = [
        {"name": "survey-answered", "occasion": "survey_answered", "points": 10},
        {"name": "case-closed-satisfied", "occasion": "case_satisfied", "points": 50},
    ]
    rule |= {name: changes.pop(name) for name in ("pending_days", "percent", "labels", "rounding") if name in changes}
    base = yaml.safe_load(SHIPPED.read_text("utf-8"))
    return {**base, "auto_enrol": [], "rules": [rule, *events], "expiry": {"kind": "never"}, **changes}


def programme(**changes: Any) -> Scene:
    """A programme without members; customer k1 is known by contact point p1, and case c1 is open."""
    policy = {"programme": ("loyalty", json.dumps(document(**changes)))}
    scene = Scene(decider, views, policy, parsers={"programme": Programme.model_validate_json})
    return scene.given(known(), opened())


def joined(scene: Scene, contact: str = "p1") -> str:
    """Enrol; the member's id."""
    return str(said(scene.when(EnrolMember(contact=contact)), "member-enrolled").member)


def member_of(**changes: Any) -> tuple[Scene, str]:
    scene = programme(**changes)
    return scene, joined(scene)


def account(scene: Scene, member: str) -> Account:
    state: Account = scene.memory[f"member:{member}"]
    return state


def said(events: list[Event], name: str) -> Any:
    """The one event of that name among what was said."""
    [event] = [e for e in events if e.TOPIC.split(".")[1] == name]
    return event


def known(customer: str = "k1", contact: str = "p1") -> CustomerKnown:
    return Facts(customer=customer, contact=contact).known()


def erased() -> CustomerErased:
    return CustomerErased(
        customer="k1", contacts=("p1",), destroyed_at=MONDAY, certificate="e1", rotation_outstanding=False,
        regime="kvkk", statement="",
    )  # fmt: skip


def opened(case: str = "c1", customer: str = "k1", contact: str = "p1") -> CaseOpened:
    return Facts(case, customer, contact).opened()


def assigned(team: str = "billing", case: str = "c1") -> CaseAssigned:
    return Facts(case).assigned(team=team)


def resolved(case: str = "c1", customer: str = "k1", contact: str = "p1", outcome: Outcome = "solved") -> CaseResolved:
    return Facts(case, customer, contact).resolved(agent="a1", language="tr", outcome=outcome)


def closed(case: str = "c1", outcome: Outcome = "solved") -> CaseClosed:
    return Facts(case).closed(how="confirmed", by="customer", outcome=outcome)


def answered(score: int, case: str = "c1", survey: str = "v1") -> SurveyAnswered:
    return SurveyAnswered(
        survey=survey, kind="csat", case=case, customer="k1", contact="p1", score=score, agent="a1", team=None,
        topic=None, channel="web", language="tr", sla="met",
    )  # fmt: skip


def breached(case: str = "c1") -> TargetBreached:
    return Facts(case).breached()


def retracted(case: str = "c1") -> BreachRetracted:
    return BreachRetracted(
        case=case, metric="resolution", cycle=1, at=MONDAY, breached_at=MONDAY, policy=1, rule="all", priority="normal"
    )


def bought(amount: int, purchase: str = "b1", contact: str = "p1", at: datetime = MONDAY, **more: Any) -> PurchaseMade:
    """A purchase of ``amount`` whole liras."""
    values = {"currency": "TRY", **more}
    return PurchaseMade(contact=contact, purchase=purchase, amount=amount * 100, bought_at=at, **values)


def came_back(amount: int, purchase: str = "b1", number: str = "r1", contact: str = "p1") -> PurchaseReturned:
    return PurchaseReturned(contact=contact, purchase=purchase, returned=number, amount=amount * 100)


def spends(scene: Scene, member: str, amount: int) -> PointsSpent:
    spent: PointsSpent = said(scene.when(SpendPoints(member=member, amount=amount, what="voucher")), "points-spent")
    return spent


def wants(severity: Severity = "minor", case: str = "c1", by: str = "a1") -> RequestGrant:
    return RequestGrant(case=case, severity=severity, by=by, reason=Personal("The parcel was crushed."))


def istanbul(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A wall time in Istanbul (+03:00 all year)."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=3)
