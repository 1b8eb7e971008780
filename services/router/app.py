"""The router as a running service."""

from pathlib import Path

from contracts.classifier import CaseClassified
from contracts.intake import CaseClosed, CaseOpened, CaseReopened, CaseResolved, CustomerKnown, StatusChanged
from contracts.loyalty import MemberEnrolled, TierChanged
from contracts.sla import CaseEscalated
from shared.host.app import App, Policies

from .api import api
from .domain import decider
from .policy import RoutingPolicy
from .staff import unskilled
from .views import views

app = App(
    "router", decider, views, Path(__file__).parent,
    subscribes=(
        CaseOpened, StatusChanged, CaseResolved, CaseClosed, CaseReopened, CustomerKnown, CaseClassified, CaseEscalated,
        TierChanged, MemberEnrolled,
    ),
    reads_personal=(),
    policies={"routing": Policies(RoutingPolicy, {"routing": "policy.yaml"})},
    warnings={"routing": unskilled},
    gathers=0.03,
    api=api,
)  # fmt: skip
