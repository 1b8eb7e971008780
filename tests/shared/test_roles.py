"""What the database role of a service may and may not do: append to its own log, and nothing else to it."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from shared.base.database import connect
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.runtime.service import Service
from shared.store import roles
from shared.store.event_log import EventLog, ddl
from shared.store.rebuild import check, prepare, rebuild

from . import trade

pytestmark = pytest.mark.servers
FORBIDDEN = (
    "update shop.stored_events set topic = 'x'", "delete from shop.stored_events", "truncate shop.stored_events",
    "drop table shop.stored_events", "alter table shop.stored_events disable trigger all", "drop schema shop cascade",
    "delete from shop.head", "delete from shop.notification_tracking", "delete from shop.blobs",
    "create table shop.mine (x int)", "delete from vault.keys", "update vault.keys set subject = 'x'",
    "delete from vault.destroyed", "update vault.master set id = 'x'", "update vault.keys set wrapped = ''",
    "insert into vault.revoked values ('x', now(), 'x')",
    "select * from clerk.stored_events", "insert into clerk.links values ('x', 1)",
)  # fmt: skip


@pytest_asyncio.fixture
async def as_shop(database: str) -> AsyncIterator[str]:
    """The DSN of a role that ``provide`` gave the rights of the service shop."""
    name = f"shop_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login password 'secret'").format(sql.Identifier(name)))
        known = admin.execute("select current_database()").fetchone()
        assert known
        grant = sql.SQL("grant connect, create on database {} to {}")
        admin.execute(grant.format(sql.Identifier(known[0]), sql.Identifier(name)))
        for statement in ddl("clerk"):
            admin.execute(statement)
    roles.provide(database, {"shop": name}, ())
    roles.provide(database, {"shop": name}, ())  # as at every start
    yield make_conninfo(database, user=name, password="secret")
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute(sql.SQL("drop owned by {}; drop role {}").format(*[sql.Identifier(name)] * 2))


async def shop_on(pool: Any) -> Service:
    log, vault = EventLog(pool, "shop"), Vault(pool, MasterKey(b"m" * 32))
    await vault.create()
    await prepare(log, trade.SHOP_VIEWS, "shop_views")
    service = trade.shop(log, vault)
    await service.start()
    return service


async def test_a_service_works_and_rebuilds_with_its_rights(as_shop: str) -> None:
    async with connect(as_shop) as pool:
        service = await shop_on(pool)
        await service.handle(trade.order(1))
        await service.stop()
        await rebuild(service.log, trade.SHOP_VIEWS, "shop_views")
        tables = await check(service.log, trade.SHOP_VIEWS, "shop_views")
        assert all(table.equal for table in tables.values())
        assert await service.log.verify() > 0


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_nothing_recorded_can_be_changed_and_nothing_of_others_seen(as_shop: str, statement: str) -> None:
    async with connect(as_shop) as pool:
        service = await shop_on(pool)
        await service.handle(trade.order(1))
        await service.stop()
        with pytest.raises(errors.InsufficientPrivilege):
            async with pool.connection() as conn:
                await conn.execute(statement)
