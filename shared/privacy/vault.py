"""Keys of data subjects. A key belongs to a contact point (or an agent) and lies in the ``vault`` schema, wrapped by a
master key that is not in PostgreSQL. Destroying it is how a person is erased: the log keeps ciphertext and hashes."""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import AsyncConnection, Error

from shared.base.database import Pool

from .master_key import MasterKey
from .sealing import Key

VAULT = """
create schema if not exists vault;
create table if not exists vault.keys (
    key_id uuid primary key, subject text collate "C" not null unique, wrapped bytea not null,
    made_at timestamptz not null, wrapped_by text not null
);
create table if not exists vault.destroyed (
    subject text collate "C", destroyed_at timestamptz, key_id uuid not null,
    n bigint generated always as identity unique, primary key (subject, destroyed_at)
);
create table if not exists vault.revoked (
    token text collate "C" primary key, revoked_at timestamptz not null, by text not null
);
create table if not exists vault.master (
    one boolean primary key default true check (one), id text not null, made_at timestamptz not null
)
"""
CACHE = 100_000
ROTATE_PAGE = 10_000
KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUARANTINE = timedelta(days=30)
"""So long what could not be read is kept."""
WATCH_SECONDS = 2.0
"""So often each process looks for what others destroyed or revoked; the promise is 5 s."""
NEWS = """
select n, subject, key_id::text, null::timestamptz from vault.destroyed where n > %s
union all select null, token, null, revoked_at from vault.revoked
union all select null, id, null, null from vault.master
"""
"""In one statement what was destroyed, what is revoked, and the master key of now."""
EXCHANGES = 3
"""How often keys are tried to be made before it is given up: each time the master key was exchanged meanwhile."""
MAKE = """
insert into vault.keys (key_id, subject, wrapped, made_at, wrapped_by)
select r.*, m.id from vault.master m, unnest(%b::uuid[], %b::text[], %b::bytea[], %b::timestamptz[]) as r
where m.id = %s on conflict (subject) do nothing returning key_id
"""
OVERLAP = 1000
"""Destructions looked at again: numbers are given before their transactions commit."""
log = logging.getLogger("vefa.vault")


