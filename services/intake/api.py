"""intake over HTTP: bringing a concern, carrying a case on, writing customers. Reading is in ``reading``.

A customer reads and writes their own cases alone; their token is named after them or one of their contact points."""

import base64
import binascii
from datetime import datetime
from typing import Any

from fastapi.responses import JSONResponse

from contracts.common import ContactKind, FormField
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
    RotateMasterKey,
)
from contracts.outside import CaseSubmitted, CustomerChanged, MessageSubmitted
from shared.core.event import Event, Id
from shared.core.parts import Blob
from shared.core.personal import Personal
from shared.core.vocabulary import Channel
from shared.core.world import Refused
from shared.edge.http import PUBLIC, SIGNED, Api, Call, problem, roles

from . import casefile, downloads, reading, schemas, setaside
from .access import (
    READERS,
    STAFF,
    is_customer,
    is_staff,
    knows,
    own,
    own_contact,
    owns,
    unknown_customer,
    visible_case,
    when,
)
from .policy import IntakePolicy, Problem, near
from .reading import policy_in_force
from .web import routes as pages
from .web.routes import LINK

api = Api(
    [route for part in (reading, casefile, downloads, setaside, pages) for route in part.api.routes],
    pages.PAGES.static,
)
PUBLIC_CHANNELS: tuple[Channel, ...] = ("web", "api")


# Bringing a concern --------------------------------------------------------------------------------------------------
@api.post(
    "/v1/cases", access=PUBLIC, status=201, also=(403,), direct=True, response_model=None,
    responses={201: {"model": schemas.Opened}},
)  # fmt: skip
async def submit(body: schemas.Concern, call: Call) -> schemas.Opened | JSONResponse:
    """Open a case. Anybody may (rate limited); staff for somebody else, other systems on any channel."""
    wrong = _problems(policy_in_force(call), body)
    if wrong:
        fields = [{"field": p.field, "text": p.text, "remedy": p.remedy} for p in wrong]
        return problem(
            422, "wrong-fields", "wrong fields", f"{len(wrong)} field(s) are wrong", "correct them", fields=fields
        )
    contact, address = call.contact(body.contact.kind, body.contact.address)
    event = CaseSubmitted(
        contact=contact, contact_kind=body.contact.kind, address=Personal(address), name=_personal(body.name),
        channel=body.channel if knows(call) or body.channel in PUBLIC_CHANNELS else "web", form=body.form,
        kind=body.kind, language=body.language, topic=body.topic, subject=Personal(body.subject),
        text=Personal(body.text), attachments=await _stored(body.files, contact, call),
        fields=tuple(FormField(name=name, value=Personal(value)) for name, value in body.fields.items()),
        organisation=body.organisation if knows(call) else None,
        external_id=body.external_id if knows(call) else None, by=call.actor.name if is_staff(call) else None,
        verified=await owns(call, contact),
    )  # fmt: skip
    opening = (await call.send(event, occurred_at=when(body.occurred_at, call))).first(CaseOpened)
    if opening is not None:
        return schemas.Opened(case=opening.case, number=opening.number, customer=opening.customer)
    row = await call.row(
        "select key as case, number, customer from {views}.cases where external_id = %s and contact = %s",
        body.external_id, contact,
    )  # fmt: skip
    assert row is not None
    return schemas.Opened(**row)


# Carrying a case on --------------------------------------------------------------------------------------------------
@api.post("/v1/cases/{case}/messages", access=READERS, status=201)
async def add_message(case: Id, body: schemas.Writing, call: Call) -> schemas.Recorded:
    """The customer writes; staff and other systems pass on what they said by naming them."""
    row = await visible_case(case, call)
    kind: ContactKind | None = None
    address: str | None = None
    if is_customer(call):
        contact = await own_contact(row, call)
    elif body.contact is None:
        contact = row["contact"]
    else:
        kind = body.contact.kind
        contact, address = call.contact(kind, body.contact.address)
    event = MessageSubmitted(
        case=case, contact=contact, channel=body.channel, text=Personal(body.text), contact_kind=kind,
        address=_personal(address), attachments=await _stored(body.files, contact, call),
    )  # fmt: skip
    return await _recorded(case, event, call, when(body.occurred_at, call))


