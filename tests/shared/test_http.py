"""What HTTP answers when something is wrong: always problem+json, never a trace, and nothing personal in the log."""

import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, ConfigDict

from shared import tokens
from shared.events import Role
from shared.http import Api, Call, build, roles
from tests.shared.trade import PlaceOrder

SEED = bytes(range(32))
HEADERS = {"Authorization": f"Bearer {tokens.create(SEED, Role.agent, 'ece')}"}
api = Api()
STAFF = roles("agent")


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int


@api.post("/v1/shapes", way=STAFF)
async def shape(body: Shape, call: Call) -> dict[str, int]:
    """A body."""
    return {"number": body.number}


@api.get("/v1/orders/{order}", way=STAFF)
async def get(order: str, call: Call) -> dict[str, str]:
    """An order."""
    return {"order": order}


@api.post("/v1/orders/{order}", way=STAFF)
async def place(order: str, call: Call) -> dict[str, str]:
    """Makes the event of an order."""
    return {"stream": PlaceOrder.model_validate({"order": order, "contact": "ada", "text": "please"}).stream}


@api.get("/v1/broken/{what}", way=STAFF)
async def broken(what: str, call: Call) -> dict[str, str]:
    """Fails."""
    if what == "shape":
        Shape.model_validate({"number": "Ayşe Kaya"})
    raise ZeroDivisionError("Ayşe Kaya")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[AsyncClient]:
    edge: Any = SimpleNamespace(
        settings=SimpleNamespace(public_per_minute=1000, proxies=(), proxy_header="forwarded"),
        vault=SimpleNamespace(revoked={}),
    )
    edge.of = lambda *_: edge
    app = build("shop", api, edge, tokens.public_key(SEED))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop", headers=HEADERS) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "named"),
    [
        ("GET", "/v1/nowhere", 404, "not-found", "see /docs"),
        ("DELETE", "/v1/orders/1", 405, "method-not-allowed", "use GET"),
        ("GET", "/v1/orders/%00", 422, "invalid", "order"),
        ("GET", "/v1/orders/1?at=%00", 422, "invalid", "at"),
        ("POST", "/v1/orders/" + "x" * 200, 422, "invalid", "order"),
        ("POST", "/v1/orders/a%20b", 422, "invalid", "order"),
    ],
)
async def test_a_mistake_is_a_problem_that_names_it(
    http: AsyncClient, method: str, path: str, status: int, code: str, named: str
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body = answer.json()
    assert (body["status"], body["type"]) == (status, f"urn:vefa:{code}")
    assert named in answer.text
    assert body["remedy"]


@pytest.mark.parametrize("what", ["division", "shape"])
async def test_what_nobody_foresaw_says_where_it_failed_and_nothing_personal(
    http: AsyncClient, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await http.get(f"/v1/broken/{what}")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:vefa:unforeseen")
    assert "/v1/broken/{what}" in caplog.text
    assert ("ZeroDivisionError at test_http.py" in caplog.text) == (what == "division")
    assert "Ayşe" not in caplog.text + answer.text


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"number": ' + b"9" * 6000 + b"}", b'"\xff"'])
async def test_a_body_that_is_no_json_is_told_so(http: AsyncClient, body: bytes) -> None:
    answer = await http.post("/v1/shapes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "nothing at this address" not in answer.text


async def test_half_characters_of_the_caller_are_answered(http: AsyncClient) -> None:
    answer = await http.post(
        "/v1/shapes", content=b'{"number": 1, "\\ud800": 1}', headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_what_fits_is_answered(http: AsyncClient) -> None:
    assert (await http.get("/v1/orders/7")).json() == {"order": "7"}
    assert (await http.post("/v1/orders/7")).json() == {"stream": "order:7"}
