"""Tokens of the company's own identity provider (OpenID Connect): checked against the keys that it publishes.

The provider is asked for its keys when a token names one that is not known here, at most every ``PATIENCE`` seconds,
so that tokens with invented keys cannot make us knock at its door."""

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import jwt

from shared.base.settings import Oidc
from shared.core.message import Actor, Role

NAME = re.compile(r"[\w:.@~/+-]{1,128}")
PATIENCE = 30.0
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair only: with HS256 a published key would be the secret."""


class Provider:
    """Reads the provider's tokens; its keys are fetched when they are first needed."""

    def __init__(self, oidc: Oidc):
        self.oidc = oidc
        self._keys: dict[str, Any] = {}
        self._asked = -PATIENCE
        self._asking = asyncio.Lock()

    async def check(self, token: str, revoked: Mapping[str, datetime]) -> Actor:
        """Who the token names. Raises jwt.InvalidTokenError when it is not the provider's, not for us, out of date,
        revoked, or names no role of ours; jwt.PyJWKClientError when the provider cannot be asked."""
        key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
        claims = jwt.decode(
            token, key, algorithms=ALGORITHMS, issuer=self.oidc.issuer, audience=self.oidc.audience,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )  # fmt: skip
        name = _claim(claims, self.oidc.name_claim)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise jwt.InvalidTokenError(f"it has no name in {self.oidc.name_claim!r} that can be an id here")
        until = revoked.get(f"sub:{name}")
        if claims.get("jti") in revoked or (until and claims["iat"] <= until.timestamp()):
            raise jwt.InvalidTokenError("revoked")
        return Actor(self._role(claims), name)

    def _role(self, claims: Mapping[str, Any]) -> str:
        """The one that may most, where the claim lists several of ours."""
        held = _claim(claims, self.oidc.role_claim)
        names = {held} if isinstance(held, str) else set(map(str, held)) if isinstance(held, list) else set()
        for role in (Role.admin, Role.supervisor, Role.ops, Role.service, Role.agent, Role.customer):
            if role.value in names:
                return role.value
        raise jwt.InvalidTokenError(f"it has no role of ours in {self.oidc.role_claim!r}")

    async def _key(self, kid: str) -> Any:
        async with self._asking:
            if kid not in self._keys and time.monotonic() - self._asked >= PATIENCE:
                self._asked = time.monotonic()
                self._keys = await self._fetch()
        if kid not in self._keys:
            raise jwt.InvalidTokenError("it was signed by a key that the identity provider does not publish")
        return self._keys[kid]

    async def _fetch(self) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=5) as http:
                where = self.oidc.issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = (await http.get(where)).raise_for_status().json()
                if found["issuer"] != self.oidc.issuer:
                    raise jwt.PyJWKClientError(f"{where} names another issuer; set VEFA_OIDC to {found['issuer']!r}")
                published = (await http.get(found["jwks_uri"])).raise_for_status().json()
            return {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id}
        except (httpx.HTTPError, KeyError, ValueError, jwt.PyJWKSetError) as e:
            self._asked = -PATIENCE  # it was not told anything: ask again with the next token
            raise jwt.PyJWKClientError(f"the identity provider cannot be asked ({type(e).__name__})") from e


def _claim(claims: Any, path: str) -> Any:
    for part in path.split("."):
        claims = claims.get(part) if isinstance(claims, Mapping) else None
    return claims
