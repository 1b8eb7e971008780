"""What arrives at a mail server: texts, headers, tokens; and what is said when it does not arrive."""

from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from contracts.feedback import SurveyInvited
from contracts.intake import ConsentGiven, CustomerErased
from contracts.notification import NoticeQueued, Redeliver
from services.notification.app import app
from services.notification.wording import render, to_html
from shared.privacy.reply_token import check_reply_token
from shared.store.rebuild import check
from tests.scene import MONDAY

from .conftest import Desk, Sink
from .trade import (
    AYSE,
    CASE,
    CUSTOMER,
    NUMBER,
    agent,
    assigned,
    classified,
    enrolled,
    expiring,
    known,
    opened,
    replied,
    resolved,
)

servers = pytest.mark.servers


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


async def state(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.edge.rows("select state, reason, attempts from {views}.notices order by queued_at, key")
    return [tuple(row.values()) for row in rows]


# wording ----------------------------------------------------------------------------------------------------------
def test_nothing_that_a_person_typed_can_become_a_header_line() -> None:
    mail = render("About {{ subject }}", "x", {"subject": "a\r\nBcc: all@example.com\u2028X: y\x00"})
    message = EmailMessage()
    message["Subject"] = mail.subject
    assert mail.subject == "About a Bcc: all@example.com X: y"
    assert message.keys() == ["Subject"]
    assert b"\nBcc" not in message.as_bytes()


def test_nothing_that_a_person_typed_can_become_html_or_a_template() -> None:
    mail = render("s", "{{ text }}", {"text": "<script>alert(1)</script>\n\n{{ number }} & more"})
    assert mail.text == "<script>alert(1)</script>\n\n{{ number }} & more\n"
    assert "<script" not in mail.html
    assert "<p>{{ number }} &amp; more</p>" in mail.html


def test_only_our_own_link_becomes_a_link() -> None:
    html = to_html("https://evil.example\n\nhttps://vefa.example/s/1.2", "https://vefa.example/s/1.2")
    assert html.count("<a ") == 1
    assert '<a href="https://vefa.example/s/1.2">' in html


# arriving ---------------------------------------------------------------------------------------------------------
@pytest.mark.long
@servers
async def test_a_reply_arrives_with_its_text_and_brings_the_answer_back_to_its_case(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), opened(by="ali"), replied())
    assert await desk.send_due() == 1
    [mail] = sink.mails
    assert mail["To"] == "ayse@example.com"
    assert mail["Subject"] == f"{NUMBER} numaralı başvurunuz hakkında"  # an agent wrote the case down
    assert "Kargonuz yolda <b>bugün</b>" in part(mail, "plain")
    assert "Kargonuz yolda &lt;b&gt;bugün&lt;/b&gt;" in part(mail, "html")
    assert "Auto-Submitted" not in mail
    reply_to = mail["Reply-To"].addresses[0]
    assert sink.senders == [reply_to.addr_spec]
    token = reply_to.username.partition("+")[2]
    almost = MONDAY + timedelta(days=179)
    assert check_reply_token(desk.edge.links, token, almost) == CASE
    assert check_reply_token(desk.edge.links, ".".join(mail["Message-ID"].strip("<").split(".")[:4]), almost) == CASE
    assert await desk.send_due() == 0
    assert await state(desk) == [("sent", None, 1)]


@pytest.mark.long
@servers
async def test_an_acknowledgement_is_marked_automatic_and_repeats_nothing(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(name="Buy Now http://spam.example"), opened(message_id="<a@spam.example>"), classified())
    await desk.send_due()
    [mail] = sink.mails
    assert mail["Auto-Submitted"] == "auto-generated"
    assert NUMBER in part(mail, "plain")
    assert mail["In-Reply-To"] == "<a@spam.example>"
    del mail["In-Reply-To"], mail["References"]
    assert mail["Subject"] == f"Başvurunuzu aldık: {NUMBER}"
    assert not any(word in mail.as_string() for word in ("spam.example", "Kargom", "Buy"))


@pytest.mark.long
@servers
async def test_all_mails_about_a_case_hang_together(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), opened(channel="web"), classified())
    await desk.send_due()
    await desk.tell(replied())
    await desk.send_due()
    [first, second] = sink.mails
    common = f"<case.{CASE}@vefa.example>"
    assert (first["References"], first["In-Reply-To"]) == (common, common)
    assert second["References"].split() == [common, first["Message-ID"]]
    assert second["In-Reply-To"] == common


@pytest.mark.long
@servers
async def test_a_survey_link_is_signed_and_stands_in_no_event(desk: Desk, sink: Sink) -> None:
    survey = SurveyInvited(
        survey="survey-1", kind="csat", case=CASE, customer=CUSTOMER, contact=AYSE, definition="csat", language="en",
        expires_at=MONDAY + timedelta(days=7),
    )  # fmt: skip
    await desk.tell(known(), opened(by="ali"), survey)
    await desk.send_due()
    text = part(sink.mails[0], "plain")
    token = text.partition("https://vefa.example/v1/surveys/answer/")[2].split()[0]
    assert desk.edge.links.check("survey", token, MONDAY) == "survey-1"
    assert NUMBER in text
    assert all(token.encode() not in row.state for row in await desk.edge.service.log.rows(0, 100))


