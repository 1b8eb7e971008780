"""What every request passes before its route sees it.

A body is read for who may send one only. A case may be named by its number wherever its id may."""

from collections.abc import Callable, Coroutine, Mapping, Set
from difflib import get_close_matches
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import jwt
from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.types import Message

from shared.base.tracing import parent
from shared.core.message import Actor
from shared.core.world import Refused

from . import tokens
from .callers import Limits, caller_of
from .direct import Handle, directly
from .edge import Edge
from .oidc import Provider
from .problems import TooMany, Unauthorised

LARGEST = 16 * 1024 * 1024
"""Bytes of a body: ten files of together 10 MiB as base64, and words."""
LONGEST_QUERY = 8 * 1024
"""Bytes of a query."""
MISSED = (403, 404, 410)
"""What a link that is not ours is answered with."""
NOBODY: Final = Actor("customer", "public")
"""Who calls without a token."""


class Guarded(Protocol):
    """What is asked of a route."""

    @property
    def method(self) -> str: ...
    @property
    def access(self) -> Any: ...
    @property
    def path(self) -> str: ...
    @property
    def endpoint(self) -> Callable[..., Any]: ...
    @property
    def status(self) -> int: ...
    @property
    def hints(self) -> Mapping[str, str]: ...
    @property
    def direct(self) -> bool: ...


class Guard:
    """Admits a request by five questions: who calls (``authenticate``), may they (``authorise``), how often
    (``limit``), what is asked for at all (``check_text``), and which request is it (``request_key``).

    Requests without a name are counted for their address, and so are tokens that are not ours. Wrong tokens and links
    are counted for what they are about, too, wherever they come from; a right one is never counted, so that nobody is
    shut out by those who guess."""

    def __init__(self, edge: Edge, token_key: bytes, provider: Provider | None):
        self.edge, self._token_key, self._provider = edge, token_key, provider
        self._nameless = Limits(edge.settings.public_per_minute)
        self._guesses = Limits(edge.settings.public_per_minute)
        self._missed = Limits(edge.settings.public_per_minute)

    async def admit(self, request: Request, route: Guarded, known: Set[str]) -> Edge:
        """The edge on behalf of who calls, for this request; ``known`` are the query parameters of the route.

        Raises Unauthorised, Refused or TooMany."""
        actor = await self.authenticate(request, route)
        self.authorise(actor, route)
        self.limit(actor, request, route)
        self.check_text(request, known, route.hints)
        key = await self.request_key(actor, request, route)
        return self.edge.of(actor, key, parent(request.headers.get("traceparent", "")))

    async def authenticate(self, request: Request, route: Guarded) -> Actor:
        """Who calls: by their token, or nobody known. Raises Unauthorised for a token that is not ours, and for none
        where a role is needed; TooMany after too many of them."""
        header = request.headers.get("authorization", "")
        if route.access.kind != "open" and header.lower().startswith("bearer "):
            return await self._named(request, header[7:].strip())
        if route.access.kind == "roles":
            raise Unauthorised("no token")
        return NOBODY

    def authorise(self, actor: Actor, route: Guarded) -> None:
        """Refused (403) for who has not one of the roles of the route."""
        if route.access.kind == "roles" and not route.access.admits(actor.role):
            allowed = ", ".join(route.access.roles)
            raise Refused("forbidden", "Authorization", f"not for role {actor.role}", f"allowed are {allowed}", 403)

    def limit(self, actor: Actor, request: Request, route: Guarded) -> None:
        """TooMany when an address has sent too many requests without a token."""
        counted = actor.name == NOBODY.name and route.access.kind in ("public", "signed")
        if counted and (wait := self._nameless.wait(self._source(request))):
            raise TooMany(wait, "too many requests of this address without a token")

    def check_text(self, request: Request, known: Set[str], hints: Mapping[str, str]) -> None:
        """Refuse what no route can take, and query parameters that this one does not know: a filter that is overlooked
        answers another question than the one that was asked."""
        if len(request.scope["query_string"]) > LONGEST_QUERY:
            raise Refused("too-long", "query", f"longer than {LONGEST_QUERY} bytes", "ask for less at once", 422)
        asked = request.query_params.multi_items()
        for name, value in (*request.path_params.items(), *asked):
            if "\x00" in value:
                raise Refused("invalid", name, "holds the character NUL", "leave it out", 422)
        seen = set[str]()
        for name, _ in asked:
            if name not in known:
                text = f"there is no query parameter {name[:100]!r} here"
                raise Refused("unknown-parameter", name[:100], text, _near(name, known, hints), 422)
            if name in seen:
                raise Refused("given-twice", name, "is given more than once", "give it once", 422)
            seen.add(name)

    async def request_key(self, actor: Actor, request: Request, route: Guarded) -> str:
        """What tells this request from all others: route, caller and ``Idempotency-Key``; '' without such a key. A case
        that was named by its number is named by its id from here on."""
        key = request.headers.get("idempotency-key", "")
        if len(key) > 200:
            raise Refused("invalid-key", "Idempotency-Key", "longer than 200 characters", "use a UUID", 422)
        path = route.path
        if "{" in path or request.scope["query_string"]:
            path = await _with_ids(request, self.edge.of(actor))
        return f"{route.method} {path}|{actor}|{key}" if key else ""

    async def _named(self, request: Request, token: str) -> Actor:
        try:
            if self._provider and not tokens.ours(token):
                return await self._provider.check(token, self.edge.vault.revoked)
            return tokens.check(self._token_key, token, self.edge.vault.revoked)
        except (jwt.InvalidTokenError, ValueError) as e:
            if wait := self._guesses.wait(self._source(request)):
                raise TooMany(wait, "too many tokens that are not ours came from this address") from e
            if name := tokens.claimed(token):
                self.missed(f"token {name}")
            raise Unauthorised("the token is not ours, was changed, is out of date or was revoked") from e

    def missed(self, about: str) -> None:
        """Count a wrong guess; TooMany when there were too many about the same thing."""
        if wait := self._missed.wait(about):
            raise TooMany(wait, "too many wrong guesses about the same thing", "what was asked for")

    def _source(self, request: Request) -> str:
        settings = self.edge.settings
        return caller_of(request, settings.proxies, settings.proxy_header)


