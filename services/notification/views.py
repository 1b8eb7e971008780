"""Tables of notification: notices, who can be reached how, what is open, and figures."""

from collections.abc import Iterator
from datetime import timedelta

from contracts.classifier import CaseClassified
from contracts.intake import (
    CaseOpened,
    ConsentGiven,
    ConsentWithdrawn,
    ContactForgotten,
    CustomerErased,
    CustomerKnown,
)
from contracts.notification import (
    NoticeBounced,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithheld,
    PreferenceChanged,
)
from contracts.router import AgentRegistered
from shared.core.message import Message
from shared.core.projection import Add, Drop, Put, RowOp, Table, arm, attempt, disarm, retry, settled
from shared.core.views import Views

PATIENCE = timedelta(minutes=10)
"""So long an acknowledgement waits for the classification of its case."""
TABLES = {
    "notices": Table(
        {"state": "text", "reason": "text", "template": "text", "contact": "text", "case": "text", "cause": "text",
         "cause_topic": "text", "class": "text", "channel": "text", "language": "text", "automatic": "bool",
         "message": "text", "attempts": "bigint", "queued_at": "timestamptz", "not_before": "timestamptz",
         "not_after": "timestamptz", "next_attempt": "timestamptz", "settled_at": "timestamptz", "copies": "json",
         "not_copied": "json"},
        indexes=("case", "contact"),
    ),
    "contacts": Table(
        {"kind": "text", "address": "personal", "name": "personal", "customer": "text", "language": "text"},
        indexes=("customer",),
    ),
    "preferences": Table({"language": "text", "muted": "json", "zone": "text"}),
    "consents": Table(
        {"contact": "text", "channel": "text", "given": "bool", "at": "timestamptz"}, indexes=("contact",)
    ),
    "cases": Table({"number": "text", "contact": "text"}, indexes=("number",)),
    "staff": Table({"active": "bool", "manager": "text", "teams": "json", "language": "text"}, resident=True),
    "open": Table(
        {"contact": "text", "template": "text", "class": "text", "channel": "text"}, resident=True, indexes=("contact",)
    ),
    "counters": Table(
        {"day": "text", "template": "text", "queued": "bigint", "sent": "bigint", "failed": "bigint",
         "withheld": "bigint", "bounced": "bigint"}
    ),
}  # fmt: skip


def project(message: Message) -> Iterator[RowOp]:
    match message.event:
        case NoticeQueued() as e:
            yield Put("notices", e.notice, {
                "state": "queued", "reason": None, "template": e.template, "contact": e.contact, "case": e.case,
                "cause": e.cause, "cause_topic": e.cause_topic, "class": e.template_class, "channel": e.channel,
                "language": e.language, "automatic": e.automatic, "message": e.message, "attempts": 0,
                "queued_at": message.heard_at, "not_before": e.not_before, "not_after": e.not_after,
                "next_attempt": e.not_before, "settled_at": None, "copies": e.copies, "not_copied": (),
            })  # fmt: skip
            columns = {"contact": e.contact, "template": e.template, "class": e.template_class, "channel": e.channel}
            yield Put("open", e.notice, columns)
            yield attempt(message, e.notice, "mail", e.contact, e.not_before, e.not_after)
            yield from _count(message, e.template, "queued")
        case NoticeSent() as e:
            yield from _settled(message, e.notice, "sent", None, attempts=e.attempt)
            yield Put("notices", e.notice, {"copies": e.copies, "not_copied": e.not_copied})
            yield from _count(message, e.template, "sent")
        case NoticeFailed() as e if e.next_attempt:
            tried = {"attempts": e.attempt, "next_attempt": e.next_attempt}
            yield Put("notices", e.notice, {"state": "failed", "reason": e.error, **tried})
            yield retry(e.notice, e.next_attempt, e.attempt)
            yield from _count(message, e.template, "failed")
        case NoticeFailed() as e:
            yield from _settled(message, e.notice, "given-up", e.error, attempts=e.attempt)
            yield from _count(message, e.template, "failed")
        case NoticeWithheld() as e:
            columns = {n: getattr(e, n) for n in ("template", "contact", "case", "cause", "cause_topic", "message")}
            yield Put("notices", e.notice, columns)
            yield from _settled(message, e.notice, "withheld", e.withheld.reason)
            yield from _count(message, e.template, "withheld")
        case NoticeBounced() as e:
            yield Put("notices", e.notice, {"state": "bounced"})
            yield from _count(message, e.template, "bounced")
        case PreferenceChanged() as e:
            yield Put("preferences", e.contact, {"language": e.language, "muted": e.muted, "zone": e.zone})
        case _:
            yield from _people(message)


def _people(message: Message) -> Iterator[RowOp]:
    match message.event:
        case CaseOpened() as e:
            yield Put("cases", e.case, {"number": e.number, "contact": e.contact})
            due = message.heard_at + PATIENCE
            yield arm(message, f"unclassified/{e.case}", f"case:{e.case}", "unclassified", due)
        case CaseClassified() as e:
            yield disarm(f"unclassified/{e.case}")
        case CustomerKnown() as e:
            columns = {"kind": e.kind, "address": e.address, "customer": e.customer}
            columns |= {"name": e.name} if e.name is not None else {}
            columns |= {"language": e.language} if e.language else {}
            yield Put("contacts", e.contact, columns)
        case AgentRegistered() as e:
            columns = {"kind": "mail", "address": e.mail, "name": e.name}
            yield Put("contacts", f"agent:{e.agent}", columns)
            language = next((spoken for spoken in e.languages if spoken != "other"), None)
            row = {"active": e.active, "manager": e.manager, "teams": list(e.teams), "language": language}
            yield Put("staff", e.agent, row)
        case ConsentGiven() | ConsentWithdrawn() as e:
            given = {"contact": e.contact, "channel": e.channel, "given": isinstance(e, ConsentGiven)}
            yield Put("consents", f"{e.contact}/{e.channel}", {**given, "at": message.occurred_at})
        case ContactForgotten() as e:
            yield from _forget(e.contact)
        case CustomerErased() as e:
            for contact in e.contacts:
                yield from _forget(contact)


def _forget(contact: str) -> Iterator[RowOp]:
    """The row stays as a grave: what is still open for it is withheld as erased, not as unknown."""
    yield Put("contacts", contact, {"kind": "erased", "address": None, "name": None, "language": None})
    yield Drop("preferences", contact)


def _settled(message: Message, notice: str, state: str, reason: str | None, **columns: int) -> Iterator[RowOp]:
    at = message.heard_at
    yield Put("notices", notice, {"state": state, "reason": reason, "next_attempt": None, "settled_at": at, **columns})
    yield Drop("open", notice)
    yield settled(notice)


def _count(message: Message, template: str, what: str) -> Iterator[RowOp]:
    day = f"{message.heard_at:%Y-%m-%d}"
    yield Put("counters", f"{day}/{template}", {"day": day, "template": template})
    yield Add("counters", f"{day}/{template}", {what: 1})


READS = (
    NoticeQueued, NoticeSent, NoticeFailed, NoticeWithheld, NoticeBounced, PreferenceChanged, CaseOpened, CustomerKnown,
    AgentRegistered, ConsentGiven, ConsentWithdrawn, ContactForgotten, CustomerErased, CaseClassified,
)  # fmt: skip
views = Views(TABLES, project, READS)
