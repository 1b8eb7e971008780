"""Every route of every service names its way in, and keeps to it."""

import re
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from deploy.vefa.services import app_of, names
from shared.core.message import Role
from shared.edge import tokens
from shared.edge.http import Access, Api, Route, build
from shared.edge.policies_api import policies_api

PUBLIC = {
    ("POST", "/v1/cases"),  # the form
    ("GET", "/v1/forms"),  # its fields
}
"""What anybody may ask without a token or a signed link, beside health, readiness and metrics."""


def routes() -> list[tuple[str, Route]]:
    return [(name, route) for name in names() for route in app_of(name).api.routes]


@pytest.mark.parametrize(("service", "route"), [pytest.param(s, r, id=f"{s}-{r.method}-{r.path}") for s, r in routes()])
def test_a_route_names_its_way_in(service: str, route: Route) -> None:
    assert isinstance(route.access, Access)
    assert route.access.kind in ("roles", "signed", "public")
    assert set(route.access.roles) <= {role.value for role in Role}
    assert bool(route.access.roles) == (route.access.kind == "roles")


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
        if route.access.kind == "roles":
            assert (await client.request(route.method, path)).status_code == 401, route
            forged = tokens.create(bytes(32), Role.admin, "mallory")
            assert (await client.request(route.method, path, headers=_bearer(forged))).status_code == 401, route
            for role in set(Role) - {Role(r) for r in route.access.roles} - {Role.admin}:
                refused = await client.request(
                    route.method, path, headers=_bearer(tokens.create(seed, role, "somebody"))
                )
                assert refused.status_code == 403, (route, role)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_what_is_public_is_known_here() -> None:
    assert {(r.method, r.path) for _, r in routes() if r.access.kind == "public"} == PUBLIC


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


# What is told of a route --------------------------------------------------------------------------------------------
SEED = bytes(range(32))


def application(service: str) -> Any:
    settings = SimpleNamespace(public_per_minute=10**6, proxies=(), proxy_header="x-forwarded-for")
    edge: Any = SimpleNamespace(settings=settings, vault=SimpleNamespace(revoked={}))
    edge.of = lambda *_: edge
    every = Api([*app_of(service).api.routes, *policies_api(service).routes])
    return build(service, every, edge, tokens.public_key(SEED))


def asked(service: str) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(application(service)), base_url="http://vefa")


def token(route: Route) -> dict[str, str]:
    role = next(iter(route.access.roles), "customer")
    return _bearer(tokens.create(SEED, Role(role), "somebody"))


@pytest.mark.parametrize("service", names())
async def test_a_parameter_that_a_route_does_not_know_is_refused_by_name(service: str) -> None:
    async with asked(service) as client:
        for route in [*app_of(service).api.routes, *policies_api(service).routes]:
            path = re.sub(r"{[^}]*}", "1", route.path)
            answer = await client.request(route.method, path, params={"nonsense": "1"}, headers=token(route))
            assert (answer.status_code, answer.json()["type"]) == (422, "urn:vefa:unknown-parameter"), route
            assert answer.json()["field"] == "nonsense"


@pytest.mark.parametrize("service", names())
async def test_every_parameter_that_is_described_is_known(service: str) -> None:
    told = application(service).openapi()
    declared = {(r.method, r.path.replace(":path", "")): r for r in app_of(service).api.routes}
    declared |= {(r.method, r.path.replace(":path", "")): r for r in policies_api(service).routes}
    async with asked(service) as client:
        for path, methods in told["paths"].items():
            for method, operation in methods.items():
                names = [
                    p["name"] for p in operation.get("parameters", []) if p["in"] == "query" and p["name"] != "case"
                ]
                answer = await client.request(
                    method, re.sub(r"{[^}]*}", "1", path), params=dict.fromkeys(names, "1"),
                    headers=token(declared[method.upper(), path]),
                )  # fmt: skip
                assert answer.json().get("type") != "urn:vefa:unknown-parameter", (path, names, answer.text)


@pytest.mark.parametrize("service", names())
def test_each_refusal_is_described_as_a_problem(service: str) -> None:
    told = application(service).openapi()
    assert "HTTPValidationError" not in told["components"]["schemas"]
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            refusals = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert {"401", "422", "429", "503"} <= refusals.keys(), (method, path)
            assert ("403" in refusals) or operation["x-way-in"] != "roles", (method, path)
            for status, refusal in refusals.items():
                assert refusal["content"]["application/problem+json"], (method, path, status)
            assert refusals["429"]["headers"]["Retry-After"]["required"], (method, path)


@pytest.mark.parametrize("service", names())
def test_each_service_with_cases_knows_their_numbers(service: str) -> None:
    app = app_of(service)
    if any("{case}" in route.path for route in app.api.routes):
        assert app.views.tables["cases"].columns["number"] == "text"
        assert "number" in app.views.tables["cases"].indexes


@pytest.mark.parametrize("service", names())
async def test_the_page_to_read_it_needs_nothing_from_elsewhere(service: str) -> None:
    async with asked(service) as client:
        page = await client.get("/docs")
        assert (page.status_code, "default-src 'none'" in page.headers["content-security-policy"]) == (200, True)
        assert re.findall(r"(?:https?:)?//[\w.-]+", page.text) == []
        needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(needed) == 3
        for file in [*needed, "openapi.json"]:
            answer = await client.get(f"/{file}")
            assert (answer.status_code, len(answer.content) > 1000) == (200, True), file
        assert (await client.get("/docs/../../etc/passwd")).status_code == 404
