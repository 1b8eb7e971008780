"""What went wrong, as problem+json (RFC 9457): the form of it, and which exception becomes which answer."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import jwt
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.base.errors import raised_at
from shared.core.event import Event, kinds_of
from shared.core.world import Refused
from shared.runtime.ordering import Overloaded, Silent

PROBLEM = "application/problem+json"
CORRECT = "correct the named fields; /docs shows what is expected"
log = logging.getLogger("vefa.http")


class WrongField(BaseModel):
    """One field that cannot be taken."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    field: str
    """Its place: names and numbers, apart by dots."""
    text: str
    """What is wrong with it."""
    remedy: str = ""
    """What would do."""


class Problem(BaseModel):
    """Why a request was not carried out; nothing of it was recorded."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    type: str
    """``urn:vefa:`` and a code that stays."""
    title: str
    """The code in words."""
    status: int
    """Of the answer."""
    detail: str
    """What was wrong with this request."""
    remedy: str
    """What to do."""
    field: str = ""
    """Which part of the request, where it is one."""
    fields: list[WrongField] = []
    """Which ones, where there are several."""


class Unauthorised(Exception):
    """No token, or one that is not ours."""


class TooMany(Exception):
    """More requests than an address may send, or than may be about one thing; ``wait``: seconds until the next is
    taken; ``of``: whose or what is counted."""

    def __init__(self, wait: int, what: str, of: str = "address"):
        super().__init__(what)
        self.wait, self.of = wait, of


def problem(
    status: int, code: str, title: str, detail: str, remedy: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    body = {"type": f"urn:vefa:{code}", "title": title, "status": status, "detail": detail, "remedy": remedy, **more}
    return JSONResponse(_sayable(body), status, headers, media_type=PROBLEM)


def _sayable(value: Any) -> Any:
    """What repeats the caller's words may hold half characters, which no answer can carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(k): _sayable(v) for k, v in value.items()}
    return [_sayable(v) for v in value] if isinstance(value, list) else value


def answer_with_problems(app: FastAPI) -> None:
    """Every exception that a route can raise becomes a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unauthorised, _unauthorised)
    app.add_exception_handler(TooMany, _too_many)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _misfit)
    app.add_exception_handler(HTTPException, _no_such_way)
    for busy in (Overloaded, OperationalError, PoolTimeout, jwt.PyJWKClientError):
        app.add_exception_handler(busy, _busy)
    app.add_middleware(Unforeseen)


class Unforeseen:
    """What no handler knows becomes a problem too; the log gets its place and not its words, which may be personal."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            log.error("%s %s: %s at %s", scope.get("method"), _route(scope), type(error).__name__, raised_at(error))
            if began:
                raise ConnectionAbortedError("an answer broke off") from None
            answer = problem(
                500, "unforeseen", "not foreseen", "the service failed at this request; nothing was recorded for it",
                "repeat it with its key; tell your administrator if it fails again",
            )  # fmt: skip
            await answer(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"Retry-After": str(Overloaded.retry_after)} if error.status == 503 else None
    title = error.code.replace("-", " ")
    return problem(error.status, error.code, title, error.text, error.remedy, headers, field=error.field)


async def _unauthorised(request: Request, error: Exception) -> Response:
    remedy, asked = "send 'Authorization: Bearer TOKEN'; vefa token create makes one", {"WWW-Authenticate": "Bearer"}
    return problem(401, "unauthorised", "unauthorised", str(error), remedy, asked, field="Authorization")


async def _too_many(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooMany)
    headers = {"Retry-After": str(error.wait)}
    remedy = f"try again in {error.wait} seconds"
    return problem(429, "too-many-requests", "too many requests", str(error), remedy, headers, field=error.of)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, "unreadable", "unreadable", "the body is no JSON that can be read", "correct it; see /docs")
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if any(e["loc"] == ("body",) and isinstance(e.get("input"), bytes) for e in found):
        detail = f"{content or 'a body without a type'} is not read here"
        remedy = "send JSON with Content-Type: application/json"
        return problem(415, "unsupported", "unsupported", detail, remedy, field="Content-Type")
    fields = [{"field": ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0]), "text": e["msg"]} for e in found]
    return problem(422, "invalid", "invalid request", f"{len(fields)} field(s) are wrong", CORRECT, fields=fields)


async def _misfit(request: Request, error: Exception) -> Response:
    """What was asked does not fit the event that it would become: a wrong id in the path, say."""
    assert isinstance(error, ValidationError)
    if error.title not in {kind.__name__ for kind in kinds_of(Event)}:
        raise error
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    fields = [{"field": ".".join(map(str, e["loc"])), "text": e["msg"]} for e in wrong]
    return problem(422, "invalid", "invalid request", f"{len(fields)} field(s) are wrong", CORRECT, fields=fields)


async def _no_such_way(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
        allowed = ", ".join(sorted({method for route in here for method in route.methods}))
        detail = f"{request.method} is not for this address"
        answer = problem(405, "method-not-allowed", "method not allowed", detail, f"use {allowed}")
        answer.headers["Allow"] = allowed
        return answer
    if error.status_code == 400:
        return problem(400, "unreadable", "unreadable", "the body is no JSON that can be read", "correct it; see /docs")
    code, title = str(error.detail).lower().replace(" ", "-"), str(error.detail).lower()
    return problem(error.status_code, code, title, "there is nothing at this address", "see /docs")


def _route(scope: Scope) -> str:
    """The pattern of the address, not the address: that of a signed link is a secret."""
    return str(getattr(scope.get("route"), "path", "?"))


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("%s %s: answered 503, to be repeated (%s)", request.method, _route(request.scope), type(error).__name__)
    detail, remedy = "the service cannot record at the moment", "repeat the request with its key"
    if isinstance(error, Silent):
        detail, remedy = str(error), error.remedy
    elif isinstance(error, jwt.PyJWKClientError):
        detail = str(error)
    return problem(503, "busy", "not now", detail, remedy, {"Retry-After": str(Overloaded.retry_after)})
