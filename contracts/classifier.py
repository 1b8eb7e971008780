"""What classifier says: what a case is about, how urgent, in which mood and language, and why."""

from typing import Annotated, Literal

from shared.core.event import Code, Event, Id, Part
from shared.core.parts import Words
from shared.core.personal import Of, Open, Personal
from shared.core.vocabulary import Kind, Language, Priority, Sentiment

from .common import CustomerCaseFact

Band = Literal["auto", "suggest", "review", "settled"]
Source = Literal["rule", "model", "human", "sender", "external", "default"]
Head = Literal["topic", "kind", "urgency", "sentiment", "action", "language"]
LabelValue = Annotated[str, Open("a value from the closed list of its head")]


class Scored(Part):
    """One candidate of a model."""

    value: LabelValue
    """The label."""
    score: float
    """Calibrated probability, 0 to 1."""


class Label(Part):
    """One label with its explanation."""

    value: LabelValue
    """The label."""
    source: Source
    """Who decided it."""
    rule: Code | None = None
    """Name of the rule, where a rule decided."""
    model: Annotated[str | None, Open("first 12 hex digits of a model's hash")] = None
    """The model that scored it."""
    score: float | None = None
    """Calibrated probability, 0 to 1."""
    raw: float | None = None
    """Score before calibration."""
    top: tuple[Scored, ...] = ()
    """The three best candidates."""
    words: tuple[Personal, ...] = ()
    """The words that spoke for it."""
    band: Band = "settled"
    """auto acted, suggest is offered, review waits for a person; settled: not decided by a model's score."""

    @property
    def chosen(self) -> str | None:
        """The value where it may choose a queue, a priority or a promise; None while it waits for a person."""
        return None if self.band == "review" else self.value


class CaseClassified(CustomerCaseFact, topic="classifier.case-classified.v1"):
    """All labels of a case, each with source and reason; said again when a label changes."""

    revision: int
    """1, 2, 3 ... for this case."""
    topic: Label
    """What it is about."""
    kind: Label
    """Complaint, request, question ..."""
    urgency: Label
    """0 can wait, 1 normal, 2 urgent."""
    sentiment: Label
    """Mood of the text."""
    action: Label
    """yes: something is asked for."""
    language: Label
    """tr, en or other."""
    priority: Priority
    """Result of the matrix and the modifiers."""
    arithmetic: Words
    """How the priority came about: 'impact 2 x urgency 1 -> 2; repeat contact +1 = 3 -> high'."""
    tags: tuple[Code, ...] = ()
    """Tags set by rules: safety, legal, fraud, spam ..."""
    policy: int
    """Version of the classification policy."""
    channel: Code
    """Channel of the case."""


class ReviewRequested(
    CustomerCaseFact,
    topic="classifier.review-requested.v1",
    summary="{head} {value} {score} is not sure enough: a person decides",
):
    """The model is not sure enough: a person decides."""

    head: Head
    """Which label."""
    value: LabelValue
    """What stands meanwhile."""
    score: float
    """Its calibrated score."""
    top: tuple[Scored, ...] = ()
    """The three best candidates."""


class ClassificationCorrected(
    CustomerCaseFact, topic="classifier.classification-corrected.v1", summary="{head} {before} -> {value}, by {by}"
):
    """A person set a label; no later machine event overwrites it."""

    head: Head
    """Which label."""
    value: LabelValue
    """What it is."""
    before: LabelValue
    """What the machine had said."""
    model: Annotated[str | None, Open("first 12 hex digits of a model's hash")] = None
    """The model that had said it."""
    by: Id
    """Agent id."""
    reason: Annotated[Personal | None, Of("by")] = None
    """Why, in the agent's words."""


class CorrectClassification(Event, topic="to.classifier.correct-classification.v1", stream="case:{case}", subject="by"):
    """A command: set one label by hand (or confirm it)."""

    case: Id
    """The case."""
    head: Head
    """Which label."""
    value: LabelValue
    """What it is."""
    by: Id
    """Agent id."""
    reason: Personal | None = None
    """Why."""


__all__ = [
    "Band", "CaseClassified", "ClassificationCorrected", "CorrectClassification", "Head", "Kind", "Label", "Language",
    "Priority", "ReviewRequested", "Scored", "Sentiment", "Source",
]  # fmt: skip
