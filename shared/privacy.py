"""Keys of data subjects, sealed texts, keyed hashes of contact points, and everything that must be unguessable.

A key belongs to a contact point (or an agent). Keys live in the ``vault`` schema, wrapped by a master key that is not
in PostgreSQL. Destroying a key is how a person is erased: the log keeps its ciphertext and its hashes."""

import asyncio
import base64
import hmac
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Error

from .log import Pool

VAULT = """
create schema if not exists vault;
create table if not exists vault.keys (
    key_id uuid primary key, subject text collate "C" not null unique, wrapped bytea not null,
    made_at timestamptz not null
);
create table if not exists vault.destroyed (
    subject text collate "C", destroyed_at timestamptz, key_id uuid not null,
    n bigint generated always as identity unique, primary key (subject, destroyed_at)
);
create table if not exists vault.revoked (
    token text collate "C" primary key, revoked_at timestamptz not null, by text not null
)
"""
CACHE = 100_000
KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUARANTINE = timedelta(days=30)
"""So long what could not be read is kept."""
WATCH_SECONDS = 2.0
"""So often each process looks for what others destroyed or revoked; the promise is 5 s."""
OVERLAP = 1000
"""Destructions looked at again: numbers are given before their transactions commit."""
log = logging.getLogger("vefa.vault")


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