@api.post("/v1/cases/{case}/replies", access=STAFF, status=201)
async def add_reply(case: Id, body: schemas.Answer, call: Call) -> schemas.Recorded:
    """Answer in public; 409 with what was added when ``expected_version`` is not the newest."""
    row = await visible_case(case, call)
    command = Reply(
        case=case, contact=row["contact"], by=call.actor.name, text=Personal(body.text), template=body.template,
        expected_version=body.expected_version, status=body.status,
    )  # fmt: skip
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/notes", access=STAFF, status=201)
async def add_note(case: Id, body: schemas.Noted, call: Call) -> schemas.Recorded:
    """Write something that the customer does not see."""
    row = await visible_case(case, call)
    command = AddNote(case=case, contact=row["contact"], by=call.actor.name, text=Personal(body.text))
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/status", access=STAFF)
async def set_status(case: Id, body: schemas.Status, call: Call) -> schemas.Recorded:
    """Set one of the company's statuses."""
    command = ChangeStatus(case=case, status=body.status, by=call.actor.name, reason=_personal(body.reason))
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/resolve", access=STAFF)
async def resolve(case: Id, body: schemas.Resolution, call: Call) -> schemas.Recorded:
    """The case is solved; it closes when the customer confirms or keeps quiet."""
    return await _recorded(case, Resolve(case=case, by=call.actor.name, **body.model_dump()), call)


@api.post("/v1/cases/{case}/confirm", access=SIGNED, also=(403, 410))
async def confirm(case: Id, body: schemas.Confirmation, call: Call) -> schemas.Recorded:
    """The customer says whether it is solved: by the token of a signed link, or by their own."""
    if body.token is not None:
        signed = call.links.check(LINK, body.token, call.now) or ""
        of, _, contact = signed.partition("~")
        if of != case:
            text = "the link is not one of ours for this case, was changed or is out of date"
            raise Refused("expired", "token", text, "use the link of the mail, unchanged and in time", 410)
    elif is_customer(call) and call.actor.name != "public":
        contact = await own_contact(await visible_case(case, call), call)
    else:
        raise Refused("forbidden", "token", "neither a signed link nor a customer", "use the link of the mail", 403)
    return await _recorded(
        case, Confirm(case=case, contact=contact, solved=body.solved, text=_personal(body.text)), call
    )


@api.post("/v1/cases/{case}/close", access=roles("supervisor"))
async def close(case: Id, body: schemas.Closing, call: Call) -> schemas.Recorded:
    """End a case without waiting; the reason is kept."""
    command = Close(case=case, by=call.actor.name, reason=Personal(body.reason), outcome=body.outcome)
    return await _recorded(case, command, call)


@api.post("/v1/cases/{case}/reopen", access=STAFF)
async def reopen(case: Id, call: Call) -> schemas.Recorded:
    """A resolved or closed case is open again."""
    return await _recorded(case, Reopen(case=case, by=call.actor.name), call)


@api.post("/v1/cases/{case}/links", access=STAFF, status=201)
async def link(case: Id, body: schemas.Link, call: Call) -> schemas.Recorded:
    """Two cases belong together."""
    other = await call.case(body.other, "other")
    return await _recorded(case, LinkCases(case=case, other=other, by=call.actor.name), call)


