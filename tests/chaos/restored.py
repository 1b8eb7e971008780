"""The test trade as real processes on databases of their own, which are copied and put back while it is stopped."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import nats
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from deploy.vefa.local import Servers, secret
from shared.base.settings import Settings
from shared.bus.jetstream import declare
from shared.core.event import Event, Id
from shared.core.message import Message, Role
from shared.core.personal import Personal
from shared.core.projection import RowOp, attempt, settled
from shared.core.views import Views
from shared.core.world import Decider, World
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import Api, Call, roles
from shared.host.app import App
from shared.host.process import Process
from shared.runtime.effects import EffectHandler
from shared.runtime.service import Service
from shared.store.rebuild import check
from tests.cli.conftest import Result, run
from tests.conftest import FreshNats
from tests.shared import trade
from tests.shared.trade import NOON, OrderHurried, OrderPacked, OrderPlaced, PlaceOrder, order
from tests.waiting import PATIENCE, until

HERE = Path(__file__).parent
AT_ONCE = 250
api = Api()


@api.post("/v1/orders/{number}", access=roles("agent"))
async def post_order(number: str, call: Call) -> dict[str, Any]:
    outcome = await call.send(PlaceOrder(order=number, contact="ada", text=Personal("please")))
    placed = outcome.first(OrderPlaced)
    return {"order": placed.order if placed else None, "nth": placed.nth if placed else None}


class ParcelPosted(Event, topic="to.shop.parcel-posted.v1", stream="order:{order}"):
    order: Id


class ParcelLeft(Event, topic="shop.parcel-left.v1", stream="order:{order}"):
    order: Id


PARCEL = 7
"""An order of so many is sent by parcel an hour after NOON; of one more at once."""
POSTED: list[str] = []
"""What was given to the post, in order."""


def take_and_post(world: World, message: Message) -> Iterator[Event]:
    if isinstance(message.event, ParcelPosted):
        yield ParcelLeft(order=message.event.order)
    else:
        yield from trade.take_orders(world, message)


def with_parcels(message: Message) -> Iterator[RowOp]:
    yield from trade.shop_rows(message)
    match message.event:
        case OrderPlaced(amount=amount) as e if amount in (PARCEL, PARCEL + 1):
            at = NOON + timedelta(hours=PARCEL + 1 - amount)
            yield attempt(message, e.order, "post", e.contact, at, NOON + timedelta(days=1))
        case ParcelLeft() as e:
            yield settled(e.order)


def poster(_: Edge) -> EffectHandler:
    async def post(message: Message, key: str, number: int, stale: bool) -> Event:
        POSTED.append(key)
        return ParcelPosted(order=key)

    return post


APPS = {
    app.name: app
    for app in (
        App(
            "shop",
            Decider(trade.STATES, trade.evolve, take_and_post),
            Views(trade.SHOP_VIEWS.tables, with_parcels),
            HERE,
            accepts=(PlaceOrder,),
            api=api,
            effect_handlers={"post": poster},
        ),
        App("clerk", trade.CLERK, trade.CLERK_VIEWS, HERE, subscribes=(OrderPlaced,)),
        App("courier", trade.COURIER, trade.COURIER_VIEWS, HERE, subscribes=(OrderPlaced, OrderPacked, OrderHurried)),
    )
}


@dataclass
class Traders:
    """Shop, clerk and courier; each may be stopped, and its database put back to what it was."""

    data: Path
    admin: str
    databases: dict[str, str]
    nats: FreshNats
    capsys: pytest.CaptureFixture[str]
    processes: dict[str, Process] = field(default_factory=dict)
    addresses: dict[str, dict[str, str]] = field(default_factory=dict)
    _ends: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Service:
        return self.processes[name].service

    async def start(self, *names: str) -> None:
        for name in names or APPS:
            settings = Settings(
                database_url=self.databases[name], nats_url=self.nats.server.url(name), secrets=self.data / "secrets",
                clock="stepped", clock_start=NOON,
            )  # fmt: skip
            process = self.processes[name] = Process(APPS[name], settings)
            self.addresses.pop(name, None)
            self._ends[name] = asyncio.create_task(process.run(partial(self.addresses.__setitem__, name)))
        await until(lambda: all(name in self.addresses for name in names or APPS))
        noted = {"pid": os.getpid(), "services": self.addresses, "databases": self.databases, "nats": self.nats.url}
        (self.data / "running.json").write_text(json.dumps(noted))

    async def stop(self, *names: str) -> None:
        for name in names or tuple(self._ends):
            self.processes[name].stopping.set()
        await asyncio.gather(*(self._ends.pop(name) for name in names or tuple(self._ends)))

    def back_up(self, *names: str) -> None:
        """Copy the files of databases that nobody uses."""
        self._copy(names, "", "_copy")

    def restore(self, *names: str) -> None:
        self._copy(names, "_copy", "")

    def _copy(self, names: Iterable[str], of: str, to: str) -> None:
        with psycopg.connect(self.admin, autocommit=True) as conn:
            for database in {self.databases[name].rpartition("/")[2] for name in names}:
                old, new = sql.Identifier(database + of), sql.Identifier(database + to)
                conn.execute(sql.SQL("drop database if exists {}").format(new))
                conn.execute(sql.SQL("create database {} template {} strategy file_copy").format(new, old))

    async def place(self, numbers: range) -> None:
        for at in range(numbers.start, numbers.stop, AT_ONCE):
            await self["shop"].handle(*(order(n) for n in range(at, min(at + AT_ONCE, numbers.stop))))

    async def heard(self, seconds: float = PATIENCE) -> None:
        """Returns when everybody has heard and published everything."""
        async with asyncio.timeout(seconds):
            while not await self._all_heard():
                await asyncio.sleep(0.1)

    async def _all_heard(self) -> bool:
        said = await self._said()
        pairs = (("clerk", "shop"), ("courier", "shop"), ("courier", "clerk"))
        heard = all(self[hearer].tracked.get(teller) == said[teller] for hearer, teller in pairs) and all(
            process.bus.relayed == said[name] for name, process in self.processes.items()
        )
        return heard and said == await self._said()  # nobody said more because of what was heard meanwhile

    async def _said(self) -> dict[str, int]:
        return {name: (await process.service.log.head()).said for name, process in self.processes.items()}

    def at(self, instant: datetime) -> None:
        """Let it be so late at the shop."""
        process = self.processes["shop"]
        process.clock.set(instant)  # type: ignore[union-attr]
        process.deadlines.woken.set()
        process.effects.woken.set()

    async def orders(self, name: str, topic: type[Any]) -> list[str]:
        rows = await self[name].log.rows(0, 100_000, topics=[topic.TOPIC])
        return [str(row.originator_id).removeprefix("order:") for row in rows]

    async def rebuilt_equal(self) -> bool:
        found = [await check(self[n].log, self[n].views, f"{n}_views") for n in APPS]
        return all(table.equal for tables in found for table in tables.values())

    async def noticed(self, name: str) -> None:
        """Returns when a service knows that its log ends before what others know of it."""
        await until(lambda: f"vefa epoch new {name}" in (self.processes[name].problem or ""))

    async def ready(self, name: str) -> tuple[int, str]:
        """Status and problem, as a load balancer sees it."""
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.get(f"{self.addresses[name]['http']}/{name}/ready")
        return answer.status_code, answer.json()["problem"] or ""

    async def post(self, number: object, key: str = "") -> httpx.Response:
        token = tokens.create(secret(self.data, "token.key"), Role.agent, "ada")
        headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
        async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            return await http.post(f"{self.addresses['shop']['http']}/v1/orders/{number}")

    async def vefa(self, *arguments: str) -> Result:
        self.capsys.readouterr()
        status = await asyncio.to_thread(run, *arguments)
        return Result(status, *self.capsys.readouterr())


@pytest_asyncio.fixture
async def traders(
    request: pytest.FixtureRequest, servers: Servers, fresh_nats: FreshNats, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Traders]:  # fmt: skip
    """Each on a database of its own; all on one with ``indirect`` parameter "one"."""
    one = getattr(request, "param", "") == "one"
    names = {name: f"t{os.urandom(6).hex()}" for name in (["all"] if one else APPS)}
    monkeypatch.setattr("deploy.vefa.services.app_of", APPS.__getitem__)
    monkeypatch.setenv("VEFA_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", sys.argv)
    client = await nats.connect(fresh_nats.url)
    await declare(client)
    await client.close()
    for key in ("master.key", "index.key", "link.key"):
        secret(tmp_path, key)
    (tmp_path / "secrets" / "token.pub").write_bytes(tokens.public_key(secret(tmp_path, "token.key")))
    with psycopg.connect(servers.postgres_admin_dsn, autocommit=True) as admin:
        for name in names.values():
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    databases = {app: servers.postgres.dsn("vefa_admin", names.get(app) or names["all"]) for app in APPS}
    made = Traders(tmp_path, servers.postgres_admin_dsn, databases, fresh_nats, capsys)
    try:
        yield made
    finally:
        await made.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
        with psycopg.connect(servers.postgres_admin_dsn, autocommit=True) as admin:
            for name in [n + end for n in names.values() for end in ("", "_copy")]:
                admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
