"""intake on a database of its own, over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from services.intake.app import app
from services.intake.erasing import eraser, message_eraser, rotator
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.facts import PolicyPublished
from shared.core.message import Actor, Role, fresh
from shared.core.personal import Personal
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import build
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import SteppedClock
from shared.runtime.effects import Effects
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare
from tests.intake.words import POLICY
from tests.scene import MONDAY

SEED = b"t" * 32
CONCERN: dict[str, Any] = {
    "contact": {"kind": "mail", "address": "Ayse@Example.com"}, "name": "Ayşe Kaya", "subject": "İade",
    "text": "Ürün bozuk geldi.", "language": "tr",
}  # fmt: skip


@dataclass
class Running:
    """The service on its database."""

    service: Service
    http: httpx.AsyncClient
    edge: Edge
    effects: Effects

    async def send(
        self, method: str, path: str, role: str = "agent", name: str = "a1", key: str = "", **content: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {tokens.create(SEED, Role(role), name)}"} if role else {}
        return await self.http.request(method, path, headers=headers | {"idempotency-key": key}, **content)

    async def opened(self, **more: Any) -> dict[str, Any]:
        response = await self.send("POST", "/v1/cases", role="", json=CONCERN | more)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def case(self, case: str) -> dict[str, Any]:
        return dict((await self.send("GET", f"/v1/cases/{case}")).json())


@pytest_asyncio.fixture
async def intake(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with connect(database) as pool:
        vault = Vault(pool, MasterKey(b"m" * 32))
        await vault.create()
        log = EventLog(pool, "intake")
        await prepare(log, app.views, "intake_views")
        service = app.service_on(log, vault)
        await service.start()
        settings = Settings(database_url=database, nats_url="", secrets=tmp_path, public_per_minute=1000)
        links, clock = Links(b"l" * 32), SteppedClock(MONDAY)
        actor = Actor("service", "intake")
        edge = Edge(service, vault, clock, links, Blobs(log, vault), settings, b"i" * 32, actor)
        transport = httpx.ASGITransport(build("intake", app.api, edge, tokens.public_key(SEED)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            document = PolicyPublished(
                service="intake", name="intake", version=1, document=POLICY.model_dump_json(), by="shipped",
                reason=Personal(),
            )  # fmt: skip
            await service.handle(fresh(document, clock.now()))
            senders = {"erase": eraser(edge), "erase-message": message_eraser(edge), "rotate": rotator(edge)}
            yield Running(service, http, edge, Effects(service, clock, senders))
        await service.stop()
