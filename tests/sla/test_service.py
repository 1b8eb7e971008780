"""sla on its log: the same clocks as in memory when streams have to be loaded, and its HTTP API."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.sla.app import app
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import PublishPolicy
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

from .words import POLICY, Desk, became, bounced, classified, opened, reopened, replied, resolved, t, wrote

pytestmark = pytest.mark.servers
SEED = b"t" * 32
NINE = t(26, "09:00")
NOW = t(28, "09:00")
COURSE: list[tuple[datetime, datetime, Event]] = [
    (NINE, NINE, opened()),
    (t(26, "09:30"), t(26, "09:30"), classified("normal")),
    (t(26, "10:50"), t(26, "11:05"), replied("r1")),
    (t(26, "11:00"), t(26, "11:10"), became("waiting_customer")),
    (t(26, "14:30"), t(26, "14:30"), wrote("m1")),
    (t(26, "14:30"), t(26, "14:30"), became("open", "waiting_customer")),
    (t(26, "15:00"), t(26, "15:00"), bounced("r1")),
    (t(26, "16:00"), t(26, "16:00"), replied("r2")),
    (t(26, "16:10"), t(26, "16:10"), resolved()),
    (t(27, "09:00"), t(27, "09:00"), reopened()),
    (t(27, "10:00"), t(27, "10:00"), classified("urgent")),
]
"""When it occurred, when it was heard, what."""


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    async with connect(database) as opened_pool:
        yield opened_pool


@pytest_asyncio.fixture
async def sla(pool: Any) -> AsyncIterator[Service]:
    vault, log = Vault(pool, MasterKey(b"m" * 32)), EventLog(pool, "sla")
    await vault.create()
    await prepare(log, app.views, "sla_views")
    service = app.service_on(log, vault)
    await service.start()
    for name, document in {**app.shipped(), "targets": json.dumps(POLICY)}.items():
        command = PublishPolicy(service="sla", name=name, document=document, by="shipped", reason="test")
        await service.handle(fresh(command, NINE, id=uuid7(NINE, name), command=True))
    yield service
    await service.stop()


async def play(sla: Service) -> None:
    """The course, with deadlines in time; the service forgets every stream after each step."""
    clock = SteppedClock(NINE)
    deadlines = Deadlines(sla, clock)
    for number, (occurred, heard, event) in enumerate([*COURSE, (NOW, NOW, None)]):
        clock.set(heard)
        await deadlines.fire()
        if event:
            message = fresh(event, heard, id=uuid7(heard, str(number)), occurred_at=occurred)
            [outcome] = await sla.handle_each(message)
            assert isinstance(outcome, Outcome), outcome
        sla.memory.streams.clear()
    assert not len(sla.memory.table("parked"))


class Caller:
    """HTTP as somebody."""

    def __init__(self, http: httpx.AsyncClient):
        self._http = http

    async def __call__(self, method: str, path: str, *, role: str = "supervisor") -> Any:
        token = tokens.create(SEED, Role(role), "chief")
        answer = await self._http.request(method, path, headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.json()


@pytest_asyncio.fixture
async def http(sla: Service, tmp_path: Path) -> AsyncIterator[Caller]:
    settings = Settings(database_url="", nats_url="", secrets=tmp_path)
    edge = Edge(
        sla, sla.vault, SteppedClock(NOW), Links(b"l" * 32), Blobs(sla.log, sla.vault), settings, b"i" * 32,
        Actor("service", "sla"),
    )  # fmt: skip
    transport = httpx.ASGITransport(build("sla", app.api, edge, tokens.public_key(SEED)))
    async with httpx.AsyncClient(transport=transport, base_url="http://sla") as client:
        yield Caller(client)


async def test_the_service_keeps_the_clocks_of_the_desk_although_it_forgets_its_streams(
    sla: Service, http: Caller
) -> None:
    desk = Desk()
    for occurred, heard, event in COURSE:
        desk.handle(occurred, event, heard=heard)
    desk.until(NOW)
    await play(sla)
    _, clocks = await http("GET", "/v1/cases/c1/clocks")
    shown = {
        f"c1/{c['metric']}/{c['cycle']}": (c["state"], instant(c["due"]), instant(c["breached_at"])) for c in clocks
    }
    assert shown == {k: (r["state"], r["due"], r.get("breached_at")) for k, r in desk.tables["clocks"].items()}
    assert {r["rule"] for r in desk.tables["clocks"].values()} == {"otherwise", "urgent"}


async def test_a_rebuild_comes_to_the_same_tables(sla: Service) -> None:
    await play(sla)
    assert all(table.equal for table in (await check(sla.log, sla.views, "sla_views")).values())


async def test_every_clock_is_explained(sla: Service, http: Caller) -> None:
    await play(sla)
    status, whys = await http("GET", "/v1/cases/c1/clocks/explain", role="agent")
    why = next(w for w in whys if w["metric"] == "resolution")
    assert (status, why["calendar"], why["calendar_version"], why["result"]) == (200, "tr", 1, "breached")
    assert [i["since"] for i in why["intervals"]] == ["started", "paused", "resumed", "met", "resumed", "retargeted"]
    assert why["used"] == sum(i["seconds"] for i in why["intervals"])


async def test_explanations_come_by_pages_too(sla: Service, http: Caller) -> None:
    await play(sla)
    _, whole = await http("GET", "/v1/cases/c1/clocks/explain")
    ids = [f"{why['metric']}/{why['cycle']}" for why in whole]
    assert len(ids) > 2
    pages = [await http("GET", f"/v1/cases/c1/clocks/explain?limit=1{f'&after={a}' if a else ''}") for a in ("", *ids)]
    assert [page for _, page in pages] == [*([why] for why in whole), []]


async def test_a_case_without_clocks_is_not_explained_but_said_so(http: Caller) -> None:
    status, problem = await http("GET", "/v1/cases/nobody/clocks/explain")
    assert (status, problem["field"]) == (404, "case")


async def test_compliance_counts_what_was_met_and_breached_in_a_period(sla: Service, http: Caller) -> None:
    await play(sla)
    status, rows = await http("GET", "/v1/compliance?from=2026-10-26&to=2026-11-01")
    counts = {(r["metric"], r["rule"]): (r["met"], r["breached"], r["compliance"]) for r in rows}
    assert (status, counts["first_response", "otherwise"]) == (200, (0, 1, 0.0))
    assert await http("GET", "/v1/compliance?from=2026-09-01&to=2026-10-01") == (200, [])


async def test_a_period_that_ends_before_it_begins_is_refused(http: Caller) -> None:
    assert (await http("GET", "/v1/compliance?from=2026-10-26&to=2026-10-26"))[0] == 422


async def test_an_agent_does_not_see_compliance(http: Caller) -> None:
    assert (await http("GET", "/v1/compliance?from=2026-10-26&to=2026-10-27", role="agent"))[0] == 403


async def test_the_calendars_in_force_are_listed(http: Caller) -> None:
    status, rows = await http("GET", "/v1/calendars")
    assert (status, {r["name"]: r["version"] for r in rows}) == (200, {"always": 1, "eu": 1, "tr": 1})
    assert next(r for r in rows if r["name"] == "tr")["calendar"]["exceptions"]["2026-10-29"] == []


async def test_a_version_is_applied_to_running_clocks(sla: Service, http: Caller) -> None:
    await play(sla)
    row = {"calendar": "always", "first_response": "1h", "next_response": "1h", "resolution": "90h"}
    document = json.dumps({"targets": {"rules": [{"name": "all", "then": row}]}})
    command = PublishPolicy(service="sla", name="targets", document=document, by="a1", reason="longer")
    await sla.handle(fresh(command, NOW, id=uuid7(NOW, "v2"), command=True))
    sla.memory.streams.clear()
    assert await http("POST", "/v1/targets/2/apply") == (200, {"policy": 2, "clocks": 1, "retargeted": 1})
    assert (await http("POST", "/v1/targets/9/apply"))[0] == 404


async def test_targets_of_a_calendar_that_is_not_published_are_refused_naming_the_row(sla: Service) -> None:
    row = {"calendar": "nowhere", "first_response": "1h", "next_response": "1h", "resolution": "90h"}
    document = json.dumps({"targets": {"rules": [{"name": "all", "then": row}]}})
    command = PublishPolicy(service="sla", name="targets", document=document, by="a1", reason="a typo")
    with pytest.raises(Refused, match=r"row 1 \(all\).*nowhere.*publish calendar/nowhere first"):
        await sla.handle(fresh(command, NOW, id=uuid7(NOW, "typo"), command=True))
    assert sla.memory.policy("targets").version == 1


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
