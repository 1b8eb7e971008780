"""HTTP around a service: every route names its way in; answers come after the commit; errors are problem+json (RFC
9457)."""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from . import tokens
from .batch import place
from .edge import Edge
from .events import Actor, Event, Role, kinds_of
from .oidc import Provider
from .service import Overloaded, Silent
from .tracing import parent
from .world import Refused

PROBLEM = "application/problem+json"
log = logging.getLogger("vefa.http")


@dataclass(frozen=True)
class Way:
    """Who may come in by a route."""

    roles: tuple[str, ...] = ()
    kind: str = "roles"


def roles(*names: str) -> Way:
    """Callers with a token of one of these roles; ``admin`` may everything that a supervisor may."""
    unknown = set(names) - {r.value for r in Role}
    if unknown or not names:
        raise ValueError(f"unknown roles {sorted(unknown)}; known are {[r.value for r in Role]}")
    return Way(tuple(names))


SIGNED: Final = Way(kind="signed")
PUBLIC: Final = Way(kind="public")


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    endpoint: Callable[..., Awaitable[Any]]
    way: Way
    status: int
    options: dict[str, Any]


@dataclass
class Api:
    """The routes of a service, declared in its ``api.py``."""

    routes: list[Route] = field(default_factory=list)

    def route(self, method: str, path: str, way: Way, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        def declare(endpoint: Any) -> Any:
            self.routes.append(Route(method, path, endpoint, way, status, options))
            return endpoint

        return declare

    def get(self, path: str, *, way: Way, **options: Any) -> Callable[[Any], Any]:
        return self.route("GET", path, way, **options)

    def post(self, path: str, *, way: Way, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("POST", path, way, status, **options)

    def put(self, path: str, *, way: Way, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("PUT", path, way, status, **options)

    def delete(self, path: str, *, way: Way, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("DELETE", path, way, status, **options)


async def _call(request: Request) -> Edge:
    edge: Edge = request.state.edge
    return edge


Call = Annotated[Edge, Depends(_call)]


class Unauthorised(Exception):
    """No token, or one that is not ours."""


class Limits:
    """At most ``per_minute`` requests of an address on public routes: a bucket that fills evenly."""

    def __init__(self, per_minute: int):
        self._rate, self._full = per_minute / 60, float(per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, address: str) -> bool:
        now = time.monotonic()
        left, at = self._buckets.get(address, (self._full, now))
        left = min(self._full, left + (now - at) * self._rate)
        if len(self._buckets) > 10_000:
            self._buckets.clear()
        self._buckets[address] = (left - 1 if left >= 1 else left, now)
        return left >= 1


def build(title: str, api: Api, edge: Edge, token_key: bytes, provider: Provider | None = None) -> FastAPI:
    """The application of a service's routes. Callers have tokens of our own, signed by the key to ``token_key``, or of
    the company's identity ``provider``."""
    app = FastAPI(title=f"Vefa {title}", version="1", docs_url="/docs", redoc_url=None)
    limits = Limits(edge.settings.public_per_minute)
    for route in api.routes:
        app.add_api_route(
            route.path, route.endpoint, methods=[route.method], status_code=route.status,
            dependencies=[Depends(_admit(route, edge, token_key, provider, limits))],
            openapi_extra={"x-way-in": route.way.kind, "x-roles": list(route.way.roles)}, **route.options,
        )  # fmt: skip
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unauthorised, _unauthorised)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _misfit)
    app.add_exception_handler(HTTPException, _no_such_way)
    for busy in (Overloaded, OperationalError, PoolTimeout, jwt.PyJWKClientError):
        app.add_exception_handler(busy, _busy)
    app.add_middleware(Unforeseen)
    return app


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
            log.error("%s %s: %s at %s", scope.get("method"), _route(scope), type(error).__name__, place(error))
            if began:
                raise ConnectionAbortedError("an answer broke off") from None
            answer = problem(
                500, "unforeseen", "not foreseen", "the service failed at this request; nothing was recorded for it",
                "repeat it with its key; tell your administrator if it fails again",
            )  # fmt: skip
            await answer(scope, receive, send)


def _admit(
    route: Route, edge: Edge, token_key: bytes, provider: Provider | None, limits: Limits
) -> Callable[[Request], Awaitable[None]]:
    async def admit(request: Request) -> None:
        actor = Actor("customer", "public")
        header = request.headers.get("authorization", "")
        if header.lower().startswith("bearer "):
            token = header[7:].strip()
            try:
                if provider and not tokens.ours(token):
                    actor = await provider.check(token, edge.vault.revoked)
                else:
                    actor = tokens.check(token_key, token, edge.vault.revoked)
            except (jwt.InvalidTokenError, ValueError) as e:
                raise Unauthorised("the token is not ours, was changed, is out of date or was revoked") from e
        elif route.way.kind == "roles":
            raise Unauthorised("no token")
        if route.way.kind == "roles" and actor.role not in route.way.roles:
            if not (actor.role == "admin" and "supervisor" in route.way.roles):
                allowed = ", ".join(route.way.roles)
                raise Refused("forbidden", "Authorization", f"not for role {actor.role}", f"allowed are {allowed}", 403)
        elif actor.name == "public" and not limits.admit(request.client.host if request.client else "?"):
            raise Refused("too-many-requests", "address", "too many requests", "try again in a minute", 429)
        for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
            if "\x00" in value:
                raise Refused("invalid", name, "holds the character NUL", "leave it out", 422)
        key = request.headers.get("idempotency-key", "")
        if len(key) > 200:
            raise Refused("invalid-key", "Idempotency-Key", "longer than 200 characters", "use a UUID", 422)
        path = request.url.path
        said = f"{route.method} {path}|{actor}|{key}" if key else ""
        request.state.edge = edge.of(actor, said, parent(request.headers.get("traceparent", "")))

    return admit


def _sayable(value: Any) -> Any:
    """What repeats the caller's words may hold half characters, which no answer can carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(k): _sayable(v) for k, v in value.items()}
    return [_sayable(v) for v in value] if isinstance(value, list) else value


def problem(status: int, code: str, title: str, detail: str, remedy: str, **more: Any) -> JSONResponse:
    body = {"type": f"urn:vefa:{code}", "title": title, "status": status, "detail": detail, "remedy": remedy, **more}
    return JSONResponse(_sayable(body), status, media_type=PROBLEM)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem(error.status, error.code, error.code.replace("-", " "), error.text, error.remedy, field=error.field)


async def _unauthorised(request: Request, error: Exception) -> Response:
    remedy = "send 'Authorization: Bearer TOKEN'; vefa token create makes one"
    return problem(401, "unauthorised", "unauthorised", str(error), remedy, field="Authorization")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0]), "text": e["msg"]} for e in error.errors()
    ]
    remedy = "correct the named fields; /docs shows what is expected"
    return problem(422, "invalid", "invalid request", f"{len(fields)} field(s) are wrong", remedy, fields=fields)


async def _misfit(request: Request, error: Exception) -> Response:
    """What was asked does not fit the event that it would become: a wrong id in the path, say."""
    assert isinstance(error, ValidationError)
    if error.title not in {kind.__name__ for kind in kinds_of(Event)}:
        raise error
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    fields = [{"field": ".".join(map(str, e["loc"])), "text": e["msg"]} for e in wrong]
    remedy = "correct the named fields; /docs shows what is expected"
    return problem(422, "invalid", "invalid request", f"{len(fields)} field(s) are wrong", remedy, fields=fields)


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
    response = problem(503, "busy", "not now", detail, remedy)
    response.headers["Retry-After"] = str(Overloaded.retry_after)
    return response
