"""Mails that came back: by reports, by plain words, and what is none."""

import pytest

from contracts.intake import MailReceived
from services.intake.mail.parse import Facts, parse
from services.intake.mail.smtp import SmtpIntake

from .mails import file, mail, multipart, part, plain, raw
from .test_mail import CASE, LONG, TOKEN, Desk

NOTICE = "957dcb65-4b3c-577b-b32d-7fdbb6c2f066"
OURS = (
    f"From: Vefa <servis@vefa.example>\r\nTo: ada@customer.example\r\nReply-To: Vefa <servis+{TOKEN}@vefa.example>\r\n"
    f"Message-ID: <{LONG}.{NOTICE}@vefa.example>\r\nSubject: x\r\n\r\nMerhaba\r\n"
)
DAEMON = {"From": "MAILER-DAEMON@mx.example", "Subject": "Undelivered Mail Returned to Sender"}


def status(*groups: str, kind: str = "message/delivery-status") -> bytes:
    return part(kind, "\r\n\r\n".join(("Reporting-MTA: dns; mx.example", *groups)) + "\r\n")


def report(
    *groups: str, kind: str = "message/delivery-status", returned: str = "message/rfc822", ours: str = OURS
) -> bytes:
    body = multipart(
        "report; report-type=delivery-status", plain("sorry"), status(*groups, kind=kind), part(returned, ours)
    )
    return mail(body, **DAEMON)


def group(final: str, action: str = "failed", original: str = "") -> str:
    lines = [
        f"Final-Recipient: {final}",
        *([f"Original-Recipient: {original}"] if original else []),
        f"Action: {action}",
    ]
    return "\r\n".join((*lines, "Status: 5.1.1"))


def read(content: bytes) -> Facts:
    return parse(content, "<>", "servis@vefa.example")


@pytest.mark.parametrize(
    "group",
    [
        group("rfc822; ada@customer.example"),
        group("RFC822;ADA@Customer.example"),
        group("rfc822; <ada@customer.example>"),
        group("ada@customer.example"),
        group("rfc822; ada@customer.example (Ada)"),
        group("utf-8; ada@customer.example"),
        group("rfc822; ada@elsewhere.example", original="rfc822;ada@customer.example"),
        group("rfc822; ada@elsewhere.example", original="rfc822; <Ada@customer.example>"),
        group("rfc822; ada@elsewhere.example"),
        group("rfc822;\r\n ada@customer.example"),
        group("rfc822; ada@customer.example", action="Failed"),
        group("rfc822; ada@customer.example", action="failed (bad destination)"),
        group("rfc822; other@x.example", action="delivered") + "\r\n\r\n" + group("rfc822; ada@customer.example"),
    ],
)
@pytest.mark.parametrize("kind", ["message/delivery-status", "message/global-delivery-status"])
def test_a_report_names_who_did_not_get_which_mail(group: str, kind: str) -> None:
    facts = read(report(group, kind=kind))
    assert facts["automatic"] == "bounce"
    assert facts["returned"]["recipients"][0].lower() == "ada@customer.example"
    assert facts["returned"]["notices"] == [(LONG, NOTICE)]


@pytest.mark.parametrize(
    "returned", ["message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"]
)
def test_the_mail_that_came_back_is_named_by_whatever_of_it_came(returned: str) -> None:
    facts = read(report(group("rfc822; ada@customer.example"), returned=returned))
    assert facts["returned"]["notices"] == [(LONG, NOTICE)]


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded", "Delayed", ""])
def test_what_is_late_or_arrived_is_noted_and_no_failure(action: str) -> None:
    facts = read(report(group("rfc822; ada@customer.example", action=action)))
    assert (facts["automatic"], facts["returned"]["failed"]) == ("report", False)


def test_of_several_recipients_those_that_failed_count() -> None:
    late, lost = group("rfc822; a@x.example", "delayed"), group("rfc822; b@x.example")
    facts = read(report(late, lost, ours=OURS.replace("ada@customer.example", "a@x.example, b@x.example")))
    assert facts["returned"]["recipients"][0] == "b@x.example"
    assert facts["automatic"] == "bounce"


