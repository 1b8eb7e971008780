"""More than a service can take in: who asks over HTTP is told to come again, and is taken in then."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared.core.message import Role
from shared.edge import tokens
from shared.edge.http import PROBLEM, Api, Call, roles
from shared.host.app import App
from shared.runtime import inbox
from tests.serving import SEED, Served, served
from tests.waiting import PATIENCE, until

from .trade import SHOP, SHOP_VIEWS, OrderPlaced, PlaceOrder

pytestmark = pytest.mark.servers
TOKEN = tokens.create(SEED, Role("agent"), "ece")
api = Api()


@api.post("/v1/orders/{number}", access=roles("agent"))
async def place(number: str, call: Call) -> dict[str, int]:
    """Places an order."""
    outcome = await call.send(PlaceOrder.model_validate({"order": number, "contact": "ada", "text": "please"}))
    placed = outcome.first(OrderPlaced)
    assert placed
    return {"nth": placed.nth}


@pytest_asyncio.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Served]:
    app = App(name="shop", decider=SHOP, views=SHOP_VIEWS, folder=tmp_path, api=api)
    async with served(app, database, tmp_path, {}) as shop:
        yield shop


async def ordered(shop: Served, number: int) -> httpx.Response:
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f"order-{number}"}
    return await shop.http.post(f"/v1/orders/{number}", headers=headers)


async def test_beyond_what_may_wait_a_request_is_told_when_to_come_again(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "WAITING", 1)
    async with asyncio.TaskGroup() as clients, shop.service.log.append() as held_up:
        await held_up.read()
        waiting = [clients.create_task(ordered(shop, number)) for number in (1, 2)]
        await until(lambda: shop.service.waiting >= 2)
        async with asyncio.timeout(PATIENCE):
            refused = await ordered(shop, 3)
    assert (refused.status_code, refused.headers["content-type"]) == (503, PROBLEM)
    assert int(refused.headers["retry-after"]) > 0
    assert [one.result().json() for one in waiting] == [{"nth": 1}, {"nth": 2}]
    assert (await ordered(shop, 3)).json() == {"nth": 3}
