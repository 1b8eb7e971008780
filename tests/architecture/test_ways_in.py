"""Every route of every service names its way in, and keeps to it."""

import re
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from shared import tokens
from shared.cli.services import app_of, names
from shared.events import Role
from shared.http import Api, Route, Way, build

PUBLIC = {
    ("POST", "/v1/cases"),  # the form
    ("GET", "/v1/forms"),  # its fields
}
"""What anybody may ask without a token or a signed link, beside health, readiness and metrics."""


def routes() -> list[tuple[str, Route]]:
    return [(name, route) for name in names() for route in app_of(name).api.routes]


@pytest.mark.parametrize(("service", "route"), [pytest.param(s, r, id=f"{s}-{r.method}-{r.path}") for s, r in routes()])
def test_a_route_names_its_way_in(service: str, route: Route) -> None:
    assert isinstance(route.way, Way)
    assert route.way.kind in ("roles", "signed", "public")
    assert set(route.way.roles) <= {role.value for role in Role}
    assert bool(route.way.roles) == (route.way.kind == "roles")


@pytest.mark.parametrize("service", names())
async def test_routes_for_roles_turn_others_away(service: str) -> None:
    seed = bytes(range(32))
    edge: Any = SimpleNamespace(
        settings=SimpleNamespace(public_per_minute=1000, proxies=(), proxy_header="forwarded"),
        vault=SimpleNamespace(revoked={}),
    )
    app = build(service, app_of(service).api, edge, tokens.public_key(seed))
    client = AsyncClient(transport=ASGITransport(app), base_url="http://vefa")
    for route in app_of(service).api.routes:
        path = re.sub(r"{[^}]*}", "1", route.path)
        if route.way.kind == "roles":
            assert (await client.request(route.method, path)).status_code == 401, route
            forged = tokens.create(bytes(32), Role.admin, "mallory")
            assert (await client.request(route.method, path, headers=_bearer(forged))).status_code == 401, route
            for role in set(Role) - {Role(r) for r in route.way.roles} - {Role.admin}:
                refused = await client.request(
                    route.method, path, headers=_bearer(tokens.create(seed, role, "somebody"))
                )
                assert refused.status_code == 403, (route, role)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_what_is_public_is_known_here() -> None:
    assert {(r.method, r.path) for _, r in routes() if r.way.kind == "public"} == PUBLIC


def test_paths_of_services_do_not_overlap() -> None:
    """So any proxy joins them: a path and method belong to one service."""
    places = Counter((r.method, _shape(r.path)) for _, r in routes())
    assert [place for place, count in places.items() if count > 1] == []


def _shape(path: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


def test_a_route_cannot_be_declared_without_a_way() -> None:
    api: Any = Api()
    with pytest.raises(TypeError):
        api.get("/v1/open")(lambda: None)