def guarded(route: Guarded, guard: Guard) -> type[APIRoute]:
    """A class of routes that pass the guard first."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle: Handle = super().get_route_handler()
            if route.direct:
                handle = directly(route.endpoint, route.status, handle)
            known = {p.alias for p in get_flat_params(self.dependant) if isinstance(p.field_info, Query)}

            async def pass_guard(request: Request) -> Response:
                call = request.state.edge = await guard.admit(request, route, known)
                guess = route.access.kind == "signed" and call.actor.name == NOBODY.name
                try:
                    answer = await handle(Request(request.scope, await _bounded(request)))
                except Refused as refused:
                    if guess and refused.status in MISSED:
                        guard.missed(_about(request))
                    raise
                if guess and answer.status_code in MISSED:
                    guard.missed(_about(request))
                return answer

            return pass_guard

    return GuardedRoute


def _about(request: Request) -> str:
    """What a signed link is about: a case, or the id in its token, which nothing has proven."""
    named = request.path_params
    token = str(named.get("token", ""))
    return f"link {named.get('case') or (token.split('.', 2)[-1].rpartition('.')[0] or token)[:200]}"


def _near(name: str, known: Set[str], hints: Mapping[str, str]) -> str:
    if name in hints:
        return hints[name]
    if not known:
        return "leave it out: this address takes none"
    near = get_close_matches(name.lower(), sorted(known), 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"{meant}known are {', '.join(sorted(known))}"


async def _with_ids(request: Request, edge: Edge) -> str:
    """Put the id where a case was named by its number. Returns the path with ids."""
    path = request.url.path
    if named := request.path_params.get("case"):
        case = await edge.case(named)
        request.path_params["case"] = case
        path = "/".join(case if part == named else part for part in path.split("/"))
    if "case" in request.query_params:
        asked = [(n, await edge.case(v) if n == "case" else v) for n, v in request.query_params.multi_items()]
        request.scope["query_string"] = urlencode(asked).encode()
    return path


async def _bounded(request: Request) -> Callable[[], Coroutine[Any, Any, Message]]:
    """The body, read as far as one may be long. Raises Refused 413."""
    said = request.headers.get("content-length", "0")
    body, long = bytearray(), said.isdigit() and int(said[:20]) > LARGEST
    while not long:
        message = await request.receive()
        body += message.get("body", b"")
        long = len(body) > LARGEST
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    if long:
        raise Refused("too-large", "body", f"more than {LARGEST} bytes", "send fewer or smaller files", 413)
    whole: Message = {"type": "http.request", "body": bytes(body), "more_body": False}
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await request.receive()
        given = True
        return whole

    return receive
