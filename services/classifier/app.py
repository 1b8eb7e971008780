"""The service classifier: what a case is about, how urgent, in which mood and language."""

from pathlib import Path

from contracts.intake import CaseClosed, CaseOpened, CustomerKnown
from contracts.loyalty import TierChanged
from contracts.sla import CaseEscalated
from shared.host.app import App, Policies

from .api import api
from .domain import decider
from .language import detect
from .models import model_named
from .policy import ClassificationPolicy
from .views import views

app = App(
    "classifier", decider, views, Path(__file__).parent,
    subscribes=(CaseOpened, CaseClosed, CustomerKnown, TierChanged, CaseEscalated),
    reads_personal=(CaseOpened,),
    policies={"classification": Policies(ClassificationPolicy, {"classification": "policy.yaml"})},
    api=api,
)  # fmt: skip

model_named("seed")  # read before processes are forked: they share its memory, and no case waits for it

detect("Wo ist meine Bestellung?")  # reads the language profiles, for the same reason
