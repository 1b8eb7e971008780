"""The service intake, declared."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from contracts.classifier import CaseClassified, ClassificationCorrected
from contracts.common import Blob
from contracts.feedback import RecoveryOpened
from contracts.notification import NoticeBounced
from contracts.outside import CaseSubmitted, ConsentChanged, CustomerChanged, MessageSubmitted
from contracts.router import CaseAssigned, CaseUnassigned
from shared.app import App, Listener, Policies
from shared.edge import Edge
from shared.events import Event
from shared.reply_token import check_reply_token
from shared.service import Outcome
from shared.world import Refused

from .api import api
from .domain import decider
from .erasing import Nightly, eraser, message_eraser, rotator
from .mail import SmtpIntake
from .policy import IntakePolicy
from .restored import ErasedAgain
from .setaside import figures
from .views import views


def smtp(edge: Edge) -> Listener:
    """The mail intake of a process."""

    async def hear(event: Event, occurred_at: datetime | None, event_id: UUID) -> Outcome:
        if not edge.service.memory.has_policy("intake"):
            raise Refused("not-ready", "intake", "no policy is in force yet", "try again in a moment", 503)
        return await edge.hear(event, id=event_id, occurred_at=occurred_at, command=False)

    async def store(content: bytes, name: str, subject: str) -> Blob:
        return await edge.blobs.put(content, name, subject)

    return SmtpIntake(
        hear, edge.contact, lambda token: check_reply_token(edge.links, token, edge.now), store,
        edge.settings.smtp_port, edge.digest, own=edge.settings.mail_from,
        host=edge.settings.smtp_host,
    )  # fmt: skip


app = App(
    "intake", decider, views, Path(__file__).parent,
    hears=(CaseClassified, ClassificationCorrected, CaseAssigned, CaseUnassigned, NoticeBounced, RecoveryOpened),
    opens=(RecoveryOpened,),
    policies={"intake": Policies(IntakePolicy, {"intake": "policy.yaml"})},
    told=(CaseSubmitted, MessageSubmitted, CustomerChanged, ConsentChanged),
    api=api,
    senders={"erase": eraser, "erase-message": message_eraser, "rotate": rotator},
    listeners=(ErasedAgain, smtp, Nightly),
    figures=figures,
)  # fmt: skip
