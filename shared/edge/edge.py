"""What the outer layer of a service works with: saying something to it, reading its views in plain, contact points,
signed links."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from psycopg import sql
from psycopg.rows import dict_row

from shared.base.settings import Settings
from shared.core.addresses import normalise
from shared.core.event import Event
from shared.core.instants import AHEAD, FIRST
from shared.core.message import NAMESPACE, Actor, Role, fresh, uuid7
from shared.core.world import Refused
from shared.privacy.sealing import Key, Links, contact_id, digest, unseal
from shared.privacy.vault import Vault
from shared.runtime.clock import Clock
from shared.runtime.outcome import Outcome
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.codec import MAX_BYTES

NUMBER = re.compile(r"[A-Za-z]{1,8}-[0-9]{4}-[0-9]{1,12}")
"""How numbers of cases look: no id of ours does."""


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

    async def send(
        self, event: Event, *, id: UUID | None = None, occurred_at: datetime | None = None, command: bool = True
    ) -> Outcome:
        """Say ``event`` to the service; returns after the commit. Raises Refused; a repeat gets the first answer. What
        is no ``command`` is a fact whose sender sends it again when this raises."""
        now = self.now
        if occurred_at and occurred_at > now + AHEAD:
            raise Refused("in-the-future", "time", f"{occurred_at} lies ahead", "check the sender's clock", 422)
        if occurred_at and occurred_at < FIRST:
            raise Refused("too-long-ago", "time", f"{occurred_at} is before 1970", "check the sender's clock", 422)
        if len(event.model_dump_json()) > MAX_BYTES // 2:
            raise Refused("too-large", "text", "more than 128 KiB", "send long content as an attachment", 413)
        if id is None:
            id = uuid5(NAMESPACE, f"{self.request}|{event.TOPIC}") if self.request else uuid7(now, os.urandom(16).hex())
        message = fresh(
            event, now, id=id, actor=self.actor, command=command, resent=not command, occurred_at=occurred_at,
            trace=self.trace,
        )  # fmt: skip
        [outcome] = await self.service.handle(message)
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

    async def case(self, named: str, field: str = "case") -> str:
        """The id of a case that is named by its id or by its number (V-2026-000123, in any case of its letters).

        Raises Refused where nobody has the number; a customer learns it where they ask for the case, as for another's.
        """
        if not NUMBER.fullmatch(named):
            return named
        rows = await self.rows("select key from {views}.cases where number = %s order by key limit 2", named.upper())
        if len(rows) == 1:
            return str(rows[0]["key"])
        if self.actor.role == Role.customer:
            return named
        if not rows:
            raise Refused("unknown-case", field, f"no case has the number {named}", "look the number up", 404)
        both = " and ".join(row["key"] for row in rows)  # a restore can give a number twice
        raise Refused("two-cases", field, f"{both} have the number {named}", "name the one by its id")

    def contact(self, kind: str, address: str) -> tuple[str, str]:
        """(id of the contact point, normalised address); Refused when the address cannot be one of its kind."""
        normal = normalise(kind, address, self.settings.region)
        return contact_id(self.index_key, kind, normal), normal

    def digest(self, *parts: str) -> str:
        return digest(self.index_key, *parts)


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"k", "c", "a"}


def _plain(value: Mapping[str, str], keys: Mapping[str, Key | None]) -> str:
    key = keys.get(value["k"])
    return unseal(key, value["c"], value["a"]) if key else ""
