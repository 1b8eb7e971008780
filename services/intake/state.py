"""What intake remembers of a case, a customer, a contact point and a mail: states of streams and how events move them.

No state holds personal text: names, addresses and messages are in the events, sealed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from contracts.classifier import CaseClassified, ClassificationCorrected
from contracts.common import ContactKind
from contracts.intake import (
    AutomaticNoted,
    CaseClosed,
    CaseConfirmed,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CasesLinked,
    ConsentGiven,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
    DuplicateSuspected,
    LoopSuspected,
    MailReceived,
    MailSeen,
    MessageDismissed,
    MessageErased,
    MessageQuarantined,
    MessageReceived,
    MessageReleased,
    NoteAdded,
    ParticipantAdded,
    ReplySent,
    StatusChanged,
)
from contracts.outside import CaseSubmitted, ConsentChanged, CustomerChanged
from contracts.router import CaseAssigned, CaseUnassigned
from shared.core.event import State
from shared.core.message import Message
from shared.core.vocabulary import Category, Channel, Kind, Language, Outcome

COUNTED = (
    CaseOpened, MessageReceived, ReplySent, NoteAdded, StatusChanged, CaseResolved, CaseConfirmed, CaseClosed,
    CaseReopened,
)  # fmt: skip
"""What raises the version of a case: what somebody who answers it would want to have read."""
RECENT = 20
"""How many steps a case, openings a customer and mails a contact point (five times as many) are remembered by."""
MOST = 100
"""How many others a state names at most, the last ones: linked cases, contact points, duplicates, senders of one id.
Mails can be forged, and nothing that anybody can send may make a state grow without end."""
COPY = "copy"
"""The reason of what is set aside as a repeat."""
WAITING: frozenset[Category] = frozenset({"resolved", "closed"})


class Step(State):
    """One counted event of a case."""

    version: int
    what: str
    at: datetime


class Case(State):
    """A case as the rules know it; ``number`` is '' before it exists."""

    number: str = ""
    customer: str = ""
    contact: str = ""
    channel: Channel = "api"
    kind: Kind | None = None
    topic: str | None = None
    language: Language | None = None
    category: Category = "new"
    status: str = "new"
    owner: str | None = None
    team: str | None = None
    opened_at: datetime | None = None
    first_response_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    reopens: int = 0
    recovery: str | None = None
    linked: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    onward: Mapping[str, str] = {}
    """{contact point: the case that its mails about this one go on with}."""
    kept_from_spam: bool = False
    version: int = 0
    recent: tuple[Step, ...] = ()

    @property
    def ended(self) -> bool:
        return self.category in WAITING


class Customer(State):
    """A customer: contact points with what they are, consents, recent openings."""

    contacts: tuple[tuple[str, ContactKind], ...] = ()
    tier: str | None = None
    tags: tuple[str, ...] = ()
    consents: Mapping[str, bool] = {}
    """``contact/channel`` -> allowed."""
    opened: tuple[datetime, ...] = ()
    """Openings of the last cases that the customer brought."""
    duplicates: tuple[str, ...] = ()
    """Customers that seem to be the same one."""
    erased: bool = False

    @property
    def known(self) -> bool:
        return bool(self.contacts)


class Contact(State):
    """A contact point and whose it is; nobody's when new or forgotten."""

    customer: str | None = None
    named: bool = False
    language: Language | None = None
    bounced: bool = False
    returned: tuple[str, ...] = ()
    """The last notices that came back."""
    mails: tuple[datetime, ...] = ()
    loop_at: datetime | None = None


class Mail(State):
    """What became of a Message-ID: {sender: case, None where it was only noted}. Ids can be forged, and given twice."""

    cases: Mapping[str, str | None] = {}
    contents: tuple[str, ...] = ()
    """What came under it."""


class Seen(State):
    """A mail that was taken in: when, and as part of which case."""

    case: str
    at: datetime


class Content(State):
    """Mails of one sender with the same body and files, by what they answer."""

    seen: Mapping[str, Seen] = {}


