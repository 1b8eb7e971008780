"""The destruction of the keys of a customer or of a mail set aside, and the exchange of the master key: effects that
are done once they are asked for, and heard as keys-destroyed, message-key-destroyed and rotation-tried."""

import asyncio
import logging
from datetime import datetime
from uuid import uuid5

from psycopg import Error

from contracts.intake import (
    EraseCustomer,
    EraseMessage,
    KeysDestroyed,
    MessageKeyDestroyed,
    RotateMasterKey,
    RotationTried,
)
from shared.base.tasks import end
from shared.core.event import Event
from shared.core.message import NAMESPACE, Message
from shared.edge.edge import Edge
from shared.runtime.effects import EffectHandler

FAILURES = (OSError, Error)
"""PermissionError too: a folder of secrets that is read-only."""
LOOK_SECONDS = 600
MOST_ITEMS = 2000
"""Items named by one erasure, so that they fit into an event; each reads as empty all the same."""
OF_CUSTOMER = (
    "with own as (select key from {views}.contacts where customer = %s) select key from own"
    " union select contact from {views}.set_aside"
    " where starts_with(contact, 'unknown.') and writer in (select key from own) order by key"
)
"""Their contact points, and the mails that named nobody, each with a key of its own, until a person knew that they
wrote them."""
log = logging.getLogger("vefa.erasing")


def eraser(edge: Edge) -> EffectHandler:
    """Destroys the keys of every contact point of the customer, and of their mails that named nobody; a second try
    destroys what is left."""

    async def destroy(message: Message, key: str, attempt: int, stale: bool) -> Event:
        asked = message.event
        assert isinstance(asked, EraseCustomer)
        rows = await edge.rows(OF_CUSTOMER, asked.customer)
        contacts, at = tuple(str(row["key"]) for row in rows), edge.now
        await edge.vault.destroy(contacts, at)
        keys = await edge.vault.destroyed(contacts)  # of a try before this one, too
        rotated_at = await _rotated(edge) if edge.settings.rotation == "at-once" else None
        return KeysDestroyed(
            customer=asked.customer, contacts=contacts, regime=asked.regime, destroyed_at=at,
            rotation_outstanding=rotated_at is None, rotated_at=rotated_at, keys=keys,
        )  # fmt: skip

    return destroy


def message_eraser(edge: Edge) -> EffectHandler:
    """Destroys the key that a mail set aside is kept under; of a sender who is no customer, all of their mails go."""

    async def destroy(message: Message, key: str, attempt: int, stale: bool) -> Event:
        asked = message.event
        assert isinstance(asked, EraseMessage)
        found = await edge.row("select contact from {views}.set_aside where key = %s", asked.item)
        assert found is not None
        contact, at = str(found["contact"]), edge.now
        await edge.vault.destroy([contact], at)
        rows = await edge.rows(
            "select key from {views}.set_aside where contact = %s and state in ('waiting', 'dismissed')"
            " order by key <> %s, at, key limit %s", contact, asked.item, MOST_ITEMS,
        )  # fmt: skip
        keys = await edge.vault.destroyed([contact])
        rotated_at = await _rotated(edge) if edge.settings.rotation == "at-once" else None
        return MessageKeyDestroyed(
            item=asked.item, items=tuple(str(row["key"]) for row in rows), regime=asked.regime, by=asked.by,
            destroyed_at=at, rotation_outstanding=rotated_at is None, rotated_at=rotated_at, keys=keys,
        )  # fmt: skip

    return destroy


async def _rotated(edge: Edge) -> datetime | None:
    """An erasure is done without it, too: then the certificate says that it is outstanding."""
    try:
        return await edge.vault.rotate(edge.now)
    except FAILURES as error:
        log.warning("the master key cannot be exchanged now: %s", type(error).__name__)
        return None


def rotator(edge: Edge) -> EffectHandler:
    """Exchanges the master key."""

    async def rotate(message: Message, key: str, attempt: int, stale: bool) -> Event:
        try:
            return RotationTried(rotated_at=await edge.vault.rotate(edge.now), attempt=attempt)
        except FAILURES as error:
            return RotationTried(rotated_at=None, problem=type(error).__name__, attempt=attempt)

    return rotate


class Nightly:
    """Asks for the exchange of the master key after midnight UTC, when the day before erased somebody."""

    def __init__(self, edge: Edge):
        self._edge = edge
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, str]:
        if self._edge.settings.rotation == "nightly":
            self._task = asyncio.create_task(self._look())
        return {}

    async def stop(self) -> None:
        if self._task:
            await end(self._task)

    async def _look(self) -> None:
        while True:
            try:
                await self.ask()
            except Exception as error:  # whatever it is: tomorrow is a night, too
                log.warning("the exchange of the master key cannot be asked for now: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def ask(self) -> None:
        """Once a night, whichever process of this service asks first."""
        midnight = self._edge.now.replace(hour=0, minute=0, second=0, microsecond=0)
        query = (
            "select 1 as one from (select erased_at as at from {views}.customers where rotation_outstanding"
            " union all select decided_at from {views}.set_aside where rotation_outstanding) e"
            " where e.at < %s and not exists (select from {views}.rotations r where r.at >= e.at) limit 1"
        )
        if await self._edge.row(query, midnight):
            id = uuid5(NAMESPACE, f"intake/rotate/{midnight:%Y-%m-%d}")
            await self._edge.send(RotateMasterKey(by="nightly"), id=id)
