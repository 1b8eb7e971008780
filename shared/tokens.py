"""Tokens of our own: JWTs signed with Ed25519; services hold only the public key."""

import time
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .events import Actor, Role

ISSUER = "vefa"


def public_key(seed: bytes) -> bytes:
    """The public key (32 bytes) of a private key's seed (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def create(seed: bytes, role: Role, name: str, lifetime: timedelta = timedelta(days=30)) -> str:
    """A token for ``name`` in ``role``; its times are those of the machine, not of the platform clock."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": name, "role": role.value, "iat": now, "exp": now + int(lifetime.total_seconds())}
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(seed), algorithm="EdDSA")


def check(public: bytes, token: str) -> Actor:
    """Who the token names; jwt.InvalidTokenError when it is not ours or out of date."""
    claims = jwt.decode(
        token, Ed25519PublicKey.from_public_bytes(public), algorithms=["EdDSA"], issuer=ISSUER,
        options={"require": ["exp", "sub", "role"]},
    )  # fmt: skip
    return Actor(Role(claims["role"]).value, str(claims["sub"]))