class Vault:
    """Keys by subject and by id. New keys are durable before they are used; a destroyed key is gone at once."""

    def __init__(self, pool: Pool, master: MasterKey):
        self.pool, self.master = pool, master
        self._by_subject: dict[str, Key] = {}
        self._by_id: dict[str, Key | None] = {}
        self._looked, self._dropped = 0, set[int]()
        self.revoked: Mapping[str, datetime] = {}
        """Revoked tokens by id, and subjects by ``sub:<name>``: their tokens made until then."""

    async def create(self) -> None:
        """Make the tables where they are missing; PermissionError when the master key is not the one of this vault."""
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(hashtext('create vault'))")
            exists = await (await conn.execute("select to_regclass('vault.master')")).fetchone()
            if not (exists and exists[0]):
                for statement in VAULT.split(";\n"):
                    await conn.execute(statement.encode())
            found = await (await conn.execute("select id from vault.master")).fetchone()
            if found is None:
                await conn.execute(
                    "insert into vault.master (id, made_at) values (%s, %s) on conflict do nothing",
                    (self.master.id, datetime.now(UTC)),
                )
        if found:
            self.master.of(found[0])

    async def keys_for(self, subjects: Iterable[str]) -> Mapping[str, Key]:
        """The key of each subject, made where there is none; one statement to make them, committed before this
        returns."""
        wanted = sorted(set(subjects))
        if missing := [s for s in wanted if s not in self._by_subject]:
            await self._make(missing, self.master.id)
        for _ in range(EXCHANGES):
            if not (missing := [s for s in missing if s not in self._by_subject]):
                break
            await self._load("subject = any(%s)", missing)  # others made them
            if missing := [s for s in missing if s not in self._by_subject]:
                await self._make(missing, await self._master())
        if any(s not in self._by_subject for s in missing):
            self.master.of(await self._master())  # raises when it is not here, which is why none was made
            raise PermissionError("the master key of the vault is exchanged again and again: try once more")
        return {s: self._by_subject[s] for s in wanted}

    async def _make(self, subjects: list[str], by: str) -> None:
        """Make keys for those that have none, if ``by`` is the master key of now; in one round trip. It may have been
        exchanged since it was asked for: then it is gone, and none is made."""
        if (master := self.master.get(by)) is None:
            return
        made = {uuid4(): (subject, AESGCM.generate_key(256)) for subject in subjects}
        wrapped = [wrap(master, secret, key_id) for key_id, (_, secret) in made.items()]
        async with self.pool.connection() as conn:
            async with conn.pipeline(), conn.transaction():
                # the master key is not exchanged meanwhile: a key under the old one would be lost with it
                await conn.execute("select pg_advisory_xact_lock_shared(hashtext('vault master'))")
                cursor = await conn.execute(MAKE, (list(made), subjects, wrapped, [datetime.now(UTC)] * len(made), by))
            for (key_id,) in await cursor.fetchall():
                subject, secret = made[key_id]
                self._hold(subject, Key(str(key_id), secret))

    async def _master(self) -> str:
        """The id of the master key of now."""
        async with self.pool.connection() as conn:
            found = await (await conn.execute("select id from vault.master")).fetchone()
        assert found, "every vault is created with one"
        return str(found[0])

    async def keys(self, ids: Iterable[str]) -> Mapping[str, Key | None]:
        """Keys by id; None for a destroyed one, and for what can be no id of a key."""
        wanted = set(ids)
        self._by_id |= {i: None for i in wanted if i not in self._by_id and not KEY_ID.fullmatch(i)}
        if missing := [i for i in wanted if i not in self._by_id]:
            await self._load("key_id = any(%s::uuid[])", missing)
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
            gone = await _noted(conn, await cursor.fetchall(), at)
        self.forget(wanted)
        return gone

    async def destroy_again(self, ids: Iterable[str], at: datetime) -> list[str]:
        """Destroy those of these keys that are here, as after the vault was restored; returns their ids. A newer key
        of the same subject, who wrote again after an erasure, stays."""
        async with self.pool.connection() as conn, conn.transaction():
            cursor = await conn.execute(
                "delete from vault.keys where key_id = any(%s::uuid[]) returning key_id, subject", (list(ids),)
            )
            found = await cursor.fetchall()
            gone = await _noted(conn, found, at)
        self.forget(str(subject) for _, subject in found)
        return gone

    async def open_all(self) -> int:
        """Open every key; returns how many there are. Raises PermissionError at the first that does not open."""
        count, after = 0, UUID(int=0)
        query = "select key_id, wrapped, wrapped_by from vault.keys where key_id > %s order by key_id limit %s"
        async with self.pool.connection() as conn:
            while rows := await (await conn.execute(query, (after, ROTATE_PAGE))).fetchall():
                for key_id, wrapped, by in rows:
                    self._unwrap(bytes(wrapped), key_id, by)
                count, after = count + len(rows), rows[-1][0]
        return count

    async def destroyed(self, subjects: Iterable[str]) -> tuple[str, ...]:
        """Ids of all keys of these subjects that were ever destroyed, the oldest first."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "select key_id from vault.destroyed where subject = any(%s) order by n", (list(subjects),)
            )
            return tuple(str(key_id) for (key_id,) in await cursor.fetchall())

    async def destroyed_since(self, at: datetime) -> dict[str, datetime]:
        """Ids of all keys that were destroyed after an instant, and when they last were."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "select key_id, destroyed_at from vault.destroyed where destroyed_at > %s order by n", (at,)
            )
            return {str(key_id): destroyed_at for key_id, destroyed_at in await cursor.fetchall()}

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
            except (Error, OSError) as error:  # whatever it is: a watcher that ends would revoke nothing any more
                log.warning("the vault cannot be read (%s); trying again", type(error).__name__)
            await asyncio.sleep(WATCH_SECONDS)

    async def refresh(self) -> None:
        """Drop what was destroyed since the last look, and take over what was revoked."""
        async with self.pool.connection() as conn:
            found = await (await conn.execute(NEWS, (self._looked - OVERLAP,))).fetchall()
        gone = [(n, name, key_id) for n, name, key_id, _ in found if n is not None and n not in self._dropped]
        self.revoked = {name: at for n, name, _, at in found if n is None and at is not None}
        self.master.follow(next((name for n, name, _, at in found if n is None and at is None), self.master.id))
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

    async def rotate(self, now: datetime) -> datetime:
        """Wrap every key under a new master key and destroy the old one: only then nothing in old copies of the
        database opens what was erased. Returns when it was done; safe to repeat after a crash at any point."""
        new = self.master.prepare()
        async with self.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(hashtext('vault master'))")
            by, made_at = await (await conn.execute("select id, made_at from vault.master")).fetchone() or ("", now)
            if by != new:
                made_at, after = now, UUID(int=0)
                query = "select key_id, wrapped, wrapped_by from vault.keys where key_id > %s order by key_id limit %s"
                while rows := await (await conn.execute(query, (after, ROTATE_PAGE))).fetchall():
                    again = [wrap(self.master.of(new), self._unwrap(bytes(w), i, b), i) for i, w, b in rows]
                    await conn.execute(
                        "update vault.keys k set wrapped = r.wrapped, wrapped_by = %s"
                        " from unnest(%b::uuid[], %b::bytea[]) as r (key_id, wrapped) where k.key_id = r.key_id",
                        (new, [i for i, *_ in rows], again),
                    )
                    after = rows[-1][0]
                await conn.execute("update vault.master set id = %s, made_at = %s", (new, made_at))
        self.master.exchange(new)
        rotated_at: datetime = made_at
        return rotated_at.astimezone(UTC)

    async def _load(self, where: LiteralString, wanted: list[str]) -> None:
        query = f"select key_id, subject, wrapped, wrapped_by from vault.keys where {where}"  # noqa: S608
        for last in (False, True):
            async with self.pool.connection() as conn:
                rows = await (await conn.execute(query, (wanted,))).fetchall()
            try:
                for key_id, subject, wrapped, by in rows:
                    self._hold(subject, Key(str(key_id), self._unwrap(bytes(wrapped), key_id, by)))
                return
            except PermissionError:  # the master key was exchanged between reading the row and opening it
                if last:
                    raise

    def _hold(self, subject: str, key: Key) -> None:
        if len(self._by_id) >= CACHE:
            self._by_id.clear()
            self._by_subject.clear()
        self._by_subject[subject] = self._by_id[key.id] = key

    def _unwrap(self, wrapped: bytes, key_id: UUID, by: str) -> bytes:
        try:
            return AESGCM(self.master.of(by)).decrypt(key_id.bytes[:12], wrapped, key_id.bytes)
        except InvalidTag as e:
            raise PermissionError(f"the key {key_id} in the vault was changed: it does not open") from e


async def _noted(conn: AsyncConnection[Any], gone: Iterable[tuple[UUID, str]], at: datetime) -> list[str]:
    """Note for other processes what was destroyed; returns the ids."""
    ids = []
    for key_id, subject in gone:
        await conn.execute(
            "insert into vault.destroyed (subject, destroyed_at, key_id) values (%s, %s, %s) on conflict do nothing",
            (subject, at, key_id),
        )
        ids.append(str(key_id))
    return ids


def wrap(master: bytes, secret: bytes, key_id: UUID) -> bytes:
    """A key under the master key."""
    nonce = key_id.bytes[:12]  # a key id is random and is wrapped once by each master key
    return AESGCM(master).encrypt(nonce, secret, key_id.bytes)
