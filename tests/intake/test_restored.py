"""Erased stays erased: keys that come back with an older vault are destroyed again before the service answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from contracts.intake import CustomerErased, EraseCustomer, EraseMessage, KeysDestroyed, MailUnreadable
from contracts.outside import CaseSubmitted
from services.intake.app import app
from services.intake.restored import ErasedAgain
from shared.core.message import fresh
from shared.core.personal import Personal
from shared.host.app import App
from shared.host.process import Process
from tests.cli.conftest import running
from tests.conftest import FreshNats
from tests.waiting import until

pytestmark = [pytest.mark.servers]
TEXT = "Ürün bozuk geldi."
KEYS = "select key_id, subject, wrapped, made_at, wrapped_by from vault.keys"
OF_CONTACTS = f"{KEYS} where length(subject) = 32"
"""Without those of staff and of what was shipped."""
without = replace(app, listeners=tuple(one for one in app.listeners if one is not ErasedAgain))
"""The same service with the protection switched off."""


@dataclass
class Intake:
    """intake, started and stopped by the test, and its vault."""

    start: Callable[[App], AbstractAsyncContextManager[Process]]
    database: str
    master: Path

    def run(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as conn:
            cursor = conn.execute(query.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def restore(self, vault: "Vault") -> None:
        """Put the vault and its master key back as they were."""
        self.run("delete from vault.keys")
        self.run("delete from vault.destroyed")
        for row in vault.keys:
            self.run("insert into vault.keys values (%s, %s, %s, %s, %s)", *row)
        self.run("update vault.master set id = %s", vault.keys[0][4])
        self.master.write_bytes(vault.master)


@dataclass
class Vault:
    """A copy of a vault and, in the worst case, of its master key."""

    keys: list[tuple[Any, ...]]
    master: bytes


@pytest_asyncio.fixture
async def intake(database: str, fresh_nats: FreshNats, tmp_path: Path) -> Intake:
    @asynccontextmanager
    async def start(declared: App) -> AsyncIterator[Process]:
        async with running([declared], database, fresh_nats.url, tmp_path) as processes:
            yield processes["intake"]

    return Intake(start, database, tmp_path / "secrets" / "master.key")


async def opened(process: Process, address: str) -> str:
    """A new case; returns its customer."""
    event = CaseSubmitted(
        channel="web", contact=process.edge.contact("mail", address)[0], contact_kind="mail",
        address=Personal(address), subject=Personal("İade"), text=Personal(TEXT),
    )  # fmt: skip
    outcome = await process.edge.send(event)
    [customer] = {m.event.customer for m in outcome.said if hasattr(m.event, "customer")}
    return str(customer)


async def texts(process: Process) -> list[str]:
    """What the service shows of all messages."""
    return [row["text"] for row in await process.edge.rows('select text from {views}.messages order by "row"')]


async def erased_after_a_copy(intake: Intake) -> Vault:
    """One customer of two is erased; the vault as it was before."""
    async with intake.start(app) as process:
        gone = await opened(process, "ada@example.com")
        await opened(process, "bob@example.com")
        copy = Vault(intake.run(KEYS), intake.master.read_bytes())
        await process.edge.send(EraseCustomer(customer=gone, regime="kvkk", by="lead"))
        erased = "select 1 from intake_views.customers where erased_at is not null"
        await until(lambda: bool(intake.run(erased)))
        assert await texts(process) == ["", TEXT]
    assert intake.master.read_bytes() != copy.master
    return copy


async def test_keys_of_the_erased_that_come_back_are_gone_before_anybody_is_answered(intake: Intake) -> None:
    copy = await erased_after_a_copy(intake)
    intake.restore(copy)
    assert len(intake.run(OF_CONTACTS)) == 2
    async with intake.start(app) as process:
        assert len(intake.run(OF_CONTACTS)) == 1
        assert await texts(process) == ["", TEXT]
        await until(lambda: intake.master.read_bytes() != copy.master)  # which opened the copy
    async with intake.start(app) as process:
        assert await texts(process) == ["", TEXT]


@pytest.mark.long
async def test_the_key_of_a_mail_that_named_nobody_is_destroyed_again_too(intake: Intake) -> None:
    async with intake.start(app) as process:
        raw = await process.edge.blobs.put(b"Subject: x", "mail.eml", "unknown.m1")
        mail = MailUnreadable(
            message="m1", contact="unknown.m1", reason="no-sender", raw=raw, subject=Personal("Kimden")
        )
        await process.edge.send(mail, command=False)
        copy = Vault(intake.run(KEYS), intake.master.read_bytes())
        [[item]] = intake.run("select key from intake_views.set_aside")
        await process.edge.send(EraseMessage(item=item, regime="kvkk", by="lead"))
        await until(lambda: intake.run("select state from intake_views.set_aside") == [("erased",)])
    intake.restore(copy)
    async with intake.start(without) as process:
        assert await process.edge.blobs.get(raw.digest, "unknown.m1") == b"Subject: x"
    async with intake.start(app) as process:
        assert await process.edge.blobs.get(raw.digest, "unknown.m1") is None
        await until(lambda: intake.master.read_bytes() != copy.master)


@pytest.mark.long
async def test_the_master_key_is_exchanged_also_after_a_crash_in_between(intake: Intake) -> None:
    copy = await erased_after_a_copy(intake)
    intake.restore(copy)
    async with intake.start(without) as process:
        await ErasedAgain(process.edge).look()  # and there it ended
        assert len(intake.run(OF_CONTACTS)) == 1
        assert intake.master.read_bytes() == copy.master
    async with intake.start(app):
        await until(lambda: intake.master.read_bytes() != copy.master)
        asked = "select count(*) from intake.stored_events where topic = 'to.intake.rotate-master-key.v1'"
        await asyncio.sleep(2.5)  # it has looked again
        assert intake.run(asked) == [(1,)]


@pytest.mark.long
async def test_control_without_it_the_text_is_back(intake: Intake) -> None:
    intake.restore(await erased_after_a_copy(intake))
    async with intake.start(without) as process:
        assert await texts(process) == [TEXT, TEXT]


@pytest.mark.long
async def test_who_wrote_again_after_an_erasure_keeps_the_new_key(intake: Intake) -> None:
    await erased_after_a_copy(intake)
    async with intake.start(app) as process:
        await opened(process, "ada@example.com")
    async with intake.start(app) as process:
        assert await texts(process) == ["", TEXT, TEXT]


@pytest.mark.long
async def test_an_erasure_that_this_log_had_lost_destroys_the_keys_when_it_comes_back(intake: Intake) -> None:
    async with intake.start(app) as process:
        customer = await opened(process, "ada@example.com")
        [(key, subject, *_)] = intake.run(OF_CONTACTS)
        recovered = KeysDestroyed(
            customer=customer, contacts=(subject,), regime="kvkk", destroyed_at=process.clock.now(),
            rotation_outstanding=False, rotated_at=process.clock.now(), keys=(str(key),),
        )  # fmt: skip
        outcome = (await process.service.handle(fresh(recovered, process.clock.now())))[0]
        assert [m.event.keys for m in outcome.said if isinstance(m.event, CustomerErased)] == [(str(key),)]
        await until(lambda: not intake.run(OF_CONTACTS))
        assert await texts(process) == [""]
