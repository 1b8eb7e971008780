"""HTTP of feedback: the survey behind a signed link, and what came of the surveys."""

import json
from functools import lru_cache
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from contracts.feedback import AnswerSurvey, SurveyKind
from shared.core.event import Id
from shared.core.personal import Personal
from shared.core.world import Refused
from shared.edge.forms import fields, plain, posted
from shared.edge.http import SIGNED, Api, Call, roles
from shared.edge.i18n import PageLanguage, language_of
from shared.edge.paging import LINKED, USUAL, After, Limit, Paged, known

from .figures import rate, score
from .policy import SurveysPolicy, Texts
from .web import pages

PURPOSE = "survey"
"""Purpose of the links, as notification signs them: ``links.sign("survey", survey, expires_at)``."""
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
From = Annotated[str | None, Query(alias="from", pattern=MONTH, description="first month, such as 2026-10")]
To = Annotated[str | None, Query(alias="to", pattern=MONTH, description="last month, such as 2026-12")]
By = Literal["team", "agent", "topic", "channel"]
GIVEN: dict[str, Any] = {
    "type": "object", "required": ["score"],
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 10}, "comment": {"type": "string"}},
}  # fmt: skip
TAKEN = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": GIVEN} for kind in ("application/x-www-form-urlencoded", "application/json")},
    }
}
SAID: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object", "required": ["survey", "score", "recorded", "text"]}},
        }
    }
}

api = Api(static=pages.PAGES.static)


# The survey behind a link ----------------------------------------------------------------------------------------
@api.get("/v1/surveys/answer/{token}", access=SIGNED, also=(410,), response_class=HTMLResponse)
async def ask(token: str, request: Request, call: Call, score: str = "") -> Response:
    """The form with ``?score=`` preselected. Records nothing: mail scanners open links too."""
    try:
        row = await _survey(token, call)
    except Refused as refused:
        return _refused(request, refused)
    language = language_of(row["language"], request)
    texts = await _texts(row, language, call)
    chosen = int(score) if score.isascii() and score.isdigit() and len(score) < 3 else row["score"]
    return pages.form(language, texts, row["kind"], chosen=chosen)


@api.post("/v1/surveys/answer/{token}", access=SIGNED, also=(410,), page=True, responses=SAID, openapi_extra=TAKEN)
async def answer(token: str, request: Request, call: Call) -> Response:
    """Record an answer or its edit. Takes ``score`` and ``comment`` as a form or as JSON; says thanks as a page, or as
    JSON where that is accepted: ``{"survey": id, "score": 4, "recorded": true, "text": "..."}``."""
    try:
        row = await _survey(token, call)
    except Refused as refused:
        return _refused(request, refused)
    language = language_of(row["language"], request)
    texts = await _texts(row, language, call)
    given: dict[str, Any] = {}
    try:
        given = await _given(request)
        command = AnswerSurvey(survey=row["key"], contact=row["contact"], score=_score(given), comment=_comment(given))
        await call.send(command)
    except Refused as refused:
        if not _wants_page(request) or refused.field not in ("score", "comment"):
            return _refused(request, refused, language)
        return pages.form(
            language, texts, row["kind"], chosen=row["score"], comment=str(given.get("comment") or ""),
            problem=refused.code, status=refused.status,
        )  # fmt: skip
    if _wants_page(request):
        return pages.thanks(language, texts)
    body = {"survey": row["key"], "score": command.score, "recorded": True, "text": texts.thanks}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


async def _survey(token: str, call: Call) -> dict[str, Any]:
    survey = call.links.check(PURPOSE, token, call.now)
    row = await call.row(
        "select key, contact, kind, definition, definition_version, language, score, state from {views}.surveys"
        " where key = %s",
        survey,
    )
    if row is None:
        text = "the link is not one of ours, was changed or is out of date"
        raise Refused("expired", "token", text, "use the link of the invitation, unchanged and in time", 410)
    return row


async def _texts(row: dict[str, Any], language: PageLanguage, call: Call) -> Texts:
    """The texts of the version that the survey was scheduled with."""
    key = f"surveys@{row['definition_version']}"
    policy = await call.row("select document from {views}.policies where key = %s", key)
    assert policy is not None
    return _policy(policy["document"]).definitions[row["definition"]].texts[language]


@lru_cache(maxsize=16)
def _policy(document: str) -> SurveysPolicy:
    return SurveysPolicy.model_validate_json(document)