# Customers -----------------------------------------------------------------------------------------------------------
@api.post("/v1/customers", access=roles("agent", "supervisor", "service"), status=201)
async def put_customer(body: schemas.Customer, call: Call) -> dict[str, str]:
    """Say what is known of a customer, found by contact point; says who it is."""
    contact, address = call.contact(body.contact.kind, body.contact.address)
    event = CustomerChanged(
        contact=contact, contact_kind=body.contact.kind, address=Personal(address), external_id=body.external_id,
        name=_personal(body.name), language=body.language, tier=body.tier, tags=body.tags,
    )  # fmt: skip
    known = (await call.send(event)).first(CustomerKnown)
    if known is not None:
        return {"customer": known.customer, "contact": contact}
    row = await call.row("select customer from {views}.contacts where key = %s", contact)
    return {"customer": row["customer"] if row else "", "contact": contact}


@api.post("/v1/customers/{customer}/consent", access=roles("customer", "agent", "supervisor", "service"))
async def consent(customer: Id, body: schemas.Consent, call: Call) -> dict[str, Any]:
    """Allow or forbid commercial messages on a channel; says how many contact points that changed."""
    if is_customer(call) and customer not in await own(call):
        raise unknown_customer()
    command = ChangeConsent(customer=customer, by=call.actor.name if is_staff(call) else None, **body.model_dump())
    outcome = await call.send(command)
    return {"customer": customer, "channel": body.channel, "given": body.given, "changed": len(outcome.said)}


@api.post("/v1/customers/{customer}/erase", access=roles("supervisor"), status=202)
async def erase(customer: Id, body: schemas.Erasure, call: Call) -> dict[str, str]:
    """Ask for the destruction of every key of a customer; once done, the customer shows the certificate."""
    await call.send(EraseCustomer(customer=customer, regime=body.regime, by=call.actor.name))
    return {"customer": customer, "state": "asked"}


@api.post("/v1/keys/rotate", access=roles("ops", "admin"), status=202)
async def rotate(call: Call) -> dict[str, str]:
    """Ask for the exchange of the master key: old copies of the vault open nothing any more that was erased before."""
    await call.send(RotateMasterKey(by=call.actor.name))
    return {"state": "asked"}


# What the routes share -----------------------------------------------------------------------------------------------
def _problems(policy: IntakePolicy, body: schemas.Concern) -> list[Problem]:
    """Every wrong field of a filled form."""
    name = policy.form_of(body.form, bool(body.fields))
    if name is None:
        return []
    form = policy.forms.get(name)
    if form is None:
        remedy = near(name, policy.forms) or f"use one of {', '.join(policy.forms)}"
        return [Problem("form", f"there is no form {name!r}", remedy)]
    return [Problem(f"fields.{p.field}", p.text, p.remedy) for p in form.problems(body.fields)]


async def _recorded(case: str, command: Event, call: Call, at: datetime | None = None) -> schemas.Recorded:
    outcome = await call.send(command, occurred_at=at)
    said = (outcome.first(MessageReceived) or outcome.first(ReplySent), outcome.first(CaseOpened))
    note = next((str(m.id) for m in outcome.said if isinstance(m.event, NoteAdded)), None)
    row = await call.row("select category, version from {views}.cases where key = %s", case)
    assert row is not None
    return schemas.Recorded(
        case=case, category=row["category"], version=row["version"], message=said[0].message if said[0] else note,
        opened=said[1].case if said[1] else None,
    )  # fmt: skip


async def _stored(files: tuple[schemas.File, ...], contact: str, call: Call) -> tuple[Blob, ...]:
    contents = list[tuple[str, bytes]]()
    for number, file in enumerate(files):
        try:
            contents.append((file.name, base64.b64decode(file.content, validate=True)))
        except binascii.Error as e:
            raise Refused("wrong-field", f"files.{number}.content", "not base64", "encode the bytes", 422) from e
    if sum(len(content) for _, content in contents) > schemas.FILE_BYTES:
        raise Refused("too-large", "files", f"more than {schemas.FILE_BYTES} bytes together", "send fewer files", 413)
    return tuple([await call.blobs.put(content, name, contact) for name, content in contents])


def _personal(text: str | None) -> Personal | None:
    return Personal(text) if text else None
