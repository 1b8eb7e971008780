"""Tokens of our own: JWTs signed with Ed25519; services hold only the public key."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.core.message import Actor, Role

ISSUER = "vefa"


def public_key(seed: bytes) -> bytes:
    """The public key (32 bytes) of a private key's seed (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def create(seed: bytes, role: Role, name: str, lifetime: timedelta = timedelta(days=30)) -> str:
    """A token for ``name`` in ``role``; its times are those of the machine, not of the platform clock."""
    now = int(time.time())
    claims = {
        "iss": ISSUER, "sub": name, "role": role.value, "iat": now, "exp": now + int(lifetime.total_seconds()),
        "jti": uuid4().hex,
    }  # fmt: skip
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(seed), algorithm="EdDSA")


def read(public: bytes, token: str) -> dict[str, Any]:
    """The claims of a token of ours: sub, role, jti, iat, exp. Raises jwt.InvalidTokenError."""
    claims: dict[str, Any] = jwt.decode(
        token, Ed25519PublicKey.from_public_bytes(public), algorithms=["EdDSA"], issuer=ISSUER,
        options={"require": ["exp", "iat", "jti", "sub", "role"]},
    )  # fmt: skip
    return claims


def ours(token: str) -> bool:
    """Whether the token says that we made it; nothing is proven by that. Raises jwt.InvalidTokenError."""
    return bool(jwt.decode(token, options={"verify_signature": False}).get("iss") == ISSUER)


def claimed(token: str) -> str:
    """Whose token it says it is, '' where it says nothing; nothing is proven by that."""
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("sub", ""))[:200]
    except (jwt.InvalidTokenError, ValueError):
        return ""


def check(public: bytes, token: str, revoked: Mapping[str, datetime] = MappingProxyType({})) -> Actor:
    """Who the token names; jwt.InvalidTokenError when it is not ours, out of date, or revoked: by its id, or with all
    that its subject had until an instant (``sub:<name>``)."""
    claims = read(public, token)
    until = revoked.get(f"sub:{claims['sub']}")
    if claims["jti"] in revoked or (until and claims["iat"] <= until.timestamp()):
        raise jwt.InvalidTokenError("revoked")
    return Actor(Role(claims["role"]).value, str(claims["sub"]))
