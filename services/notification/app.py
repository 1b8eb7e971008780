"""The service notification, declared."""

from pathlib import Path

from contracts.classifier import CaseClassified
from contracts.intake import (
    AutomaticNoted,
    ConsentGiven,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    LoopSuspected,
    MessageReceived,
    ParticipantAdded,
)
from contracts.loyalty import MemberEnrolled
from contracts.router import AgentRegistered, CaseQueued, CaseUnassigned
from shared.core.calendar import Calendar
from shared.core.facts import PolicyPublished
from shared.host.app import App, Policies

from .api import api
from .channels.mail import mail_sender
from .domain import decider
from .policy import Templates
from .recipients import Queues
from .views import views
from .wording import HEARD

app = App(
    "notification",
    decider,
    views,
    Path(__file__).parent,
    subscribes=(
        *HEARD, CustomerKnown, ContactForgotten, ContactBounced, CustomerErased, ConsentGiven, ConsentWithdrawn,
        AutomaticNoted, LoopSuspected, MessageReceived, ParticipantAdded, CaseClassified, CaseQueued, CaseUnassigned,
        AgentRegistered, MemberEnrolled,
        ("sla", PolicyPublished), ("router", PolicyPublished),
    ),
    reads_personal=(),
    policies={"templates": Policies(Templates, {"templates": "policy.yaml"})},
    parsers={"calendar": Calendar, "routing": Queues},
    api=api,
    gathers=0.1,
    effect_handlers={"mail": mail_sender},
)  # fmt: skip