class Vault:
    """Keys by subject and by id. New keys are durable before they are used; a destroyed key is gone at once."""

    def __init__(self, pool: Pool, master: bytes):
        self.pool, self._master = pool, master
        self._by_subject: dict[str, Key] = {}
        self._by_id: dict[str, Key | None] = {}
        self._looked, self._dropped = 0, set[int]()
        self.revoked: Mapping[str, datetime] = {}
        """Revoked tokens by id, and subjects by ``sub:<name>``: their tokens made until then."""

    async def create(self) -> None:
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(hashtext('create vault'))")
            exists = await (await conn.execute("select to_regclass('vault.revoked')")).fetchone()
            if exists and exists[0]:
                return
            for statement in VAULT.split(";\n"):
                await conn.execute(statement.encode())

    async def keys_for(self, subjects: Iterable[str]) -> Mapping[str, Key]:
        """The key of each subject, made where there is none; one statement to make them, committed before this
        returns."""
        wanted = sorted(set(subjects))
        if missing := [s for s in wanted if s not in self._by_subject]:
            made = [(uuid4(), s) for s in missing]
            wrapped = [self._wrap(AESGCM.generate_key(256), i) for i, _ in made]
            async with self.pool.connection() as conn:
                await conn.execute(
                    "insert into vault.keys"
                    " select * from unnest(%b::uuid[], %b::text[], %b::bytea[], %b::timestamptz[])"
                    " on conflict (subject) do nothing",
                    ([i for i, _ in made], missing, wrapped, [datetime.now(UTC)] * len(made)),
                )
                cursor = await conn.execute(
                    "select key_id, subject, wrapped from vault.keys where subject = any(%s)", (missing,)
                )
                for key_id, subject, content in await cursor.fetchall():
                    self._hold(subject, Key(str(key_id), self._unwrap(bytes(content), key_id)))
        return {s: self._by_subject[s] for s in wanted}

    async def keys(self, ids: Iterable[str]) -> Mapping[str, Key | None]:
        """Keys by id; None for a destroyed one, and for what can be no id of a key."""
        wanted = set(ids)
        self._by_id |= {i: None for i in wanted if i not in self._by_id and not KEY_ID.fullmatch(i)}
        if missing := [i for i in wanted if i not in self._by_id]:
            async with self.pool.connection() as conn:
                cursor = await conn.execute(
                    "select key_id, subject, wrapped from vault.keys where key_id = any(%s::uuid[])", (missing,)
                )
                for key_id, subject, content in await cursor.fetchall():
                    self._hold(subject, Key(str(key_id), self._unwrap(bytes(content), key_id)))
            for key_id in missing:
                self._by_id.setdefault(key_id, None)
        return {i: self._by_id[i] for i in wanted}

    async def destroy(self, subjects: Iterable[str], at: datetime) -> list[str]:
        """Destroy the keys of subjects for ever; returns their key ids. A repeat destroys nothing more."""
        wanted = sorted(set(subjects))
        async with self.pool.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "delete from vault.keys where subject = any(%s) returning key_id, subject", (wanted,)
            )
            gone = await cursor.fetchall()
            for key_id, subject in gone:
                await conn.execute(
                    "insert into vault.destroyed (subject, destroyed_at, key_id) values (%s, %s, %s)"
                    " on conflict do nothing",
                    (subject, at, key_id),
                )
        self.forget(wanted)
        return [str(key_id) for key_id, _ in gone]

    async def destroy_quarantine(self, now: datetime) -> list[str]:
        """Destroy the keys of what could not be read, a month's when all of it is older than 30 days."""
        month = f"quarantine:{now - QUARANTINE:%Y-%m}"
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "select subject from vault.keys where subject like 'quarantine:%%' and subject < %s", (month,)
            )
            ended = [str(subject) for (subject,) in await cursor.fetchall()]
        return await self.destroy(ended, now) if ended else []

    async def revoke(self, token: str, at: datetime, by: str) -> None:
        """Revoke a token by its id, or ``sub:<name>`` for all that a subject has until ``at``."""
        async with self.pool.connection() as conn:
            await conn.execute(
                "insert into vault.revoked values (%s, %s, %s)"
                " on conflict (token) do update set revoked_at = excluded.revoked_at, by = excluded.by",
                (token, at, by),
            )

    async def all_revoked(self) -> list[tuple[str, datetime, str]]:
        """(token id or ``sub:<name>``, until when, why), the newest first."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "select token, revoked_at, by from vault.revoked order by revoked_at desc, token"
            )
            return [(str(token), at, str(by)) for token, at, by in await cursor.fetchall()]

    async def watch(self) -> None:
        """Follow for ever what other processes destroyed and revoked: no cache outlives it for long."""
        while True:
            try:
                await self.refresh()
            except Error as error:  # whatever it is: a watcher that ends would revoke nothing any more
                log.warning("the vault cannot be read (%s); trying again", type(error).__name__)
            await asyncio.sleep(WATCH_SECONDS)

    async def refresh(self) -> None:
        """Drop what was destroyed since the last look, and take over what was revoked."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "select n, subject, key_id from vault.destroyed where n > %s order by n", (self._looked - OVERLAP,)
            )
            gone = [row for row in await cursor.fetchall() if row[0] not in self._dropped]
            cursor = await conn.execute("select token, revoked_at from vault.revoked")
            self.revoked = {str(token): at for token, at in await cursor.fetchall()}
        for _, subject, key_id in gone:
            held = self._by_subject.get(subject)
            if held and held.id == str(key_id):
                del self._by_subject[subject]
            self._by_id[str(key_id)] = None
        self._looked = max((row[0] for row in gone), default=self._looked)
        self._dropped = {n for n in self._dropped | {row[0] for row in gone} if n > self._looked - OVERLAP}

    def forget(self, subjects: Iterable[str]) -> None:
        """Drop keys from this process's cache at once."""
        for subject in subjects:
            if key := self._by_subject.pop(subject, None):
                self._by_id[key.id] = None

    def _hold(self, subject: str, key: Key) -> None:
        if len(self._by_id) >= CACHE:
            self._by_id.clear()
            self._by_subject.clear()
        self._by_subject[subject] = self._by_id[key.id] = key

    def _wrap(self, secret: bytes, key_id: UUID) -> bytes:
        nonce = key_id.bytes[:12]  # a key id is random and wraps one key once
        return AESGCM(self._master).encrypt(nonce, secret, key_id.bytes)

    def _unwrap(self, wrapped: bytes, key_id: UUID) -> bytes:
        try:
            return AESGCM(self._master).decrypt(key_id.bytes[:12], wrapped, key_id.bytes)
        except InvalidTag as e:
            raise PermissionError(
                "the master key does not open the vault: is it the master key of this installation?"
            ) from e


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


def sealed_in(value: Any) -> Iterable[Mapping[str, str]]:
    """Every sealed text ``{"k", "c", ...}`` below a decoded JSON value."""
    if isinstance(value, dict):
        if value.keys() >= {"k", "c"} and len(value) <= 3:
            yield value
        else:
            for item in value.values():
                yield from sealed_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from sealed_in(item)
