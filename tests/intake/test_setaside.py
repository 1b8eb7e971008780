"""What was set aside, over HTTP on a real database: listed, read out of the raw mail, released, dismissed, erased."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest
import pytest_asyncio

from contracts.intake import MailUnreadable
from services.intake.app import app, smtp
from services.intake.erasing import Nightly
from services.intake.mail.smtp import SmtpIntake
from shared.core.personal import Personal
from shared.privacy.reply_token import reply_token
from shared.runtime.clock import SteppedClock
from shared.store.rebuild import check
from tests.intake.conftest import Running
from tests.scene import MONDAY

pytestmark = [pytest.mark.long, pytest.mark.servers]
AYSE = "ayse@example.com"
BROKEN = b"From: Kaya <kaya@example.com>\r\nSubject: =?utf-8?q?=C4=B0ade?=\r\n"
BROKEN += b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
BROKEN += b"--b\r\n\r\nx\r\n" * 10_001 + b"--b--\r\n"
NOBODY = b"Subject: Kimden\r\n\r\nKargom gelmedi.\r\n"


def mail(text: str = "Tatildeyim.", sender: str = AYSE, file: bytes = b"", **headers: str) -> bytes:
    message = EmailMessage()
    usual = {"From": f"Ayşe Kaya <{sender}>", "To": "servis@vefa.example", "Subject": "Kargo"}
    for name, value in (usual | headers).items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if file:
        message.add_attachment(file, "text", "html", filename='fatura "ç".html')
    return message.as_bytes()


ROBOT = {"Auto_Submitted": "auto-replied"}


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


async def listed(intake: Running, query: str = "") -> dict[str, Any]:
    answer = await intake.send("GET", f"/v1/set-aside{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def item(intake: Running) -> dict[str, Any]:
    [row] = (await listed(intake))["items"]
    return dict(row)


async def test_whatever_is_no_case_is_one_row_in_one_list(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(**ROBOT), AYSE)
    await inbox.take(BROKEN, "kaya@example.com")
    for number in range(2):
        await inbox.take(mail("Kargom gelmedi.", "ali@example.com", Message_ID=f"<{number}@x>"), "ali@example.com")
    found = await listed(intake)
    assert sorted((r["group"], r["reason"] == "copy", r["state"]) for r in found["items"]) == [
        ("noted", False, "waiting"), ("noted", True, "waiting"), ("quarantined", False, "waiting"),
    ]  # fmt: skip
    assert {r["subject"] for r in found["items"]} == {"Kargo", "İade"}
    assert {r["address"] for r in found["items"]} == {AYSE, "kaya@example.com", "ali@example.com"}
    assert found["waiting"]["count"] == 3
    [copy] = (await listed(intake, "?reason=copy"))["items"]
    assert copy["case"] is not None
    [quarantined] = (await listed(intake, "?group=quarantined"))["items"]
    [old] = (await intake.send("GET", "/v1/quarantine")).json()
    assert set(old) == {"message", "contact", "reason", "at", "size"}
    assert old["reason"] == quarantined["reason"]
    assert old["reason"] in ("too-many-parts", "timed-out")
    assert len((await listed(intake, f"?contact={copy['contact']}&state=waiting"))["items"]) == 1
    [day] = (await intake.send("GET", "/v1/volume?since=2026-01-01")).json()
    assert (day["set_aside"], day["silent"], day["opened"]) == (3, 0, 1)


async def test_the_same_bytes_again_make_no_row(intake: Running, inbox: SmtpIntake) -> None:
    for _ in range(3):
        await inbox.take(mail(**ROBOT), AYSE)
        await inbox.take(BROKEN, None)
    assert len((await listed(intake))["items"]) == 2


async def test_pages_lose_nothing(intake: Running, inbox: SmtpIntake) -> None:
    for number in range(7):
        await inbox.take(mail(f"Tatildeyim {number}", **ROBOT), AYSE)
    seen, query = list[str](), "?limit=2"
    while query:
        page = await listed(intake, query)
        seen += [row["item"] for row in page["items"]]
        query = f"?limit=2&before={page['next']}" if page["next"] else ""
    assert len(seen) == len(set(seen)) == 7


async def test_a_row_shows_what_is_read_out_of_its_mail(intake: Running, inbox: SmtpIntake) -> None:
    sent = mail(file=b"<script>x</script>", **ROBOT)
    await inbox.take(sent, AYSE)
    row = await item(intake)
    shown = (await intake.send("GET", f"/v1/set-aside/{row['item']}")).json()
    assert (shown["text"], shown["readable"], shown["raw"]) == ("Tatildeyim.", True, True)
    [file] = shown["attachments"]
    assert (file["name"], file["size"]) == ('fatura "ç".html', 18)
    assert {"name": "Auto-Submitted", "value": "auto-replied"} in shown["headers"]
    raw = await intake.send("GET", f"/v1/set-aside/{row['item']}/raw")
    assert raw.content == sent
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["content-disposition"].startswith("attachment; filename=")


async def test_what_nothing_could_read_shows_what_can_be_seen(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(BROKEN, None)
    shown = (await intake.send("GET", f"/v1/set-aside/{(await item(intake))['item']}")).json()
    assert (shown["readable"], shown["subject"], shown["address"]) == (False, "İade", "kaya@example.com")
    assert shown["text"].startswith("--b")


async def released(intake: Running, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await intake.send("POST", f"/v1/set-aside/{(await item(intake))['item']}/release", json=body or {})
    assert answer.status_code == 200, answer.text
    return await intake.case(answer.json()["case"])


async def test_a_released_mail_is_a_case_with_its_text_its_files_and_its_raw_mail(
    intake: Running, inbox: SmtpIntake
) -> None:
    sent = mail("Kargom gelmedi.", file=b"x", **ROBOT)
    await inbox.take(sent, AYSE)
    case = await released(intake)
    [message] = case["messages"]
    assert (case["subject"], message["text"], message["raw"]) == ("Kargo", "Kargom gelmedi.", True)
    assert (case["silent"], case["received_at"]) == ("released", MONDAY.isoformat().replace("+00:00", "Z"))
    assert [f["name"] for f in message["attachments"]] == ['fatura "ç".html']
    raw = await intake.send("GET", f"/v1/cases/{case['case']}/messages/{message['message']}/raw")
    assert raw.content == sent
    row = await item(intake)
    assert (row["state"], row["case"], row["by"]) == ("released", case["case"], "a1")
    assert (await listed(intake))["waiting"]["count"] == 0
    assert (await check(intake.service.log, app.views, "intake_views"))["set_aside"].equal


async def test_what_nothing_could_read_is_released_with_what_can_be_seen(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(BROKEN, None)
    case = await released(intake)
    assert case["subject"] == "İade"
    assert case["messages"][0]["text"].startswith("--b")
    customer = (await intake.send("GET", f"/v1/customers/{case['customer']}")).json()
    assert customer["contacts"][0]["address"] == "kaya@example.com"


async def test_who_wrote_must_be_known_or_named(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(NOBODY, None)
    path = f"/v1/set-aside/{(await item(intake))['item']}/release"
    refused = await intake.send("POST", path, json={})
    assert (refused.status_code, refused.json()["field"]) == (422, "sender")
    refused = await intake.send("POST", path, json={"sender": "nobody"})
    assert refused.status_code == 422
    case = await released(intake, {"sender": "Veli@Example.com"})
    customer = (await intake.send("GET", f"/v1/customers/{case['customer']}")).json()
    assert customer["contacts"][0]["address"] == "veli@example.com"


async def test_nobodys_mail_that_is_appended_belongs_to_the_customer_of_the_case(
    intake: Running, inbox: SmtpIntake
) -> None:
    opened = await intake.opened()
    await inbox.take(NOBODY, None)
    path = f"/v1/set-aside/{(await item(intake))['item']}/release"
    refused = await intake.send("POST", path, json={"case": "V-2026-999999"})
    assert (refused.status_code, refused.json()["field"]) == (404, "case")
    case = await released(intake, {"case": opened["number"].lower()})
    assert case["case"] == opened["case"]
    assert [m["text"] for m in case["messages"]] == ["Ürün bozuk geldi.", "Kargom gelmedi."]


async def test_it_finds_the_case_whose_token_it_carries(intake: Running, inbox: SmtpIntake) -> None:
    opened = await intake.opened()
    token = reply_token(intake.edge.links, opened["case"], MONDAY)
    await inbox.take(mail(In_Reply_To=f"<{token}.n1@vefa.example>", **ROBOT), AYSE)
    assert (await item(intake))["case"] == opened["case"]
    assert (await released(intake))["case"] == opened["case"]


async def test_neither_is_done_twice(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(**ROBOT), AYSE)
    path = f"/v1/set-aside/{(await item(intake))['item']}"
    assert (await intake.send("POST", f"{path}/dismiss", json={"reason": "tatil"})).status_code == 200
    assert (await item(intake))["why"] == "tatil"
    assert (await intake.send("POST", f"{path}/dismiss", json={"reason": "tatil"})).status_code == 409
    await released(intake)
    again = [
        await intake.send("POST", f"{path}/{what}", json=b)
        for what, b in (("release", {}), ("dismiss", {"reason": "x"}))
    ]
    assert [(a.status_code, bool(a.json()["remedy"])) for a in again] == [(409, True)] * 2


async def test_it_is_for_staff_alone(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(**ROBOT), AYSE)
    path = f"/v1/set-aside/{(await item(intake))['item']}"
    for role in ("customer", "service", "ops"):
        for method, where in (
            ("GET", "/v1/set-aside"),
            ("GET", path),
            ("GET", f"{path}/raw"),
            ("POST", f"{path}/release"),
        ):
            answer = await intake.send(method, where, role, json={} if method == "POST" else None)
            assert answer.status_code == 403
    assert (await intake.send("GET", "/v1/set-aside/none")).status_code == 404


async def test_an_erasure_reaches_what_is_set_aside(intake: Running, inbox: SmtpIntake) -> None:
    opened = await intake.opened()
    await inbox.take(mail("Gizli söz", **ROBOT), AYSE)
    row = await item(intake)
    erased = await intake.send(
        "POST", f"/v1/customers/{opened['customer']}/erase", "supervisor", json={"regime": "kvkk"}
    )
    assert erased.status_code == 202
    await intake.effects.send_due()
    shown = (await intake.send("GET", f"/v1/set-aside/{row['item']}")).json()
    assert (shown["subject"], shown["address"], shown["text"], shown["raw"]) == ("", "", "", False)
    assert (await intake.send("GET", f"/v1/set-aside/{row['item']}/raw")).status_code == 410
    assert (await intake.send("POST", f"/v1/set-aside/{row['item']}/release", json={})).status_code == 410


async def erase(intake: Running, row: str, role: str = "supervisor", **body: Any) -> Any:
    return await intake.send("POST", f"/v1/set-aside/{row}/erase", role, json=body)


async def shown(intake: Running, row: str) -> dict[str, Any]:
    return dict((await intake.send("GET", f"/v1/set-aside/{row}")).json())


async def test_a_mail_that_names_nobody_is_erased_and_no_other_is(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(NOBODY, None)
    await inbox.take(NOBODY + b"Bir daha.", None)
    gone, kept = sorted(row["item"] for row in (await listed(intake))["items"])
    assert (await shown(intake, gone))["text"].startswith("Kargom gelmedi.")
    assert (await erase(intake, gone, "agent")).status_code == 403
    assert (await erase(intake, gone)).status_code == 202
    await intake.effects.send_due()
    row = await shown(intake, gone)
    assert (row["state"], row["by"], row["raw"], row["text"], row["subject"]) == ("erased", "a1", False, "", None)
    assert (await intake.send("GET", f"/v1/set-aside/{gone}/raw")).status_code == 410
    for answer in (await erase(intake, gone), await intake.send("POST", f"/v1/set-aside/{gone}/release", json={})):
        assert (answer.status_code, bool(answer.json()["remedy"])) == (410, True)
    row = await shown(intake, kept)
    assert (row["state"], row["raw"], row["subject"]) == ("waiting", True, "Kimden")
    assert (await listed(intake))["waiting"]["count"] == 1
    assert (await check(intake.service.log, app.views, "intake_views"))["set_aside"].equal


async def test_mails_of_one_key_are_erased_together_and_only_when_that_is_said(
    intake: Running, inbox: SmtpIntake
) -> None:
    for number in range(3):
        await inbox.take(mail(f"Tatildeyim {number}", **ROBOT), AYSE)
    row = (await listed(intake))["items"][0]["item"]
    refused = await erase(intake, row)
    assert (refused.status_code, refused.json()["field"]) == (409, "together")
    assert "2 other" in refused.text
    assert (await erase(intake, row, together=True)).status_code == 202
    await intake.effects.send_due()
    assert {one["state"] for one in (await listed(intake))["items"]} == {"erased"}


async def test_a_customers_mail_is_erased_with_the_customer(intake: Running, inbox: SmtpIntake) -> None:
    opened = await intake.opened()
    await inbox.take(mail(**ROBOT), AYSE)
    refused = await erase(intake, (await item(intake))["item"])
    assert (refused.status_code, opened["customer"] in refused.json()["remedy"]) == (409, True)


async def test_the_copy_that_lay_aside_goes_with_the_customer_whom_a_person_knew(
    intake: Running, inbox: SmtpIntake
) -> None:
    await inbox.take(NOBODY, None)
    row = (await item(intake))["item"]
    case = await released(intake, {"sender": "veli@example.com"})
    await inbox.take(NOBODY + b"Bir daha.", None)
    await intake.send("POST", f"/v1/customers/{case['customer']}/erase", "supervisor", json={})
    await intake.effects.send_due()
    assert (await intake.send("GET", f"/v1/set-aside/{row}/raw")).status_code == 410
    [other] = [one["item"] for one in (await listed(intake, "?state=waiting"))["items"]]
    assert (await shown(intake, other))["raw"] is True


async def test_what_older_logs_kept_under_one_common_key_is_read_and_erased_together(
    intake: Running, inbox: SmtpIntake
) -> None:
    for number in range(2):
        raw = await intake.edge.blobs.put(NOBODY, "mail.eml", "unknown")
        old = MailUnreadable(
            message=f"m{number}", contact="unknown", reason="no-sender", raw=raw, subject=Personal("Kimden")
        )
        await intake.edge.send(old, command=False)
    rows = [row["item"] for row in (await listed(intake))["items"]]
    read = await shown(intake, rows[0])
    assert (read["subject"], read["text"]) == ("Kimden", "Kargom gelmedi.")
    assert (await erase(intake, rows[0])).status_code == 409
    opened = await intake.opened()
    path = f"/v1/set-aside/{rows[1]}/release"
    assert (await intake.send("POST", path, json={"case": opened["case"]})).status_code == 200
    assert (await erase(intake, rows[0], together=True)).status_code == 202
    await intake.effects.send_due()
    assert [(await shown(intake, one))["state"] for one in rows] == ["erased", "released"]
    case = await intake.case(opened["case"])
    assert [m["text"] for m in case["messages"]] == ["Ürün bozuk geldi.", "Kargom gelmedi."]


async def test_the_master_key_is_exchanged_in_the_night_after_a_mail_was_erased(
    intake: Running, inbox: SmtpIntake
) -> None:
    await inbox.take(NOBODY, None)
    await erase(intake, (await item(intake))["item"])
    await intake.effects.send_due()
    await Nightly(intake.edge).ask()
    assert await intake.effects.next.count() == 0  # the day is not over
    assert isinstance(intake.edge.clock, SteppedClock)
    intake.edge.clock.set((MONDAY + timedelta(days=1)).replace(hour=0, minute=1))
    await Nightly(intake.edge).ask()
    assert await intake.effects.next.count() == 1


async def test_what_protects_from_floods_is_seen_in_a_list(intake: Running, inbox: SmtpIntake) -> None:
    for number in range(22):
        await inbox.take(mail(f"Gönderi {number} kırık.", Subject=f"Hasar {number}"), AYSE)
    assert (await listed(intake))["items"] == []
    silent = [(await intake.send("GET", f"/v1/cases?silent={one}")).json()["cases"] for one in ("any", "loop", "bulk")]
    assert [len(found) for found in silent] == [2, 2, 0]
