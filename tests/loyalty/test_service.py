"""Loyalty on its log: the same points as in memory when streams have to be loaded, and its HTTP API."""

import json
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.loyalty import EnrolMember, PointsSpent, RefundSpend, SpendPoints
from contracts.outside import PurchaseMade
from services.loyalty.app import app
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import PublishPolicy
from shared.core.message import Actor, Role, fresh, uuid7
from shared.core.world import Refused
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import build
from shared.edge.nats import told
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links, contact_id
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.outcome import Outcome
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from tests.scene import MONDAY

from .words import AGENT, answered, bought, came_back, closed, document, known, opened, programme, resolved, wants

pytestmark = pytest.mark.servers
SEED, INDEX = b"t" * 32, b"i" * 32
AYSE = contact_id(INDEX, "mail", "ayse@example.com")
POLICY = document(
    pending_days=2, expiry={"kind": "days", "after": 9}, notice_days=3, clawback="unlimited",
    auto_enrol=["purchase"], tiers=[{"tier": "standard", "from": 0}, {"tier": "gold", "from": 90}],
)  # fmt: skip


@pytest_asyncio.fixture
async def loyalty(database: str) -> AsyncIterator[Service]:
    async with connect(database) as pool:
        vault, log = Vault(pool, MasterKey(b"m" * 32)), EventLog(pool, "loyalty")
        await vault.create()
        await prepare(log, app.views, "loyalty_views")
        service = app.service_on(log, vault)
        await service.start()
        asked = PublishPolicy(
            service="loyalty", name="programme", document=json.dumps(POLICY), by="shipped", reason="test"
        )
        await service.handle(fresh(asked, MONDAY, command=True))
        yield service
        await service.stop()


async def handle(service: Service, event: Event, at: datetime = MONDAY, seed: object = "") -> Outcome | Exception:
    command = event.TOPIC.startswith("to.")
    [outcome] = await service.handle_each(
        fresh(event, at, id=uuid7(at, f"{event.TOPIC} {event.stream} {seed}"), command=command, actor=AGENT)
    )
    return outcome


def any_event(dice: random.Random, at: datetime, customers: int = 2) -> Event:
    """Something that a shop, a desk or a customer may say; numbers come again, with other content."""
    n, number = dice.randint(1, customers), dice.randint(1, 8)
    return dice.choice(
        [
            known(f"k{n}", f"p{n}"),
            bought(dice.randint(0, 60), f"b{number}", f"p{n}", at - timedelta(hours=dice.randint(0, 60))),
            bought(dice.randint(0, 60), f"b{number}", f"p{n}", at),
            came_back(dice.randint(1, 60), f"b{number}", f"r{dice.randint(1, 3)}"),
            answered(dice.randint(3, 5), "c1", f"v{number}"),
            opened(), resolved(), closed(), wants("minor"), EnrolMember(contact=f"p{n}"),
        ]
    )  # fmt: skip


@pytest.mark.long
async def test_the_service_counts_as_memory_does_although_it_forgets_its_streams(loyalty: Service) -> None:
    dice, scene = random.Random(7), programme(**POLICY)
    clock = SteppedClock(MONDAY)
    deadlines = Deadlines(loyalty, clock)
    for first in (known(), opened()):
        await handle(loyalty, first, seed="first")
    for step in range(150):
        event = any_event(dice, scene.at)
        result = await handle(loyalty, event, scene.at, step)
        assert isinstance(result, Outcome | Refused), result
        try:
            scene.when(event, actor=AGENT)
        except Refused:
            assert isinstance(result, Refused)
        loyalty.memory.streams.clear()
        scene.until(scene.at + timedelta(hours=dice.choice([1, 7, 30])))
        clock.set(scene.at)
        await deadlines.fire()
    assert not len(loyalty.memory.table("parked"))
    assert all(table.equal for table in (await check(loyalty.log, loyalty.views, "loyalty_views")).values())
    edge = edge_of(loyalty)
    totals = await edge.row("select * from {views}.totals")
    assert totals
    del totals["key"]
    expected = scene.tables["totals"]["programme"]
    assert {n: v or 0 for n, v in totals.items()} == {n: expected.get(n) or 0 for n in totals}
    assert totals["earned"] > 300
    assert min(totals[n] for n in ("expired", "cancelled", "members")) > 0


