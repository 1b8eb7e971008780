"""What HTTP answers when something is wrong: always problem+json, never a trace, and nothing personal in the log."""

import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
import pytest_asyncio
from fastapi import Query, Request, Response
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, ConfigDict

from shared.base.networks import networks
from shared.core.message import Role
from shared.edge import tokens
from shared.edge.direct import directly
from shared.edge.guard import LARGEST
from shared.edge.http import PUBLIC, Api, Call, build, problem, roles
from tests.shared.trade import PlaceOrder

SEED = bytes(range(32))
HEADERS = {"Authorization": f"Bearer {tokens.create(SEED, Role.agent, 'ece')}"}
api = Api()
STAFF = roles("agent")


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int


@api.post("/v1/shapes", access=STAFF)
async def shape(body: Shape, call: Call) -> dict[str, int]:
    """A body."""
    return {"number": body.number}


@api.get("/v1/orders/{order}", access=STAFF)
async def get(order: str, call: Call) -> dict[str, str]:
    """An order."""
    return {"order": order}


@api.post("/v1/orders/{order}", access=STAFF)
async def place(order: str, call: Call) -> dict[str, str]:
    """Makes the event of an order."""
    return {"stream": PlaceOrder.model_validate({"order": order, "contact": "ada", "text": "please"}).stream}


@api.get("/v1/broken/{what}", access=STAFF)
async def broken(what: str, call: Call) -> dict[str, str]:
    """Fails."""
    if what == "shape":
        Shape.model_validate({"number": "Ayşe Kaya"})
    raise ZeroDivisionError("Ayşe Kaya")


@api.post("/v1/straight-shapes", access=STAFF, status=201, direct=True, response_model=None)
async def straight(body: Shape, call: Call) -> Shape | Response:
    """A body, without the framework."""
    return problem(409, "taken", "taken", "seven is taken", "use eight") if body.number == 7 else body


@api.post("/v1/framed-shapes", access=STAFF, status=201, response_model=None)
async def framed(body: Shape, call: Call) -> Shape | Response:
    """The same within it."""
    answer: Shape | Response = await straight(body, call)
    return answer


@pytest_asyncio.fixture
async def http() -> AsyncIterator[AsyncClient]:
    async with client(1000, **HEADERS) as one:
        yield one


@api.get("/v1/lists", access=STAFF, hints={"q": "filter by state"})
async def lists(call: Call, state: str = "", since: Annotated[str, Query(alias="from")] = "") -> dict[str, str]:
    """What is filtered."""
    return {"state": state, "from": since}


@api.get("/v1/open", access=PUBLIC)
async def open_(call: Call) -> dict[str, str]:
    """For anybody."""
    return {}


