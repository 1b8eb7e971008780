"""intake as others meet it: HTTP and SMTP on a real database, refusals with remedies, an erasure carried out."""

import asyncio
import base64
import smtplib
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from services.intake.app import app, smtp
from services.intake.erasing import Nightly
from shared.privacy.master_key import MasterKey
from shared.privacy.reply_token import reply_token
from shared.runtime.clock import SteppedClock
from shared.store.rebuild import check
from tests.intake.conftest import CONCERN, Running
from tests.scene import MONDAY
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


async def test_anybody_may_open_a_case_and_an_agent_reads_it_in_plain(intake: Running) -> None:
    opened = await intake.opened()
    case = await intake.case(opened["case"])
    assert (case["number"], case["subject"], case["category"]) == ("V-2026-000001", "İade", "new")
    assert [m["text"] for m in case["messages"]] == ["Ürün bozuk geldi."]
    customer = (await intake.send("GET", f"/v1/customers/{opened['customer']}")).json()
    assert (customer["name"], customer["contacts"][0]["address"]) == ("Ayşe Kaya", "ayse@example.com")


async def test_a_repeat_with_the_same_key_gets_the_same_case(intake: Running) -> None:
    answers = [await intake.send("POST", "/v1/cases", role="", key="k1", json=CONCERN) for _ in range(3)]
    assert len({a.json()["case"] for a in answers}) == 1
    assert len((await intake.send("GET", "/v1/cases")).json()["cases"]) == 1


async def test_the_senders_own_id_finds_its_case_again(intake: Running) -> None:
    sent = [
        await intake.send("POST", "/v1/cases", "service", "shop", json=CONCERN | {"external_id": "4711"}) for _ in "ab"
    ]
    assert len({a.json()["case"] for a in sent}) == 1


