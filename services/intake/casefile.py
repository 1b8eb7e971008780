"""What a case holds, over HTTP: its messages with their parts and files, its links, its fields, who takes part.

A case is shown with the newest of each; ``counts`` says how many there are, ``next`` where the list goes on."""

from typing import Annotated, Any, Final

from fastapi import Query

from shared.core.event import Id
from shared.edge.http import Api, Call, roles
from shared.edge.paging import known

from .access import READERS, is_customer, visible_case
from .reading import policy_in_force

SHOWN: Final = 100
"""Messages, and links, that a case is shown with."""
Limit = Annotated[int, Query(ge=1, le=200)]
Page = tuple[list[dict[str, Any]], str | None]
"""Rows, newest first, and the ``before`` of the following page."""
api = Api()


@api.get("/v1/cases/{case}", access=READERS)
async def get_case(case: Id, call: Call) -> dict[str, Any]:
    """A case with its newest 100 messages in order, each with its parts and files, its filled fields, participants and
    newest 100 links; ``counts`` says how many there are, ``next`` is the ``before`` of the following page of each list,
    null where all is shown. A customer does not see notes, links, and what we call the participants."""
    row = await visible_case(case, call)
    messages, older = await _messages(row["case"], call, SHOWN)
    shown = {name: value for name, value in row.items() if name != "key"} | {
        "fields": await _fields(row, call), "messages": messages[::-1],
        "participants": await _participants(row["case"], call),
    }  # fmt: skip
    counts = {"messages": await _count_of_messages(row["case"], call) if older else len(messages)}
    if is_customer(call):
        return shown | {"counts": counts, "next": {"messages": older}}
    links, linked_before = await _links(row["case"], call, SHOWN)
    counts["links"] = await _count_of_links(row["case"], call) if linked_before else len(links)
    return shown | {"links": links[::-1], "counts": counts, "next": {"messages": older, "links": linked_before}}


@api.get("/v1/cases/{case}/messages", access=READERS)
async def list_messages(case: Id, call: Call, before: Id | None = None, limit: Limit = 50) -> dict[str, Any]:
    """Messages of a case, newest first; ``next`` is the ``before`` of the following page, null on the last one. A
    customer does not see notes."""
    row = await visible_case(case, call)
    messages, older = await _messages(row["case"], call, limit, before)
    return {"messages": messages, "next": older}


@api.get("/v1/cases/{case}/links", access=roles("agent", "supervisor", "service"))
async def list_links(case: Id, call: Call, before: Id | None = None, limit: Limit = 50) -> dict[str, Any]:
    """Links of a case to others, newest first; ``next`` is the ``before`` of the following page, null on the last
    one."""
    row = await visible_case(case, call)
    links, older = await _links(row["case"], call, limit, before)
    return {"links": links, "next": older}


async def _messages(case: str, call: Call, limit: int, before: str | None = None) -> Page:
    """``raw`` says whether the mail can be had, ``at`` of a part where it stands in the text."""
    below = 2**63 - 1
    if before is not None:
        place = await call.row('select row from {views}.messages where key = %s and "case" = %s', before, case)
        below = known(place, "before", "message of this case")["row"]
    rows = await call.rows(
        'select key as message, at, direction, "by", contact, channel, acknowledgement, silent, raw is not null as raw,'
        ' text from {views}.messages where "case" = %s and (direction <> \'note\' or %s) and row < %s'
        " order by row desc limit %s",
        case, not is_customer(call), below, limit + 1,
    )  # fmt: skip
    page = rows[:limit]
    ids = [row["message"] for row in page]
    parts = _of_messages(await call.rows(
        "select message, kind, at, length, text from {views}.parts where message = any(%s) order by key", ids
    ))  # fmt: skip
    files = _of_messages(await call.rows(
        "select message, digest, name, type, size from {views}.files where message = any(%s) order by key", ids
    ))  # fmt: skip
    messages = [m | {"parts": parts.get(m["message"], []), "attachments": files.get(m["message"], [])} for m in page]
    return messages, ids[-1] if len(rows) > limit else None


def _of_messages(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("message"), []).append(row)
    return found


async def _count_of_messages(case: str, call: Call) -> int:
    query = "select count(*) as n from {views}.messages where \"case\" = %s and (direction <> 'note' or %s)"
    row = await call.row(query, case, not is_customer(call))
    return int(row["n"]) if row else 0


async def _links(case: str, call: Call, limit: int, before: str | None = None) -> Page:
    older, place = "", list[Any]()
    if before is not None:
        query = 'select at, key from {views}.links where key = %s and ("case" = %s or other = %s)'
        found = known(await call.row(query, before, case, case), "before", "link of this case")
        older, place = " and (at, key) < (%s, %s)", list(found.values())
    rows = await call.rows(
        'select key, "case", other, why, at from {views}.links where ("case" = %s or other = %s)'  # noqa: S608
        f"{older} order by at desc, key desc limit %s",
        case, case, *place, limit + 1,
    )  # fmt: skip
    keys = [row.pop("key") for row in rows]
    return rows[:limit], keys[limit - 1] if len(rows) > limit else None


async def _count_of_links(case: str, call: Call) -> int:
    query = 'select count(*) as n from {views}.links where "case" = %s or other = %s'
    row = await call.row(query, case, case)
    return int(row["n"]) if row else 0


async def _participants(case: str, call: Call) -> list[dict[str, Any]]:
    """Whom the customer's mails went to as well, 20 at most; the name that we know them by is not theirs to see: else
    putting an address in copy would tell whose it is."""
    rows = await call.rows(
        'select p.contact, p.how, p.at, t.address, u.name from {views}.participants p'
        ' left join {views}.contacts t on t.key = p.contact left join {views}.customers u on u.key = t.customer'
        ' where p."case" = %s order by p.at, p.key', case,
    )  # fmt: skip
    return [{n: v for n, v in row.items() if n != "name"} for row in rows] if is_customer(call) else rows


async def _fields(case: dict[str, Any], call: Call) -> list[dict[str, Any]]:
    """What was filled in, with the form's labels in each language as the policy in force has them."""
    rows = await call.rows('select name, value from {views}.fields where "case" = %s order by number', case["case"])
    form = policy_in_force(call).forms.get(case["form"]) if rows else None
    labels = {field.name: dict(field.label) for field in form.fields} if form else {}
    return [{"name": row["name"], "label": labels.get(row["name"], {}), "value": row["value"]} for row in rows]