@api.post("/v1/cases/{case}/notes", access=STAFF)
async def note(case: str, call: Call) -> dict[str, str]:
    """Of a case."""
    return {"case": case}


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "named"),
    [
        ("GET", "/v1/nowhere", 404, "not-found", "see /docs"),
        ("DELETE", "/v1/orders/1", 405, "method-not-allowed", "use GET"),
        ("GET", "/v1/orders/%00", 422, "invalid", "order"),
        ("GET", "/v1/lists?state=%00", 422, "invalid", "state"),
        ("GET", "/v1/orders/1?at=1", 422, "unknown-parameter", "takes none"),
        ("GET", "/v1/orders/1?order=1", 422, "unknown-parameter", "'order'"),
        ("GET", "/v1/lists?stat=open", 422, "unknown-parameter", "did you mean 'state'? known are from, state"),
        ("GET", "/v1/lists?State=open", 422, "unknown-parameter", "did you mean 'state'?"),
        ("GET", "/v1/lists?since=1", 422, "unknown-parameter", "known are from, state"),
        ("GET", "/v1/lists?q=kargo", 422, "unknown-parameter", "filter by state"),
        ("GET", "/v1/lists?state=", 200, "", ""),
        ("GET", "/v1/lists?state=a&state=b", 422, "given-twice", "give it once"),
        ("GET", "/v1/lists?state=" + "x" * 9000, 422, "too-long", "ask for less"),
        ("GET", "/v1/" + "x" * 9000, 404, "not-found", "see /docs"),
        ("GET", "/v1/orders/%ff", 200, "", ""),
        ("HEAD", "/v1/orders/1", 405, "method-not-allowed", ""),
        ("OPTIONS", "/v1/orders/1", 405, "method-not-allowed", "use GET"),
        ("TRACE", "/v1/orders/1", 405, "method-not-allowed", "use GET"),
        ("GET", "/v1/orders/1/", 404, "not-found", "see /docs"),
        ("POST", "/v1/orders/" + "x" * 200, 422, "invalid", "order"),
        ("POST", "/v1/orders/a%20b", 422, "invalid", "order"),
    ],
)
async def test_a_mistake_is_a_problem_that_names_it(
    http: AsyncClient, method: str, path: str, status: int, code: str, named: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    if status == 200 or method == "HEAD":
        return
    assert answer.headers["content-type"] == "application/problem+json"
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


def edge_of(per_minute: int, proxies: str = "") -> Any:
    settings = SimpleNamespace(
        public_per_minute=per_minute, proxies=networks(proxies), proxy_header="x-forwarded-for"
    )  # fmt: skip
    edge: Any = SimpleNamespace(settings=settings, vault=SimpleNamespace(revoked={}))

    async def case(named: str) -> str:
        return {"V-2026-000001": "c1"}.get(named, named)

    edge.case = case
    edge.of = lambda actor, said="", trace="": SimpleNamespace(**vars(edge), actor=actor, request=said)
    return edge


def client(per_minute: int, proxies: str = "", **headers: str) -> AsyncClient:
    app = build("shop", api, edge_of(per_minute, proxies), tokens.public_key(SEED))
    return AsyncClient(transport=ASGITransport(app, client=("10.0.0.1", 1)), base_url="http://shop", headers=headers)


async def test_too_many_of_an_address_are_told_when_to_come_again() -> None:
    async with client(2) as http:
        answers = [await http.get("/v1/open") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[2].headers["retry-after"] == "30"
    assert "try again in 30 seconds" in answers[2].text


async def test_a_header_that_anybody_can_send_gives_nobody_more() -> None:
    async with client(2) as http:
        answers = [
            await http.get("/v1/open", headers={"X-Forwarded-For": f"198.51.100.{n}", "X-Real-IP": f"198.51.100.{n}"})
            for n in range(4)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


async def test_behind_a_named_proxy_each_caller_has_his_own_share() -> None:
    async with client(2, "10.0.0.0/8") as http:
        each = [await http.get("/v1/open", headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(4)]
        one = [await http.get("/v1/open", headers={"X-Forwarded-For": f"{n}.1.1.1, 203.0.113.9"}) for n in range(4)]
    assert [answer.status_code for answer in each] == [200] * 4
    assert [answer.status_code for answer in one] == [200, 200, 429, 429]


async def test_who_guesses_tokens_is_slowed_and_nobody_else_at_his_address() -> None:
    async with client(3) as http:
        guesses = [
            await http.get("/v1/orders/1", headers={"Authorization": f"Bearer guess{n}"}) for n in range(5)
        ]  # fmt: skip
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
        assert guesses[3].headers["retry-after"]
        assert (await http.get("/v1/orders/1", headers=HEADERS)).status_code == 200
        assert (await http.get("/v1/orders/1")).status_code == 401  # without a token nothing is guessed


async def test_a_body_is_read_for_who_may_send_one_only(http: AsyncClient) -> None:
    stranger = {"Authorization": "Bearer none", "content-type": "application/json"}
    assert (await http.post("/v1/shapes", content=b"{", headers=stranger)).status_code == 401


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_beyond_all_measure_is_refused(http: AsyncClient, chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // 2**20 + 1):
            yield b" " * 2**20

    content: Any = parts() if chunked else b" " * (LARGEST + 1)
    answer = await http.post("/v1/shapes", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:vefa:too-large")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", None])
async def test_a_body_of_another_type_is_told_which_is_read(http: AsyncClient, kind: str | None) -> None:
    answer = await http.post("/v1/shapes", content=b'{"number": 1}', headers={"content-type": kind} if kind else {})
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:vefa:unsupported")
    assert "application/json" in answer.json()["remedy"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/vnd.shop+json"])
async def test_json_by_any_of_its_names_is_read(http: AsyncClient, kind: str) -> None:
    answer = await http.post("/v1/shapes", content=b'{"number": 1}', headers={"content-type": kind})
    assert answer.json() == {"number": 1}


async def test_a_case_by_its_number_is_the_case_by_its_id(http: AsyncClient) -> None:
    assert (await http.post("/v1/cases/V-2026-000001/notes")).json() == {"case": "c1"}
    assert (await http.post("/v1/cases/c1/notes")).json() == {"case": "c1"}


JSON = "application/json"


@pytest.mark.parametrize(
    "content_type", [JSON, "Application/JSON; charset=utf-8", "application/x+json", "text/plain", ""]
)
@pytest.mark.parametrize(
    "content",
    [
        b'{"number": 1}', b'{"number": 7}', b'{"number": 1.0}', b'{"number": "1"}', b'{"number": null}', b'{"more": 1}',
        b'{"number": 1, "number": 2}', b'{"number": 1, "more": 2}', b"[]", b"", b"{", b"NaN", b'{"number": NaN}',
        b'\xef\xbb\xbf{"number": 1}', '{"number": 1}'.encode("utf-16"), b'{"number": "\xff"}', b'{"\\ud800": 1}',
        b'{"number": 123456789012345678901234567890}', b'{"number": true}',
    ],
)  # fmt: skip
async def test_a_direct_route_answers_as_one_within_the_framework(
    http: AsyncClient, content: bytes, content_type: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    straight, framed = [
        await http.post(f"/v1/{way}-shapes", content=content, headers=headers) for way in ("straight", "framed")
    ]
    assert (straight.status_code, straight.headers, straight.content) == (
        framed.status_code, framed.headers, framed.content,
    )  # fmt: skip


async def test_a_direct_route_asks_the_framework_only_for_what_is_wrong() -> None:
    asked = list[bytes]()

    async def otherwise(request: Request) -> Response:
        asked.append(await request.body())
        return Response(status_code=422)

    answer = directly(straight, 201, otherwise)

    async def sent(content: bytes) -> int:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        scope = {"type": "http", "headers": [(b"content-type", JSON.encode())], "state": {"edge": None}}
        return (await answer(Request(scope, receive))).status_code

    assert [await sent(b'{"number": 1}'), await sent(b'{"number": "x"}')] == [201, 422]
    assert asked == [b'{"number": "x"}']


def test_a_route_with_more_than_a_body_is_not_called_directly() -> None:
    with pytest.raises(TypeError, match="place"):
        directly(place, 201, None)  # type: ignore[arg-type]
