"""The service sla: clocks, targets and calendars."""

from pathlib import Path

from contracts.classifier import CaseClassified
from contracts.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CustomerKnown,
    MessageReceived,
    ReplySent,
    StatusChanged,
)
from contracts.loyalty import TierChanged
from contracts.notification import NoticeBounced, NoticeFailed, NoticeWithheld
from contracts.router import CaseAssigned
from shared.host.app import App, Policies

from .api import api
from .domain import decider
from .policy import TargetsPolicy
from .policy_calendars import WorkingCalendar, check
from .views import views

app = App(
    "sla",
    decider,
    views,
    Path(__file__).parent,
    subscribes=(
        CaseOpened, MessageReceived, ReplySent, StatusChanged, CaseResolved, CaseClosed, CaseReopened, CustomerKnown,
        CaseClassified, CaseAssigned, TierChanged, NoticeFailed, NoticeBounced, NoticeWithheld,
    ),
    reads_personal=(),
    policies={
        "calendar": Policies(
            WorkingCalendar,
            {f"calendar/{name}": f"calendars/{name}.yaml" for name in ("tr", "eu", "always")},
        ),
        "targets": Policies(TargetsPolicy, {"targets": "policy.yaml"}),
    },
    checks={"targets": check},
    api=api,
    gathers=0.03,
)  # fmt: skip