async def test_another_system_may_say_when_it_happened_and_nobody_else(intake: Running) -> None:
    at = {"occurred_at": (MONDAY - timedelta(hours=3)).isoformat()}
    sent = await intake.send("POST", "/v1/cases", "service", "shop", json=CONCERN | at)
    case = await intake.case(sent.json()["case"])
    assert case["opened_at"] == (MONDAY - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    refused = [await intake.send("POST", "/v1/cases", role, json=CONCERN | at) for role in ("", "agent", "supervisor")]
    assert [(r.status_code, r.json()["field"]) for r in refused] == [(403, "occurred_at")] * 3
    ahead = {"occurred_at": (MONDAY + timedelta(hours=3)).isoformat()}
    assert (await intake.send("POST", "/v1/cases", "service", "shop", json=CONCERN | ahead)).status_code == 422


@pytest.mark.parametrize(
    "at", ["2026-10-26T09:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 7]
)
async def test_an_instant_that_no_clock_can_count_from_is_refused_by_its_field(intake: Running, at: Any) -> None:
    body = CONCERN | {"occurred_at": at}
    refused = await intake.send("POST", "/v1/cases", "service", "shop", json=body)
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "occurred_at")


async def test_a_wrong_form_is_answered_naming_every_field(intake: Running) -> None:
    body = CONCERN | {"form": "return", "fields": {"reason": "because", "colour": "red"}}
    answer = await intake.send("POST", "/v1/cases", role="", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {f["field"] for f in answer.json()["fields"]} == {"fields.colour", "fields.order_number", "fields.reason"}


async def test_a_concern_without_a_form_is_taken_and_says_nothing_about_its_kind(intake: Running) -> None:
    case = await intake.case((await intake.opened(text="Kuryeniz çok nazikti, teşekkürler"))["case"])
    assert (case["form"], case["kind"]) == (None, None)


async def test_an_address_that_is_none_is_named(intake: Running) -> None:
    answer = await intake.send("POST", "/v1/cases", role="", json=CONCERN | {"contact": {"address": "ayse"}})
    assert (answer.status_code, answer.json()["field"]) == (422, "address")


async def test_the_public_may_not_say_what_only_systems_know(intake: Running) -> None:
    opened = await intake.opened(channel="phone", external_id="x1")
    case = await intake.case(opened["case"])
    assert (case["channel"], case["external_id"]) == ("web", None)


async def test_a_file_is_kept_and_described_by_its_content(intake: Running) -> None:
    file = {"name": "a.txt", "content": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 64).decode()}
    opened = await intake.opened(files=[file])
    [attachment] = (await intake.case(opened["case"]))["messages"][0]["attachments"]
    assert (attachment["type"], attachment["size"]) == ("image/png", 72)
    answer = await intake.send("POST", "/v1/cases", role="", json=CONCERN | {"files": [{"name": "a", "content": "!"}]})
    assert answer.json()["field"] == "files.0.content"


async def test_a_case_is_carried_on_and_a_stale_reply_is_refused(intake: Running) -> None:
    case = (await intake.opened())["case"]
    path = f"/v1/cases/{case}"
    first = await intake.send("POST", f"{path}/replies", json={"text": "Bakıyoruz", "expected_version": 1})
    assert (first.status_code, first.json()["category"], first.json()["version"]) == (201, "open", 3)
    stale = await intake.send("POST", f"{path}/replies", json={"text": "Tamam", "expected_version": 1})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:vefa:stale")
    assert "reply-sent" in stale.json()["detail"]
    assert (await intake.send("POST", f"{path}/notes", json={"text": "gizli"})).status_code == 201
    status = await intake.send("POST", f"{path}/status", json={"status": "waiting_carrier"})
    assert status.json()["category"] == "waiting_third_party"
    resolved = await intake.send("POST", f"{path}/resolve", json={"outcome": "solved", "cause": "carrier"})
    assert resolved.json()["category"] == "resolved"
    steps = [s["what"] for s in (await intake.send("GET", f"{path}/timeline")).json()]
    assert steps[0] == "case-opened"
    assert steps[-1] == "case-resolved"


async def test_a_customer_sees_his_own_cases_without_notes_and_nobody_elses(intake: Running) -> None:
    mine = await intake.opened()
    other = await intake.opened(contact={"address": "ali@example.com"})
    await intake.send("POST", f"/v1/cases/{mine['case']}/notes", json={"text": "gizli"})
    who = {"role": "customer", "name": mine["customer"]}
    listed = (await intake.send("GET", "/v1/cases", **who)).json()["cases"]
    assert [c["case"] for c in listed] == [mine["case"]]
    seen = (await intake.send("GET", f"/v1/cases/{mine['case']}", **who)).json()
    assert [m["direction"] for m in seen["messages"]] == ["in"]
    paths = (f"/v1/cases/{other['case']}", f"/v1/customers/{other['customer']}")
    assert [(await intake.send("GET", path, **who)).status_code for path in paths] == [404, 404]
    assert (await intake.send("GET", f"/v1/cases/{mine['case']}/timeline", **who)).status_code == 403
    written = await intake.send("POST", f"/v1/cases/{mine['case']}/messages", json={"text": "Bekliyorum"}, **who)
    assert written.json()["message"]


async def test_a_signed_link_confirms_its_own_case_only(intake: Running) -> None:
    case, other = (await intake.opened())["case"], (await intake.opened())["case"]
    await intake.send("POST", f"/v1/cases/{case}/resolve", json={"outcome": "solved"})
    contact = (await intake.case(case))["contact"]
    token = intake.edge.links.sign("confirm", f"{case}~{contact}", MONDAY + timedelta(days=1))
    answers = [
        await intake.send("POST", f"/v1/cases/{at}/confirm", role="", json={"solved": True, "token": t})
        for at, t in ((other, token), (case, token[:-1] + "0"), (case, None), (case, token))
    ]
    assert [a.status_code for a in answers] == [410, 410, 403, 200]
    assert answers[-1].json()["category"] == "closed"


async def test_closing_and_erasing_are_for_supervisors(intake: Running) -> None:
    opened = await intake.opened()
    paths = (f"/v1/cases/{opened['case']}/close", f"/v1/customers/{opened['customer']}/erase")
    bodies: tuple[dict[str, Any], ...] = ({"reason": "çift", "outcome": "withdrawn"}, {"regime": "kvkk"})
    for path, body in zip(paths, bodies, strict=True):
        assert (await intake.send("POST", path, json=body)).status_code == 403
        assert (await intake.send("POST", path, "supervisor", json=body)).status_code < 300


async def test_pages_follow_one_another_without_gap_or_repeat(intake: Running) -> None:
    opened = []
    for _ in range(5):
        intake.edge.clock.set(intake.edge.now + timedelta(minutes=1))  # type: ignore[attr-defined]
        opened.append((await intake.opened())["case"])
    seen, before = [], None
    while True:
        query = {"limit": 2} | ({"before": before} if before else {})
        page = (await intake.send("GET", "/v1/cases", params=query)).json()
        seen += [c["case"] for c in page["cases"]]
        before = page["next"]
        if before is None:
            break
    assert seen == opened[::-1]


async def test_another_system_writes_a_customer_and_a_consent(intake: Running) -> None:
    body = {"contact": {"kind": "phone", "address": "0532 123 45 67"}, "name": "Ali", "tier": "gold"}
    made = (await intake.send("POST", "/v1/customers", "service", "crm", json=body)).json()
    again = (await intake.send("POST", "/v1/customers", "service", "crm", json=body | {"name": None})).json()
    assert made == again
    path = f"/v1/customers/{made['customer']}"
    said = await intake.send("POST", f"{path}/consent", json={"channel": "sms", "given": True})
    assert said.json()["changed"] == 1
    card = (await intake.send("GET", path)).json()
    assert (card["tier"], card["contacts"][0]["address"], card["consents"][0]["given"]) == (
        "gold",
        "+905321234567",
        True,
    )


async def test_an_erasure_makes_the_texts_unreadable_and_leaves_the_counts(intake: Running) -> None:
    opened = await intake.opened()
    path = f"/v1/customers/{opened['customer']}"
    assert (await intake.send("POST", f"{path}/erase", "supervisor", json={})).status_code == 202
    await intake.effects.send_due()
    card, case = (await intake.send("GET", path)).json(), await intake.case(opened["case"])
    assert (card["name"], card["certificate"] is not None, card["cases"], card["contacts"]) == (None, True, 1, [])
    assert (case["subject"], case["messages"][0]["text"], case["number"]) == ("", "", "V-2026-000001")
    again = await intake.opened()
    assert again["customer"] != opened["customer"]
    assert (await intake.case(again["case"]))["subject"] == "İade"
    assert all(table.equal for table in (await check(intake.service.log, app.views, "intake_views")).values())


async def test_the_master_key_is_exchanged_in_the_night_after_an_erasure_and_once(
    intake: Running, tmp_path: Path
) -> None:
    opened = await intake.opened()
    path = f"/v1/customers/{opened['customer']}"
    await intake.send("POST", f"{path}/erase", "supervisor", json={})
    await intake.effects.send_due()
    assert (await intake.send("GET", path)).json()["rotation_outstanding"] is True  # it lies in no folder here
    (tmp_path / "master.key").write_bytes(b"m" * 32)
    intake.edge.vault.master = MasterKey.in_folder(tmp_path)
    nightly = Nightly(intake.edge)
    await nightly.ask()
    assert await intake.effects.next.count() == 0  # the day is not over
    midnight = (MONDAY + timedelta(days=1)).replace(hour=0, minute=1)
    assert isinstance(intake.edge.clock, SteppedClock)
    intake.edge.clock.set(midnight)
    for _ in range(2):
        await nightly.ask()
    assert await intake.effects.send_due() == 1
    card = (await intake.send("GET", path)).json()
    assert (card["rotation_outstanding"], card["rotated_at"]) == (False, midnight.isoformat().replace("+00:00", "Z"))
    assert (tmp_path / "master.key").read_bytes() != b"m" * 32
    await nightly.ask()
    assert await intake.effects.next.count() == 0


def mail(to: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ayşe <ayse@example.com>", to, "Ynt: İade"
    message["Message-ID"] = "<m1@example.com>"
    message.set_content(text)
    return message


async def test_a_mail_with_the_token_of_a_reply_ends_in_its_case(intake: Running) -> None:
    case = (await intake.opened())["case"]
    token = reply_token(intake.edge.links, case, MONDAY + timedelta(days=30))
    server = smtp(intake.edge)
    host, port = (await server.start())["smtp"].removeprefix("smtp://").split(":")

    def send() -> None:
        with smtplib.SMTP(host, int(port), timeout=PATIENCE) as client:
            for _ in range(2):
                client.send_message(mail(f"servis+{token}@vefa.example", "Hâlâ bekliyorum.\n\nSaygılarımla,\nAyşe"))

    await asyncio.to_thread(send)
    await server.stop()
    seen = await intake.case(case)
    assert [m["text"] for m in seen["messages"]] == ["Ürün bozuk geldi.", "Hâlâ bekliyorum."]
    assert all(table.equal for table in (await check(intake.service.log, app.views, "intake_views")).values())
