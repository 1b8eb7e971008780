"""What intake made neither a case nor a message of, by HTTP: one list; read, released, dismissed, erased."""

import base64
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field

from contracts.intake import DismissMessage, EraseMessage, MailReceived, MessageReleased, ReleaseMessage
from shared.core.event import Code, Id
from shared.core.instants import Instant
from shared.core.media import media_type
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.edge import Edge
from shared.edge.http import Api, Call, roles
from shared.privacy.reply_token import check_reply_token

from .access import STAFF
from .downloads import MAIL, contents, saved
from .mail import glance, rereading
from .mail.taking import Taking, is_nobody
from .mail.worker import MailReader
from .schemas import Body, MessageErasure

Group = Literal["quarantined", "noted"]
State = Literal["waiting", "released", "dismissed", "erased"]
COLUMNS = (
    'key as item, message, "group", reason, state, contact, address, subject, at, "case", size, "by", decided_at, why,'
    " raw is not null and state <> 'erased' as raw"
)
FIGURES = {
    "vefa_set_aside_waiting": "Mails that are set aside and nobody has looked at",
    "vefa_set_aside_seconds": "How long the oldest of those in quarantine waits: machines' answers are no one's task",
}
api = Api()


class Release(Body):
    case: Id | None = None
    """The case to append it to, by id or number; left out, it goes where it belongs by what it answers, else into a
    case of its own."""
    sender: Annotated[str, Field(min_length=3, max_length=320)] | None = None
    """Mail address of who wrote it, where the mail does not say or says it wrongly."""


