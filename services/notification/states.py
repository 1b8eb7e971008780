"""What notification remembers of notices, recipients, cases and agents; nothing of it is personal text."""

from datetime import datetime
from typing import Any, Literal

from contracts.intake import (
    AutomaticNoted,
    CaseOpened,
    CaseResolved,
    ConsentGiven,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    LoopSuspected,
    ReplySent,
)
from contracts.loyalty import MemberEnrolled
from contracts.notification import (
    NoticeBounced,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithheld,
    PreferenceChanged,
)
from contracts.router import CaseAssigned, CaseQueued, CaseUnassigned
from shared.events import Message, State

KEPT = 100
"""Automatic notices that a recipient's state remembers: the most that a policy may allow in its window."""


class Automatic(State):
    """An automatic notice that was queued."""

    at: datetime
    case: str | None
    acknowledgement: bool


class Contact(State):
    """A recipient: a contact point, or agent:<id>."""

    kind: str | None = None
    """mail, phone, handle or number; None: not known yet."""
    language: str | None = None
    preferred: str | None = None
    """Language of the recipient's own choice."""
    zone: str | None = None
    muted: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    """Channels on which commercial messages are allowed."""
    automatic: tuple[Automatic, ...] = ()
    answers_itself: datetime | None = None
    """When an automatic mail of it or a suspected loop was last noted."""
    bounced: bool = False


class Customer(State):
    """A customer's mail address that was heard of last."""

    contact: str | None = None


class Member(State):
    """Who is behind an account of the loyalty programme."""

    customer: str | None = None
    contact: str | None = None


class Case(State):
    """What its notices need."""

    contact: str | None = None
    language: str | None = None
    queue: str | None = None
    team: str | None = None
    owner: str | None = None
    last_notice: str | None = None
    """The last one that went to its customer."""


class Notice(State):
    """One notice; ``queued`` is what was asked for, None before."""

    phase: Literal["none", "open", "sent", "given-up", "withheld", "bounced"] = "none"
    queued: NoticeQueued | None = None
    attempts: int = 0


STATES: dict[str, Any] = {
    "contact": Contact(), "customer": Customer(), "member": Member(), "case": Case(), "notice": Notice(),
}  # fmt: skip


def evolve(state: Any, message: Message) -> Any:
    """The next state of one stream."""
    match state:
        case Contact():
            update = _contact(state, message)
        case Customer():
            update = _customer(message)
        case Member():
            update = _member(message)
        case Case():
            update = _case(message)
        case _:
            update = _notice(message)
    return state.model_copy(update=update) if update else state


def _contact(contact: Contact, message: Message) -> dict[str, Any]:
    match message.event:
        case CustomerKnown() as e:
            return {"kind": e.kind, "language": e.language or contact.language, "bounced": False}
        case CaseOpened(by=None):
            return {"bounced": False}
        case ContactForgotten():
            return dict(Contact())
        case ConsentGiven() as e:
            return {"consents": tuple(sorted({*contact.consents, e.channel}))}
        case ConsentWithdrawn() as e:
            return {"consents": tuple(c for c in contact.consents if c != e.channel)}
        case PreferenceChanged() as e:
            return {"preferred": e.language, "muted": e.muted, "zone": e.zone}
        case AutomaticNoted() | LoopSuspected():
            return {"answers_itself": message.occurred_at}
        case NoticeQueued(automatic=True, by=None) as e:
            one = Automatic(at=message.heard_at, case=e.case, acknowledgement=e.acknowledgement)
            return {"automatic": (*contact.automatic, one)[-KEPT:]}
        case NoticeBounced() | ContactBounced():
            return {"bounced": True}
    return {}


def _customer(message: Message) -> dict[str, Any]:
    match message.event:
        case CustomerKnown(kind="mail") as e:
            return {"contact": e.contact}
        case CustomerErased():
            return {"contact": None}
    return {}


def _member(message: Message) -> dict[str, Any]:
    match message.event:
        case MemberEnrolled() as e:
            return {"customer": e.customer, "contact": e.contact}
    return {}


def _case(message: Message) -> dict[str, Any]:
    match message.event:
        case CaseOpened() as e:
            return {"contact": e.contact, "language": e.language}
        case ReplySent(language=str() as language) | CaseResolved(language=str() as language):
            return {"language": language}
        case CaseQueued() as e:
            return {"queue": e.queue, "owner": None}
        case CaseAssigned() as e:
            return {"queue": e.queue, "team": e.team, "owner": e.agent}
        case CaseUnassigned():
            return {"owner": None}
        case NoticeQueued() as e if not e.contact.startswith("agent:"):
            return {"last_notice": e.notice}
    return {}


def _notice(message: Message) -> dict[str, Any]:
    match message.event:
        case NoticeQueued() as e:
            return {"phase": "open", "queued": e, "attempts": 0}
        case NoticeSent() as e:
            return {"phase": "sent", "attempts": e.attempt}
        case NoticeFailed() as e:
            return {"phase": "open" if e.next_attempt else "given-up", "attempts": e.attempt}
        case NoticeWithheld():
            return {"phase": "withheld"}
        case NoticeBounced():
            return {"phase": "bounced"}
    return {}
