"""The feedback service, put together: ``python -m services.feedback.app``."""

from pathlib import Path

from contracts.classifier import CaseClassified
from contracts.feedback import AnswerSurvey
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
from contracts.notification import NoticeBounced, NoticeFailed, NoticeSent, NoticeWithheld, PreferenceChanged
from contracts.router import CaseAssigned
from contracts.sla import BreachRetracted, TargetBreached, TargetMet
from shared.host.app import App, Policies

from .api import api
from .domain import decider
from .policy import SurveysPolicy
from .views import views

app = App(
    "feedback", decider, views, Path(__file__).parent,
    subscribes=(
        CaseOpened, CaseResolved, CaseReopened, CaseClosed, StatusChanged, CustomerKnown, CustomerErased,
        ContactForgotten, CaseClassified, CaseAssigned, TargetMet, TargetBreached, BreachRetracted, NoticeSent,
        NoticeFailed, NoticeWithheld, NoticeBounced, PreferenceChanged,
    ),
    reads_personal=(),
    policies={"surveys": Policies(SurveysPolicy, {"surveys": "policy.yaml"})},
    accepts=(AnswerSurvey,),
    api=api,
    gathers=0.1,
)  # fmt: skip