class Dismissal(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


async def figures(edge: Edge) -> dict[str, tuple[str, float]]:
    """For Prometheus: how much waits for somebody to look, and for how long."""
    waiting = await _waiting(edge)
    since = waiting["quarantined_since"]
    seconds = max(0.0, (edge.now - since).total_seconds()) if since else 0.0
    return dict(zip(FIGURES, zip(FIGURES.values(), (waiting["count"], seconds), strict=True), strict=True))


async def _waiting(edge: Edge) -> dict[str, Any]:
    query = (
        "select count(*) as count, min(at) as since,"
        " min(at) filter (where \"group\" = 'quarantined') as quarantined_since"
        " from {views}.set_aside where state = 'waiting'"
    )
    return await edge.row(query) or {}


@api.get("/v1/set-aside", access=STAFF)
async def list_set_aside(
    call: Call,
    group: Group | None = None,
    state: State | None = None,
    reason: Code | None = None,
    contact: Id | None = None,
    before: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """What is set aside, newest first; ``next`` is the ``before`` of the following page, null on the last one;
    ``waiting`` says how many wait for somebody to look, and since when."""
    filters = {"group": group, "state": state, "reason": reason, "contact": contact}
    given = {column: value for column, value in filters.items() if value is not None}
    where, values = [f'"{column}" = %s' for column in given], list[Any](given.values())
    if before is not None:
        where.append("(at, key) < (select at, key from {views}.set_aside where key = %s)")
        values.append(before)
    rows = await call.rows(
        f"select {COLUMNS} from {{views}}.set_aside where {' and '.join(where) or 'true'}"  # noqa: S608
        " order by at desc, key desc limit %s", *values, limit + 1,
    )  # fmt: skip
    page = rows[:limit]
    following = page[-1]["item"] if len(rows) > limit else None
    return {"items": page, "next": following, "waiting": await _waiting(call)}


@api.get("/v1/set-aside/{item}", access=STAFF)
async def get_set_aside(item: Id, call: Call) -> dict[str, Any]:
    """A row with the text, the parts and the files that are read out of the mail now, and the headers that matter."""
    row = await _row(item, call)
    read = await _looked_at(row, call) if row["digest"] and await call.blobs.opens(row["digest"]) else None
    shown = {name: value for name, value in row.items() if name != "digest"} | {"raw": read is not None}
    if read is None:
        return shown | {"text": "", "parts": [], "attachments": [], "headers": [], "readable": False}
    answer = read["answer"] if row["case"] else {}
    return shown | {name: value for name, value in (read | answer).items() if name != "answer"}


async def _looked_at(row: dict[str, Any], call: Call) -> dict[str, Any] | None:
    """What there is to see of its mail; None when its key was destroyed."""

    async def read(reader: MailReader) -> dict[str, Any] | None:
        raw = await call.blobs.get(row["digest"], row["contact"])
        if raw is None:
            return None
        facts = await reader.read(raw, None, call.settings.mail_from)
        readable = "text" in facts
        answer = facts["answer"] if readable else {}
        return {
            "text": facts["text"] if readable else glance.body_at_a_glance(raw), "parts": facts.get("parts", []),
            "attachments": [_described(file) for file in facts.get("files", [])],
            "headers": [{"name": name, "value": value} for name, value in glance.headers(raw)], "readable": readable,
            "answer": {name: answer[name] for name in ("text", "parts") if name in answer},
        }  # fmt: skip

    return await rereading.of(call).shown(row["digest"], read)


@api.get("/v1/set-aside/{item}/raw", access=STAFF, response_class=Response, responses={
    200: {"description": "The mail as it came", "content": {MAIL: {"schema": {"type": "string"}}}}
})  # fmt: skip
async def raw_set_aside(item: Id, call: Call) -> Response:
    """The mail as it came."""
    row = await _row(item, call)
    return saved(await _raw(row, call), f"{row['at']:%Y-%m-%d %H%M}.eml", MAIL)


@api.post("/v1/set-aside/{item}/release", access=STAFF)
async def release(item: Id, body: Release, call: Call) -> dict[str, Any]:
    """Make it a case or part of one, as if it had come in now; nothing automatic answers it, clocks count from when it
    came. 409 when that was done already."""
    row = await _row(item, call)
    into = await call.case(body.case) if body.case is not None else None
    sender = body.sender or await _address_of(into, row, call)
    read = await _read_again(row, sender, call)
    event = ReleaseMessage(
        item=item, by=call.actor.name, contact=read.contact, address=read.address, name=read.name, into=into,
        case=read.case, references=read.references, message_id=read.message_id, copies=read.copies,
        content=read.content, subject=read.subject, text=read.text, parts=read.parts, attachments=read.attachments,
        raw=read.raw,
    )  # fmt: skip
    outcome = await call.send(event)
    released = outcome.first(MessageReleased)
    assert released is not None
    return {"item": item, "state": "released", "case": released.case}


@api.post("/v1/set-aside/{item}/dismiss", access=STAFF)
async def dismiss(item: Id, body: Dismissal, call: Call) -> dict[str, Any]:
    """It was looked at and stays aside. 409 when that was decided already."""
    await call.send(DismissMessage(item=item, by=call.actor.name, reason=Personal(body.reason)))
    return {"item": item, "state": "dismissed"}


@api.post("/v1/set-aside/{item}/erase", access=roles("supervisor"), status=202, also=(410,))
async def erase(item: Id, body: MessageErasure, call: Call) -> dict[str, str]:
    """Ask for the destruction of the key of a mail that names nobody, or whose sender is no customer; once done, its
    state is erased. 409 for a customer's: erase the customer."""
    row = await _row(item, call)
    if not body.together:
        query = "select count(*) as count from {views}.set_aside where contact = %s and key <> %s and state <> 'erased'"
        found = await call.row(query, row["contact"], item)
        if found and found["count"] and row["state"] != "erased":
            text = f"{found['count']} other mail(s) are kept under the same key"
            raise Refused("not-alone", "together", text, "say 'together': true to erase them as well")
    await call.send(EraseMessage(item=item, regime=body.regime, by=call.actor.name))
    return {"item": item, "state": "asked"}


@api.get("/v1/quarantine", access=STAFF, deprecated=True)
async def quarantine(
    call: Call, before: Instant | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[dict[str, Any]]:
    """Mails that could not be read and wait, newest first; use /v1/set-aside?group=quarantined."""
    return await call.rows(
        "select message, contact, reason, at, size from {views}.set_aside where \"group\" = 'quarantined'"
        " and state = 'waiting' and (%s::timestamptz is null or at < %s) order by at desc, key desc limit %s",
        before, before, limit,
    )  # fmt: skip


async def _row(item: str, call: Call) -> dict[str, Any]:
    row = await call.row(f"select {COLUMNS}, raw as digest from {{views}}.set_aside where key = %s", item)  # noqa: S608
    if row is None:
        raise Refused("unknown-item", "item", "nothing is set aside by this name", "look it up in /v1/set-aside", 404)
    return row


async def _raw(row: dict[str, Any], call: Call) -> bytes:
    if not row["digest"]:
        raise Refused("unknown-item", "item", "its mail was not kept", "nothing is left to be done", 404)
    return await contents(call, row["digest"], row["contact"])


async def _address_of(case: str | None, row: dict[str, Any], call: Call) -> str | None:
    """Whose words those of nobody known become: the contact point of the case that they are appended to."""
    if case is None or not is_nobody(row["contact"]):
        return None
    found = await call.row(
        "select t.address from {views}.cases c join {views}.contacts t on t.key = c.contact"
        " where c.key = %s and t.kind = 'mail'", case,
    )  # fmt: skip
    return found["address"] if found else None


async def _read_again(row: dict[str, Any], sender: str | None, call: Call) -> MailReceived:
    """What the mail says, kept under the key of who wrote it; Refused where that is nobody."""
    async with rereading.of(call).worker() as reader:
        taking = Taking(
            call.contact, lambda token: check_reply_token(call.links, token, call.now), call.blobs.put, call.digest,
            call.settings.mail_from.lower(), reader,
        )  # fmt: skip
        read = await taking.read_again(await _raw(row, call), sender)
    if not isinstance(read, MailReceived):
        raise Refused("unknown-sender", "sender", "the mail names nobody who wrote it", "name the sender", 422)
    return read


def _described(file: dict[str, Any]) -> dict[str, Any]:
    content = base64.b64decode(file["content"])
    return {"name": file["name"], "type": media_type(content), "size": len(content)}