@pytest.mark.long
@servers
async def test_a_resolution_asks_whether_it_is_solved_by_a_signed_link(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), opened(by="ali"), resolved(closes_at=MONDAY + timedelta(days=7)))
    await desk.send_due()
    mail = sink.mails[-1]
    token = part(mail, "plain").partition("https://vefa.example/v1/cases/confirm/")[2].split()[0]
    assert desk.edge.links.check("confirm", token, MONDAY) == f"{CASE}~{AYSE}"
    assert f'<a href="https://vefa.example/v1/cases/confirm/{token}">' in part(mail, "html")


@pytest.mark.long
@servers
async def test_a_commercial_mail_can_be_unsubscribed_with_one_click(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), enrolled(), ConsentGiven(customer=CUSTOMER, contact=AYSE, channel="email", origin="web"))
    await desk.tell(expiring())
    await desk.send_due()
    [mail] = sink.mails
    token = mail["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    assert desk.edge.links.check("unsubscribe", token, MONDAY) == f"{AYSE}~points-expiring"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.long
@servers
async def test_an_agent_is_written_to_at_the_registered_address_without_a_reply_token(desk: Desk, sink: Sink) -> None:
    await desk.tell(agent("ali"), assigned())
    await desk.send_due()
    [mail] = sink.mails
    assert (mail["To"], mail["Reply-To"]) == ("ali@vefa.example", None)
    assert "idle longest" in part(mail, "plain")


# not arriving ---------------------------------------------------------------------------------------------------
@pytest.mark.long
@servers
@pytest.mark.parametrize(
    ("refusal", "expected"),
    [("550 no such user", ("given-up", "rejected-address", 1)), ("451 try later", ("failed", "refused", 1))],
)
async def test_a_refusal_of_the_mail_server_is_said(
    desk: Desk, sink: Sink, refusal: str, expected: tuple[str, str, int]
) -> None:
    sink.refusal = refusal
    await desk.tell(known(), replied())
    await desk.send_due()
    assert await state(desk) == [expected]


@pytest.mark.long
@servers
async def test_a_second_try_is_the_same_mail_under_the_same_id(desk: Desk, sink: Sink) -> None:
    sink.refusal = "451 try later"
    [_, heard] = await desk.tell(known(), replied())
    await desk.send_due()
    desk.clock.set(MONDAY + timedelta(seconds=59))
    assert await desk.send_due() == 0
    sink.refusal = ""
    desk.clock.set(MONDAY + timedelta(seconds=60))
    assert await desk.send_due() == 1
    queued = heard.first(NoticeQueued)
    assert queued is not None
    assert queued.notice in sink.mails[0]["Message-ID"]
    assert await state(desk) == [("sent", None, 2)]


@pytest.mark.long
@servers
@pytest.mark.parametrize(("port", "error"), [(0, "no-mail-server"), (1, "unreachable")])
async def test_without_a_mail_server_the_notice_waits(desk: Desk, port: int, error: str) -> None:
    edge = replace(desk.edge, settings=desk.edge.settings.model_copy(update={"mail_port": port}))
    send = app.effect_handlers["mail"](edge)
    [_, heard] = await desk.tell(known(), replied())
    report = await send(heard.said[0], heard.said[0].event.notice, 1, False)
    assert (report.result, report.error) == ("failed", error)


@pytest.mark.long
@servers
async def test_a_given_up_notice_arrives_after_it_is_redelivered(desk: Desk, sink: Sink) -> None:
    sink.refusal = "550 no such user"
    [_, heard] = await desk.tell(known(), replied())
    await desk.send_due()
    sink.refusal = ""
    queued = heard.first(NoticeQueued)
    assert queued is not None
    await desk.tell(Redeliver(notice=queued.notice, by="ali"))
    await desk.send_due()
    assert queued.notice in sink.mails[0]["Message-ID"]
    assert await state(desk) == [("sent", None, 1)]


@pytest.mark.long
@servers
async def test_a_stale_notice_is_withheld_and_nothing_is_sent(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), replied())
    desk.clock.set(MONDAY + timedelta(days=7, seconds=1))
    await desk.send_due()
    assert await state(desk) == [("withheld", "stale", 0)]
    assert sink.mails == []


@pytest.mark.long
@servers
async def test_an_unknown_contact_is_waited_for(desk: Desk, sink: Sink) -> None:
    await desk.tell(replied())
    await desk.send_due()
    assert await state(desk) == [("failed", "no-address", 1)]
    await desk.tell(known())
    desk.clock.set(MONDAY + timedelta(minutes=1))
    await desk.send_due()
    assert len(sink.mails) == 1


@pytest.mark.long
@servers
async def test_after_an_erasure_nothing_is_sent_and_the_views_are_those_of_a_rebuild(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), opened(), replied())
    gone = CustomerErased(
        customer=CUSTOMER, contacts=(AYSE,), destroyed_at=MONDAY, certificate="c", rotation_outstanding=False,
        regime="kvkk", statement="all",
    )  # fmt: skip
    await desk.tell(gone)
    assert await desk.send_due() == 0
    assert sink.mails == []
    service = desk.edge.service
    result = await check(service.log, service.views, service.views_schema)
    assert all(table.equal for table in result.values())
