"""The service intake, declared."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from contracts.classifier import CaseClassified, ClassificationCorrected
from contracts.feedback import RecoveryOpened
from contracts.notification import NoticeBounced
from contracts.outside import CaseSubmitted, ConsentChanged, CustomerChanged, MessageSubmitted
from contracts.router import CaseAssigned, CaseUnassigned
from shared.core.event import Event
from shared.core.parts import Blob
from shared.core.world import Refused
from shared.edge.edge import Edge
from shared.host.app import App, Listener, Policies
from shared.privacy.reply_token import check_reply_token
from shared.runtime.outcome import Outcome

from .api import api
from .domain import decider
from .erasing import Nightly, eraser, message_eraser, rotator
from .mail.smtp import SmtpIntake
from .policy import IntakePolicy
from .restored import ErasedAgain
from .setaside import figures
from .views import views


def smtp(edge: Edge) -> Listener:
    """The mail intake of a process."""

    async def take(event: Event, occurred_at: datetime | None, event_id: UUID) -> Outcome:
        if not edge.service.memory.has_policy("intake"):
            raise Refused("not-ready", "intake", "no policy is in force yet", "try again in a moment", 503)
        return await edge.send(event, id=event_id, occurred_at=occurred_at, command=False)

    async def store(content: bytes, name: str, subject: str) -> Blob:
        return await edge.blobs.put(content, name, subject)

    return SmtpIntake(
        take, edge.contact, lambda token: check_reply_token(edge.links, token, edge.now), store,
        edge.settings.smtp_port, edge.digest, own=edge.settings.mail_from,
        host=edge.settings.smtp_host,
    )  # fmt: skip


app = App(
    "intake", decider, views, Path(__file__).parent,
    subscribes=(CaseClassified, ClassificationCorrected, CaseAssigned, CaseUnassigned, NoticeBounced, RecoveryOpened),
    reads_personal=(RecoveryOpened,),
    policies={"intake": Policies(IntakePolicy, {"intake": "policy.yaml"})},
    accepts=(CaseSubmitted, MessageSubmitted, CustomerChanged, ConsentChanged),
    api=api,
    erases=True,
    gathers=0.03,
    effect_handlers={"erase": eraser, "erase-message": message_eraser, "rotate": rotator},
    listeners=(ErasedAgain, smtp, Nightly),
    figures=figures,
)  # fmt: skip
