"""Read models of intake: cases, messages with their parts and files, timeline, customers, contact points, what is set
aside, volume, numbers."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from contracts.classifier import CaseClassified, ClassificationCorrected, Label
from contracts.intake import (
    NO_FORM,
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
    EraseCustomer,
    EraseMessage,
    KeysDestroyed,
    LoopSuspected,
    MailSeen,
    MasterKeyRotated,
    MessageDismissed,
    MessageErased,
    MessageKeyDestroyed,
    MessageQuarantined,
    MessageReceived,
    MessageReleased,
    NoteAdded,
    ParticipantAdded,
    ReplySent,
    RotateMasterKey,
    RotationTried,
    StatusChanged,
)
from contracts.router import CaseAssigned, CaseUnassigned
from shared.core.message import Message
from shared.core.parts import Blob
from shared.core.personal import Personal
from shared.core.projection import Add, Index, Put, RowOp, Table, arm, attempt, disarm, retry, settled
from shared.core.views import Views

from .state import COPY, COUNTED, what

ERASE_WITHIN = timedelta(days=3650)
"""A duty to erase does not grow stale: it is tried until it is done."""
ROTATE_AGAIN = timedelta(hours=1)

TABLES = {
    "cases": Table(
        {"number": "text", "customer": "text", "contact": "text", "channel": "text", "form": "text", "category": "text",
         "status": "text", "kind": "text", "topic": "text", "language": "text", "owner": "text", "team": "text",
         "opened_at": "timestamptz", "first_response_at": "timestamptz", "resolved_at": "timestamptz",
         "closed_at": "timestamptz", "changed_at": "timestamptz", "outcome": "text", "reopens": "bigint",
         "contacts_before": "bigint", "follows": "text", "recovery": "text", "external_id": "text", "version": "bigint",
         "silent": "text", "received_at": "timestamptz", "subject": "personal"},
        indexes=(
            "number", *(Index((filter_, "key")) for filter_ in ("customer", "category", "status", "channel")),
            *(Index((filter_, "key"), where=filter_) for filter_ in ("owner", "kind", "topic")),
            Index(("key",), where="silent"), Index(("external_id",), where="external_id"),
        ),
    ),
    "messages": Table(
        {"case": "text", "row": "bigint", "at": "timestamptz", "direction": "text", "by": "text", "contact": "text",
         "channel": "text", "acknowledgement": "bool", "silent": "text", "raw": "text", "size": "bigint",
         "text": "personal"},
        indexes=(Index(("case", "row")),),
    ),
    "parts": Table(
        {"case": "text", "message": "text", "number": "bigint", "kind": "text", "at": "bigint", "length": "bigint",
         "text": "personal"},
        indexes=("message",),
    ),
    "files": Table(
        {"case": "text", "message": "text", "number": "bigint", "contact": "text", "digest": "text", "size": "bigint",
         "type": "text", "name": "personal"},
        indexes=("message",),
    ),
    "fields": Table({"case": "text", "number": "bigint", "name": "text", "value": "personal"}, indexes=("case",)),
    "participants": Table({"case": "text", "contact": "text", "how": "text", "at": "timestamptz"}, indexes=("case",)),
    "timeline": Table(
        {"case": "text", "row": "bigint", "at": "timestamptz", "what": "text", "by": "text", "detail": "json",
         "reason": "personal"},
        indexes=(Index(("case", "row")),),
    ),
    "links": Table({"case": "text", "other": "text", "why": "text", "at": "timestamptz"}, indexes=("case", "other")),
    "customers": Table(
        {"name": "personal", "language": "text", "tier": "text", "known_at": "timestamptz", "cases": "bigint",
         "erased_at": "timestamptz", "certificate": "text", "regime": "text", "rotation_outstanding": "bool",
         "rotated_at": "timestamptz", "statement": "text"},
    ),
    "duplicates": Table(
        {"customer": "text", "other": "text", "why": "text", "at": "timestamptz"}, indexes=("customer", "other")
    ),
    "rotations": Table({"at": "timestamptz"}),
    "destroyed": Table({"customer": "text", "item": "text", "at": "timestamptz", "row": "bigint"}, indexes=("row",)),
    "contacts": Table(
        {"kind": "text", "customer": "text", "address": "personal", "bounced": "bool", "forgotten": "bool",
         "loop_at": "timestamptz"},
        indexes=("customer",),
    ),
    "consents": Table(
        {"customer": "text", "contact": "text", "channel": "text", "given": "bool", "origin": "text",
         "at": "timestamptz"},
        indexes=("customer",),
    ),
    "set_aside": Table(
        {"message": "text", "group": "text", "reason": "text", "state": "text", "contact": "text", "case": "text",
         "at": "timestamptz", "raw": "text", "size": "bigint", "by": "text", "decided_at": "timestamptz",
          "writer": "text", "rotation_outstanding": "bool", "address": "personal", "subject": "personal",
          "why": "personal"},
        indexes=(
            Index(("at", "key")), *(Index((f, "at", "key")) for f in ("group", "state", "reason", "contact")), "writer"
        ),
    ),
    "volume": Table(
        {"day": "text", "channel": "text", "opened": "bigint", "received": "bigint", "sent": "bigint",
         "set_aside": "bigint", "silent": "bigint"}
    ),
    "numbers": Table({"last": "bigint"}, resident=True),
}  # fmt: skip


def project(message: Message) -> Iterator[RowOp]:
    """The row operations of one message; each reads this message alone."""
    event = message.event
    if isinstance(event, COUNTED):
        yield Add("cases", event.case, {"version": 1})
        yield Put("cases", event.case, {"changed_at": message.occurred_at})
    yield from _case(message)
    yield from _message(message)
    yield from _step(message)
    yield from _customer(message)
    yield from _mail(message)
    yield from _due(message)


def _case(message: Message) -> Iterator[RowOp]:
    at = message.occurred_at
    match message.event:
        case CaseOpened() as e:
            yield Put("cases", e.case, {
                "number": e.number, "customer": e.customer, "contact": e.contact, "channel": e.channel,
                "form": None if e.form == NO_FORM else e.form,
                "category": "new", "status": "new", "kind": e.kind, "topic": e.topic, "language": e.language,
                "opened_at": at, "reopens": 0, "contacts_before": e.contacts_before, "follows": e.follows,
                "recovery": e.recovery, "external_id": e.external_id, "silent": e.silent, "received_at": e.received_at,
                "subject": e.subject,
            })  # fmt: skip
            for number, field in enumerate(e.fields):
                row = {"case": e.case, "number": number, "name": field.name, "value": field.value}
                yield Put("fields", f"{e.case}/{field.name}", row)
            yield Add("numbers", e.number.split("-")[1], {"last": 1})
            yield Add("customers", e.customer, {"cases": 1})
            yield from _volume(message, e.channel, "opened")
            if e.silent:
                yield from _volume(message, e.channel, "silent")
        case MessageReceived() as e:
            yield Put("contacts", e.contact, {"bounced": False})
            yield from _volume(message, e.channel, "received")
            if e.silent:
                yield Put("cases", e.case, {"silent": e.silent})
        case ReplySent() as e:
            yield from _volume(message, e.channel, "sent")
            if e.first:
                yield Put("cases", e.case, {"first_response_at": at})
        case StatusChanged() as e:
            yield Put("cases", e.case, {"category": e.category, "status": e.status})
        case CaseResolved() as e:
            row = {"category": "resolved", "status": "resolved", "resolved_at": at, "outcome": e.outcome}
            yield Put("cases", e.case, row)
        case CaseClosed() as e:
            row = {"category": "closed", "status": "closed", "closed_at": at, "outcome": e.outcome}
            yield Put("cases", e.case, row)
        case CaseReopened() as e:
            row = {"category": "open", "status": "open", "resolved_at": None, "closed_at": None, "reopens": e.reopens}
            yield Put("cases", e.case, row)
        case CasesLinked() as e:
            yield Put("links", f"{e.case}/{e.other}", {"case": e.case, "other": e.other, "why": e.why, "at": at})
        case ParticipantAdded() as e:
            row = {"case": e.case, "contact": e.contact, "how": e.how, "at": at}
            yield Put("participants", f"{e.case}/{e.contact}", row)
        case CaseClassified() as e:
            row = {"kind": e.kind.value, "topic": e.topic.value, "language": e.language.value}
            yield Put("cases", e.case, row)
        case ClassificationCorrected() as e if e.head in ("kind", "topic", "language"):
            yield Put("cases", e.case, {e.head: e.value})
        case CaseAssigned() as e:
            yield Put("cases", e.case, {"owner": e.agent, "team": e.team})
        case CaseUnassigned() as e:
            yield Put("cases", e.case, {"owner": None, "team": None})


def _volume(message: Message, channel: str, what_: str) -> Iterator[RowOp]:
    day = message.occurred_at.date().isoformat()
    yield Put("volume", f"{day}/{channel}", {"day": day, "channel": channel})
    yield Add("volume", f"{day}/{channel}", {what_: 1})


def _message(message: Message) -> Iterator[RowOp]:
    row: dict[str, Any]
    match message.event:
        case CaseOpened() as e:
            row = {"direction": "in", "by": e.by or "customer", "contact": e.contact, "channel": e.channel}
            key = e.case
        case MessageReceived() as e:
            row = {"direction": "in", "by": "customer", "contact": e.contact, "channel": e.channel}
            key = e.message
        case ReplySent() as e:
            row = {"direction": "out", "by": e.by, "contact": e.contact, "channel": e.channel}
            key = e.message
        case NoteAdded() as e:
            row = {"direction": "note", "by": e.by, "contact": e.contact}
            key = str(message.id)
        case _:
            return
    came = e if isinstance(e, CaseOpened | MessageReceived) else None
    yield Put("messages", key, {
        "case": e.case, "row": message.row, "at": message.occurred_at, **row,
        "acknowledgement": bool(getattr(e, "acknowledgement", False)), "text": e.text,
        **({"silent": came.silent, **_raw(came.raw)} if came else {}),
    })  # fmt: skip
    if came:
        yield from _contents(came, key)


def _contents(e: CaseOpened | MessageReceived, key: str) -> Iterator[RowOp]:
    """What belongs to a message beside its text: a row each, for each has a sealed text."""
    for number, part in enumerate(e.parts):
        yield Put("parts", f"{key}/{number:04}", {
            "case": e.case, "message": key, "number": number, "kind": part.kind, "at": part.at, "length": part.length,
            "text": part.text,
        })  # fmt: skip
    for number, file in enumerate(e.attachments):
        yield Put("files", f"{key}/{number:04}", {
            "case": e.case, "message": key, "number": number, "contact": e.contact, "digest": file.digest,
            "size": file.size, "type": file.type, "name": file.name,
        })  # fmt: skip


SHOWN = ("number", "status", "category", "before", "outcome", "cause", "action", "how", "reopens", "other", "why",
         "agent", "team", "queue", "follows", "recovery", "message", "first", "template")  # fmt: skip
"""Fields of an event that a timeline shows; none of them is personal."""
STEPS = (*COUNTED, CasesLinked, CaseClassified, ClassificationCorrected, CaseAssigned, CaseUnassigned)


def _step(message: Message) -> Iterator[RowOp]:
    e = message.event
    if not isinstance(e, STEPS):
        return
    shown = {n: v for n in SHOWN if (v := getattr(e, n, None)) not in (None, "")}
    detail = {n: v.value if isinstance(v, Label) else v for n, v in shown.items()}
    reason = getattr(e, "reason", None)
    yield Put("timeline", f"{e.case}/{message.row:012}", {
        "case": e.case, "row": message.row, "at": message.occurred_at, "what": what(e), "detail": detail,
        "by": getattr(e, "by", None) or str(message.actor), "reason": reason if isinstance(reason, Personal) else None,
    })  # fmt: skip


def _customer(message: Message) -> Iterator[RowOp]:
    at = message.occurred_at
    match message.event:
        case CustomerKnown() as e:
            news = {"name": e.name, "language": e.language, "tier": e.tier}
            columns = {column: value for column, value in news.items() if value is not None}
            yield Put("customers", e.customer, {**columns, "known_at": at} if e.first else columns)
            yield Put(
                "contacts", e.contact, {"kind": e.kind, "customer": e.customer, "bounced": False, "forgotten": False}
            )
            if e.address or e.address.sealed:
                yield Put("contacts", e.contact, {"address": e.address})
        case DuplicateSuspected() as e:
            row = {"customer": e.customer, "other": e.other, "why": e.why, "at": at}
            yield Put("duplicates", f"{e.customer}/{e.other}", row)
        case ConsentGiven() | ConsentWithdrawn() as e:
            yield Put("consents", f"{e.contact}/{e.channel}", {
                "customer": e.customer, "contact": e.contact, "channel": e.channel, "origin": e.origin, "at": at,
                "given": isinstance(e, ConsentGiven),
            })  # fmt: skip
        case ContactBounced() as e:
            yield Put("contacts", e.contact, {"bounced": True})
        case LoopSuspected() as e:
            yield Put("contacts", e.contact, {"loop_at": at})
        case ContactForgotten() as e:
            yield Put("contacts", e.contact, {"forgotten": True, "customer": None, "address": None})
        case CustomerErased() as e:
            yield Put("customers", e.customer, {
                "name": None, "language": None, "tier": None, "erased_at": at, "certificate": e.certificate,
                "regime": e.regime, "rotation_outstanding": e.rotation_outstanding, "rotated_at": e.rotated_at,
                "statement": e.statement,
            })  # fmt: skip
            row = {"customer": e.customer, "at": at, "row": message.row}
            yield from (Put("destroyed", key, row) for key in e.keys)
        case MasterKeyRotated() as e:
            yield Put("rotations", str(message.id), {"at": e.rotated_at})


def _mail(message: Message) -> Iterator[RowOp]:
    at = message.occurred_at
    match message.event:
        case MailSeen(repeat=True) as e:
            yield from _aside(message, e, "noted", COPY, e.case)
        case AutomaticNoted() as e:
            yield from _aside(message, e, "noted", e.sign, e.case)
        case MessageQuarantined() as e:
            yield from _aside(message, e, "quarantined", e.reason, None)
        case MessageReleased() as e:
            row = {"state": "released", "case": e.case, "by": e.by, "decided_at": at, "writer": e.contact}
            yield Put("set_aside", e.item, row)
        case MessageDismissed() as e:
            row = {"state": "dismissed", "by": e.by, "decided_at": at, "why": e.reason}
            yield Put("set_aside", e.item, row)
        case MessageErased() as e:
            yield Put("set_aside", e.item, {
                "state": "erased", "by": e.by, "decided_at": at, "rotation_outstanding": e.rotation_outstanding,
                "address": None, "subject": None,
            })  # fmt: skip
            yield from (Put("destroyed", key, {"item": e.item, "at": at, "row": message.row}) for key in e.keys)


def _aside(
    message: Message, e: MessageQuarantined | AutomaticNoted | MailSeen, group: str, reason: str, case: str | None
) -> Iterator[RowOp]:
    """A row of the list of what intake made neither a case nor a message of."""
    yield Put("set_aside", e.item or e.message, {
        "message": e.message, "group": group, "reason": reason, "state": "waiting", "contact": e.contact, "case": case,
        "at": message.occurred_at, "address": e.address, "subject": e.subject, **_raw(e.raw),
    })  # fmt: skip
    yield from _volume(message, "email", "set_aside")


def _raw(raw: Blob | None) -> dict[str, Any]:
    return {"raw": raw.digest, "size": raw.size} if raw else {}


def _due(message: Message) -> Iterator[RowOp]:
    match message.event:
        case CaseResolved(closes_at=due) as e if due is not None:
            yield arm(message, f"quiet:{e.case}", e.stream, "quiet-days", due)
        case CaseReopened() | CaseClosed() as e:
            yield disarm(f"quiet:{e.case}")
        case CaseConfirmed() as e:
            yield disarm(f"quiet:{e.case}")
        case EraseCustomer() as e:
            not_after = message.heard_at + ERASE_WITHIN
            yield attempt(message, f"erase:{e.customer}", "erase", e.customer, message.heard_at, not_after)
        case KeysDestroyed() as e:
            yield settled(f"erase:{e.customer}")
        case EraseMessage() as e:
            not_after = message.heard_at + ERASE_WITHIN
            yield attempt(message, f"erase:{e.item}", "erase-message", e.item, message.heard_at, not_after)
        case MessageKeyDestroyed() as e:
            yield settled(f"erase:{e.item}")
        case RotateMasterKey():
            yield attempt(message, "rotate", "rotate", "vault", message.heard_at, message.heard_at + ERASE_WITHIN)
        case RotationTried(rotated_at=None) as e:
            yield retry("rotate", message.heard_at + ROTATE_AGAIN, e.attempt)
        case RotationTried():
            yield settled("rotate")


READS = (
    *STEPS, CustomerKnown, DuplicateSuspected, ConsentGiven, ConsentWithdrawn, ContactBounced, LoopSuspected,
    ContactForgotten, CustomerErased, MasterKeyRotated, MailSeen, AutomaticNoted, MessageQuarantined,
    MessageReleased, MessageDismissed, MessageErased, ParticipantAdded, EraseCustomer, KeysDestroyed, EraseMessage,
    MessageKeyDestroyed, RotateMasterKey, RotationTried,
)  # fmt: skip
views = Views(TABLES, project, READS)
