"""intake over HTTP: bringing a concern, carrying a case on, reading cases, customers and what lies in quarantine.

Customers read and write their own cases alone; a token of role customer is named after the customer or one of his contact points."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from contracts.common import Blob, Category, Channel, ContactKind, FormField, Kind, Language
from contracts.common import Outcome as Ending
from contracts.intake import (
    AddNote,
    CaseOpened,
    ChangeConsent,
    ChangeStatus,
    Close,
    Confirm,
    CustomerKnown,
    EraseCustomer,
    LinkCases,
    MessageReceived,
    NoteAdded,
    Reopen,
    Reply,
    ReplySent,
    Resolve,
)
from contracts.outside import CaseSubmitted, CustomerChanged, MessageSubmitted
from shared.edge import Edge
from shared.events import Code, Event, Id, Personal, Role
from shared.http import PUBLIC, SIGNED, Api, Call, problem, roles
from shared.world import Refused

from .policy import Form, IntakePolicy, Problem, near

api = Api()
STAFF = roles("agent", "supervisor")
READERS = roles("customer", "agent", "supervisor", "service")
LINK = "confirm"
"""Purpose of the signed links that ask whether a case is solved: the id is ``<case>~<contact>``."""
FILES, FILE_BYTES = 10, 10 * 1024 * 1024
TEXT = 20_000
Text = Annotated[str, Field(min_length=1, max_length=TEXT)]
PUBLIC_CHANNELS: tuple[Channel, ...] = ("web", "api")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Body):
    kind: ContactKind = "mail"
    address: Annotated[str, Field(min_length=1, max_length=320)]


class File(Body):
    name: Annotated[str, Field(min_length=1, max_length=150)]
    content: Annotated[str, Field(max_length=FILE_BYTES * 4 // 3 + 4)]
    """base64"""


Files = Annotated[tuple[File, ...], Field(max_length=FILES)]


class Concern(Body):
    contact: Address
    name: Annotated[str, Field(max_length=200)] | None = None
    channel: Channel = "web"
    form: Code = "complaint"
    kind: Kind | None = None
    language: Language | None = None
    topic: Code | None = None
    subject: Annotated[str, Field(max_length=300)] = ""
    text: Text
    fields: dict[str, Annotated[str, Field(max_length=4000)]] = {}
    files: Files = ()
    organisation: Id | None = None
    external_id: Id | None = None


class Writing(Body):
    text: Text
    channel: Channel = "web"
    contact: Address | None = None
    """Who wrote, when staff or another system passes it on; a customer's own is known."""
    files: Files = ()


class Answer(Body):
    text: Text
    template: Code | None = None
    expected_version: int | None = None
    status: Code | None = None


class Noted(Body):
    text: Text


class Status(Body):
    status: Code
    reason: Annotated[str, Field(max_length=1000)] | None = None


class Resolution(Body):
    outcome: Ending
    cause: Code | None = None
    action: Code | None = None
    expected_version: int | None = None


class Confirmation(Body):
    solved: bool
    text: Text | None = None
    token: Annotated[str, Field(max_length=300)] | None = None
    """Of the signed link; not needed with a customer's own token."""


