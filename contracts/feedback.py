"""What feedback says: surveys, answers and recoveries. What feedback may be asked: the commands at the end."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.core.event import Code, Event, Id
from shared.core.personal import Open, Personal
from shared.core.vocabulary import Channel, Kind, Language

from .common import CustomerCaseFact

SurveyKind = Literal["csat", "nps"]
SlaResult = Literal["met", "breached", "none"]
Withheld = Literal["throttle-person", "floor-24h", "opted-out", "reopened", "spam", "merged", "sampled-out", "erased"]
Delivery = Literal["sent", "failed", "withheld", "bounced"]


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


class AttributedFact(SurveyFact):
    """A fact that counts: with the attribution that ``survey-scheduled`` froze at the resolution, never read again."""

    agent: Id | None = None
    """Owner of the case at its resolution."""
    team: Code | None = None
    """Their team."""
    topic: Code | None = None
    """Topic of the case."""
    case_kind: Kind | None = None
    """Kind of the case."""
    channel: Channel
    """Channel of the case."""
    language: Language | None = None
    """Language in which the person is asked; None: not known."""
    sla: SlaResult
    """Whether its resolution target was met."""
    recovery: Id | None = None
    """The recovery after which the person is asked again."""


class SurveyScheduled(
    AttributedFact,
    topic="feedback.survey-scheduled.v1",
    also=("case:{case}", "customer:{customer}", "recovery:{recovery}"),
    summary="{kind} at {due}, by {trigger}",
):
    """A survey will be sent at ``due``; to whom it will be attributed is frozen here and never read again."""

    definition: Code
    """The survey's definition."""
    definition_version: int
    """Version of the surveys policy that it is asked and judged by."""
    trigger: Code = "by-hand"
    """Name of the trigger of the policy; 'recovery' for asking again."""
    due: datetime
    """When it is to be sent, UTC."""


class SurveyInvited(
    SurveyFact, topic="feedback.survey-invited.v1", also=("case:{case}", "customer:{customer}"), summary="{kind}"
):
    """The person is asked now; notification delivers the link."""

    definition: Code
    """The survey's definition."""
    language: Language | None = None
    """In which language."""
    expires_at: datetime
    """Until when the link can be used, UTC."""


class SurveyWithheld(SurveyFact, topic="feedback.survey-withheld.v1", summary="{kind}: {reason}"):
    """The person is not asked."""

    reason: Withheld
    """Why."""


class SurveyCancelled(SurveyFact, topic="feedback.survey-cancelled.v1"):
    """The case came back before the survey was sent."""


class SurveyAnswered(
    AttributedFact,
    topic="feedback.survey-answered.v1",
    also=("case:{case}", "customer:{customer}"),
    summary="{kind} {score}",
):
    """The person answered."""

    score: int
    """In the scale of the kind."""
    comment: Personal | None = None
    """In the person's words."""


class AnswerChanged(AttributedFact, topic="feedback.answer-changed.v1"):
    """The person edited the answer; the last one counts."""

    score: int
    """Now."""
    before: int
    """Until now."""
    comment: Personal | None = None
    """Now; None: as it was."""
    edit: int
    """1, 2, 3 ..."""


class RecoveryOpened(
    CustomerCaseFact,
    topic="feedback.recovery-opened.v1",
    also=("recovery:{recovery}", "survey:{survey}"),
    summary="{kind} {score}, round {round}",
):
    """An unhappy answer: intake opens an owned case for it."""

    recovery: Id
    """The recovery."""
    survey: Id | None = None
    """The survey that was answered so."""
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


class RecoveryClosed(
    CustomerCaseFact, topic="feedback.recovery-closed.v1", also=("recovery:{recovery}",), summary="{cause}: {action}"
):
    """Root cause and action are known and the person is content, or was not asked again."""

    recovery: Id
    """The recovery."""
    recovered: bool | None = None
    """Whether the person, asked again, was content; None: not asked or no answer."""
    cause: Code | None = None
    """Root cause."""
    action: Code | None = None
    """What was done about it."""


class RecoveryFailed(CustomerCaseFact, topic="feedback.recovery-failed.v1", also=("recovery:{recovery}",)):
    """Still unhappy after the last round: the manager decides."""

    recovery: Id
    """The recovery."""
    rounds: int
    """How many rounds."""


class AnswerSurvey(Event, topic="to.feedback.answer-survey.v1", stream="survey:{survey}"):
    """A command: answer a survey, or edit the answer. Refused 404 unknown, 409 not asked or edited too late, 410
    expired or erased, 422 a score outside the scale or another person's contact point."""

    survey: Id
    """The invitation."""
    contact: Id
    """Who was asked; data subject of the comment."""
    score: int = Field(ge=-99, le=99)
    """csat: 1 to 5; nps: 0 to 10; another one is refused with the scale."""
    comment: Personal | None = None
    """In the person's words."""


class DeliveryNoted(SurveyFact, topic="to.feedback.delivery-noted.v1"):
    """Noted by feedback for itself: what became of the notice that carries the invitation."""

    delivery: Delivery
    """Sent, given up, withheld or bounced."""
    reason: Code | None = None
    """Why it was not sent, as notification said it."""
