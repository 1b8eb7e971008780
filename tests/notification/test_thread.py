"""Our mail stands below the customer's own in their mailbox, and those whom they copied in stay in copy."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from contracts.intake import CaseOpened, ContactBounced, ContactForgotten, CustomerKnown
from contracts.notification import NoticeSent
from services.notification.channels.mail import HEADERS
from services.notification.thread import LONGEST_ID, LONGEST_SUBJECT, thread_subject, valid_id
from shared.privacy.reply_token import check_reply_token
from tests.scene import MONDAY

from .conftest import Desk, Sink
from .trade import AYSE, CASE, CUSTOMER, NUMBER, classified, copied, known, opened, replied, resolved, wrote

servers = pytest.mark.servers
FIRST, SECOND = "<first@mx.example.com>", "<second@mx.example.com>"
COMMON = f"<case.{CASE}@vefa.example>"


def mailed(**fields: Any) -> CaseOpened:
    return opened(**{"subject": "Kahve makinesi", "message_id": FIRST, **fields})


# the subject ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Kahve makinesi", "Re: Kahve makinesi [V-2026-000123]"),
        ("Re: Kahve", "Re: Kahve [V-2026-000123]"),
        ("RE: Kahve", "RE: Kahve [V-2026-000123]"),
        ("re:Kahve", "re:Kahve [V-2026-000123]"),
        ("RE : Kahve", "RE : Kahve [V-2026-000123]"),
        ("Re[2]: Kahve", "Re[2]: Kahve [V-2026-000123]"),
        ("Re: Re: Kahve", "Re: Re: Kahve [V-2026-000123]"),
        ("Ynt: Kahve", "Ynt: Kahve [V-2026-000123]"),
        ("YNT: Kahve", "YNT: Kahve [V-2026-000123]"),
        ("Yanıt: Kahve", "Yanıt: Kahve [V-2026-000123]"),
        ("AW: Kaffee", "AW: Kaffee [V-2026-000123]"),
        ("Antw: Koffie", "Antw: Koffie [V-2026-000123]"),
        ("SV: Kaffe", "SV: Kaffe [V-2026-000123]"),
        ("Odp: Kawa", "Odp: Kawa [V-2026-000123]"),
        ("回复：咖啡", "回复：咖啡 [V-2026-000123]"),
        # no answers
        ("Rezervasyon: 3 kişi", "Re: Rezervasyon: 3 kişi [V-2026-000123]"),
        ("Reklam", "Re: Reklam [V-2026-000123]"),
        ("Re-branding: ne zaman?", "Re: Re-branding: ne zaman? [V-2026-000123]"),
        ("AWB: 12345", "Re: AWB: 12345 [V-2026-000123]"),
        ("SVG: bozuk dosya", "Re: SVG: bozuk dosya [V-2026-000123]"),
        ("İlt: Kahve", "Re: İlt: Kahve [V-2026-000123]"),
        ("Fwd: coffee", "Re: Fwd: coffee [V-2026-000123]"),
        ("Kahve (re: fiyat)", "Re: Kahve (re: fiyat) [V-2026-000123]"),
        # the number once
        ("Kahve [V-2026-000123]", "Re: Kahve [V-2026-000123]"),
        ("V-2026-000123 hakkında", "Re: V-2026-000123 hakkında"),
        ("Re: Kahve [V-2026-000007]", "Re: Kahve [V-2026-000123]"),
        ("Kahve [V-2025]", "Re: Kahve [V-2025] [V-2026-000123]"),
        # characters
        ("Kahve\r\nBcc: all@example.com", "Re: Kahve Bcc: all@example.com [V-2026-000123]"),
        ("Kahve\x00\x85\u2028x\u202ekart", "Re: Kahve x kart [V-2026-000123]"),
        ("  Kahve \t makinesi ", "Re: Kahve makinesi [V-2026-000123]"),
        ("☕ Çok güzel", "Re: ☕ Çok güzel [V-2026-000123]"),
        ("", ""), (" \r\n", ""), ("Re:", ""), ("[V-2026-000007]", ""),
    ],
)  # fmt: skip
def test_the_subject_of_an_answer(subject: str, expected: str) -> None:
    assert thread_subject(subject, "V-2026-000123") == expected


@pytest.mark.parametrize("subject", ["x" * 500, "kahve " * 90, "Re: " + "ç" * 1000, f"{'x' * 190} V-2026-000123"])
def test_a_long_subject_is_cut_and_its_number_is_not(subject: str) -> None:
    made = thread_subject(subject, "V-2026-000123")
    assert made.startswith("Re: ")
    assert made.count("V-2026-000123") == 1
    assert len(made) <= LONGEST_SUBJECT


# ids --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", [FIRST, "<a.b+c=d/e!f@[192.0.2.1]>", "<CA+x_y-z@mail.gmail.com>", f"<{'x' * 200}@example.com>"]
)
def test_a_message_id_is_taken_as_it_was_sent(text: str) -> None:
    assert valid_id(f" {text} ") == text


def test_a_message_id_without_its_brackets_gets_them() -> None:
    assert valid_id("a@b.example") == "<a@b.example>"


@pytest.mark.parametrize(
    "text",
    ["", "<>", "a", "<a>", "<a@b> <c@d>", "<a b@c>", "<a@b>\r\nBcc: x@y.example", "<a\n@b>", "<a@b\x00>", "<a@b",
     "a@b>x", "<<a@b>>", "<ş@b>", "<a@b@c>", "<a@b>,", "x%0d%0aBcc:", "=?utf-8?q?x=0D=0ABcc:_v@example.org?= y",
     f"<{'x' * LONGEST_ID}@example.com>"],
)  # fmt: skip
def test_what_is_no_message_id_stands_in_no_header(text: str) -> None:
    assert valid_id(text) is None


def test_long_ids_are_folded_one_a_line_and_never_encoded() -> None:
    ids = [f"<{'x' * 230}{n}@example.com>" for n in range(12)]
    mail = EmailMessage(policy=HEADERS)
    mail["References"] = " ".join(ids)
    assert mail.as_bytes() == b"References: " + b"\r\n ".join(one.encode() for one in ids) + b"\r\n\r\n"


# at the mail server -------------------------------------------------------------------------------------------------
@pytest.mark.long
@servers
async def test_a_reply_answers_the_last_mail_of_the_customer_and_names_all_before(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), mailed(), classified())
    await desk.send_due()
    await desk.tell(replied())
    await desk.send_due()
    await desk.tell(wrote(), replied(message="m2"))
    await desk.send_due()
    acknowledgement, first, second = sink.mails
    assert [mail["Subject"] for mail in (first, second)] == [f"Re: Kahve makinesi [{NUMBER}]"] * 2
    assert [mail["In-Reply-To"] for mail in sink.mails] == [FIRST, FIRST, SECOND]
    assert first["References"].split() == [COMMON, FIRST]
    assert first["Content-Language"] == "tr"
    ours = [acknowledgement["Message-ID"], first["Message-ID"]]
    assert second["References"].split() == [COMMON, FIRST, *ours, SECOND]
    lines = sink.raw[-1].split(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(map(len, lines)) < 998
    assert b"=?" not in b"".join(line for line in lines if b"@" in line)


@pytest.mark.long
@servers
async def test_a_resolution_stands_in_the_thread_too(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), mailed(subject="Ynt: Kahve"), resolved())
    await desk.send_due()
    assert (sink.mails[-1]["Subject"], sink.mails[-1]["In-Reply-To"]) == (f"Ynt: Kahve [{NUMBER}]", FIRST)


@pytest.mark.long
@servers
@pytest.mark.parametrize("fields", [{"channel": "web"}, {"channel": "phone", "by": "ali"}, {"subject": ""}])
async def test_a_case_that_no_mail_opened_has_the_subject_of_the_template(
    desk: Desk, sink: Sink, fields: dict[str, str]
) -> None:
    await desk.tell(known(), mailed(**fields), replied())
    await desk.send_due()
    assert sink.mails[-1]["Subject"] == f"{NUMBER} numaralı başvurunuz hakkında"


@pytest.mark.long
@servers
async def test_an_acknowledgement_stands_under_the_senders_subject_only_where_the_address_is_his(
    desk: Desk, sink: Sink
) -> None:
    other = "01980000-0000-7000-8000-000000000002"
    await desk.tell(known(), mailed(), classified(), mailed(case=other, verified=True), classified(other))
    await desk.send_due()
    subjects = sorted(mail["Subject"] for mail in sink.mails)
    assert subjects == [f"Başvurunuzu aldık: {NUMBER}", f"Re: Kahve makinesi [{NUMBER}]"]


@pytest.mark.long
@servers
@pytest.mark.parametrize("value", ["<a@b>\r\nBcc: v@example.org", "<x\nContent-Type: text/html@b>", "<a b@c>"])
async def test_no_message_id_brings_a_header_of_its_own(desk: Desk, sink: Sink, value: str) -> None:
    await desk.tell(known(), mailed(message_id=value, subject=f"x{value}"), replied())
    await desk.send_due()
    [mail] = sink.mails
    assert (mail["In-Reply-To"], mail["References"], mail["Bcc"]) == (COMMON, COMMON, None)
    assert [name.lower() for name in mail].count("content-type") == 1


@pytest.mark.long
@servers
async def test_ids_and_subject_of_somebody_who_was_erased_are_gone(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), cem(), mailed(), wrote(contact="c1c1"), replied(contact="c1c1", text="Peki"))
    await desk.edge.vault.destroy([AYSE], MONDAY)
    await desk.send_due()
    [mail] = sink.mails
    assert (mail["To"], mail["Subject"]) == ("cem@example.com", f"{NUMBER} numaralı başvurunuz hakkında")
    assert mail["References"].split() == [COMMON, SECOND]


# in copy ------------------------------------------------------------------------------------------------------------
def can(address: str = "can@example.com") -> CustomerKnown:
    return known("c0c0", address=address)


def cem() -> CustomerKnown:
    return known("c1c1", address="cem@example.com")


async def sent(desk: Desk) -> NoticeSent:
    service = desk.edge.service
    rows = await service.open(await service.log.rows(0, 1000, said=True))
    return [m.event for m in rows if isinstance(m.event, NoticeSent)][-1]


@pytest.mark.long
@servers
async def test_participants_are_in_copy_of_a_reply_and_can_answer_it(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), can(), cem(), mailed(), copied(), copied("c1c1"), replied())
    await desk.send_due()
    [mail] = sink.mails
    assert (mail["To"], mail["Cc"]) == ("ayse@example.com", "can@example.com, cem@example.com")
    assert sink.recipients == [["ayse@example.com", "can@example.com", "cem@example.com"]]
    token = mail["Reply-To"].addresses[0].username.partition("+")[2]
    assert check_reply_token(desk.edge.links, token, MONDAY + timedelta(days=1)) == CASE
    assert (await sent(desk)).copies == ("c0c0", "c1c1")


@pytest.mark.long
@servers
@pytest.mark.parametrize("refusal", ["550 no such user", "451 try later"])
async def test_a_copy_that_is_refused_keeps_the_mail_from_nobody_and_is_not_repeated(
    desk: Desk, sink: Sink, refusal: str
) -> None:
    sink.refusal, sink.refused = refusal, "can@example.com"
    await desk.tell(known(), can(), cem(), mailed(), copied(), copied("c1c1"), replied())
    await desk.send_due()
    desk.clock.set(MONDAY + timedelta(days=1))
    assert await desk.send_due() == 0
    assert sink.recipients == [["ayse@example.com", "cem@example.com"]]
    told = await sent(desk)
    assert (told.copies, told.not_copied) == (("c1c1",), ("c0c0",))
    [row] = await desk.edge.rows("select state, copies, not_copied from {views}.notices")
    assert row == {"state": "sent", "copies": ["c1c1"], "not_copied": ["c0c0"]}


@pytest.mark.long
@servers
async def test_nobody_gets_a_copy_of_what_the_customer_does_not_get(desk: Desk, sink: Sink) -> None:
    sink.refusal, sink.refused = "451 try later", "ayse@example.com"
    await desk.tell(known(), can(), mailed(), copied(), replied())
    await desk.send_due()
    assert sink.mails == []
    sink.refusal = ""
    desk.clock.set(MONDAY + timedelta(minutes=1))
    await desk.send_due()
    assert sink.recipients == [["ayse@example.com", "can@example.com"]]


@pytest.mark.long
@servers
@pytest.mark.parametrize("address", ["ayse@example.com", "ça@example.com", "a b@example.com", "a@b@c", ""])
async def test_a_copy_that_cannot_be_sent_is_left_out(desk: Desk, sink: Sink, address: str) -> None:
    await desk.tell(known(), can(address), mailed(), copied(), replied())
    await desk.send_due()
    assert sink.recipients == [["ayse@example.com"]]
    assert sink.mails[0]["Cc"] is None
    assert (await sent(desk)).not_copied == ("c0c0",)


@pytest.mark.long
@servers
@pytest.mark.parametrize(
    "gone",
    [ContactForgotten(contact="c0c0", certificate="c"), ContactBounced(contact="c0c0", customer=CUSTOMER, case=CASE)],
)
async def test_who_was_erased_or_whose_mails_come_back_is_no_longer_in_copy(desk: Desk, sink: Sink, gone: Any) -> None:
    await desk.tell(known(), can(), mailed(), copied(), gone, replied())
    await desk.send_due()
    assert sink.recipients == [["ayse@example.com"]]


@pytest.mark.long
@servers
async def test_who_is_erased_while_the_mail_waits_gets_none(desk: Desk, sink: Sink) -> None:
    await desk.tell(known(), can(), mailed(), copied(), replied(), ContactForgotten(contact="c0c0", certificate="c"))
    await desk.send_due()
    assert sink.recipients == [["ayse@example.com"]]
    assert (await sent(desk)).not_copied == ("c0c0",)
