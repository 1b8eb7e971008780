"""The service loyalty: members, points, tiers and recovery grants."""

from pathlib import Path

from contracts.feedback import AnswerChanged, RecoveryClosed, SurveyAnswered
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
)
from contracts.loyalty import EnrolMember, RefundSpend, SpendPoints
from contracts.outside import PurchaseMade, PurchaseReturned
from contracts.router import CaseAssigned
from contracts.sla import BreachRetracted, TargetBreached
from shared.host.app import App, Policies

from .api import api
from .domain import decider
from .policy import Programme
from .views import views

app = App(
    "loyalty",
    decider,
    views,
    Path(__file__).parent,
    subscribes=(
        CustomerKnown, CustomerErased, ContactForgotten, CaseOpened, CaseResolved, CaseClosed, CaseReopened,
        CaseAssigned, SurveyAnswered, AnswerChanged, RecoveryClosed, TargetBreached, BreachRetracted,
    ),
    reads_personal=(),
    accepts=(PurchaseMade, PurchaseReturned, EnrolMember, SpendPoints, RefundSpend),
    policies={"programme": Policies(Programme, {"programme": "policy.yaml"})},
    api=api,
    gathers=0.1,
)  # fmt: skip
