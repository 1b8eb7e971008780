"""Services of the test trade on a database of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from shared.database import connect
from shared.log import EventLog
from shared.master_key import MasterKey
from shared.rebuild import prepare
from shared.service import Service
from shared.vault import Vault
from shared.views import Views

from . import trade

Make = Callable[..., Awaitable[Service]]
TRADERS: dict[str, tuple[Views, Callable[..., Service]]] = {
    "shop": (trade.SHOP_VIEWS, trade.shop),
    "clerk": (trade.CLERK_VIEWS, trade.clerk),
    "courier": (trade.COURIER_VIEWS, trade.courier),
}


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    async with connect(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def vault(pool: Any) -> Vault:
    vault = Vault(pool, MasterKey(b"m" * 32))
    await vault.create()
    return vault


@pytest_asyncio.fixture
async def start(pool: Any, vault: Vault) -> AsyncIterator[Make]:
    """``await start("shop")`` gives a running service; a second one of the same name is a second process of it."""
    running: list[Service] = []

    async def make(name: str, **options: Any) -> Service:
        log, (views, service_of) = EventLog(pool, name), TRADERS[name]
        await prepare(log, views, f"{name}_views")
        service = service_of(log, Vault(pool, MasterKey(b"m" * 32)), **options)
        await service.start()
        running.append(service)
        return service

    yield make
    for service in running:
        await service.stop()