class SetAside(State):
    """A mail that is no part of a case; ``contact`` is '' before it exists."""

    message: str = ""
    contact: str = ""
    case: str | None = None
    """The case that it belongs to, where that can be told."""
    reason: str = ""
    at: datetime | None = None
    state: Literal["waiting", "released", "dismissed", "erased"] = "waiting"


class External(State):
    """Cases by the sender's own id of them: {contact: case}."""

    cases: Mapping[str, str] = {}


class Account(State):
    """Whose id in another system it is."""

    customer: str | None = None


class Recovery(State):
    """The case that carries out a recovery."""

    case: str | None = None


STATES: Mapping[str, State] = {
    "case": Case(), "customer": Customer(), "contact": Contact(), "mail": Mail(), "content": Content(),
    "set-aside": SetAside(), "external": External(), "recovery": Recovery(), "account": Account(),
}  # fmt: skip


def evolve(state: Any, message: Message) -> Any:
    """The next state of one stream."""
    match state:
        case Case():
            return _case(state, message)
        case Customer():
            return _customer(state, message)
        case Contact():
            return _contact(state, message)
        case Mail():
            return _mail(state, message)
        case Content():
            return _content(state, message)
        case SetAside():
            return _set_aside(state, message)
        case External() | Recovery():
            return _of_case(state, message)
        case Account():
            return Account(customer=message.event.customer) if isinstance(message.event, CustomerKnown) else state
    return state


def _case(state: Case, message: Message) -> Case:
    at = message.occurred_at
    if isinstance(message.event, COUNTED):
        step = Step(version=state.version + 1, what=what(message.event), at=at)
        state = state.model_copy(update={"version": step.version, "recent": (*state.recent, step)[-RECENT:]})
    return state.model_copy(update=_case_change(state, message))


def _case_change(state: Case, message: Message) -> dict[str, Any]:
    at = message.occurred_at
    match message.event:
        case CaseOpened() as e:
            return {
                "number": e.number, "customer": e.customer, "contact": e.contact, "channel": e.channel, "kind": e.kind,
                "topic": e.topic, "language": e.language, "recovery": e.recovery, "opened_at": at,
            }  # fmt: skip
        case ReplySent() as e if e.first:
            return {"first_response_at": at}
        case StatusChanged() as e:
            kept = state.kept_from_spam or (e.before == "spam" and e.category != "spam")
            return {"category": e.category, "status": e.status, "kept_from_spam": kept}
        case CaseResolved() as e:
            return {"category": "resolved", "status": "resolved", "resolved_at": at, "outcome": e.outcome}
        case CaseClosed() as e:
            return {"category": "closed", "status": "closed", "closed_at": at, "outcome": e.outcome}
        case CaseReopened() as e:
            return {"category": "open", "status": "open", "resolved_at": None, "closed_at": None, "reopens": e.reopens}
        case CasesLinked() as e:
            linked = tuple(dict.fromkeys((*state.linked, e.case, e.other)))[-MOST:]
            onward = {**state.onward, e.contact: e.case} if e.contact else state.onward
            return {"linked": linked, "onward": dict(list(onward.items())[-MOST:])}
        case ParticipantAdded() as e:
            return {"participants": (*state.participants, e.contact)[-MOST:]}
        case CaseClassified() as e:
            return {"kind": e.kind.value, "topic": e.topic.value, "language": e.language.value}
        case ClassificationCorrected() as e if e.head in ("kind", "topic", "language"):
            return {e.head: e.value}
        case CaseAssigned() as e:
            return {"owner": e.agent, "team": e.team}
        case CaseUnassigned():
            return {"owner": None, "team": None}
    return {}


