"""Words for the tests of feedback: a case from its opening to an answer."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import yaml

from contracts.feedback import AnswerSurvey, SurveyInvited, SurveyScheduled
from contracts.intake import CaseOpened, CaseResolved
from contracts.sla import TargetMet
from services.feedback.domain import decider
from services.feedback.policy import SurveysPolicy
from services.feedback.views import views
from shared.core.event import Event
from shared.core.personal import Personal
from tests.facts import Facts
from tests.scene import MONDAY, Scene

SHIPPED: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "services" / "feedback" / "policy.yaml").read_text("utf-8")
)
E = TypeVar("E", bound=Event)
PARSERS = {"surveys": SurveysPolicy.model_validate_json}


def of(case: str, who: str, at: datetime = MONDAY) -> Facts:
    return Facts(case, f"c-{who}", f"p-{who}", at=at)


def opening(case: str, who: str, **fields: Any) -> CaseOpened:
    return of(case, who).opened(**fields)


def resolution(case: str, who: str, at: datetime, **fields: Any) -> CaseResolved:
    usual = {"kind": "complaint", "topic": "billing", "language": "tr", "team": "desk", "agent": "a1"}
    return of(case, who, at).resolved(**{**usual, "first_response_at": at, **fields})


def verdict(case: str, at: datetime) -> TargetMet:
    return TargetMet(
        case=case, metric="resolution", cycle=1, policy=1, rule="otherwise", priority="normal", at=at, due=at,
        elapsed=1, target=2,
    )  # fmt: skip


class Story(Scene):
    """A scene with customers ``c-...`` whose contact points are ``p-...``."""

    def opened(self, case: str = "one", who: str = "ayse", **fields: Any) -> "Story":
        self.when(opening(case, who, **fields))
        return self

    def resolved(self, case: str = "one", who: str = "ayse", **fields: Any) -> list[Event]:
        """Resolved in time: what is said when the verdict of the clock is heard."""
        self.only_resolved(case, who, **fields)
        return self.in_time(case)

    def only_resolved(self, case: str = "one", who: str = "ayse", **fields: Any) -> list[Event]:
        return self.when(resolution(case, who, self.at, **fields))

    def in_time(self, case: str = "one") -> list[Event]:
        return self.when(verdict(case, self.at))

    def reopened(self, case: str = "one", who: str = "ayse") -> list[Event]:
        return self.when(of(case, who).reopened())

    def passed(self, **delta: float) -> list[Event]:
        """Time goes by; what is said meanwhile."""
        return self.until(self.at + timedelta(**delta))

    def answered(self, score: int, survey: str = "", comment: str | None = None, who: str = "ayse") -> list[Event]:
        """The answer to a survey; the last one that was sent when none is named."""
        survey = survey or next(e.survey for e in reversed(self.said) if isinstance(e, SurveyInvited))
        words = None if comment is None else Personal(comment)
        return self.when(AnswerSurvey(survey=survey, contact=f"p-{who}", score=score, comment=words), command=True)

    def asked(self, case: str = "one", who: str = "ayse") -> SurveyInvited:
        """A case that was opened and resolved, and the invitation that followed."""
        self.opened(case, who)
        self.resolved(case, who)
        return only(self.passed(hours=25), SurveyInvited)

    def to_recovery(self, score: int = 1) -> str:
        """An unhappy answer, and the case of the recovery opened by intake; the id of the recovery."""
        self.asked()
        recovery = str(self.answered(score)[-1].recovery)  # type: ignore[attr-defined]
        self.opened("make-good", recovery=recovery)
        return recovery

    def made_good(self, recovery: str) -> SurveyScheduled:
        said = self.resolved("make-good", recovery=recovery, cause="late-parcel", action="refund")
        return only(said, SurveyScheduled)


def story(**changes: Any) -> Story:
    """The shipped policy with changes on top."""
    return Story(decider, views, {"surveys": ("feedback", json.dumps({**SHIPPED, **changes}))}, parsers=PARSERS)


def only(events: list[Event], kind: type[E]) -> E:
    found = [e for e in events if isinstance(e, kind)]
    assert len(found) == 1, events
    return found[0]


__all__ = ["SHIPPED", "Story", "only", "opening", "resolution", "story", "verdict"]
