"""What feedback knows of cases, persons, contact points, surveys and recoveries: states and how facts change them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from contracts.classifier import CaseClassified
from contracts.feedback import (
    AnswerChanged,
    Delivery,
    DeliveryNoted,
    RecoveryClosed,
    RecoveryFailed,
    RecoveryOpened,
    SlaResult,
    SurveyAnswered,
    SurveyCancelled,
    SurveyFact,
    SurveyInvited,
    SurveyKind,
    SurveyScheduled,
    SurveyWithheld,
)
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    StatusChanged,
)
from contracts.notification import PreferenceChanged
from contracts.router import CaseAssigned
from contracts.sla import BreachRetracted, TargetBreached, TargetMet
from shared.core.event import Event, State, Value
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.vocabulary import Category, Channel, Kind, Language, Outcome

KEPT = 20


class Resolution(Value):
    """A case as it was resolved. ``sla`` is None until the clock's verdict is heard, or waited for in vain."""

    at: datetime
    agent: str | None
    team: str | None
    kind: Kind | None
    topic: str | None
    channel: Channel
    language: Language | None
    outcome: Outcome
    reopens: int
    cause: str | None
    action: str | None
    sla: SlaResult | None = None
    settled_by: str = ""
    """Id of the message that brought the verdict."""


class Asked(Value):
    """An invitation, and the id of the event that notification hears it by."""

    survey: str
    cause: str


class Case(State):
    """One case. ``scheduled`` are the surveys that are not decided yet."""

    customer: str = ""
    contact: str = ""
    number: str = ""
    category: Category = "new"
    kind: Kind | None = None
    topic: str | None = None
    language: Language | None = None
    agent: str | None = None
    team: str | None = None
    breached_at: datetime | None = None
    resolution: Resolution | None = None
    scheduled: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    recovery: str | None = None
    """The recovery that this case carries out."""
    recovering: str | None = None
    """The recovery that is open because of this case."""


class Customer(State):
    """One person, over all contact points and channels."""

    language: Language | None = None
    erased: bool = False
    resolved: int = 0
    """Cases resolved for the first time, recoveries not among them."""
    recent: tuple[str, ...] = ()
    """The last of them, oldest first."""
    invited: Mapping[str, datetime] = {}
    """When the person was last asked, by definition."""

    @property
    def last_invited(self) -> datetime | None:
        return max(self.invited.values(), default=None)

    def nth(self, case: str) -> int:
        """Which resolved case of the person this one is: 1, 2, 3 ...; 0 when it is not known."""
        return self.resolved - len(self.recent) + self.recent.index(case) + 1 if case in self.recent else 0


class Contact(State):
    """One contact point."""

    forgotten: bool = False
    muted: tuple[str, ...] = ()


SurveyState = Literal["unknown", "scheduled", "withheld", "cancelled", "invited", "answered", "expired"]


class Survey(State):
    """One invitation. ``frozen`` is what was frozen at the resolution."""

    state: SurveyState = "unknown"
    frozen: SurveyScheduled | None = None
    expires_at: datetime | None = None
    answered_at: datetime | None = None
    score: int = 0
    edits: int = 0
    delivery: Delivery | None = None
    unhappy: bool = False
    """Whether an answer of it has opened a recovery."""


class Recovery(State):
    """One try to make good, in one or more rounds."""

    open: bool = False
    case: str = ""
    """The case that disappointed."""
    number: str = ""
    topic: str | None = None
    language: Language | None = None
    channel: Channel = "api"
    kind: SurveyKind = "csat"
    round: int = 0
    survey: str = ""
    """The survey whose answer opened this round."""
    asked: str = ""
    """The survey by which the person is asked again; '' while the case is at work."""
    carried_by: str | None = None
    """The case that carries it out."""


STATES: Mapping[str, Any] = {
    "case": Case(), "customer": Customer(), "contact": Contact(), "survey": Survey(), "recovery": Recovery(),
}  # fmt: skip


def evolve(state: Any, message: Message) -> Any:
    """The next state of one stream."""
    match state:
        case Case():
            update = _case(state, message, message.event)
        case Customer():
            update = _customer(state, message, message.event)
        case Contact():
            update = _contact(message.event)
        case Survey():
            update = _survey(message, message.event)
        case _:
            update = _recovery(message.event)
    return state.model_copy(update=update) if update else state


