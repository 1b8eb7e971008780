"""A customer's rights from the command line: everything that is known, and nothing any more."""

import asyncio
import io

import httpx
import pytest

from contracts.intake import CaseReopened, CasesLinked, CustomerErased, CustomerKnown, NoteAdded
from shared.events import Actor, Event, Message, Personal, fresh, uuid7
from tests.shared.trade import NOON

from .conftest import Platform

pytestmark = pytest.mark.servers


def fact(event: Event) -> Message:
    return fresh(event, NOON, id=uuid7(NOON, event.model_dump_json()), actor=Actor("service", "test"))


def known(customer: str, contact: str, **more: object) -> Message:
    values = {
        "customer": customer,
        "contact": contact,
        "kind": "mail",
        "address": f"{contact}@example.com",
        "first": True,
    }
    return fact(CustomerKnown(**{**values, **more}))


def reopened(customer: str, contact: str, case: str) -> Message:
    return fact(
        CaseReopened(
            case=case, customer=customer, contact=contact, by="customer", cause="reply", reopens=1, resolved_at=None
        )
    )  # fmt: skip


def note(customer: str, contact: str, case: str, text: str) -> Message:
    return fact(NoteAdded(case=case, customer=customer, contact=contact, by="agent-1", text=Personal(text)))


async def test_an_export_holds_everything_about_one_customer_and_nothing_about_another(platform: Platform) -> None:
    await platform["intake"].hear(
        known("c1", "ada"), known("c1", "ada2", first=False), known("c2", "bob"),
        reopened("c1", "ada", "case-1"), reopened("c2", "bob", "case-2"),
        note("c1", "ada", "case-1", "Ada is angry"), note("c2", "bob", "case-2", "Bob is happy"),
        fact(CasesLinked(case="case-1", other="case-2", why="by-hand")),
    )  # fmt: skip
    found = (await platform.vefa("export", "c1")).json
    text = str(found)
    assert found["streams"] == ["case:case-1", "contact:ada", "contact:ada2", "customer:c1"]
    assert "Ada is angry" in text
    assert "ada2@example.com" in text
    assert "Bob" not in text
    assert "bob" not in text


async def test_an_export_of_somebody_unknown_is_status_2(platform: Platform) -> None:
    result = await platform.vefa("export", "nobody")
    assert result.status == 2
    assert "SUBJECT: no log knows a customer 'nobody'" in result.err


async def test_an_erasure_goes_through_intake_and_shows_the_certificate(platform: Platform) -> None:
    result = await platform.vefa("erase", "c1", "--yes", "--json")
    assert result.json["certificate"] == "certificate-1"
    assert result.json["regime"] == "kvkk"
    [erased] = await platform["intake"].log.rows(0, 9, topics=[CustomerErased.TOPIC])
    assert str(erased.originator_id) == "customer:c1"


async def test_an_erasure_asks_first(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert (await platform.vefa("erase", "c1")).status == 1
    assert await platform["intake"].log.rows(0, 9) == []


async def test_an_erasure_without_a_running_intake_says_what_to_do(platform: Platform) -> None:
    platform.processes["intake"].stopping.set()
    await nobody_listens(platform.address("intake"))
    result = await platform.vefa("erase", "c1", "--yes")
    assert result.status == 2
    assert "intake does not answer" in result.err


async def nobody_listens(address: str) -> None:
    """Wait until a server that was told to stop has closed its port."""
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        while True:
            try:
                await client.get(f"{address}/intake/health")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)