def edge_of(service: Service, folder: Path = Path()) -> Edge:
    settings = Settings(database_url="", nats_url="", secrets=folder)
    return Edge(
        service, service.vault, SteppedClock(MONDAY + timedelta(days=5)), Links(b"l" * 32),
        Blobs(service.log, service.vault), settings, INDEX, Actor("service", "loyalty"),
    )  # fmt: skip


class Caller:
    """HTTP as somebody."""

    def __init__(self, http: httpx.AsyncClient):
        self._http = http

    async def __call__(
        self, method: str, path: str, body: Any = None, *, role: str = "supervisor", name: str = "s1", key: str = ""
    ) -> Any:
        headers = {"Authorization": f"Bearer {tokens.create(SEED, Role(role), name)}"}
        headers |= {"Idempotency-Key": key} if key else {}
        answer = await self._http.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json()


@pytest_asyncio.fixture
async def http(loyalty: Service, tmp_path: Path) -> AsyncIterator[Caller]:
    for event in (known("k1", AYSE), opened("c1", "k1", AYSE)):
        await handle(loyalty, event)
    transport = httpx.ASGITransport(build("loyalty", app.api, edge_of(loyalty, tmp_path), tokens.public_key(SEED)))
    async with httpx.AsyncClient(transport=transport, base_url="http://loyalty") as client:
        yield Caller(client)


HER = {"kind": "mail", "address": "Ayse@Example.com"}
RECEIPT = {**HER, "purchase": "b1", "amount": 10_000, "currency": "TRY", "bought_at": "2026-10-26T09:00:00+03:00"}


async def test_a_customer_joins_buys_spends_and_returns(http: Caller) -> None:
    status, joined = await http("POST", "/v1/members", HER, role="customer", name=AYSE)
    assert (status, joined["tier"]) == (201, "standard")
    path = f"/v1/members/{joined['member']}"
    assert (await http("POST", "/v1/purchases", RECEIPT, role="service", name="shop"))[0] == 202
    status, spent = await http("POST", f"{path}/spends", {"amount": 30, "what": "voucher"}, role="customer", name=AYSE)
    assert (status, spent["amount"]) == (201, 30)
    status, refused = await http("POST", f"{path}/spends", {"amount": 71, "what": "voucher"})
    assert (status, refused["field"], refused["type"]) == (409, "amount", "urn:vefa:too-few-points")
    status, undone = await http("POST", f"{path}/spends/{spent['spend']}/refund", role="agent")
    assert (status, undone["returned"], undone["lost"]) == (200, 30, 0)
    back = {"returned": "r1", "amount": 5_000}
    assert (await http("POST", "/v1/purchases/b1/returns", back, role="service", name="shop"))[0] == 202
    status, account = await http("GET", path, role="customer", name=AYSE)
    assert (account["balance"], account["lifetime"], account["tier"], account["basis"]) == (50, 100, "gold", 50)
    assert (account["next_tier"], account["to_stay"], len(account["lots"])) == (None, 40, 1)
    _, rows = await http("GET", f"{path}/ledger", role="customer", name=AYSE)
    assert [r["movement"] for r in rows] == ["clawed-back", "refunded", "spent", "activated", "earned"]
    _, older = await http("GET", f"{path}/ledger?before={rows[1]['row']}&limit=1")
    assert older == rows[2:3]
    _, totals = await http("GET", "/v1/programme", role="agent")
    assert (totals["members"], totals["earned"], totals["active"], totals["liability"]) == (1, 100, 50, 50)


async def test_a_customer_sees_and_enrols_nobody_else(http: Caller) -> None:
    _, joined = await http("POST", "/v1/members", HER)
    assert (await http("GET", f"/v1/members/{joined['member']}", role="customer", name="stranger"))[0] == 404
    assert (await http("POST", "/v1/members", HER, role="customer", name="stranger"))[0] == 403
    assert (await http("GET", f"/v1/members/{joined['member']}", role="customer", name=AYSE))[0] == 200