def _customer(state: Customer, message: Message) -> Customer:
    change: dict[str, Any] = {}
    match message.event:
        case CustomerKnown() as e:
            contacts = dict(state.contacts) | {e.contact: e.kind}
            tags = tuple(dict.fromkeys((*state.tags, *e.tags)))
            change = {"contacts": tuple(contacts.items()), "tier": e.tier or state.tier, "tags": tags}
        case CaseOpened() as e if e.recovery is None:
            change = {"opened": (*state.opened, message.occurred_at)[-RECENT:]}
        case ConsentGiven() as e:
            change = {"consents": {**state.consents, f"{e.contact}/{e.channel}": True}}
        case ConsentWithdrawn() as e:
            change = {"consents": {**state.consents, f"{e.contact}/{e.channel}": False}}
        case DuplicateSuspected() as e:
            pair = (*state.duplicates, e.customer, e.other)
            change = {"duplicates": tuple(dict.fromkeys(pair))[-MOST:]}
        case CustomerErased():
            change = {"erased": True, "consents": {}, "tier": None, "tags": ()}
    return state.model_copy(update=change)


def _contact(state: Contact, message: Message) -> Contact:
    change: dict[str, Any] = {}
    match message.event:
        case CustomerKnown() as e:
            named = state.named or e.name is not None
            change = {"customer": e.customer, "named": named, "language": e.language or state.language}
        case MailReceived():
            mails = (*state.mails, message.occurred_at)[-5 * RECENT :]
            change = {"mails": mails, "bounced": False, "returned": ()}
        case LoopSuspected():
            change = {"loop_at": message.occurred_at}
        case ContactBounced() as e:
            returned = (*state.returned, e.notice)[-RECENT:] if e.notice else state.returned
            change = {"bounced": True, "returned": returned}
        case ContactForgotten():
            return Contact(mails=state.mails, loop_at=state.loop_at)
        case CaseSubmitted() | CustomerChanged() | ConsentChanged():
            change = {"bounced": False, "returned": ()}
    return state.model_copy(update=change)


def _mail(state: Mail, message: Message) -> Mail:
    match message.event:
        case MailSeen() as e:
            contents = tuple(dict.fromkeys((*state.contents, e.content)))[-RECENT:]
            return Mail(cases=_came(state, e.contact, e.case), contents=contents)
        case AutomaticNoted() as e:
            return state.model_copy(update={"cases": _came(state, e.contact, e.case)})
        case MessageQuarantined() as e:
            return state.model_copy(update={"cases": _came(state, e.contact, None)})
    return state


def _came(state: Mail, contact: str, case: str | None) -> Mapping[str, str | None]:
    """With one sender more; the first one stays: those who came later may have copied its Message-ID."""
    first, *later = {**state.cases, contact: case}.items()
    return dict((first, *later[-MOST + 1 :]))


def _content(state: Content, message: Message) -> Content:
    match message.event:
        case MailSeen(repeat=False) as e:
            seen = {**state.seen, e.answers or "": Seen(case=e.case, at=message.occurred_at)}
            return Content(seen=dict(list(seen.items())[-RECENT:]))
    return state


def _set_aside(state: SetAside, message: Message) -> SetAside:
    at = message.occurred_at
    match message.event:
        case MessageQuarantined() as e:
            return SetAside(message=e.message, contact=e.contact, reason=e.reason, at=at)
        case AutomaticNoted() as e:
            return SetAside(message=e.message, contact=e.contact, case=e.case, reason=e.sign, at=at)
        case MailSeen() as e:
            return SetAside(message=e.message, contact=e.contact, case=e.case, reason=COPY, at=at)
        case MessageReleased() as e:
            return state.model_copy(update={"state": "released", "case": e.case})
        case MessageDismissed():
            return state.model_copy(update={"state": "dismissed"})
        case MessageErased():
            return state.model_copy(update={"state": "erased"})
    return state


def _of_case(state: External | Recovery, message: Message) -> State:
    match state, message.event:
        case External(), CaseOpened() as e:
            return External(cases={**state.cases, e.contact: e.case})
        case Recovery(), CaseOpened() as e:
            return Recovery(case=e.case)
    return state


def what(event: Any) -> str:
    """``message-received`` for ``intake.message-received.v1``."""
    return str(event.TOPIC.split(".")[1])
