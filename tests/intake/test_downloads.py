"""What belongs to a message beside its text: parts, raw mail, files to be saved; and filled fields, participants."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any, cast

import pytest
import pytest_asyncio

from contracts.common import TextPart
from contracts.intake import Copied, MailReceived
from services.intake.app import smtp
from services.intake.downloads import disposition
from services.intake.mail.smtp import SmtpIntake
from shared.core.message import fresh
from shared.core.personal import Personal
from tests.intake.conftest import CONCERN, Running

pytestmark = [pytest.mark.long, pytest.mark.servers]
PAGE = b"<html><script>alert(1)</script></html>"


def mail() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "ayse@example.com", "İade", "<m1@x>"
    message.set_content("Ekte.")
    message.add_attachment(PAGE, "text", "html", filename="sayfa.html")
    message.add_attachment(b"%PDF-1.7 x", "application", "pdf", filename='şikâyet "1".pdf')
    return message.as_bytes()


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


async def only_case(intake: Running) -> dict[str, Any]:
    [row] = (await intake.send("GET", "/v1/cases")).json()["cases"]
    return await intake.case(row["case"])


async def test_files_are_saved_and_never_shown(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(), "ayse@example.com")
    case = await only_case(intake)
    [message] = case["messages"]
    assert [(f["name"], f["size"]) for f in message["attachments"]] == [("sayfa.html", 38), ('şikâyet "1".pdf', 10)]
    got = []
    for file in message["attachments"]:
        path = f"/v1/cases/{case['case']}/messages/{message['message']}/attachments/{file['digest']}"
        got.append(await intake.send("GET", path))
    assert [g.content for g in got] == [PAGE, b"%PDF-1.7 x"]
    for one in got:
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert one.headers["content-disposition"].startswith("attachment; ")
        assert "html" not in one.headers["content-type"]
    assert "filename*=UTF-8''%C5%9Fik%C3%A2yet%20%221%22.pdf" in got[1].headers["content-disposition"]


async def test_a_customer_saves_his_own_and_nobody_elses(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(), "ayse@example.com")
    case = await only_case(intake)
    [message] = case["messages"]
    base = f"/v1/cases/{case['case']}/messages/{message['message']}"
    paths = [f"{base}/raw", f"{base}/attachments/{message['attachments'][0]['digest']}"]
    for name, status in ((case["customer"], 200), ("somebody", 404)):
        answers = [await intake.send("GET", path, "customer", name) for path in paths]
        assert [a.status_code for a in answers] == [status] * 2
    assert [(await intake.send("GET", path, role="")).status_code for path in paths] == [401] * 2
    other = await intake.opened()
    wrong = [
        f"/v1/cases/{other['case']}/messages/{message['message']}/raw",
        f"/v1/cases/{other['case']}/messages/{other['case']}/raw",
        f"{base}/attachments/{'0' * 64}",
    ]
    assert [(await intake.send("GET", path)).status_code for path in wrong] == [404] * 3


async def test_after_an_erasure_they_are_gone(intake: Running, inbox: SmtpIntake) -> None:
    await inbox.take(mail(), "ayse@example.com")
    case = await only_case(intake)
    [message] = case["messages"]
    await intake.send("POST", f"/v1/customers/{case['customer']}/erase", "supervisor", json={"regime": "kvkk"})
    await intake.effects.send_due()
    base = f"/v1/cases/{case['case']}/messages/{message['message']}"
    paths = [f"{base}/raw", f"{base}/attachments/{message['attachments'][0]['digest']}"]
    assert [(await intake.send("GET", path)).status_code for path in paths] == [410] * 2
    assert {f["name"] for f in (await only_case(intake))["messages"][0]["attachments"]} == {""}


async def test_what_was_cut_is_shown_with_its_place(intake: Running) -> None:
    contact, address = intake.edge.contact("mail", "ayse@example.com")
    parts = (
        TextPart(kind="quoted", at=7, text=Personal("> Hangi model?")),
        TextPart(kind="forwarded", at=0, length=6), TextPart(kind="signature", at=12, text=Personal("Ayşe Kaya")),
    )  # fmt: skip
    event = MailReceived(
        message="m1", contact=contact, address=Personal(address), content="c" * 32, subject=Personal("İade"),
        text=Personal("Merhaba ekte."), parts=parts,
    )  # fmt: skip
    await intake.service.handle(fresh(event, intake.edge.now))
    [message] = (await only_case(intake))["messages"]
    assert message["parts"] == [
        {"kind": "quoted", "at": 7, "length": 0, "text": "> Hangi model?"},
        {"kind": "forwarded", "at": 0, "length": 6, "text": ""},
        {"kind": "signature", "at": 12, "length": 0, "text": "Ayşe Kaya"},
    ]
    assert message["raw"] is False


async def test_a_customer_does_not_learn_by_a_copy_what_somebody_else_is_called(intake: Running) -> None:
    await intake.opened(contact={"kind": "mail", "address": "veli@example.com"}, name="Veli Demir")
    (contact, address), (other, copied) = (
        intake.edge.contact("mail", f"{who}@example.com") for who in ("ayse", "veli")
    )
    event = MailReceived(
        message="m1", contact=contact, address=Personal(address), content="c" * 32, subject=Personal("İade"),
        text=Personal("Merhaba."), copies=(Copied(contact=other, address=Personal(copied)),),
    )  # fmt: skip
    await intake.service.handle(fresh(event, intake.edge.now))
    [row] = [c for c in (await intake.send("GET", "/v1/cases")).json()["cases"] if c["contact"] == contact]
    [shown] = (await intake.case(row["case"]))["participants"]
    assert (shown["address"], shown["name"]) == ("veli@example.com", "Veli Demir")
    own = await intake.send("GET", f"/v1/cases/{row['case']}", "customer", row["customer"])
    assert own.json()["participants"] == [{n: v for n, v in shown.items() if n != "name"}]


async def test_filled_fields_are_shown_with_the_labels_of_their_form(intake: Running) -> None:
    fields = {"order_number": "TR-4711", "wish": "refund"}
    opened = await intake.opened(fields=fields)
    expected = [
        {"name": "order_number", "label": {"tr": "Sipariş numarası", "en": "Order number"}, "value": "TR-4711"},
        {"name": "wish", "label": {"tr": "Beklentiniz", "en": "What would help"}, "value": "refund"},
    ]
    assert (await intake.case(opened["case"]))["fields"] == expected
    own = await intake.send("GET", f"/v1/cases/{opened['case']}", "customer", opened["customer"])
    assert own.json()["fields"] == expected
    assert CONCERN.get("fields") is None


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.pdf", 'attachment; filename="a.pdf"'),
        ('a"b.pdf', "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
        ("../x\r\nSet-Cookie: a", "attachment; filename=\".._x_Set-Cookie: a\""),
        ("İ.pdf", "attachment; filename=\"_.pdf\"; filename*=UTF-8''%C4%B0.pdf"),
        ("100%.pdf", "attachment; filename=\"100_.pdf\"; filename*=UTF-8''100%25.pdf"),
    ],
)  # fmt: skip
def test_a_name_cannot_add_a_header(name: str, header: str) -> None:
    assert disposition(name) == header