def _case(case: Case, message: Message, event: Event) -> dict[str, Any]:
    match event:
        case CaseOpened() as e:
            return {
                "customer": e.customer, "contact": e.contact, "number": e.number, "kind": e.kind, "topic": e.topic,
                "language": e.language, "recovery": e.recovery,
            }  # fmt: skip
        case CaseClassified() as e:
            return {"kind": e.kind.value, "topic": e.topic.value, "language": e.language.value}
        case CaseAssigned() as e:
            return {"agent": e.agent, "team": e.team}
        case StatusChanged(category=category):
            back = category not in ("resolved", "closed")
            return {"category": category, **({"resolution": None} if back else {})}
        case CaseResolved() as e:
            return {
                "category": "resolved", "resolution": _resolution(case, message, e), "recovery": e.recovery,
                "customer": e.customer, "contact": e.contact, "number": e.number,
            }  # fmt: skip
        case CaseClosed():
            return {"category": "closed"}
        case CaseReopened():
            return {"category": "open", "resolution": None}
        case SurveyFact():
            return _case_asked(case, message, event)
        case RecoveryOpened() as e:
            return {"recovering": e.recovery}
        case RecoveryClosed() | RecoveryFailed():
            return {"recovering": None}
        case _:
            return _case_measured(case, message, event)


def _resolution(case: Case, message: Message, e: CaseResolved) -> Resolution:
    breached = case.breached_at is not None and case.breached_at <= message.occurred_at
    return Resolution(
        at=message.occurred_at, agent=e.agent or case.agent, team=e.team or case.team, kind=e.kind or case.kind,
        topic=e.topic or case.topic, channel=e.channel, language=e.language or case.language, outcome=e.outcome,
        reopens=e.reopens, cause=e.cause, action=e.action, sla="breached" if breached else None,
        settled_by=str(message.id) if breached else "",
    )  # fmt: skip


def _case_measured(case: Case, message: Message, event: Event) -> dict[str, Any]:
    """The verdict of the resolution clock: heard of sla, mostly after the resolution, or waited for in vain."""
    verdict: SlaResult
    update: dict[str, Any] = {}
    match event:
        case TargetMet(metric="resolution"):
            verdict = "met"
        case TargetBreached(metric="resolution", breached_at=at):
            update = {"breached_at": at}
            if case.resolution is None or at > case.resolution.at:
                return update
            verdict = "breached"
        case BreachRetracted(metric="resolution"):
            return {"breached_at": None}
        case DeadlineReached(kind="verdict"):
            verdict = "none"
        case _:
            return {}
    if case.resolution is None or case.resolution.sla is not None:
        return update
    settled = case.resolution.model_copy(update={"sla": verdict, "settled_by": str(message.id)})
    return {**update, "resolution": settled}


def _case_asked(case: Case, message: Message, event: SurveyFact) -> dict[str, Any]:
    rest = tuple(survey for survey in case.scheduled if survey != event.survey)
    match event:
        case SurveyScheduled() as e:
            return {"scheduled": (*rest, e.survey)}
        case SurveyInvited() as e:
            asked = Asked(survey=e.survey, cause=str(message.id))
            return {"scheduled": rest, "asked": (*case.asked, asked)[-KEPT:]}
        case SurveyWithheld() | SurveyCancelled():
            return {"scheduled": rest}
        case _:
            return {}


def _customer(customer: Customer, message: Message, event: Event) -> dict[str, Any]:
    match event:
        case CustomerKnown() as e:
            return {"language": e.language or customer.language}
        case CustomerErased():
            return {"erased": True}
        case CaseResolved(recovery=None) as e if e.case not in customer.recent:
            return {"resolved": customer.resolved + 1, "recent": (*customer.recent, e.case)[-KEPT:]}
        case SurveyInvited() as e:
            return {"invited": {**customer.invited, e.definition: message.heard_at}}
        case _:
            return {}


def _contact(event: Event) -> dict[str, Any]:
    match event:
        case CustomerKnown() | CaseOpened():
            return {"forgotten": False}
        case ContactForgotten():
            return {"forgotten": True}
        case PreferenceChanged() as e:
            return {"muted": e.muted}
        case _:
            return {}


def _survey(message: Message, event: Event) -> dict[str, Any]:
    match event:
        case SurveyScheduled() as e:
            return {"state": "scheduled", "frozen": e}
        case SurveyWithheld():
            return {"state": "withheld"}
        case SurveyCancelled():
            return {"state": "cancelled"}
        case SurveyInvited() as e:
            return {"state": "invited", "expires_at": e.expires_at}
        case SurveyAnswered() as e:
            return {"state": "answered", "answered_at": message.heard_at, "score": e.score}
        case AnswerChanged() as e:
            return {"score": e.score, "edits": e.edit}
        case DeliveryNoted() as e:
            return {"delivery": e.delivery}
        case RecoveryOpened():
            return {"unhappy": True}
        case DeadlineReached(kind="expiry"):
            return {"state": "expired"}
        case _:
            return {}


def _recovery(event: Event) -> dict[str, Any]:
    match event:
        case RecoveryOpened() as e:
            return {
                "open": True, "case": e.case, "number": e.number, "topic": e.topic, "language": e.language,
                "channel": e.channel, "kind": e.kind, "round": e.round, "survey": e.survey or "",
                "asked": "",
            }  # fmt: skip
        case CaseOpened() as e:
            return {"carried_by": e.case}
        case SurveyScheduled() as e:
            return {"asked": e.survey}
        case RecoveryClosed() | RecoveryFailed():
            return {"open": False}
        case _:
            return {}
