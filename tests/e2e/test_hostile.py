"""Every route of the running platform with values that nobody would type: no answer is a failure of ours, each refusal
says what to correct."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from deploy.vefa.services import names
from tests.running import Running, up
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.long, pytest.mark.servers]
TEXTS = (
    "x", "' or 1=1--", "\x00", "../..", "İ" * 300, "-1", "9" * 25, "{}", "\u202eexe.pdf", "a\r\nBcc: b@example.com",
    "{{ 7 * 7 }}", "=cmd|' /C calc'!A0", "👩‍👩‍👧‍👦", "01a20e3e-b6fa-7dd1-a17d-73a019dc6e63", "",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**63, 10**30, 1.5)
BODIES: tuple[Any, ...] = ({}, [], [1], "x", 7, None, {"text": {"deep": [1]}}, {"contact": 7})


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "hostile", VEFA_PUBLIC_PER_MINUTE="1000000") as running:
        yield running


def filled(schema: dict[str, Any], parts: dict[str, Any], turn: int) -> Any:
    """A value of the shape that a schema asks for, with the turn-th hostile text or number in every place."""
    if "$ref" in schema:
        return filled(parts[schema["$ref"].rpartition("/")[2]], parts, turn)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return filled(choices[turn % len(choices)], parts, turn)
    if "enum" in schema and turn % 3:
        return schema["enum"][turn % len(schema["enum"])]
    match schema.get("type"):
        case "object":
            known = {name: filled(inner, parts, turn) for name, inner in schema.get("properties", {}).items()}
            return known or {TEXTS[turn % len(TEXTS)]: "x"}
        case "array":
            return [filled(schema.get("items") or {}, parts, turn)] * (1 + turn % 2)
        case "integer" | "number":
            return NUMBERS[turn % len(NUMBERS)]
        case "boolean":
            return turn % 2 == 0
        case "null":
            return None
    return TEXTS[turn % len(TEXTS)]


def requests(address: str) -> Iterator[tuple[str, str, dict[str, str], Any]]:
    """(method, path, query, body), each route with each text."""
    described = httpx.get(f"{address}/openapi.json", timeout=PATIENCE).json()
    parts = described.get("components", {}).get("schemas", {})
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            content = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            for turn, text in enumerate(TEXTS):
                where = re.sub(r"{[^}]*}", quote(text or "-", safe=""), path)
                query = {p["name"]: text for p in told.get("parameters", ()) if p["in"] == "query"}
                bodies = [None] if content is None else [filled(content, parts, turn), BODIES[turn % len(BODIES)]]
                yield from ((method.upper(), where, query, body) for body in bodies)


@pytest.mark.parametrize("service", names())
def test_no_request_makes_a_service_fail_and_each_refusal_has_a_remedy(platform: Running, service: str) -> None:
    address = platform.address(service)
    token = platform.vefa("token", "create", "--role", "admin", "--subject", "root")
    failed, asked = list[str](), 0
    with httpx.Client(base_url=address, timeout=PATIENCE, headers={"Authorization": f"Bearer {token}"}) as client:
        for method, path, query, body in requests(address):
            answer = client.request(method, path, params=query, json=body)
            asked += 1
            page = "html" in answer.headers.get("content-type", "")
            wrong = answer.status_code >= 500 or (answer.status_code >= 400 and not page and not _helps(answer))
            if wrong:
                failed.append(f"{answer.status_code} {method} {path[:80]} {query} {body!r:.200} -> {answer.text:.200}")
        assert client.get(f"/{service}/ready").json()["ready"]
    assert not failed, "\n".join(failed[:10])
    assert asked > 30


def _helps(answer: httpx.Response) -> bool:
    told = answer.json()
    return bool(told.get("remedy") and told.get("detail") and told.get("type", "").startswith("urn:vefa:"))
