"""The words of the tests of intake: scenes, customers, mails and cases in few letters."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

from contracts.classifier import CaseClassified
from contracts.feedback import RecoveryOpened
from contracts.intake import CaseOpened, MailReceived, Resolve
from contracts.outside import CaseSubmitted, MessageSubmitted
from contracts.router import CaseAssigned
from services.intake import domain
from services.intake.policy import IntakePolicy
from services.intake.state import Case, Contact
from services.intake.views import views
from shared.core.event import Event
from tests.facts import Facts
from tests.scene import Scene

FILE = Path(domain.__file__).with_name("policy.yaml")
POLICY = IntakePolicy.model_validate(yaml.safe_load(FILE.read_text("utf-8")))
AYSE, ALI = "a" * 32, "b" * 32
NUMBERED = UUID(int=7)


def scene() -> Scene:
    return Scene(
        domain.decider,
        views,
        {"intake": ("intake", POLICY.model_dump_json())},
        parsers={"intake": IntakePolicy.model_validate_json},
    )


def complaint(contact: str = AYSE, text: str = "Ürün bozuk geldi, iade istiyorum.", **more: Any) -> CaseSubmitted:
    values = {
        "contact_kind": "mail",
        "address": f"{contact[0]}@example.com",
        "channel": "web",
        "subject": "İade",
    } | more
    return CaseSubmitted(contact=contact, text=text, **values)


def mail(number: int = 1, contact: str = AYSE, text: str = "Ürün bozuk geldi.", **more: Any) -> MailReceived:
    content = more.pop("content", f"{uuid5(NUMBERED, contact + text)}")
    return MailReceived(
        message=f"m{number}", contact=contact, address=f"{contact[0]}@example.com", content=content, subject="İade",
        text=text, **more,
    )  # fmt: skip


def wrote(case: str, text: str = "Hâlâ bekliyorum.", contact: str = AYSE, **more: Any) -> MessageSubmitted:
    return MessageSubmitted(case=case, contact=contact, channel="web", text=text, **more)


def opened(said: list[Event]) -> CaseOpened:
    [opening] = [e for e in said if isinstance(e, CaseOpened)]
    return opening


def resolve(case: str, **more: Any) -> Resolve:
    return Resolve(**{"case": case, "by": "agent:1", "outcome": "solved", **more})


def of(opening: CaseOpened) -> Facts:
    return Facts(opening.case, opening.customer, opening.contact, opening.number, "web", "agent:1")


def classified(opening: CaseOpened, **more: Any) -> CaseClassified:
    return of(opening).classified(**{"topic": "billing", "sentiment": "negative", **more})


def assigned(opening: CaseOpened) -> CaseAssigned:
    return of(opening).assigned(team="t1", category="new")


def recovery(opening: CaseOpened, number: int = 1) -> RecoveryOpened:
    return RecoveryOpened(
        case=opening.case, customer=opening.customer, contact=opening.contact, recovery="r1", kind="csat", score=1,
        comment="Hiç memnun kalmadım", round=number, channel="web", language="tr", number=opening.number,
    )  # fmt: skip


def case_in(world: Scene, case: str) -> Case:
    state = world.memory[f"case:{case}"]
    assert isinstance(state, Case)
    return state


def contact_in(world: Scene, contact: str = AYSE) -> Contact:
    state = world.memory[f"contact:{contact}"]
    assert isinstance(state, Contact)
    return state


def with_case(**more: Any) -> tuple[Scene, CaseOpened]:
    """A scene with one case of Ayşe's."""
    at = scene()
    return at, opened(at.when(complaint(**more)))


def with_resolved() -> tuple[Scene, CaseOpened]:
    at, opening = with_case()
    at.when(resolve(opening.case))
    return at, opening