async def test_a_customers_token_is_named_after_him_or_any_of_his_contact_points(
    http: Caller, loyalty: Service
) -> None:
    phone = contact_id(INDEX, "phone", "+905321234567")
    await handle(loyalty, known("k1", phone), seed="phone")
    await handle(loyalty, known("k2", "p2"), seed="other")
    assert (await http("POST", "/v1/members", HER, role="customer", name="k2"))[0] == 403
    status, joined = await http("POST", "/v1/members", HER, role="customer", name="k1")
    assert status == 201
    for name in ("k1", phone, AYSE):
        assert (await http("GET", f"/v1/members/{joined['member']}", role="customer", name=name))[0] == 200
        assert (await http("POST", "/v1/members", HER, role="customer", name=name))[0] != 403
    for name in ("k2", "p2", "public"):
        assert (await http("GET", f"/v1/members/{joined['member']}", role="customer", name=name))[0] == 404


async def test_a_spend_that_is_sent_again_with_its_key_is_one_spend(http: Caller) -> None:
    _, joined = await http("POST", "/v1/members", HER)
    await http("POST", "/v1/purchases", RECEIPT)
    path, wanted = f"/v1/members/{joined['member']}", {"amount": 30, "what": "voucher"}
    first = await http("POST", f"{path}/spends", wanted, key="a")
    assert await http("POST", f"{path}/spends", wanted, key="a") == first
    assert (await http("GET", path))[1]["balance"] == 70


async def test_a_grant_above_the_limit_is_approved_by_a_supervisor(http: Caller) -> None:
    _, joined = await http("POST", "/v1/members", HER)
    bad = {"severity": "severe", "reason": "The parcel was crushed."}
    status, grant = await http("POST", "/v1/cases/c1/grants", bad, role="agent", name="a1")
    assert (status, grant["state"], grant["amount"]) == (201, "requested", 500)
    path = f"/v1/grants/{grant['grant']}"
    assert (await http("POST", f"{path}/approve", role="agent", name="a2"))[0] == 403
    assert (await http("POST", f"{path}/approve"))[1]["state"] == "approved"
    assert (await http("GET", f"/v1/members/{joined['member']}"))[1]["balance"] == 500
    assert (await http("POST", f"{path}/refuse"))[1]["type"] == "urn:vefa:grant-decided"


async def test_what_is_unknown_is_named(http: Caller) -> None:
    wrong = [
        await http("GET", "/v1/members/nobody"),
        await http("POST", "/v1/purchases/b9/returns", {"returned": "r1", "amount": 1}),
        await http("POST", "/v1/members", {"address": "bob@example.com"}),
        await http("POST", "/v1/grants/g9/approve"),
    ]
    assert [(status, problem["field"]) for status, problem in wrong] == [
        (404, "member"), (404, "purchase"), (404, "contact"), (404, "grant"),
    ]  # fmt: skip


async def test_a_refund_finds_its_spend_after_the_streams_were_forgotten(loyalty: Service) -> None:
    for event in (known(), bought(40, at=MONDAY - timedelta(days=3))):
        await handle(loyalty, event)
    row = await edge_of(loyalty).row("select * from {views}.members")
    assert row
    spent = await handle(loyalty, SpendPoints(member=row["key"], amount=40, what="voucher"))
    assert isinstance(spent, Outcome)
    made = spent.first(PointsSpent)
    assert made
    loyalty.memory.streams.clear()
    assert isinstance(await handle(loyalty, RefundSpend(member=row["key"], spend=made.spend)), Outcome)


@pytest.mark.parametrize(
    "bought_at",
    ["9999-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "2026-10-26T09:00:00", "2026-10-31T09:06:00+03:00"],
)
async def test_a_purchase_at_no_time_is_refused_by_both_ways_in(http: Caller, loyalty: Service, bought_at: str) -> None:
    receipt = {**RECEIPT, "bought_at": bought_at}
    status, problem = await http("POST", "/v1/purchases", receipt, role="service", name="shop")
    assert (status, problem.get("field") or problem["fields"][0]["field"]) == (422, "bought_at")
    data = {"contact": AYSE, "purchase": "b1", "amount": 10_000, "currency": "TRY", "bought_at": bought_at}
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": PurchaseMade.TOPIC, "data": data}
    answer = json.loads(await told(edge_of(loyalty), app.accepts, json.dumps(event).encode()))
    assert (answer["status"], answer.get("field") or answer["fields"][0]["field"]) == (422, "bought_at")
    assert not len(loyalty.memory.table("parked"))