QMAIL = (
    "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the"
    " following addresses.\nThis is a permanent error; I've given up. Sorry.\n\n<ada@customer.example>:\n"
    f"Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n{OURS}"
)
EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be"
    f" delivered to its recipients.\n\n  ada@customer.example\n    550 5.1.1 User unknown\n\n------ headers\n\n{OURS}"
)
TURKISH = f"İletiniz teslim edilemedi.\n\nada@customer.example: kutu bulunamadı\n\n{OURS}"


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        (QMAIL, {"From": "MAILER-DAEMON@mx.example", "Subject": "failure notice"}),
        (
            EXIM,
            {"From": "Mail Delivery System <Mailer-Daemon@mx.example>", "Subject": "Mail delivery failed: returning"},
        ),
        (TURKISH, {"From": "postmaster@mx.example", "Subject": "Teslim edilemedi: x"}),
        (f"sorry\n\n{OURS}", {"From": "mailer-daemon@mx.example", "X-Failed-Recipients": "ada@customer.example"}),
        (f"> {OURS}", {"From": "x@mx.example", "Subject": "Undelivered Mail Returned to Sender"}),
    ],
)
def test_a_mail_server_that_says_it_in_words_is_understood(text: str, headers: dict[str, str]) -> None:
    facts = read(raw(headers, text.replace("\r\n", "\n")))
    assert facts["automatic"] == "bounce"
    assert facts["returned"]["recipients"][0] == "ada@customer.example"
    assert facts["returned"]["notices"] == [(LONG, NOTICE)]


def test_a_warning_in_words_is_no_failure() -> None:
    text = f"Delivery to ada@customer.example has failed so far; it will be retried for 4 days.\n\n{OURS}"
    facts = read(
        raw({"From": "MAILER-DAEMON@mx.example", "Subject": "Warning: could not send message for 4 hours"}, text)
    )
    assert facts["automatic"] == "report"


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        # a person who quotes a failure, with our token in the quotation
        (raw({"Subject": "Re: x"}, f"Bu bana geri geldi:\n> could not be delivered\n> {OURS}"), None),
        # a person who sends us a report on as files
        (mail(multipart("mixed", plain("Ne?"), status(group("rfc822; ada@x.example")), part("message/rfc822", OURS))),
         None),
        (mail(multipart("mixed", plain("Bu nedir?"), file("report.txt", b"Action: failed"))), None),
    ],
)  # fmt: skip
def test_a_person_who_tells_of_a_failure_is_a_person(content: bytes, sign: str | None) -> None:
    facts = parse(content, "ayse@example.com", "servis@vefa.example")
    assert (facts["automatic"], facts["returned"]) == (sign, None)


async def test_a_mail_server_that_sends_back_no_mail_of_ours_names_its_case_by_where_it_sends_it() -> None:
    desk = Desk()
    server = desk.smtp()
    text = "Hi. This is the qmail-send program.\nI've given up.\n\n<ada@customer.example>:\nno mailbox here (#5.1.1)\n"
    to = f"servis+{TOKEN}@vefa.example"
    content = raw({"From": "MAILER-DAEMON@mx.example", "Subject": "failure notice", "To": to}, text)
    await server.take(content, "<>", (to,))
    event = desk.heard[-1][1]
    assert isinstance(event, MailReceived)
    assert (event.automatic, event.case, event.bounced) == ("bounce", CASE, "c:ada@customer.example")
    await server.stop()


async def taken(server: SmtpIntake, desk: Desk, content: bytes) -> tuple[object, ...]:
    await server.take(content, "<>", ("servis@vefa.example",))
    event = desk.heard[-1][1]
    return tuple(getattr(event, name) for name in ("automatic", "case", "bounced", "returned"))


async def test_the_token_proves_which_notice_of_which_case_came_back() -> None:
    desk = Desk()
    server = desk.smtp()
    good = report(group("rfc822; ada@elsewhere.example"))
    assert await taken(server, desk, good) == ("bounce", CASE, "c:ada@customer.example", NOTICE)
    forged = good.replace(LONG.encode(), LONG[:-3].encode() + b"aaa").replace(TOKEN.encode(), b"a" * 56)
    assert await taken(server, desk, forged) == ("bounce", None, None, None)
    only_short = good.replace(LONG.encode() + b".", b"")
    assert await taken(server, desk, only_short) == ("bounce", CASE, "c:ada@customer.example", None)
    late = report(group("rfc822; ada@customer.example", "delayed"))
    assert await taken(server, desk, late) == ("report", CASE, None, None)
    await server.stop()
