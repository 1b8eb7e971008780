"""The policy document ``surveys``: what is asked, when, of whom, how often, and which answers open a recovery.

Spec: feedback, When; Whether; Closed loop."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from contracts.feedback import SurveyKind
from shared.core.decisions import Condition, holds
from shared.core.event import Code, Value

FLOOR = timedelta(hours=24)
"""Nobody is asked twice within this time, on whatever channel; no policy can say otherwise."""
SCALES: Mapping[SurveyKind, tuple[int, int]] = {"csat": (1, 5), "nps": (0, 10)}
TOP: Mapping[SurveyKind, int] = {"csat": 4, "nps": 9}
"""From this score on: content (CSAT top box), promoter (NPS)."""
BOTTOM: Mapping[SurveyKind, int] = {"csat": 2, "nps": 6}
"""Up to this score: discontent, detractor."""
ASKED_AGAIN = "recovery"
"""Stands for a trigger where a recovery was carried out and the person is asked again."""
FACTS = frozenset({"kind", "topic", "channel", "language", "team", "outcome", "sla", "nth", "reopens"})
"""What a trigger's audience may ask for. ``nth``: which resolved case of this person it is, 1, 2, 3 ..."""


class Texts(Value):
    """A survey in one language."""

    title: str = Field(min_length=1)
    question: str = Field(min_length=1)
    lowest: str
    """What the lowest score means."""
    highest: str
    """What the highest score means."""
    comment: str
    """Label of the free text."""
    send: str = Field(min_length=1)
    """The button."""
    thanks: str = Field(min_length=1)


class Definition(Value):
    """One survey; its name is part of the name of its metric."""

    kind: SurveyKind
    group: Code = "general"
    """Definitions of one group share a throttle."""
    template: Code
    """Notification's template of the invitation: who muted it has opted out."""
    texts: Mapping[Literal["tr", "en"], Texts]

    @model_validator(mode="after")
    def _in_both_languages(self) -> Self:
        if missing := {"tr", "en"} - self.texts.keys():
            raise ValueError(f"texts: {sorted(missing)} missing; a survey needs Turkish (tr) and English (en) texts")
        return self


class Trigger(Value):
    """After which resolutions a definition is scheduled."""

    name: Code
    survey: Code
    """Name of the definition."""
    delay_hours: int = Field(default=24, ge=0, le=24 * 90)
    """From the resolution to the invitation."""
    when: Mapping[str, Condition] = {}
    """The audience: conditions that must all hold; see FACTS."""
    every: int = Field(default=1, ge=1, le=10_000)
    """Only each N-th resolved case of a person."""
    first: bool = False
    """The person's first resolved case too, whatever ``every`` says."""
    sample: float = Field(default=1.0, ge=0, le=1)
    """Share of the scheduled surveys that are sent."""

    def applies(self, facts: Mapping[str, Any]) -> bool:
        nth = facts["nth"]
        counts = nth % self.every == 0 or (self.first and nth == 1)
        return counts and all(holds(condition, facts.get(fact)) for fact, condition in self.when.items())

    def samples(self, survey: str) -> bool:
        """Whether this survey is in the sample: a hash of its id, so that the answer never changes."""
        share = int.from_bytes(sha256(survey.encode()).digest()[:8]) / 2**64
        return share < self.sample


class Throttle(Value):
    """How often one person may be asked, in days; the floor of 24 hours holds whatever stands here."""

    group_days: int = Field(default=14, ge=0, le=3650)
    global_days: int = Field(default=7, ge=0, le=3650)


class Recovery(Value):
    """Which answers open a recovery, and how it goes on."""

    csat: int = Field(default=2, ge=0, le=5)
    """Up to this score; 0: never."""
    nps: int = Field(default=6, ge=-1, le=10)
    """Up to this score; -1: never."""
    delay_hours: int = Field(default=24, ge=0, le=24 * 90)
    """From the recovery's resolution until the person is asked again."""
    rounds: int = Field(default=2, ge=1, le=9)
    """So often it is tried; then it has failed and the manager decides."""


class SurveysPolicy(Value):
    """The whole document."""

    definitions: Mapping[Code, Definition]
    triggers: tuple[Trigger, ...]
    """In order; the first that applies schedules its survey, so that one resolution asks at most once."""
    throttle: Throttle = Throttle()
    expires_days: int = Field(default=14, ge=1, le=365)
    """So long an invitation can be answered."""
    edit_hours: int = Field(default=72, ge=0, le=24 * 365)
    """So long after the first answer it can be changed."""
    recovery: Recovery = Recovery()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        names = [trigger.name for trigger in self.triggers]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"triggers: names must be unique, {sorted(twice)} occur more than once")
        for row, trigger in enumerate(self.triggers, 1):
            if trigger.name == ASKED_AGAIN:
                raise ValueError(f"triggers, row {row}: {ASKED_AGAIN!r} is the name of asking again; write another")
            if trigger.survey not in self.definitions:
                known = ", ".join(sorted(self.definitions))
                raise ValueError(
                    f"triggers, row {row} ({trigger.name}): unknown survey {trigger.survey!r}; known are {known}"
                )
            if unknown := sorted(trigger.when.keys() - FACTS):
                known = ", ".join(sorted(FACTS))
                raise ValueError(
                    f"triggers, row {row} ({trigger.name}): unknown fact {unknown[0]!r}; known are {known}"
                )
        return self

    def trigger_for(self, facts: Mapping[str, Any]) -> Trigger | None:
        """The first trigger that applies to a resolution with these facts (see FACTS)."""
        return next((trigger for trigger in self.triggers if trigger.applies(facts)), None)

    def sampled(self, trigger: str, survey: str) -> bool:
        """Whether a survey of this trigger is sent; what no trigger scheduled is always sent."""
        found = next((t for t in self.triggers if t.name == trigger), None)
        return found is None or found.samples(survey)

    def group_of(self, definition: str) -> Iterator[str]:
        """The definitions that share a throttle with this one, itself among them."""
        group = self.definitions[definition].group
        return (name for name, other in self.definitions.items() if other.group == group)

    def unhappy(self, kind: SurveyKind, score: int) -> bool:
        """Whether this answer opens a recovery."""
        return score <= (self.recovery.csat if kind == "csat" else self.recovery.nps)
