"""Sealed texts, keyed hashes of contact points, and everything that must be unguessable. The keys are in the vault."""

import base64
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass(frozen=True, slots=True)
class Key:
    """An AES-256 key of one data subject."""

    id: str
    secret: bytes = field(repr=False)


def seal(key: Key, plain: str, bound: str) -> dict[str, str]:
    """Encrypt with AES-GCM, bound to ``bound`` (event id, topic, field). The nonce is derived from key, binding and
    text, so that deciding again gives the same bytes; no two texts under one key share a nonce unless they are the
    same text in the same place."""
    return {"k": key.id, "c": base64.b64encode(seal_bytes(key, plain.encode(), bound)).decode()}


def seal_bytes(key: Key, plain: bytes, bound: str) -> bytes:
    """The same for content that is no text: nonce and ciphertext."""
    nonce = hmac.digest(key.secret, bound.encode() + b"|" + plain, "sha256")[:12]
    return nonce + AESGCM(key.secret).encrypt(nonce, plain, bound.encode())


def unseal(key: Key, content: str, bound: str) -> str:
    """Raises ValueError when the ciphertext is not the one that was bound there."""
    return unseal_bytes(key, base64.b64decode(content), bound).decode()


def unseal_bytes(key: Key, content: bytes, bound: str) -> bytes:
    """Raises ValueError when the ciphertext is not the one that was bound there."""
    try:
        return AESGCM(key.secret).decrypt(content[:12], content[12:], bound.encode())
    except InvalidTag as e:
        raise ValueError(f"sealed content does not belong to {bound}, or was changed") from e


def contact_id(index_key: bytes, kind: str, address: str) -> str:
    """The id of a contact point: HMAC-SHA-256 over its kind and normalised address, 128 bits in hex."""
    return hmac.digest(index_key, f"{kind}|{address}".encode(), "sha256")[:16].hex()


def digest(index_key: bytes, *parts: str) -> str:
    """A keyed digest of texts (a Message-ID, sender and body): equal for equal texts, tells nothing else."""
    return hmac.digest(index_key, "\x1f".join(parts).encode(), "sha256")[:16].hex()


class Links:
    """Signed, expiring tokens for links, reply addresses and codes: HMAC-SHA-256 under a numbered key per purpose,
    160 bits.

    ``sign(purpose, id, expires_at)`` gives ``<key>.<expiry>.<id>.<mac>``; nothing of it is ever written into an
    event."""

    def __init__(self, secret: bytes, number: int = 1):
        self._secret, self._number = secret, number

    def sign(self, purpose: str, id: str, expires_at: datetime) -> str:
        body = f"{self._number}.{int(expires_at.timestamp()):x}.{id}"
        return f"{body}.{self._mac(purpose, body)}"

    def check(self, purpose: str, token: str, now: datetime) -> str | None:
        """The id in the token; None when it is not ours, was changed, or is out of date."""
        body, _, mac = token.rpartition(".")
        if not body or not hmac.compare_digest(mac.encode(), self._mac(purpose, body).encode()):
            return None
        _, expiry, id = body.split(".", 2)
        return id if int(expiry, 16) > now.timestamp() else None

    def _mac(self, purpose: str, body: str) -> str:
        key = hmac.digest(self._secret, f"{self._number}|{purpose}".encode(), sha256)
        return base64.b32encode(hmac.digest(key, body.encode(), "sha256")[:20]).decode().lower()
