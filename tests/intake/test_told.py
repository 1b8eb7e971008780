"""What another system says over NATS: heard after the commit, once for each id, and answered with what is wrong."""

import json
from typing import Any
from uuid import UUID

import pytest

from services.intake.app import app
from shared.edge.nats import told
from tests.intake.conftest import Running

pytestmark = [pytest.mark.long, pytest.mark.servers]
DATA = {
    "channel": "api",
    "contact_kind": "mail",
    "address": "Ada@Example.com",
    "subject": "Parcel",
    "text": "It is late.",
}
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "outside.case-submitted.v1", "data": DATA}


async def say(intake: Running, event: Any) -> dict[str, Any]:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return dict(json.loads(await told(intake.edge, app.accepts, body)))


async def test_a_case_is_opened_and_a_repeat_is_answered_the_same(intake: Running) -> None:
    first = await say(intake, EVENT)
    assert [said["type"] for said in first["said"]] == ["intake.customer-known.v1", "intake.case-opened.v1"]
    assert await say(intake, EVENT) == first
    assert len((await intake.send("GET", "/v1/cases")).json()["cases"]) == 1


async def test_the_same_id_with_other_content_is_refused(intake: Running) -> None:
    await say(intake, EVENT)
    answer = await say(intake, {**EVENT, "data": {**DATA, "text": "Something else"}})
    assert (answer["problem"], answer["field"]) == ("key-reused", "id")


async def test_nobody_names_the_contact_point_of_an_address_but_intake(intake: Running) -> None:
    answer = await say(intake, {**EVENT, "data": {**DATA, "contact": "somebody-else"}})
    assert (answer["problem"], answer["field"], answer["remedy"]) == ("wrong-contact", "contact", "leave it out")
    contact, _ = intake.edge.contact("mail", "ada@example.com")
    assert "said" in await say(intake, {**EVENT, "data": {**DATA, "contact": contact}})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": None}, "id"), ({"id": ""}, "id"), ({"id": 7}, "id"), ({"id": "x" * 1001}, "id"),
        ({"id": "a\x00"}, "id"), ({"source": "/a\n"}, "source"),
        ({"source": 7}, "source"), ({"specversion": "0.3"}, "specversion"), ({"data": None}, "data"),
        ({"data": []}, "data"), ({"time": "yesterday"}, "time"), ({"time": "2026-01-01T00:00:00"}, "time"),
        ({"time": "9999-12-31T23:59:59-12:00"}, "time"), ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"time": 7}, "time"), ({"traceparent": {}}, "traceparent"),
        ({"data": {**DATA, "channel": "pigeon"}}, "channel"), ({"data": {**DATA, "text": 7}}, "text"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named_with_what_to_do(intake: Running, wrong: dict[str, Any], field: str) -> None:
    answer = await say(intake, {**EVENT, **wrong})
    assert answer["status"] == 422
    assert field in [one["field"] for one in answer["fields"]]
    assert answer["remedy"]


async def test_another_ones_ciphertext_is_no_text(intake: Running) -> None:
    victim = await say(intake, {**EVENT, "id": "victim", "data": {**DATA, "text": "mine alone"}})
    [opened] = [s for s in victim["said"] if s["type"] == "intake.case-opened.v1"]
    row = await intake.edge.service.log.by_id(UUID(opened["id"]))
    assert row
    stolen = {**json.loads(row.state)["text"], "a": f"{opened['id']}|intake.case-opened.v1|text"}
    for text in (stolen, {"k": "x", "c": "y"}):
        answer = await say(intake, {**EVENT, "id": "thief", "data": {**DATA, "text": text}})
        assert (answer["status"], [one["field"] for one in answer["fields"]]) == (422, ["text"])


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"null", b"[]", b'"x"', b"\xff" * 9])
async def test_what_is_no_event_is_answered_with_what_one_looks_like(intake: Running, body: bytes) -> None:
    answer = await say(intake, body)
    assert (answer["status"], "CloudEvents 1.0" in answer["remedy"]) == (422, True)


async def test_what_is_not_heard_here_is_answered_with_what_is(intake: Running) -> None:
    answer = await say(intake, {**EVENT, "type": "intake.case-opened.v1"})
    assert (answer["problem"], answer["field"]) == ("unknown-type", "type")
    assert "outside.case-submitted.v1" in answer["remedy"]


async def test_an_address_that_is_none_and_a_time_ahead_are_refused(intake: Running) -> None:
    assert (await say(intake, {**EVENT, "data": {**DATA, "address": "nope"}}))["field"] == "address"
    assert (await say(intake, {**EVENT, "time": "2100-01-01T00:00:00Z"}))["field"] == "time"


async def test_what_happened_before_all_calendars_is_refused(intake: Running) -> None:
    answer = await say(intake, {**EVENT, "time": "1969-12-31T23:59:59Z"})
    assert (answer["problem"], answer["field"]) == ("too-long-ago", "time")
