"""A customer's rights from the command line: everything that is known, and nothing any more."""

import asyncio
import io

import httpx
import pytest

from contracts.intake import CaseReopened, CasesLinked, ContactForgotten, CustomerErased, CustomerKnown, NoteAdded
from deploy.vefa.local import secret
from shared.core.event import Event
from shared.core.message import Actor, Message, fresh, uuid7
from shared.core.personal import Personal
from shared.privacy.sealing import contact_id
from tests.shared.trade import NOON
from tests.waiting import PATIENCE

from .conftest import Platform

pytestmark = [pytest.mark.long, pytest.mark.servers]


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
    await platform["intake"].handle(
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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_an_erasure_shows_who_it_is_and_asks_first(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    await platform["intake"].handle(known("c1", "ada", name="Ada Kaya"), known("c1", "ada2", first=False))
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    asked = await platform.vefa("erase", "c1")
    assert asked.status == 1
    assert "customer c1: Ada Kaya; mail ada@example.com, mail ada2@example.com." in asked.err
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    refused = await platform.vefa("erase", "c1")
    assert (refused.status, "--yes: nobody can be asked here" in refused.err) == (2, True)
    assert not await platform["intake"].log.rows(0, 99, topics=[CustomerErased.TOPIC])


async def test_a_customer_is_found_by_address_number_and_ids(platform: Platform) -> None:
    key = secret(platform.data, "index.key")
    mail, phone = contact_id(key, "mail", "ada@example.com"), contact_id(key, "phone", "+905321234567")
    await platform["intake"].handle(
        known("c1", mail, address="ada@example.com", external_id="crm-7"),
        known("c1", phone, kind="phone", address="+905321234567", first=False),
        known("c2", contact_id(key, "mail", "bob@example.com"), address="bob@example.com"),
    )
    for name in ("c1", "ada@example.com", " ADA@Example.COM", "+90 532 123 45 67", "0532 123 45 67", mail, "crm-7"):
        result = await platform.vefa("export", name)
        assert (result.status, result.json["customer"]) == (0, "c1"), name
        assert "ada@example.com, phone +905321234567." in result.err
    unknown = await platform.vefa("export", "eve@example.com")
    assert (unknown.status, "CUSTOMER: no customer has eve@example.com" in unknown.err) == (2, True)
    assert (await platform.vefa("erase", "05321234568", "--yes")).status == 2
    erased = await platform.vefa("erase", "bob@example.com", "--yes", "--json")
    assert erased.json["customer"] == "c2"
    assert [str(r.originator_id) for r in await platform["intake"].log.rows(0, 99, topics=[CustomerErased.TOPIC])] == [
        "customer:c2"
    ]


async def test_an_address_that_was_forgotten_is_nobodys(platform: Platform) -> None:
    mail = contact_id(secret(platform.data, "index.key"), "mail", "ada@example.com")
    await platform["intake"].handle(known("c1", mail), fact(ContactForgotten(contact=mail, certificate="c")))
    assert (await platform.vefa("export", "ada@example.com")).status == 2
    again = known("c9", mail, address="ada@example.com")
    await platform["intake"].handle(again)
    assert (await platform.vefa("export", "ada@example.com")).json["customer"] == "c9"


async def test_an_erasure_without_a_running_intake_says_what_to_do(platform: Platform) -> None:
    platform.processes["intake"].stopping.set()
    await nobody_listens(platform.address("intake"))
    result = await platform.vefa("erase", "c1", "--yes")
    assert result.status == 2
    assert "intake does not answer" in result.err


async def nobody_listens(address: str) -> None:
    """Wait until a server that was told to stop has closed its port."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client, asyncio.timeout(PATIENCE):
        while True:
            try:
                await client.get(f"{address}/intake/health")
            except httpx.TransportError:
                return
            await asyncio.sleep(0.02)
