"""The words of the classifier's tests: cases that open with a text, and what is said about them."""

import json
from typing import Any, TypeVar

from contracts.classifier import CaseClassified, CorrectClassification
from contracts.intake import CaseOpened
from contracts.loyalty import TierChanged
from services.classifier.app import app
from services.classifier.domain import decider
from services.classifier.views import views
from shared.core.event import Event
from tests.facts import Facts
from tests.scene import Scene

SURE, UNSURE = "My parcel is five days late", "xyzzy plugh"
"""Texts of which the seed model is sure, and not, that they are about delivery."""
E = TypeVar("E", bound=Event)


def document(**changes: Any) -> dict[str, Any]:
    """The shipped policy with ``changes``."""
    return {**json.loads(app.shipped()["classification"]), **changes}


def opening(text: str = SURE, case: str = "one", **fields: Any) -> CaseOpened:
    return Facts(case, "ada", "c-ada", channel="web").opened(**{"subject": "", "text": text, **fields})


class Desk(Scene):
    """A scene in which cases open and people correct what the machine said."""

    def __init__(self, **changes: Any):
        text = json.dumps(document(**changes))
        super().__init__(decider, views, {"classification": ("classifier", text)}, parsers=app.document_parsers())

    def opened(self, text: str = SURE, case: str = "one", **fields: Any) -> CaseClassified:
        """The classification of a new case."""
        return first(CaseClassified, self.when(opening(text, case, **fields)))

    def corrected(self, head: str, value: str, case: str = "one") -> list[Event]:
        return self.when(
            CorrectClassification.model_validate({"case": case, "head": head, "value": value, "by": "ece"})
        )

    def escalated(self, level: str = "over", case: str = "one") -> list[Event]:
        return self.when(Facts(case, at=self.at).escalated(level=level, action="raise_priority"))

    def closed(self, case: str = "one") -> list[Event]:
        return self.when(Facts(case, "ada", "c-ada").closed(how="quiet", by="rule"))

    def tier(self, tier: str) -> None:
        more = {"before": "standard", "basis": 0, "period": "2026", "review_at": None, "why": ""}
        self.given(TierChanged.model_validate({"member": "m1", "customer": "ada", "tier": tier, **more}))


def first(kind: type[E], said: list[Event]) -> E:
    return next(event for event in said if isinstance(event, kind))
