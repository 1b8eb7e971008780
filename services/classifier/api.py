"""The classifier over HTTP: labels and their reasons, the review queue, correction by hand."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from contracts.classifier import CaseClassified, CorrectClassification, Head
from shared.core.event import Id
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.http import Api, Call, roles
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, known

api = Api()
STAFF = roles("agent", "supervisor")


class Correction(BaseModel):
    """What a person says that a label is."""

    value: Annotated[str, Field(min_length=1, max_length=64)]
    reason: Annotated[str, Field(max_length=1000)] = ""


@api.get("/v1/cases/{case}/classification", access=STAFF)
async def classification(case: Id, call: Call) -> dict[str, Any]:
    """The labels of a case, each with source, score and rule, and the arithmetic of its priority."""
    row = await call.row("select * from {views}.classifications where key = %s", case)
    if row is None:
        raise Refused("unknown-case", "case", f"no case {case} was classified", "check the id of the case", 404)
    return {"case": row.pop("key"), **row}


@api.put("/v1/cases/{case}/classification/{head}", access=STAFF)
async def correct(case: Id, head: Head, body: Correction, call: Call) -> dict[str, Any]:
    """Set one label by hand, or confirm it; no later machine decision overwrites it."""
    reason = Personal(body.reason) if body.reason else None
    outcome = await call.send(
        CorrectClassification(case=case, head=head, value=body.value, by=call.actor.name, reason=reason)
    )
    said = outcome.first(CaseClassified)
    assert said is not None
    return {"case": case, "head": head, "value": body.value, "priority": said.priority, "revision": said.revision}


@api.get("/v1/reviews", access=STAFF, also=(404,), responses=LINKED)
async def reviews(
    call: Call, page: Paged, after: After = None, limit: Annotated[int, Field(ge=1, le=500)] = 50
) -> list[dict[str, Any]]:
    """What waits for a person, oldest first."""
    where, place = "true", list[Any]()
    if after is not None:
        where = "(since, key) > (%s, %s)"
        place = list(known(await call.row("select since, key from {views}.reviews where key = %s", after)).values())
    query = f"select * from {{views}}.reviews where {where} order by since, key limit %s"  # noqa: S608
    return page.of(await call.rows(query, *place, limit + 1), limit, lambda row: row["key"])


@api.get("/v1/agreement", access=STAFF, responses=LINKED)
async def agreement(call: Call, page: Paged, after: After = None, limit: Limit = USUAL) -> list[dict[str, Any]]:
    """How often people confirmed or corrected the machine, by week, model and topic."""
    query = "select * from {views}.agreement where key > %s order by key limit %s"
    return page.of(await call.rows(query, after or "", limit + 1), limit, lambda row: row["key"])
