"""The stage of the demo: a platform whose clock is stepped, watched and spoken to by its public interfaces only."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

import aiosmtplib
import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.bus.jetstream import connect_as_operator

QUIET_SECONDS = 60
Statuses = dict[str, dict[str, Any]]
"""By service: what it tells of where it stands."""


@dataclass(frozen=True)
class Said:
    """An event that was heard on the bus."""

    topic: str
    subject: str
    time: datetime
    data: dict[str, Any]


@dataclass
class Stage:
    """Where the demo plays: ``addresses`` of the services, a token for each speaker, a NATS connection that listens
    to everything."""

    addresses: dict[str, dict[str, str]]
    nats_url: str
    token: Callable[[str, str], str]
    now: datetime
    heard: list[Said] = field(default_factory=list)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    async def __aenter__(self) -> "Stage":
        self.client: Client = await connect_as_operator(self.nats_url)
        self.http = httpx.AsyncClient(timeout=30)
        await self.client.subscribe("vefa.event.>", cb=self._on_event)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.client.close()

    async def _on_event(self, message: Msg) -> None:
        event = json.loads(message.data)
        time = datetime.fromisoformat(event["time"])
        self.heard.append(Said(event["type"], event["subject"], time, event["data"]))

    def take(self) -> list[Said]:
        """What was said since the last call."""
        heard, self.heard = self.heard, []
        return heard

    # speaking -------------------------------------------------------------------------------------------------------
    async def call(
        self, service: str, method: str, path: str, body: Any = None, *, role: str = "", name: str = "", key: str = ""
    ) -> Any:
        """An HTTP request as somebody; raises with the problem's own words when it is refused."""
        headers = {"Idempotency-Key": key or self._key(method, path, body)}
        if role:
            if (role, name) not in self._tokens:
                self._tokens[role, name] = self.token(role, name)
            headers["Authorization"] = f"Bearer {self._tokens[role, name]}"
        url = self.addresses[service]["http"] + path
        response = await self.http.request(method, url, json=body, headers=headers)
        if response.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    def _key(self, method: str, path: str, body: Any) -> str:
        """The same for the same request at the same instant, so that the play's ids are the same in every run."""
        return sha256(f"{method} {path} {self.now} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()

    async def mail(self, mail: EmailMessage) -> None:
        """Send a mail to intake's mail port."""
        host, _, port = self.addresses["intake"]["smtp"].removeprefix("smtp://").rpartition(":")
        await aiosmtplib.send(mail, hostname=host, port=int(port))

    async def event(self, service: str, kind: str, id: str, data: dict[str, Any]) -> Any:
        """A CloudEvent to a service over NATS, answered after its commit."""
        body = {"specversion": "1.0", "id": id, "source": "/demo/shop", "type": kind, "data": data}
        reply = await self.client.request(f"vefa.hear.{service}", json.dumps(body).encode(), timeout=10)
        answer = json.loads(reply.data)
        if "problem" in answer:
            raise RuntimeError(f"{kind}: {answer}")
        return answer

    # time -----------------------------------------------------------------------------------------------------------
    async def statuses(self, names: Iterable[str]) -> Statuses:
        async def one(name: str) -> dict[str, Any]:
            reply = await self.client.request(f"vefa.status.{name}", b"", timeout=10)
            status: dict[str, Any] = json.loads(reply.data)
            return status

        asked = list(names)
        return dict(zip(asked, await asyncio.gather(*(one(name) for name in asked)), strict=True))

    async def step(self, to: datetime) -> datetime | None:
        """Set every clock and wait until nothing moves any more; returns the next instant at which something is due."""
        self.now = max(self.now, to)
        body = json.dumps({"now": self.now.isoformat()}).encode()
        await asyncio.gather(*(self.client.request(f"vefa.clock.{n}", body, timeout=10) for n in self.addresses))
        return await self.quiet()

    async def quiet(self) -> datetime | None:
        """Wait until every service has heard what the others said and nothing is due; returns the next due instant.

        Only who is not done is asked again. When all are, all are asked once more: what was on its way from one that
        was asked early to one that was asked late shows then."""
        async with asyncio.timeout(QUIET_SECONDS):
            statuses = await self.statuses(self.addresses)
            while True:
                while moving := [n for n, s in statuses.items() if not self._settled(s, statuses)]:
                    await asyncio.sleep(0.004)
                    statuses |= await self.statuses(moving)
                before, statuses = statuses, await self.statuses(self.addresses)
                if all(_stands(before[n]) == _stands(s) and self._settled(s, statuses) for n, s in statuses.items()):
                    due = [d for s in statuses.values() for d in (s["next_due"], s["next_effect"]) if d]
                    return min(map(datetime.fromisoformat, due), default=None)

    def _settled(self, status: dict[str, Any], all_of_them: Statuses) -> bool:
        if status["waiting"] or status["relayed"] < status["said"]:
            return False
        heard = status["heard"]
        if any(heard.get(s, 0) < all_of_them[s]["said"] for s in status["sources"] if s in all_of_them):
            return False
        due = [d for d in (status["next_due"], status["next_effect"]) if d]
        return all(datetime.fromisoformat(d) > self.now for d in due)


def _stands(status: dict[str, Any]) -> tuple[int, int]:
    return status["position"], status["said"]
