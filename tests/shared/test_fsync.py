"""What was answered is on disk: PostgreSQL runs with the settings that this needs, and every commit that records
something has waited for an fsync of the WAL; one that records nothing waits for none."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from deploy.vefa.local import Servers
from shared.base.database import Pool, connect
from shared.core.message import Message
from shared.core.world import Refused
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare

from . import trade
from .trade import order

pytestmark = pytest.mark.servers
COMMITS, FEW = 100, 5
Hear = Callable[[Service, int], Awaitable[object]]
Pools = Callable[[str], AbstractAsyncContextManager[Pool]]
FSYNCS = "select sum(fsyncs)::bigint from pg_stat_io where object = 'wal' and backend_type = 'client backend'"
HERE = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend'"
)


def test_the_server_waits_for_the_disk_as_it_runs(servers: Servers) -> None:
    with psycopg.connect(servers.postgres_admin_dsn) as conn:
        rows = conn.execute("select name, setting from pg_settings").fetchall()
    now = dict(rows)
    assert {name: now[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
    }  # fmt: skip
    assert now["wal_sync_method"] in ("fdatasync", "fsync", "fsync_writethrough", "open_datasync", "open_sync")


async def test_a_service_waits_also_where_its_database_says_otherwise(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f'alter database "{name}" set synchronous_commit = off'.encode())
    async with connect(database) as pool, pool.connection() as conn:
        assert await (await conn.execute("show synchronous_commit")).fetchone() == ("on",)


@asynccontextmanager
async def careless(url: str) -> AsyncIterator[Pool]:
    """A pool whose commits do not wait for the disk."""
    kwargs = {"autocommit": True, "options": "-c synchronous_commit=off -c timezone=UTC"}
    async with AsyncConnectionPool(url, kwargs=kwargs, min_size=2, max_size=6, open=False) as pool:
        yield pool


def fsyncs(database: str) -> int:
    """How often backends of clients have synced the WAL; those of this database have ended, and with that told it."""
    with psycopg.connect(database, autocommit=True) as conn:
        while (conn.execute(HERE).fetchone() or (0,))[0]:
            pass
        return int((conn.execute(FSYNCS).fetchone() or (0,))[0])


@asynccontextmanager
async def shop_on(pool: Pool) -> AsyncIterator[Service]:
    vault, log = Vault(pool, MasterKey(b"m" * 32)), EventLog(pool, "shop")
    await vault.create()
    await prepare(log, trade.SHOP_VIEWS, "shop_views")
    shop = trade.shop(log, vault)
    await shop.start()
    yield shop
    await shop.stop()


def first() -> Message:
    """Always the same order."""
    return order("first", id=UUID(int=1))


async def counted(database: str, hear: Hear, pools: Pools = connect) -> int:
    """How often the disk was waited for while a shop heard something 100 times, each in a commit of its own."""
    async with pools(database) as pool, shop_on(pool) as shop:
        await shop.handle(first())  # tables are made, and the key of who buys
    before = fsyncs(database)
    async with pools(database) as pool, shop_on(pool) as shop:
        for number in range(COMMITS):
            await hear(shop, number)
    return fsyncs(database) - before


async def new_order(shop: Service, number: int) -> None:
    await shop.handle(order(number))


async def repeated_order(shop: Service, number: int) -> None:
    await shop.handle(first())


async def refused_order(shop: Service, number: int) -> None:
    with pytest.raises(Refused):
        await shop.handle(order("first"))


async def test_every_commit_that_records_something_has_waited_for_the_disk(database: str) -> None:
    assert await counted(database, new_order) >= COMMITS


@pytest.mark.parametrize("hear", [repeated_order, refused_order])
async def test_a_commit_that_records_nothing_waits_for_no_disk(database: str, hear: Hear) -> None:
    assert await counted(database, hear) <= FEW


@pytest.mark.long
async def test_control_commits_that_do_not_wait_are_seen(database: str) -> None:
    assert await counted(database, new_order, careless) <= FEW
