"""A trade with long streams for tests of replays: porters take parcels in at doors and leave cards."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from psycopg import sql

from shared.core.event import Event, Id, State
from shared.core.message import Message, fresh
from shared.core.personal import Personal
from shared.core.projection import Add, Put, RowOp, Table, arm, attempt, settled
from shared.core.views import Views
from shared.core.world import Decider, World
from shared.privacy.vault import Vault
from shared.runtime.rules import Rules
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare

from .trade import NOON

PARCELS, DOORS, BATCH = 1200, 3, 50
NAMESPACE = UUID(int=7)


class ParcelBrought(Event, topic="to.porter.parcel-brought.v1", stream="door:{door}"):
    door: Id
    contact: Id
    parcel: int
    words: Personal


class ParcelTaken(Event, topic="porter.parcel-taken.v1", stream="door:{door}", also=("person:{contact}",)):
    door: Id
    contact: Id
    parcel: int
    nth: int
    words: Personal


class CardLeft(Event, topic="to.porter.card-left.v1", stream="card:{card}"):
    card: Id


class Door(State):
    parcels: int = 0


def evolve(state: Any, message: Message) -> Any:
    if isinstance(state, Door) and isinstance(message.event, ParcelTaken):
        return Door(parcels=state.parcels + 1)
    return state


def take(world: World, message: Message) -> Iterator[Event]:
    if isinstance(e := message.event, ParcelBrought):
        nth = world[f"door:{e.door}"].parcels + 1
        yield ParcelTaken(door=e.door, contact=e.contact, parcel=e.parcel, nth=nth, words=e.words)


def rows(message: Message) -> Iterator[RowOp]:
    match message.event:
        case ParcelTaken() as e:
            key, at = f"{e.parcel}", message.occurred_at
            yield Put("parcels", key, {"nth": e.nth, "words": e.words, "at": at})
            yield Add("doors", e.door, {"parcels": 1})
            yield arm(message, key, e.stream, "forgotten", at + timedelta(days=e.nth))
            yield attempt(message, key, "card", e.contact, at, at + timedelta(days=1))
        case CardLeft() as e:
            yield settled(e.card)


TABLES = {
    "parcels": Table({"nth": "bigint", "words": "personal", "at": "timestamptz"}),
    "doors": Table({"parcels": "bigint"}, resident=True),
}
DECIDER = Decider({"door": Door(), "person": Door(), "card": State()}, evolve, take)


def brought(parcel: int) -> Message:
    words = Personal(f"for number {parcel}")
    event = ParcelBrought(door=f"{parcel % DOORS}", contact=f"{parcel % 7}", parcel=parcel, words=words)
    return fresh(event, NOON + timedelta(seconds=parcel), id=uuid5(NAMESPACE, f"{parcel}"))


@asynccontextmanager
async def porter(
    vault: Vault, name: str, project: Callable[[Message], Iterable[RowOp]] = rows
) -> AsyncIterator[Service]:
    """A porter whose log and views are in schemas of this name; what it says does not depend on it."""
    log, views = EventLog(vault.pool, name), Views(TABLES, project)
    rules = Rules("porter", DECIDER, views, fingerprint="one", views_schema=f"{name}_views")
    service = Service(rules, log, vault)
    await prepare(log, views, service.views_schema)
    await service.start()
    service.leads = True
    yield service
    await service.stop()


async def bring(service: Service, parcels: range) -> None:
    for at in range(parcels.start, parcels.stop, BATCH):
        await service.handle(*(brought(parcel) for parcel in range(at, at + BATCH)))


async def dumped(service: Service) -> bytes:
    """Every table with every row, as COPY writes it."""
    found = b""
    async with service.log.pool.connection() as conn, conn.cursor() as cursor:
        for table in sorted(service.views.all_tables()):
            query = sql.SQL("copy (select * from {} order by key) to stdout")
            async with cursor.copy(query.format(sql.Identifier(service.views_schema, table))) as copied:
                found += table.encode() + b"\n" + b"".join([bytes(part) async for part in copied])
    return found