async def _given(request: Request) -> dict[str, Any]:
    body = await posted(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            given = json.loads(body)
        elif kind == "application/x-www-form-urlencoded":
            given = fields(body)
        else:
            remedy = "send application/x-www-form-urlencoded or application/json"
            raise Refused("unsupported", "Content-Type", f"{kind or 'nothing'} is not read here", remedy, 415)
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable", "body", "not a form or JSON", "send score and comment", 422) from error
    if not isinstance(given, dict):
        raise Refused("unreadable", "body", "not an object", 'send {"score": 4, "comment": "..."}', 422)
    return given


def _score(given: dict[str, Any]) -> int:
    value = given.get("score")
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise Refused("off-scale", "score", "no whole number" if text else "missing", "give a number of the scale", 422)
    return int(text)


def _comment(given: dict[str, Any]) -> Personal | None:
    value = given.get("comment")
    if value is not None and not isinstance(value, str):
        raise Refused("invalid", "comment", "not a text", "send a text or leave it out", 422)
    kept = plain(value or "")
    return Personal(kept) if kept else None


def _wants_page(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted or "application/json" not in accepted


def _refused(request: Request, refused: Refused, language: PageLanguage | None = None) -> Response:
    """A refusal as a page for people; for programs it goes its usual way as problem+json."""
    if not _wants_page(request):
        raise refused
    return pages.refusal(language or language_of(None, request), refused.code, refused.status)


# What came of them -----------------------------------------------------------------------------------------------
@api.get("/v1/surveys", access=roles("agent", "supervisor"), responses=LINKED)
async def surveys(case: Id, call: Call, page: Paged, after: After = None, limit: Limit = USUAL) -> list[dict[str, Any]]:
    """The surveys of a case with their answers, oldest first; comments of erased persons read as ''."""
    query = 'select * from {views}.surveys where "case" = %s and key > %s order by key limit %s'
    return page.of(await call.rows(query, case, after or "", limit + 1), limit, lambda row: row["key"])


@api.get("/v1/scores", access=roles("agent", "supervisor"))
async def scores(
    call: Call,
    kind: SurveyKind,
    by: By | None = None,
    since: From = None,
    until: To = None,
) -> dict[str, Any]:
    """CSAT or NPS in percent with n and a 95 % interval, about cases resolved in the months ``from``..``to``; ``by``
    splits it. Cells with fewer than 5 answers are hidden. Scores by agent are for supervisors."""
    if by == "agent" and call.actor.role not in ("supervisor", "admin"):
        raise Refused("forbidden", "by", "scores of agents are for supervisors", "ask by team, topic or channel", 403)
    column = by or "kind"
    rows = await call.rows(
        f"select {column} as cell, sum(n)::bigint as n, sum(sum)::bigint as total, sum(top)::bigint as top,"  # noqa: S608
        " sum(bottom)::bigint as bottom from {views}.scores where kind = %s and month >= %s and month <= %s"
        f" group by {column} order by {column}",
        kind, since or "", until or "9999-12",
    )  # fmt: skip
    cells = [{"cell": r["cell"], **score(kind, r["n"], r["total"], r["top"], r["bottom"])} for r in rows]
    return {"kind": kind, "by": by, "from": since, "to": until, "cells": cells}


@api.get("/v1/surveys/response", access=roles("agent", "supervisor"))
async def response(
    call: Call,
    kind: SurveyKind,
    since: From = None,
    until: To = None,
) -> dict[str, Any]:
    """How many surveys came how far, with the reasons of loss; response rate = answered / (sent - bounced)."""
    rows = await call.rows(
        "select step, reason, sum(n)::bigint as n from {views}.response where kind = %s and month >= %s and month <= %s"
        " group by step, reason order by step, reason",
        kind, since or "", until or "9999-12",
    )  # fmt: skip
    steps: dict[str, int] = {}
    for row in rows:
        steps[row["step"]] = steps.get(row["step"], 0) + row["n"]
    delivered = steps.get("sent", 0) - steps.get("bounced", 0)
    answered = rate(steps.get("answered", 0), delivered)
    return {"kind": kind, "from": since, "to": until, "steps": rows, "response": answered}


@api.get("/v1/recoveries", access=roles("agent", "supervisor"), also=(404,))
async def recoveries(
    call: Call,
    state: Literal["open", "closed", "failed"] | None = None,
    before: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Recoveries, the newest first, and the recovery rate: recovered / asked again with an answer; ``next`` is the
    ``before`` of the following page, null on the last one."""
    where, values = ["true"], list[Any]()
    if state is not None:
        where, values = ["state = %s"], [state]
    if before is not None:
        place = await call.row("select opened_at, key from {views}.recoveries where key = %s", before)
        where, values = [*where, "(opened_at, key) < (%s, %s)"], [*values, *known(place, "before").values()]
    rows = await call.rows(
        f"select * from {{views}}.recoveries where {' and '.join(where)} order by opened_at desc, key desc limit %s",  # noqa: S608
        *values, limit + 1,
    )  # fmt: skip
    told = await call.row(
        "select count(*) filter (where recovered) as yes, count(*) filter (where recovered is not null) as told"
        " from {views}.recoveries"
    )
    assert told is not None
    page, following = rows[:limit], rows[limit - 1]["key"] if len(rows) > limit else None
    return {"recoveries": page, "next": following, "recovered": rate(told["yes"], told["told"])}