class Closing(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    outcome: Ending | None = None


class Link(Body):
    other: Id


class Customer(Body):
    contact: Address
    name: Annotated[str, Field(max_length=200)] | None = None
    language: Language | None = None
    tier: Code | None = None
    tags: tuple[Code, ...] = ()
    external_id: Id | None = None


class Consent(Body):
    channel: Channel
    given: bool
    origin: Code = "call"
    contact: Id | None = None


class Erasure(Body):
    regime: Code = "kvkk"


class Opened(BaseModel):
    case: str
    number: str
    customer: str


class Recorded(BaseModel):
    """What became of a command: the case, its status category and version now, the message that was recorded."""

    case: str
    category: str
    version: int
    message: str | None = None
    opened: str | None = None
    """Another case, when the message opened one instead."""


# Bringing a concern --------------------------------------------------------------------------------------------------
@api.post("/v1/cases", way=PUBLIC, status=201, response_model=None)
async def submit(body: Concern, call: Call) -> Opened | JSONResponse:
    """Open a case. Anybody may (rate limited); staff for somebody else, other systems on any channel."""
    wrong = _problems(await _policy(call), body)
    if wrong:
        fields = [{"field": p.field, "text": p.text, "remedy": p.remedy} for p in wrong]
        return problem(
            422, "wrong-fields", "wrong fields", f"{len(wrong)} field(s) are wrong", "correct them", fields=fields
        )
    contact, address = call.contact(body.contact.kind, body.contact.address)
    event = CaseSubmitted(
        contact=contact, contact_kind=body.contact.kind, address=Personal(address), name=_personal(body.name),
        channel=body.channel if _knows(call) or body.channel in PUBLIC_CHANNELS else "web", form=body.form,
        kind=body.kind, language=body.language, topic=body.topic, subject=Personal(body.subject),
        text=Personal(body.text), attachments=await _stored(body.files, contact, call),
        fields=tuple(FormField(name=name, value=Personal(value)) for name, value in body.fields.items()),
        organisation=body.organisation if _knows(call) else None,
        external_id=body.external_id if _knows(call) else None, by=call.actor.name if _is_staff(call) else None,
        verified=await _owns(call, contact),
    )  # fmt: skip
    opening = (await call.hear(event)).first(CaseOpened)
    if opening is not None:
        return Opened(case=opening.case, number=opening.number, customer=opening.customer)
    row = await call.row(
        "select key as case, number, customer from {views}.cases where external_id = %s and contact = %s",
        body.external_id, contact,
    )  # fmt: skip
    assert row is not None
    return Opened(**row)


@api.get("/v1/forms", way=PUBLIC)
async def forms(call: Call) -> dict[str, Form]:
    """The category forms of the policy in force."""
    return dict((await _policy(call)).forms)


# Carrying a case on --------------------------------------------------------------------------------------------------
@api.post("/v1/cases/{case}/messages", way=READERS, status=201)
async def add_message(case: Id, body: Writing, call: Call) -> Recorded:
    """The customer writes; staff and other systems pass on what he said by naming him."""
    row = await _case(case, call)
    kind: ContactKind | None = None
    address: str | None = None
    if _is_customer(call):
        contact = await _own_contact(row, call)
    elif body.contact is None:
        contact = row["contact"]
    else:
        kind = body.contact.kind
        contact, address = call.contact(kind, body.contact.address)
    event = MessageSubmitted(
        case=case, contact=contact, channel=body.channel, text=Personal(body.text), contact_kind=kind,
        address=_personal(address), attachments=await _stored(body.files, contact, call),
    )  # fmt: skip
    return await _recorded(case, event, call)


@api.post("/v1/cases/{case}/replies", way=STAFF, status=201)
async def add_reply(case: Id, body: Answer, call: Call) -> Recorded:
    """Answer in public; 409 with what was added when ``expected_version`` is not the newest."""
    row = await _case(case, call)
    command = Reply(
        case=case, contact=row["contact"], by=call.actor.name, text=Personal(body.text), template=body.template,
        expected_version=body.expected_version, status=body.status,
    )  # fmt: skip
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/notes", way=STAFF, status=201)
async def add_note(case: Id, body: Noted, call: Call) -> Recorded:
    """Write something that the customer does not see."""
    return await _recorded(case, AddNote(case=case, by=call.actor.name, text=Personal(body.text)), call)


@api.post("/v1/cases/{case}/status", way=STAFF)
async def set_status(case: Id, body: Status, call: Call) -> Recorded:
    """Set one of the company's statuses."""
    command = ChangeStatus(case=case, status=body.status, by=call.actor.name, reason=_personal(body.reason))
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/resolve", way=STAFF)
async def resolve(case: Id, body: Resolution, call: Call) -> Recorded:
    """The case is solved; it closes when the customer confirms or keeps quiet."""
    return await _recorded(case, Resolve(case=case, by=call.actor.name, **body.model_dump()), call)


@api.post("/v1/cases/{case}/confirm", way=SIGNED)
async def confirm(case: Id, body: Confirmation, call: Call) -> Recorded:
    """The customer says whether it is solved: by the token of a signed link, or by his own."""
    if body.token is not None:
        signed = call.links.check(LINK, body.token, call.now) or ""
        of, _, contact = signed.partition("~")
        if of != case:
            text = "the link is not one of ours for this case, was changed or is out of date"
            raise Refused("expired", "token", text, "use the link of the mail, unchanged and in time", 410)
    elif _is_customer(call) and call.actor.name != "public":
        contact = await _own_contact(await _case(case, call), call)
    else:
        raise Refused("forbidden", "token", "neither a signed link nor a customer", "use the link of the mail", 403)
    return await _recorded(
        case, Confirm(case=case, contact=contact, solved=body.solved, text=_personal(body.text)), call
    )


@api.post("/v1/cases/{case}/close", way=roles("supervisor"))
async def close(case: Id, body: Closing, call: Call) -> Recorded:
    """End a case without waiting; the reason is kept."""
    command = Close(case=case, by=call.actor.name, reason=Personal(body.reason), outcome=body.outcome)
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/reopen", way=STAFF)
async def reopen(case: Id, call: Call) -> Recorded:
    """A resolved or closed case is open again."""
    return await _recorded(case, Reopen(case=case, by=call.actor.name), call)


@api.post("/v1/cases/{case}/links", way=STAFF, status=201)
async def link(case: Id, body: Link, call: Call) -> Recorded:
    """Two cases belong together."""
    return await _recorded(case, LinkCases(case=case, other=body.other, by=call.actor.name), call)


# Reading -------------------------------------------------------------------------------------------------------------
@api.get("/v1/cases", way=READERS)
async def list_cases(
    call: Call,
    category: Category | None = None,
    status: Code | None = None,
    owner: Id | None = None,
    customer: Id | None = None,
    number: Annotated[str | None, Query(max_length=40)] = None,
    channel: Channel | None = None,
    before: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Cases, newest first; ``next`` is the ``before`` of the following page, null on the last one."""
    filters = {
        "category": category, "status": status, "owner": owner, "customer": customer, "number": number,
        "channel": channel,
    }  # fmt: skip
    given = {column: value for column, value in filters.items() if value is not None}
    where, values = [f'"{column}" = %s' for column in given], list[Any](given.values())
    if _is_customer(call):
        where.append("customer = any(%s)")
        values.append(await _own(call))
    if before is not None:
        where.append("key < %s")
        values.append(before)
    rows = await call.rows(
        f"select key as case, * from {{views}}.cases where {' and '.join(where) or 'true'} order by key desc limit %s",  # noqa: S608
        *values, limit + 1,
    )  # fmt: skip
    page = [_shown(row) for row in rows[:limit]]
    return {"cases": page, "next": page[-1]["case"] if len(rows) > limit else None}


@api.get("/v1/cases/{case}", way=READERS)
async def get_case(case: Id, call: Call) -> dict[str, Any]:
    """A case with its messages in order and its links; a customer does not see notes."""
    row = await _case(case, call)
    hidden = " and direction <> 'note'" if _is_customer(call) else ""
    messages = await call.rows(
        f'select key as message, at, direction, "by", channel, acknowledgement, attachments, text from {{views}}.messages'  # noqa: S608
        f' where "case" = %s{hidden} order by row', case,
    )  # fmt: skip
    links = await call.rows(
        'select "case", other, why, at from {views}.links where "case" = %s or other = %s order by at, key', case, case
    )
    return _shown(row) | {"messages": messages} | ({} if _is_customer(call) else {"links": links})


@api.get("/v1/cases/{case}/timeline", way=STAFF)
async def timeline(case: Id, call: Call) -> list[dict[str, Any]]:
    """Everything that happened to a case, oldest first."""
    await _case(case, call)
    return await call.rows(
        'select row, at, what, "by", detail, reason from {views}.timeline where "case" = %s order by row', case
    )


@api.get("/v1/customers/{customer}", way=READERS)
async def get_customer(customer: Id, call: Call) -> dict[str, Any]:
    """A customer with contact points, consents and the last 50 cases."""
    if _is_customer(call) and customer not in await _own(call):
        raise _unknown_customer()
    row = await call.row("select key as customer, * from {views}.customers where key = %s", customer)
    if row is None:
        raise _unknown_customer()
    contacts = await call.rows(
        "select key as contact, kind, address, bounced from {views}.contacts where customer = %s order by key", customer
    )
    consents = await call.rows(
        "select contact, channel, given, origin, at from {views}.consents where customer = %s order by key", customer
    )
    cases = await call.rows(
        "select key as case, number, category, status, opened_at, subject from {views}.cases where customer = %s"
        " order by key desc limit 50", customer,
    )  # fmt: skip
    row.pop("key")
    return row | {"contacts": contacts, "consents": consents, "recent": cases}


@api.post("/v1/customers", way=roles("agent", "supervisor", "service"), status=201)
async def put_customer(body: Customer, call: Call) -> dict[str, str]:
    """Say what is known of a customer, found by contact point; says who it is."""
    contact, address = call.contact(body.contact.kind, body.contact.address)
    event = CustomerChanged(
        contact=contact, contact_kind=body.contact.kind, address=Personal(address), external_id=body.external_id,
        name=_personal(body.name), language=body.language, tier=body.tier, tags=body.tags,
    )  # fmt: skip
    known = (await call.hear(event)).first(CustomerKnown)
    if known is not None:
        return {"customer": known.customer, "contact": contact}
    row = await call.row("select customer from {views}.contacts where key = %s", contact)
    return {"customer": row["customer"] if row else "", "contact": contact}


@api.post("/v1/customers/{customer}/consent", way=roles("customer", "agent", "supervisor", "service"))
async def consent(customer: Id, body: Consent, call: Call) -> dict[str, Any]:
    """Allow or forbid commercial messages on a channel; says how many contact points that changed."""
    if _is_customer(call) and customer not in await _own(call):
        raise _unknown_customer()
    command = ChangeConsent(customer=customer, by=call.actor.name if _is_staff(call) else None, **body.model_dump())
    outcome = await call.hear(command)
    return {"customer": customer, "channel": body.channel, "given": body.given, "changed": len(outcome.said)}


@api.post("/v1/customers/{customer}/erase", way=roles("supervisor"), status=202)
async def erase(customer: Id, body: Erasure, call: Call) -> dict[str, str]:
    """Ask for the destruction of every key of a customer; the certificate is in ``GET /v1/customers/{customer}`` when it is done."""
    await call.hear(EraseCustomer(customer=customer, regime=body.regime, by=call.actor.name))
    return {"customer": customer, "state": "asked"}


@api.get("/v1/quarantine", way=STAFF)
async def quarantine(
    call: Call, before: datetime | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[dict[str, Any]]:
    """Mails that could not be read, newest first."""
    return await call.rows(
        "select key as message, contact, reason, at, size from {views}.quarantine"
        " where %s::timestamptz is null or at < %s order by at desc, key desc limit %s", before, before, limit,
    )  # fmt: skip


@api.get("/v1/volume", way=STAFF)
async def volume(
    call: Call,
    since: Annotated[str, Query(pattern=r"^\d{4}-\d{2}-\d{2}$")],
    limit: Annotated[int, Query(le=1000)] = 400,
) -> list[dict[str, Any]]:
    """Cases opened, messages received and sent, by UTC day and channel, from a day on."""
    return await call.rows(
        "select day, channel, coalesce(opened, 0) as opened, coalesce(received, 0) as received, coalesce(sent, 0) as sent"
        " from {views}.volume where day >= %s order by key limit %s", since, limit,
    )  # fmt: skip


# What the routes share -----------------------------------------------------------------------------------------------
async def _policy(call: Edge) -> IntakePolicy:
    row = await call.row("select document from {views}.policies where key = 'intake'")
    if row is None:
        raise Refused("no-policy", "intake", "no policy of intake is in force yet", "try again in a moment", 503)
    return IntakePolicy.model_validate_json(row["document"])


def _problems(policy: IntakePolicy, body: Concern) -> list[Problem]:
    """Every wrong field of a filled form."""
    form = policy.forms.get(body.form)
    if form is None:
        remedy = near(body.form, policy.forms) or f"use one of {', '.join(policy.forms)}"
        return [Problem("form", f"there is no form {body.form!r}", remedy)]
    return [Problem(f"fields.{p.field}", p.text, p.remedy) for p in form.problems(body.fields)]


async def _recorded(case: str, command: Event, call: Edge) -> Recorded:
    outcome = await call.hear(command)
    said = (outcome.first(MessageReceived) or outcome.first(ReplySent), outcome.first(CaseOpened))
    note = next((str(m.id) for m in outcome.said if isinstance(m.event, NoteAdded)), None)
    row = await call.row("select category, version from {views}.cases where key = %s", case)
    assert row is not None
    return Recorded(
        case=case, category=row["category"], version=row["version"], message=said[0].message if said[0] else note,
        opened=said[1].case if said[1] else None,
    )  # fmt: skip


async def _case(case: str, call: Edge) -> dict[str, Any]:
    """The row of a case that the caller may see; a customer does not learn that another's case exists."""
    row = await call.row("select key as case, * from {views}.cases where key = %s", case)
    if row is None or (_is_customer(call) and row["customer"] not in await _own(call)):
        raise Refused("unknown-case", "case", "there is no such case", "look the id up", 404)
    return row


async def _own(call: Edge) -> list[str]:
    """The customers that a customer's token stands for."""
    name = call.actor.name
    rows = await call.rows("select customer from {views}.contacts where key = %s and customer is not null", name)
    return [name, *(row["customer"] for row in rows)]


async def _own_contact(row: dict[str, Any], call: Edge) -> str:
    """The contact point that a customer writes from: the one of the token, else that of the case."""
    found = await call.row("select key from {views}.contacts where key = %s", call.actor.name)
    return str(found["key"] if found else row["contact"])


async def _owns(call: Edge, contact: str) -> bool:
    """Whether the sender is known to own the address: another system says so, or it is the customer's own token's."""
    if not _is_customer(call):
        return call.actor.role == Role.service
    if call.actor.name == "public":
        return False
    row = await call.row("select customer from {views}.contacts where key = %s", contact)
    return contact == call.actor.name or (row is not None and row["customer"] in await _own(call))


async def _stored(files: tuple[File, ...], contact: str, call: Edge) -> tuple[Blob, ...]:
    contents = list[tuple[str, bytes]]()
    for number, file in enumerate(files):
        try:
            contents.append((file.name, base64.b64decode(file.content, validate=True)))
        except binascii.Error as e:
            raise Refused("wrong-field", f"files.{number}.content", "not base64", "encode the bytes", 422) from e
    if sum(len(content) for _, content in contents) > FILE_BYTES:
        raise Refused("too-large", "files", f"more than {FILE_BYTES} bytes together", "send fewer files", 413)
    return tuple([await call.blobs.put(content, name, contact) for name, content in contents])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("key", None)
    return row


def _personal(text: str | None) -> Personal | None:
    return Personal(text) if text else None


def _is_customer(call: Edge) -> bool:
    return call.actor.role == Role.customer


def _is_staff(call: Edge) -> bool:
    return call.actor.role in (Role.agent, Role.supervisor, Role.admin)


def _knows(call: Edge) -> bool:
    """Whether the caller may say by which channel something came and what other systems call it."""
    return _is_staff(call) or call.actor.role == Role.service


def _unknown_customer() -> Refused:
    return Refused("unknown-customer", "customer", "there is no such customer", "look the id up", 404)
