"""The service notification on a database of its own, and a mail server that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest_asyncio
from aiosmtpd.smtp import SMTP

from services.notification.app import app
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import PublishPolicy
from shared.core.message import Actor, fresh
from shared.edge.edge import Edge
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import SteppedClock
from shared.runtime.effects import Effects
from shared.runtime.outcome import Outcome
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare
from tests.scene import MONDAY


@dataclass
class Sink:
    """Takes every mail, unless ``refusal`` is set; answers RCPT TO with it then, for ``refused`` alone where that is
    said."""

    port: int = 0
    refusal: str = ""
    refused: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refusal and self.refused in ("", address):
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.senders.append(envelope.mail_from)
        self.recipients.append(envelope.rcpt_tos)
        self.raw.append(envelope.content)
        return "250 OK"


@pytest_asyncio.fixture
async def sink() -> AsyncIterator[Sink]:
    """A real SMTP server on the loop of the test."""
    handler = Sink()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    yield handler
    server.close()
    await server.wait_closed()


@dataclass
class Desk:
    """A running service; ``tell`` says something to it as another service would, ``send_due`` runs its effects."""

    edge: Edge
    clock: SteppedClock
    effects: Effects

    async def tell(self, *events: Event) -> list[Outcome]:
        now = self.clock.now()
        return await self.edge.service.handle(*(fresh(e, now, id=uuid4()) for e in events))

    async def send_due(self) -> int:
        return await self.effects.send_due()


@pytest_asyncio.fixture
async def desk(database: str, sink: Sink, tmp_path: Path) -> AsyncIterator[Desk]:
    async with connect(database) as pool:
        vault = Vault(pool, MasterKey(b"m" * 32))
        await vault.create()
        log = EventLog(pool, app.name)
        await prepare(log, app.views, f"{app.name}_views")
        service = app.service_on(log, vault)
        await service.start()
        clock = SteppedClock(MONDAY)
        settings = Settings(
            database_url=database,
            nats_url="",
            secrets=tmp_path,
            mail_port=sink.port,
            public_urls=dict.fromkeys(("intake", "feedback", "notification"), "https://vefa.example"),
        )
        links, index_key, actor = Links(b"l" * 32), b"i" * 32, Actor("service", app.name)
        edge = Edge(service, vault, clock, links, Blobs(log, vault), settings, index_key, actor)
        made = Desk(edge, clock, Effects(service, clock, {k: make(edge) for k, make in app.effect_handlers.items()}))
        for name, document in app.shipped().items():
            await edge.send(PublishPolicy(service=app.name, name=name, document=document, by="shipped", reason="test"))
        yield made
        await service.stop()
