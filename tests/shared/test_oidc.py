"""Tokens of a company's own identity provider: a provider that really serves its keys, and callers with its tokens."""

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from httpx import ASGITransport, AsyncClient
from pydantic import ValidationError

from shared.base.settings import Oidc, Settings
from shared.core.message import Role
from shared.edge import oidc, tokens
from shared.edge.http import Api, Call, build, roles
from shared.edge.oidc import Provider

SEED = bytes(range(32))
KEY, OTHER = (generate_private_key(65537, 2048) for _ in range(2))
api = Api()


@api.get("/v1/me", access=roles("agent", "supervisor"))
async def me(call: Call) -> dict[str, str]:
    """Who asks."""
    return {"role": call.actor.role, "name": call.actor.name}


class Company:
    """An identity provider: its keys by id, and how often it was asked for them."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] = {"one": KEY}
        self.asked, company = 0, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer = company.issuer
                if self.path == "/jwks":
                    company.asked += 1
                    body: Any = {"keys": [company.public(kid) for kid in company.keys]}
                else:
                    body = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def public(self, kid: str) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {**key, "kid": kid, "use": "sig", "alg": "RS256"}

    def token(self, *, kid: str = "one", key: RSAPrivateKey = KEY, **claims: Any) -> str:
        now = int(time.time())
        standard = {"iss": self.issuer, "aud": "vefa", "sub": "ece", "iat": now, "exp": now + 60, "roles": ["agent"]}
        return jwt.encode({**standard, **claims}, key, algorithm="RS256", headers={"kid": kid})


@pytest.fixture
def company() -> Iterator[Company]:
    company = Company()
    yield company
    company.server.shutdown()
    company.server.server_close()


@pytest_asyncio.fixture
async def http(company: Company) -> AsyncIterator[AsyncClient]:
    edge: Any = SimpleNamespace(
        settings=SimpleNamespace(public_per_minute=1000, proxies=(), proxy_header="forwarded"),
        vault=SimpleNamespace(revoked={}),
    )
    edge.of = lambda actor, *_: SimpleNamespace(actor=actor)
    provider = Provider(Oidc(issuer=company.issuer))
    app = build("shop", api, edge, tokens.public_key(SEED), provider)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client:
        client.revoked = edge.vault.revoked  # type: ignore[attr-defined]
        yield client


async def ask(http: AsyncClient, token: str) -> tuple[int, Any]:
    answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


async def test_a_token_of_the_company_names_who_speaks(http: AsyncClient, company: Company) -> None:
    assert await ask(http, company.token()) == (200, {"role": "agent", "name": "ece"})
    assert await ask(http, company.token(sub="can", roles="supervisor")) == (200, {"role": "supervisor", "name": "can"})
    assert company.asked == 1


async def test_our_own_tokens_are_taken_too_and_ask_nobody(http: AsyncClient, company: Company) -> None:
    assert (await ask(http, tokens.create(SEED, Role.agent, "su")))[1] == {"role": "agent", "name": "su"}
    assert company.asked == 0


async def test_the_role_that_may_most_counts(http: AsyncClient, company: Company) -> None:
    held = company.token(roles=["offline_access", "agent", "supervisor"])
    assert (await ask(http, held))[1]["role"] == "supervisor"


async def test_what_is_not_a_token_for_us_is_refused(http: AsyncClient, company: Company) -> None:
    now = int(time.time())
    secret = jwt.encode({"iss": company.issuer, "sub": "ece"}, "x" * 64, algorithm="HS256", headers={"kid": "one"})
    bare = jwt.encode({"iss": company.issuer, "sub": "ece"}, None, algorithm="none", headers={"kid": "one"})
    refused = {
        "another audience": company.token(aud="payroll"),
        "another issuer": company.token(iss="https://elsewhere.example"),
        "out of date": company.token(iat=now - 90, exp=now - 30),
        "another key under this id": company.token(key=OTHER),
        "signed with a secret": secret,
        "not signed": bare,
        "no role of ours": company.token(roles=["boss"]),
        "no id": company.token(sub="Ayşe | Kaya"),
        "not a token": "x.y.z",
    }
    found = {why: (await ask(http, token))[0] for why, token in refused.items()}
    assert found == dict.fromkeys(refused, 401)


async def test_a_customer_does_not_come_in_where_agents_do(http: AsyncClient, company: Company) -> None:
    assert (await ask(http, company.token(roles="customer")))[0] == 403


async def test_revoking_a_name_takes_the_company_s_tokens_too(http: AsyncClient, company: Company) -> None:
    from datetime import UTC, datetime

    http.revoked["sub:ece"] = datetime.now(UTC)  # type: ignore[attr-defined]
    assert (await ask(http, company.token()))[0] == 401
    assert (await ask(http, company.token(sub="can")))[0] == 200


async def test_a_new_key_is_fetched_and_invented_ones_do_not_make_us_knock(
    http: AsyncClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask(http, company.token()))[0] == 200
    company.keys["two"] = OTHER
    assert (await ask(http, company.token(kid="two", key=OTHER)))[0] == 401  # asked a moment ago
    monkeypatch.setattr(oidc, "PATIENCE", 0.0)
    assert (await ask(http, company.token(kid="two", key=OTHER)))[0] == 200
    monkeypatch.setattr(oidc, "PATIENCE", 30.0)
    asked = company.asked
    for number in range(20):
        assert (await ask(http, company.token(kid=f"made up {number}")))[0] == 401
    assert company.asked == asked


async def test_a_provider_that_cannot_be_asked_is_not_the_caller_s_fault(http: AsyncClient, company: Company) -> None:
    token = company.token()
    company.server.shutdown()
    company.server.server_close()
    status, answer = await ask(http, token)
    assert status == 503
    assert "identity provider" in answer["detail"]


async def test_names_and_roles_may_stand_deeper() -> None:
    provider = Provider(Oidc(issuer="https://id.example", role_claim="realm_access.roles"))
    assert provider._role({"realm_access": {"roles": ["agent"]}}) == "agent"
    with pytest.raises(jwt.InvalidTokenError, match="realm_access"):
        provider._role({"roles": ["agent"]})


def test_settings_name_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEFA_OIDC__ISSUER", "https://id.example")
    monkeypatch.setenv("VEFA_OIDC__NAME_CLAIM", "employee")
    settings = Settings(database_url="", nats_url="", secrets=".")  # type: ignore[arg-type]
    assert settings.oidc
    assert (settings.oidc.issuer, settings.oidc.name_claim) == ("https://id.example", "employee")
    monkeypatch.setenv("VEFA_OIDC__ISSUER", "http://id.example")
    with pytest.raises(ValidationError, match="https"):
        Settings(database_url="", nats_url="", secrets=".")  # type: ignore[arg-type]
