"""One service on a real database without a bus: what it hears, and its HTTP API as its callers meet it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import PublishPolicy
from shared.core.message import Actor, Role, fresh
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import build
from shared.host.app import App
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import SteppedClock
from shared.runtime.outcome import Outcome
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from tests.scene import MONDAY

SEED, INDEX = b"t" * 32, b"i" * 32


@dataclass
class Served:
    """A service and who speaks to it."""

    service: Service
    clock: SteppedClock
    http: httpx.AsyncClient

    async def handle(self, *events: Event) -> list[Outcome]:
        """Facts, one after the other."""
        return [(await self.service.handle(fresh(event, self.clock.now())))[0] for event in events]

    async def __call__(
        self, method: str, path: str, body: Any = None, *, role: str = "supervisor", name: str = "s1"
    ) -> tuple[int, Any]:
        """(status, answer) of a request with a token of this role."""
        answer = await self.http.request(method, path, json=body, headers=self.headers(role, name))
        return answer.status_code, answer.json()

    def headers(self, role: str, name: str = "s1") -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.create(SEED, Role(role), name)}"}

    async def rebuilt_equal(self) -> bool:
        """Whether every table, built again from the log, has the rows of the live one."""
        found = await check(self.service.log, self.service.views, f"{self.service.name}_views")
        return all(table.equal for table in found.values())


@asynccontextmanager
async def served(app: App, database: str, folder: Path, documents: Mapping[str, Any]) -> AsyncIterator[Served]:
    """``app`` with these policy documents in force."""
    async with connect(database) as pool:
        vault, log, clock = Vault(pool, MasterKey(b"m" * 32)), EventLog(pool, app.name), SteppedClock(MONDAY)
        await vault.create()
        await prepare(log, app.views, f"{app.name}_views")
        service = app.service_on(log, vault)
        await service.start()
        for name, document in documents.items():
            command = PublishPolicy(
                service=app.name, name=name, document=json.dumps(document), by="shipped", reason="test"
            )
            await service.handle(fresh(command, MONDAY, command=True))
        edge = Edge(
            service, vault, clock, Links(b"l" * 32), Blobs(log, vault),
            Settings(database_url=database, nats_url="", secrets=folder), INDEX, Actor("service", app.name),
        )  # fmt: skip
        transport = httpx.ASGITransport(build(app.name, app.api, edge, tokens.public_key(SEED)))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{app.name}") as http:
            yield Served(service, clock, http)
        await service.stop()
