"""What notification remembers of notices, recipients, cases and agents; nothing of it is personal text."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from contracts.classifier import CaseClassified
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
    MessageReceived,
    ParticipantAdded,
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
from shared.core.event import State
from shared.core.facts import DeadlineReached
from shared.core.message import Message

from .wording import filled

KEPT = 100
"""Automatic notices that a recipient's state remembers: the most that a policy may allow in its window."""
THREAD = 10
"""Mails of a case by which a next one is placed in its thread: the first and the last of them."""


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
    away: Mapping[str, datetime] = {}
    """Cases on which a machine answered for it, such as an out-of-office, and when last."""
    loops_until: datetime | None = None
    """So long it is suspected of a loop."""
    bounced: int | None = None
    """Position of the event by which a mail to it came back."""
    forgotten: int | None = None
    """Position of the event by which it was forgotten."""


class Customer(State):
    """A customer's mail address that was heard of last."""

    contact: str | None = None


class Member(State):
    """Who is behind an account of the loyalty programme."""

    customer: str | None = None
    contact: str | None = None


class Opening(State):
    """The opening of a case: an acknowledgement of it waits until the case is classified."""

    id: str
    row: int
    at: datetime
    facts: Mapping[str, Any]
    """What the conditions of a rule may ask of it (see ``wording.filled``)."""


class Case(State):
    """What its notices need."""

    contact: str | None = None
    customer: str | None = None
    language: str | None = None
    opening: Opening | None = None
    classified: bool = False
    overdue: bool = False
    """Whether its classification has been waited for long enough."""
    spam: bool = False
    silent: bool = False
    """Whether the customer's last mail asks that nothing automatic answers it."""
    thread: tuple[int, ...] = ()
    """Positions of its mails, the customer's and ours, oldest first."""
    wrote: tuple[str, int] | None = None
    """Who wrote last, and the position of that."""
    participants: Mapping[str, int] = {}
    """Who takes part beside the customer, and the position from which on."""
    queue: str | None = None
    team: str | None = None
    owner: str | None = None


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
            update = _case(state, message)
        case _:
            update = _notice(message)
    return state.model_copy(update=update) if update else state


def _contact(contact: Contact, message: Message) -> dict[str, Any]:
    match message.event:
        case CustomerKnown() as e:
            return {"kind": e.kind, "language": e.language or contact.language, "bounced": None}
        case CaseOpened(by=None):
            return {"bounced": None}
        case ContactForgotten():
            return {**dict(Contact()), "forgotten": message.row}
        case ConsentGiven() as e:
            return {"consents": tuple(sorted({*contact.consents, e.channel}))}
        case ConsentWithdrawn() as e:
            return {"consents": tuple(c for c in contact.consents if c != e.channel)}
        case PreferenceChanged() as e:
            return {"preferred": e.language, "muted": e.muted, "zone": e.zone}
        case AutomaticNoted(case=str() as case):
            away = {c: at for c, at in contact.away.items() if c != case} | {case: message.occurred_at}
            return {"away": dict(list(away.items())[-KEPT:])}
        case LoopSuspected() as e:
            return {"loops_until": message.occurred_at + timedelta(seconds=e.window)}
        case NoticeQueued(automatic=True, by=None) as e:
            one = Automatic(at=message.heard_at, case=e.case, acknowledgement=e.acknowledgement)
            return {"automatic": (*contact.automatic, one)[-KEPT:]}
        case NoticeBounced() | ContactBounced():
            return {"bounced": message.row}
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


def _case(case: Case, message: Message) -> dict[str, Any]:
    match message.event:
        case CaseOpened() as e:
            cause = str(message.retry_of or message.id)
            opening = Opening(id=cause, row=message.row, at=message.occurred_at, facts=filled(e))
            mailed = {"thread": _followed(case, message.row)} if e.channel == "email" and e.by is None else {}
            return {
                "contact": e.contact, "customer": e.customer, "language": case.language or e.language,
                "opening": opening, "silent": e.silent is not None, "wrote": (e.contact, message.row), **mailed,
            }  # fmt: skip
        case CaseClassified() as e:
            told = {"language": e.language.value} if e.language.source != "default" else {}
            return {**told, "classified": True, "spam": "spam" in e.tags}
        case DeadlineReached(kind="unclassified"):
            return {"overdue": True}
        case MessageReceived() as e:
            mailed = {"thread": _followed(case, message.row)} if e.message_id is not None else {}
            return {"silent": e.silent is not None, "wrote": (e.contact, message.row), **mailed}
        case ParticipantAdded() as e:
            return {"participants": {**case.participants, e.contact: message.row}}
        case ReplySent(language=str() as language) | CaseResolved(language=str() as language):
            return {"language": language}
        case CaseQueued() as e:
            return {"queue": e.queue, "owner": None}
        case CaseAssigned() as e:
            return {"queue": e.queue, "team": e.team, "owner": e.agent}
        case CaseUnassigned():
            return {"owner": None}
        case NoticeQueued() as e if not e.contact.startswith("agent:"):
            return {"thread": _followed(case, message.row)}
    return {}


def _followed(case: Case, row: int) -> tuple[int, ...]:
    """The thread with one mail more."""
    rows = (*case.thread, row)
    return rows if len(rows) <= THREAD else (rows[0], *rows[-THREAD + 1 :])


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
