"""HTTP around a service: every route names who has access, refuses what it does not know, and is described as it is.

Answers come after the commit; errors are problem+json, see ``problems``."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request

from shared.core.message import Role

from .described import describe, responses, spoken
from .edge import Edge
from .guard import LARGEST, LONGEST_QUERY, Guard, guarded
from .oidc import Provider
from .problems import PROBLEM, answer_with_problems, problem
from .shown import show
from .static import Static

__all__ = ["OPEN", "PROBLEM", "PUBLIC", "SIGNED", "Access", "Api", "Call", "Route", "add", "build", "problem", "roles"]


LIMITS = (
    "Without a token an address may send {per_minute} requests a minute, and as many wrong tokens; what is more is"
    " answered 429 with Retry-After, in seconds."
    f" A body may have {LARGEST // 2**20} MiB, a query {LONGEST_QUERY // 2**10} KiB."
    " Wherever the id of a case is asked for, its number (V-2026-000123) will do. Who may do what: docs/roles.md."
)


@dataclass(frozen=True)
class Access:
    """Who may come in by a route."""

    roles: tuple[str, ...] = ()
    kind: str = "roles"

    def admits(self, role: str) -> bool:
        return role in self.roles or (role == Role.admin and Role.supervisor in self.roles)


def roles(*names: str) -> Access:
    """Callers with a token of one of these roles; ``admin`` may everything that a supervisor may."""
    unknown = set(names) - {r.value for r in Role}
    if unknown or not names:
        raise ValueError(f"unknown roles {sorted(unknown)}; known are {[r.value for r in Role]}")
    return Access(tuple(names))


SIGNED: Final = Access(kind="signed")
PUBLIC: Final = Access(kind="public")
OPEN: Final = Access(kind="open")
"""Of what machines ask again and again and what tells nothing of anybody: health, readiness, figures. Not limited."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    endpoint: Callable[..., Awaitable[Any]]
    access: Access
    status: int
    options: dict[str, Any]
    also: tuple[int, ...] = ()
    """Statuses of its own that nothing else here tells: 410 of a signed link, 403 of a rule within the route."""
    page: bool = False
    """Whether a person reads it in a browser: then what is wrong is said in a page."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Query parameters that people try and that are not there: what helps instead."""
    direct: bool = False
    """Whether its endpoint, which takes ``body`` and ``call``, is called without the framework: see ``direct``."""


@dataclass
class Api:
    """The routes of a service, declared in its ``api.py``."""

    routes: list[Route] = field(default_factory=list)
    static: Static | None = None
    """Files that its pages load."""

    def route(
        self, method: str, path: str, access: Access, status: int = 200, *, also: tuple[int, ...] = (),
        page: bool = False, hints: Mapping[str, str] | None = None, direct: bool = False, **options: Any,
    ) -> Callable[[Any], Any]:  # fmt: skip
        def declare(endpoint: Any) -> Any:
            self.routes.append(Route(method, path, endpoint, access, status, options, also, page, hints or {}, direct))
            return endpoint

        return declare

    def get(self, path: str, *, access: Access, **options: Any) -> Callable[[Any], Any]:
        return self.route("GET", path, access, **options)

    def post(self, path: str, *, access: Access, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("POST", path, access, status, **options)

    def put(self, path: str, *, access: Access, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("PUT", path, access, status, **options)

    def delete(self, path: str, *, access: Access, status: int = 200, **options: Any) -> Callable[[Any], Any]:
        return self.route("DELETE", path, access, status, **options)


async def _call(request: Request) -> Edge:
    edge: Edge = request.state.edge
    return edge


Call = Annotated[Edge, Depends(_call)]


def build(title: str, api: Api, edge: Edge, token_key: bytes, provider: Provider | None = None) -> FastAPI:
    """The application of a service's routes. Callers have tokens of our own, signed by the key to ``token_key``, or of
    the company's identity ``provider``."""
    app = FastAPI(
        title=f"Vefa {title}", version="1", docs_url=None, redoc_url=None, redirect_slashes=False,
        description=LIMITS.format(per_minute=edge.settings.public_per_minute),
    )  # fmt: skip
    app.state.guard = Guard(edge, token_key, provider)
    for route in api.routes:
        add(app, route)
    if api.static:
        api.static.serve(app)
    answer_with_problems(app)
    describe(app)
    show(app)
    direct = {route.path for route in api.routes if route.direct}
    app.router.routes.sort(key=lambda route: getattr(route, "path", "") not in direct)  # they are tried one by one
    return app


def add(app: FastAPI, route: Route) -> None:
    """One route more, with everything that every route has."""
    more = {name: value for name, value in route.options.items() if name not in ("responses", "openapi_extra")}
    app.router.add_api_route(
        route.path, route.endpoint, methods=[route.method], status_code=route.status,
        responses={**responses(route), **route.options.get("responses", {})}, openapi_extra=spoken(route),
        route_class_override=guarded(route, app.state.guard), **more,
    )  # fmt: skip
