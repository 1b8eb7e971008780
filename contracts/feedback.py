"""What feedback says: surveys, answers and recoveries."""

from datetime import datetime
from typing import Annotated, Literal

from shared.events import Code, Event, Id, Open, Personal

from .common import Channel, CustomerCaseFact, Kind, Language

SurveyKind = Literal["csat", "nps"]
SlaResult = Literal["met", "breached", "none"]
Withheld = Literal["throttle-person", "floor-24h", "opted-out", "reopened", "spam", "sampled-out", "erased"]


class SurveyFact(Event, stream="survey:{survey}", also=("case:{case}",)):
    """A fact about one invitation to answer."""

    survey: Id
    """The invitation."""
    kind: SurveyKind
    """csat: 1 to 5; nps: 0 to 10."""
    case: Id
    """The case that it asks about."""
    customer: Id
    """Who is asked."""
    contact: Id
    """By which contact point."""


class SurveyScheduled(SurveyFact, topic="feedback.survey-scheduled.v1", also=("case:{case}", "customer:{customer}")):
    """A survey will be sent at ``due``; to whom it will be attributed is frozen here and never read again."""

    definition: Code
    """The survey's definition."""
    definition_version: int
    """Its version."""
    due: datetime
    """When it is to be sent, UTC."""
    agent: Id | None
    """Owner of the case at its resolution."""
    team: Code | None
    """His team."""
    topic: Code | None
    """Topic of the case."""
    case_kind: Kind | None
    """Kind of the case."""
    channel: Channel
    """Channel of the case."""
    language: Language | None
    """Language of the case."""
    sla: SlaResult
    """Whether its resolution target was met."""


class SurveyInvited(SurveyFact, topic="feedback.survey-invited.v1", also=("case:{case}", "customer:{customer}")):
    """The person is asked now; notification delivers the link."""

    definition: Code
    """The survey's definition."""
    language: Language | None
    """In which language."""
    expires_at: datetime
    """Until when the link can be used, UTC."""


class SurveyWithheld(SurveyFact, topic="feedback.survey-withheld.v1"):
    """The person is not asked."""

    reason: Withheld
    """Why."""


class SurveyCancelled(SurveyFact, topic="feedback.survey-cancelled.v1"):
    """The case came back before the survey was sent."""


class SurveyAnswered(SurveyFact, topic="feedback.survey-answered.v1", also=("case:{case}", "customer:{customer}")):
    """The person answered."""

    score: int
    """In the scale of the kind."""
    comment: Personal | None = None
    """In the person's words."""
    agent: Id | None
    """Attribution as frozen."""
    team: Code | None
    """Attribution as frozen."""
    topic: Code | None
    """Attribution as frozen."""
    channel: Channel
    """Attribution as frozen."""
    language: Language | None
    """Attribution as frozen."""
    sla: SlaResult
    """Attribution as frozen."""
    recovery: Id | None = None
    """The recovery after which the person was asked again."""


class AnswerChanged(SurveyFact, topic="feedback.answer-changed.v1"):
    """The person edited the answer; the last one counts."""

    score: int
    """Now."""
    before: int
    """Until now."""
    comment: Personal | None = None
    """Now."""
    edit: int
    """1, 2, 3 ..."""


class RecoveryOpened(CustomerCaseFact, topic="feedback.recovery-opened.v1", also=("recovery:{recovery}",)):
    """An unhappy answer: intake opens an owned case for it."""

    recovery: Id
    """The recovery."""
    kind: SurveyKind
    """What was asked."""
    score: int
    """What was answered."""
    comment: Personal | None = None
    """In the person's words."""
    round: int = 1
    """1, 2 ...: reopened when the person is still unhappy."""
    topic: Code | None = None
    """Topic of the case."""
    language: Language | None = None
    """Language of the case."""
    channel: Channel
    """Channel of the case."""
    number: Annotated[str, Open("human number of the case that disappointed")]
    """Human number of that case."""


class RecoveryClosed(CustomerCaseFact, topic="feedback.recovery-closed.v1", also=("recovery:{recovery}",)):
    """Root cause and action are known and the person is content, or was not asked again."""

    recovery: Id
    """The recovery."""
    recovered: bool | None
    """Whether the person, asked again, was content; None: not asked or no answer."""
    cause: Code | None
    """Root cause."""
    action: Code | None
    """What was done about it."""


class RecoveryFailed(CustomerCaseFact, topic="feedback.recovery-failed.v1", also=("recovery:{recovery}",)):
    """Still unhappy after the last round: the manager decides."""

    recovery: Id
    """The recovery."""
    rounds: int
    """How many rounds."""
