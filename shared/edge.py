"""What the outer layer of a service works with: saying something to it, reading its views in plain, contact points,
signed links."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import phonenumbers
from psycopg import sql
from psycopg.rows import dict_row

from contracts.common import AHEAD, FIRST

from .blobs import Blobs
from .clock import Clock
from .events import Actor, Event, fresh, uuid7
from .mapper import MAX_BYTES
from .privacy import Key, Links, contact_id, digest, unseal
from .service import Outcome, Service
from .settings import Settings
from .vault import Vault
from .world import Refused

NAMESPACE = UUID("5f0c8f0e-2a64-5d5e-9d5e-76656661ed9e")


@dataclass(frozen=True)
class Edge:
    """The edge of one service process, on behalf of ``actor``."""

    service: Service
    vault: Vault
    clock: Clock
    links: Links
    blobs: Blobs
    settings: Settings
    index_key: bytes
    actor: Actor
    request: str = ""
    """What makes a repeat of the same request: route, actor and Idempotency-Key; '' for none."""
    trace: str = ""

    def of(self, actor: Actor, request: str = "", trace: str = "") -> "Edge":
        return replace(self, actor=actor, request=request, trace=trace)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def hear(
        self, event: Event, *, id: UUID | None = None, occurred_at: datetime | None = None, command: bool = True
    ) -> Outcome:
        """Say ``event`` to the service; returns after the commit. Raises Refused; a repeat gets the first answer."""
        now = self.now
        if occurred_at and occurred_at > now + AHEAD:
            raise Refused("in-the-future", "time", f"{occurred_at} lies ahead", "check the sender's clock", 422)
        if occurred_at and occurred_at < FIRST:
            raise Refused("too-long-ago", "time", f"{occurred_at} is before 1970", "check the sender's clock", 422)
        if len(event.model_dump_json()) > MAX_BYTES // 2:
            raise Refused("too-large", "text", "more than 128 KiB", "send long content as an attachment", 413)
        if id is None:
            id = uuid5(NAMESPACE, f"{self.request}|{event.TOPIC}") if self.request else uuid7(now, os.urandom(16).hex())
        message = fresh(event, now, id=id, actor=self.actor, command=command, occurred_at=occurred_at, trace=self.trace)
        [outcome] = await self.service.hear(message)
        return outcome

    async def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        """Rows of a query over the service's views (``{views}`` stands for their schema); sealed columns come back in
        plain."""
        text = sql.SQL(query).format(views=sql.Identifier(self.service.views_schema))
        async with self.service.log.pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(text, params)
            found = await cursor.fetchall()
        return await self._open(found)  # which may ask for keys: who held a connection meanwhile would starve others

    async def row(self, query: str, *params: Any) -> dict[str, Any] | None:
        return next(iter(await self.rows(query, *params)), None)

    async def _open(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = {v["k"] for row in rows for v in row.values() if _is_sealed(v)}
        if not wanted:
            return rows
        keys = await self.vault.keys(wanted)
        return [{c: _plain(v, keys) if _is_sealed(v) else v for c, v in row.items()} for row in rows]

    def contact(self, kind: str, address: str) -> tuple[str, str]:
        """(id of the contact point, normalised address); Refused when the address cannot be one of its kind."""
        normal = normalise(kind, address, self.settings.region)
        return contact_id(self.index_key, kind, normal), normal

    def digest(self, *parts: str) -> str:
        return digest(self.index_key, *parts)


def normalise(kind: str, address: str, region: str) -> str:
    """Mail in small letters, phone in E.164, handle without '@'. Raises Refused naming the field."""
    text = address.strip()
    if not text or any(ord(c) < 32 for c in text) or len(text) > 320:
        raise Refused("invalid-address", "address", "empty, too long or with control characters", "correct it", 422)
    if kind == "mail":
        local, at, domain = text.rpartition("@")
        if not at or not local or "." not in domain or any(c in text for c in ' <>,;"'):
            raise Refused("invalid-address", "address", "not a mail address", "write it like name@example.com", 422)
        return f"{local.lower()}@{domain.lower()}"
    if kind == "phone":
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise Refused("invalid-address", "address", "not a phone number", "write it like +905321234567", 422)
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return text.lstrip("@").lower() if kind == "handle" else text


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"k", "c", "a"}


def _plain(value: Mapping[str, str], keys: Mapping[str, Key | None]) -> str:
    key = keys.get(value["k"])
    return unseal(key, value["c"], value["a"]) if key else ""
