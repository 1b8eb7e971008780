"""The router on its log: the same decisions as in memory when streams have to be loaded, and its HTTP API."""

import json
import random
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.router.app import app
from services.router.views import TABLES
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import DeadlineReached, PublishPolicy
from shared.core.message import Actor, Role, fresh, uuid7
from shared.core.world import Refused
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import build
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.outcome import Outcome
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from tests.router.desk import POLICY, Desk
from tests.router.test_properties import step
from tests.scene import MONDAY

pytestmark = pytest.mark.servers
SEED = b"t" * 32


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    async with connect(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def router(pool: Any) -> AsyncIterator[Service]:
    vault, log = Vault(pool, MasterKey(b"m" * 32)), EventLog(pool, "router")
    await vault.create()
    await prepare(log, app.views, "router_views")
    service = app.service_on(log, vault)
    await service.start()
    policy = PublishPolicy(service="router", name="routing", document=json.dumps(POLICY), by="shipped", reason="test")
    await service.handle(fresh(policy, MONDAY, command=True))
    yield service
    await service.stop()


class Script(Desk):
    """A desk that writes down what it heard and when, to be played to a real service."""

    def __init__(self) -> None:
        self.steps: list[tuple[datetime, Event | None]] = []
        super().__init__()

    def when(self, event: Event, **envelope: Any) -> list[Event]:
        if not isinstance(event, DeadlineReached):
            self.steps.append((self.at, event))
        return super().when(event, **envelope)

    def until(self, instant: datetime) -> list[Event]:
        self.steps.append((instant, None))
        return super().until(instant)


@pytest.mark.parametrize("seed", range(3))
async def test_the_service_decides_as_the_desk_although_it_forgets_its_streams(router: Service, seed: int) -> None:
    dice, desk = random.Random(3000 + seed), Script()
    for _ in range(80):
        step(desk, dice)
        desk.until(desk.at)
    clock = SteppedClock(MONDAY)
    deadlines = Deadlines(router, clock)
    for number, (at, event) in enumerate(desk.steps):
        clock.set(at)
        if event is None:
            await deadlines.fire()
        else:
            command, number_id = event.TOPIC.startswith("to."), uuid7(at, f"{seed} {number}")
            [result] = await router.handle_each(fresh(event, at, id=number_id, command=command))
            assert isinstance(result, Outcome | Refused), result
        router.memory.streams.clear()
    assert not len(router.memory.table("parked"))
    for name in (n for n, table in TABLES.items() if table.resident):
        assert rows_of(router.memory.table(name)) == rows_of(desk.memory.table(name)), name
    assert all(table.equal for table in (await check(router.log, router.views, "router_views")).values())


def rows_of(table: Any) -> dict[str, dict[str, Any]]:
    """Without the position in the log, which a command that publishes the policy moves by one."""
    return {key: {c: v for c, v in row.items() if c != "turn"} for key, row in table}


class Caller:
    """HTTP as somebody."""

    def __init__(self, http: httpx.AsyncClient):
        self._http = http

    async def __call__(
        self, method: str, path: str, body: Any = None, *, role: str = "supervisor", name: str = "chief"
    ) -> Any:
        token = tokens.create(SEED, Role(role), name)
        answer = await self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json()


@pytest_asyncio.fixture
async def http(router: Service, tmp_path: Path) -> AsyncIterator[Caller]:
    settings = Settings(database_url="", nats_url="", secrets=tmp_path)
    edge = Edge(
        router, router.vault, SteppedClock(MONDAY), Links(b"l" * 32), Blobs(router.log, router.vault), settings,
        b"i" * 32, Actor("service", "router"),
    )  # fmt: skip
    transport = httpx.ASGITransport(build("router", app.api, edge, tokens.public_key(SEED)))
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        yield Caller(client)


ADA = {"name": "Ada", "mail": "ada@vefa.example", "teams": ["money"], "languages": ["tr"], "capacity": 1}


async def handle(router: Service, *events: Event) -> None:
    for number, event in enumerate(events):
        await router.handle(fresh(event, MONDAY, id=uuid7(MONDAY, f"{type(event).__name__} {number}")))


def two_cases() -> list[Event]:
    script = Script()
    script.classified("1")
    script.classified("2")
    return [event for _, event in script.steps if event]


async def test_agents_are_registered_come_and_are_listed_with_their_names(http: Caller) -> None:
    assert (await http("PUT", "/v1/agents/ada", ADA))[0] == 200
    assert (await http("PUT", "/v1/agents/ada/status", {"status": "available"}, role="agent", name="ada"))[0] == 200
    status, [agent] = await http("GET", "/v1/agents")
    assert (status, agent["agent"], agent["name"]) == (200, "ada", "Ada")
    assert (agent["status"], agent["spare"]) == ("available", 1)


async def test_an_agent_sets_only_his_own_status(http: Caller) -> None:
    await http("PUT", "/v1/agents/ada", ADA)
    status, problem = await http("PUT", "/v1/agents/ada/status", {"status": "away"}, role="agent", name="bob")
    assert (status, problem["field"], bool(problem["remedy"])) == (403, "agent", True)


async def test_what_is_done_by_hand_is_in_the_history_with_its_reason(http: Caller, router: Service) -> None:
    await http("PUT", "/v1/agents/ada", ADA)
    await http("PUT", "/v1/agents/bob", {**ADA, "name": "Bob"})
    await http("PUT", "/v1/agents/ada/status", {"status": "available"})
    await handle(router, *two_cases())
    status, taken = await http("POST", "/v1/cases/2/take", role="agent", name="ada")
    assert (status, taken["owner"], taken["queue"]) == (200, "ada", "billing")
    released = await http("POST", "/v1/cases/2/release", {"reason": "too hard"}, role="agent", name="ada")
    assert released[1]["owner"] is None
    given = await http("POST", "/v1/cases/2/assign", {"agent": "bob", "reason": "knows it"})
    assert given[1]["owner"] == "bob"
    moved = await http("POST", "/v1/cases/2/transfer", {"queue": "general", "reason": "wrong department"})
    assert (moved[1]["owner"], moved[1]["queue"]) == (None, "general")
    _, history = await http("GET", "/v1/cases/2/assignments")
    assert [(h["what"], h["reason"]) for h in history] == [
        ("queued", None), ("assigned", None), ("unassigned", "too hard"), ("queued", None), ("assigned", "knows it"),
        ("unassigned", "wrong department"), ("queued", "wrong department"),
    ]  # fmt: skip


async def test_queues_show_who_works_on_them_and_what_waits(http: Caller, router: Service) -> None:
    await handle(router, *two_cases())
    _, queues = await http("GET", "/v1/queues")
    assert {q["queue"]: q["waiting"] for q in queues} == {"billing": 2, "delivery": 0, "general": 0}
    _, billing = await http("GET", "/v1/queues/billing")
    assert ([c["case"] for c in billing["waiting"]], billing["owned"], billing["team"]) == (["1", "2"], [], "money")
    assert (await http("GET", "/v1/queues/biling"))[1]["detail"] == "unknown queue 'biling'; did you mean 'billing'?"


async def test_a_refusal_is_a_problem_with_field_and_remedy(http: Caller) -> None:
    status, problem = await http("POST", "/v1/cases/9/take", role="agent", name="ada")
    assert (status, problem["type"], problem["field"]) == (404, "urn:vefa:unknown-case", "case")
