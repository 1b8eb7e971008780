"""Services of the test trade on a database of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import nats
import pytest_asyncio

from shared.base.database import connect
from shared.bus.bus import Bus
from shared.bus.jetstream import broker_of, declare
from shared.bus.transport import NatsTransport
from shared.core.views import Views
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.runtime.clock import SystemClock
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare
from tests.conftest import FreshNats

from . import trade
from .nodes import Join, Node

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


@pytest_asyncio.fixture
async def join(start: Make, fresh_nats: FreshNats) -> AsyncIterator[Join]:
    """``await join("clerk")`` starts a service that leads on a bus of its own nats-server, reached by another ``port``
    if one is given."""
    async with AsyncExitStack() as stack:

        async def make(
            name: str, *, port: int = 0, head_every: float = 0.2, silent_after: float = 10.0, **options: Any
        ) -> Node:
            service = await start(name, **options)
            service.leads = True
            url = fresh_nats.server.url(name)
            broker = broker_of(name, url.replace(f":{fresh_nats.server.port}", f":{port}") if port else url)

            async def told(_: bytes) -> bytes:
                return b"{}"

            bus = Bus(
                service, NatsTransport(name, broker), SystemClock(), told,
                head_every=head_every, look_every=silent_after / 2, silent_after=silent_after,
            )  # fmt: skip
            await broker.start()
            await bus.act()
            node = Node(service, bus, broker)
            stack.push_async_callback(node.stop)
            return node

        client = await nats.connect(fresh_nats.url)
        await declare(client)
        await client.close()
        yield make
