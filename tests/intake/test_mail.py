"""Mails as they come: what is read of them, which signs are known, what SMTP answers, and hostile ones."""

import asyncio
import smtplib
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.intake import MailReceived, MailUnreadable
from services.intake.mail.parse import MAX_BYTES, Facts, parse
from services.intake.mail.smtp import SmtpIntake
from services.intake.mail.taking import fitted, is_nobody, shortened
from services.intake.mail.worker import MailReader
from shared.core.addresses import normalise
from shared.core.event import Event
from shared.core.parts import Blob
from shared.privacy.reply_token import check_reply_token, reply_token
from shared.privacy.sealing import Links, digest
from tests.scene import MONDAY
from tests.waiting import PATIENCE

SHARED = Path(__file__).parents[2].parent / "shared"
CASE = "01980000-0000-7000-8000-000000000001"
LINKS = Links(b"k" * 32)
TOKEN = reply_token(LINKS, CASE, MONDAY)
LONG = LINKS.sign("reply", CASE, MONDAY + timedelta(hours=1))


def mail(text: str = "Ürün bozuk geldi.", **headers: str) -> bytes:
    message = EmailMessage()
    usual = {"From": "Ayşe Kaya <ayse@example.com>", "Subject": "İade", "Message_ID": "<m1@x>"}
    for name, value in (usual | headers).items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def test_sender_subject_and_text_are_read() -> None:
    facts = parse(mail())
    expected = ("ayse@example.com", "Ayşe Kaya", "İade", "m1@x", "Ürün bozuk geldi.", None)
    assert tuple(facts[n] for n in ("address", "name", "subject", "message_id", "text", "automatic")) == expected


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-9", "windows-1254"])
def test_turkish_is_read_in_every_charset_that_it_comes_in(charset: str) -> None:
    body = b"From: a@example.com\r\nContent-Type: text/plain; charset=%s\r\n\r\n" % charset.encode()
    assert parse(body + "Şikâyetim var, İğne çıktı".encode(charset))["text"] == "Şikâyetim var, İğne çıktı"


@pytest.mark.parametrize("charset", ["x-unknown", "hex", "us-ascii", "", "idna", "IDNA", "punycode", "utf-8\xa0", "ü"])
def test_a_wrong_charset_loses_no_letter(charset: str) -> None:
    body = f"From: a@example.com\r\nContent-Type: text/plain; charset={charset}\r\n\r\nŞikâyet".encode()
    assert parse(body)["text"] == "Şikâyet"


@pytest.mark.parametrize("named", ["charset*=utf-8''utf-8", "charset*=us-ascii'tr'idna", "charset*0=ut; charset*1=f-8"])
def test_a_charset_that_is_named_in_parts_or_with_a_language_loses_no_letter(named: str) -> None:
    body = f"From: a@example.com\r\nContent-Type: text/plain; {named}\r\n\r\nŞikâyet".encode()
    assert parse(body)["text"] == "Şikâyet"
    inner = body.partition(b"\r\n")[2]
    head = b'From: a@example.com\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    assert parse(head + inner + b"\r\n--b--")["text"] == "Şikâyet"


def test_raw_eight_bit_subjects_are_read() -> None:
    assert parse("From: a@example.com\r\nSubject: Çalışmıyor\r\n\r\nx".encode())["subject"] == "Çalışmıyor"
    assert parse("From: a@example.com\r\nSubject: Çalışmıyor\r\n\r\nx".encode("cp1254"))["subject"] == "Çalışmıyor"


def test_an_encoded_word_cannot_add_an_address_or_a_header() -> None:
    facts = parse(
        b"From: =?utf-8?q?x_=3Cevil@example.org=3E=2C?= <good@example.com>\r\n"
        b"Subject: =?utf-8?q?a=0D=0ABcc:_v@example.org?=\r\n\r\nx"
    )
    assert facts["address"] == "good@example.com"
    assert "\n" not in facts["subject"]
    assert "\r" not in facts["subject"]


def test_html_alone_is_read_as_text() -> None:
    facts = parse(b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n<p>Merhaba</p><script>x</script>")
    assert facts["text"] == "Merhaba"


def test_files_are_taken_with_a_harmless_name() -> None:
    message = EmailMessage()
    message["From"] = "a@example.com"
    message.set_content("ekte")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="..\\..\\fatura.png")
    assert [f["name"] for f in parse(message.as_bytes())["files"]] == ["fatura.png"]


def test_answered_ids_come_nearest_first() -> None:
    facts = parse(mail(In_Reply_To="<c@x>", References="<a@x> <b@x> <c@x>"))
    assert facts["references"] == ["c@x", "b@x", "a@x"]


def bounce(action: str) -> bytes:
    return (
        b'From: MAILER-DAEMON@example.com\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nnot delivered\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: %s\r\n"
        b"Final-Recipient: rfc822; ayse@example.com\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <%s.n1@vefa.example>\r\n\r\nx\r\n--b--\r\n"
    ) % (action.encode(), TOKEN.encode())


def test_a_mail_of_too_many_parts_is_quarantined() -> None:
    parts = b"--b\r\n\r\nx\r\n" * 10_001
    raw = b'From: a@example.com\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts + b"--b--"
    assert parse(raw)["reason"] == "too-many-parts"


def test_a_mail_without_a_sender_or_too_large_is_quarantined() -> None:
    assert parse(b"Subject: x\r\n\r\ny")["reason"] == "no-sender"
    assert parse(b"x" * (MAX_BYTES + 1))["reason"] == "too-large"


@pytest.mark.parametrize("folder", ["hostile", "data/mail_replies"])
def test_no_hostile_mail_raises_or_leaves_control_characters(folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"../shared/{folder} is not there")
    for path in sorted(p for p in (SHARED / folder).rglob("*") if p.is_file() and p.stat().st_size < 500_000):
        facts = parse(path.read_bytes())
        texts = [facts.get(n, "") for n in ("address", "name", "subject", "message_id")]
        assert not any(ord(c) < 32 for text in texts for c in text), path.name


async def test_a_slow_mail_is_quarantined_and_the_next_one_read() -> None:
    reader = MailReader(seconds=0.05)
    slow = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n" + b"<div>x" * 300_000
    assert (await reader.read(slow))["reason"] == "timed-out"
    reader._seconds = 5
    assert (await reader.read(mail()))["text"] == "Ürün bozuk geldi."
    await reader.stop()


async def test_the_text_of_a_mail_with_a_tag_of_very_many_attributes_is_read() -> None:
    reader, many = MailReader(), b" ".join(b"a%d" % n for n in range(300_000))
    html = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n<p>It broke.</p><p " + many + b">x</p>"
    assert (await reader.read(html))["text"] == "It broke."
    await reader.stop()


async def test_a_worker_that_was_killed_is_replaced() -> None:
    reader = MailReader()
    await reader.read(mail())
    assert reader._worker is not None
    reader._worker.kill()
    await reader._worker.wait()
    assert (await reader.read(mail()))["address"] == "ayse@example.com"
    await reader.stop()


class Desk:
    """Stands for intake: keeps what it hears, or cannot."""

    def __init__(self) -> None:
        self.heard: list[tuple[UUID, Event]] = []
        self.blobs: list[bytes] = []
        self.subjects: list[str] = []
        self.fails = False

    async def handle(self, event: Event, occurred_at: object, id: UUID) -> None:
        if self.fails:
            raise ConnectionError
        self.heard.append((id, event))

    async def store(self, content: bytes, name: str, subject: str) -> Blob:
        self.blobs.append(content)
        self.subjects.append(subject)
        return Blob(digest=f"{len(self.blobs)}", size=len(content), type="application/octet-stream", name=name)

    def smtp(self) -> SmtpIntake:
        return SmtpIntake(
            self.handle, lambda kind, address: (f"c:{normalise(kind, address, 'TR')}", normalise(kind, address, "TR")),
            lambda token: check_reply_token(LINKS, token, MONDAY), self.store, 0,
            lambda *parts: digest(b"k" * 32, *parts), own="servis@vefa.example",
        )  # fmt: skip


async def sent(
    server: SmtpIntake, raw: bytes, to: str = "destek@vefa.example", mail_from: str = "ayse@example.com"
) -> Any:
    def send() -> Any:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=PATIENCE) as client:
            client.ehlo()
            client.mail(mail_from)
            client.rcpt(to)
            return client.data(raw)

    return await asyncio.to_thread(send)


async def test_a_mail_is_answered_250_once_it_is_recorded() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.start()
    code, _ = await sent(server, mail())
    [(_, event)] = desk.heard
    await server.stop()
    assert code == 250
    assert isinstance(event, MailReceived)
    assert (event.address, event.subject, event.case, event.automatic) == ("ayse@example.com", "İade", None, None)
    assert desk.blobs[0].startswith(b"From: ")


async def test_a_mail_that_cannot_be_recorded_is_answered_451() -> None:
    desk = Desk()
    desk.fails = True
    server = desk.smtp()
    await server.start()
    code, _ = await sent(server, mail())
    await server.stop()
    assert code == 451


async def test_the_same_mail_sent_again_has_the_same_event_id() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail())
    await server.take(mail())
    await server.take(mail("Başka bir şey"))
    await server.stop()
    ids = [id_ for id_, _ in desk.heard]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("headers", "to"),
    [
        ({}, f"servis+{TOKEN}@vefa.example"),
        ({"To": f"servis+{TOKEN.upper()}@vefa.example"}, "servis@vefa.example"),
        ({"References": f"<{LONG}@vefa.example>"}, "servis@vefa.example"),
        ({"In_Reply_To": f"<{LONG}.n1@vefa.example>"}, "servis@vefa.example"),
        ({"References": f"<{TOKEN}.n1@vefa.example>"}, "servis@vefa.example"),
    ],
)
async def test_a_reply_token_names_its_case(headers: dict[str, str], to: str) -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail(**headers), "ayse@example.com", (to,))
    await server.stop()
    event = desk.heard[0][1]
    assert isinstance(event, MailReceived)
    assert event.case == CASE


@pytest.mark.parametrize("token", [TOKEN, LONG])
def test_a_token_that_was_changed_or_is_out_of_date_is_none(token: str) -> None:
    assert check_reply_token(LINKS, token, MONDAY) == CASE
    assert check_reply_token(LINKS, token, MONDAY + timedelta(days=1)) is None
    assert check_reply_token(LINKS, token[:-1] + ("a" if token[-1] != "a" else "b"), MONDAY) is None
    assert check_reply_token(Links(b"x" * 32), token, MONDAY) is None


@pytest.mark.parametrize("junk", ["", "1" * 56, "é" * 56, "a" * 55, "a.b.c.d", "1.zz.c.d"])
def test_what_is_no_token_is_none(junk: str) -> None:
    assert check_reply_token(LINKS, junk, MONDAY) is None


async def test_a_bounce_names_who_could_not_be_reached_and_proves_the_case_by_its_token() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(bounce("failed"))
    await server.take(bounce("failed").replace(b"rfc822; ayse", b"rfc822; ali"))
    await server.take(bounce("failed").replace(TOKEN.encode(), b"a" * 56))
    await server.stop()
    events = [e for _, e in desk.heard if isinstance(e, MailReceived)]
    assert [(e.automatic, e.case, e.bounced) for e in events] == [
        ("bounce", CASE, "c:ayse@example.com"), ("bounce", CASE, "c:ali@example.com"), ("bounce", None, None),
    ]  # fmt: skip


async def test_a_mail_of_our_own_is_automatic() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail(From="Vefa <Servis+abc@vefa.example>"))
    await server.stop()
    event = desk.heard[0][1]
    assert isinstance(event, MailReceived)
    assert event.automatic == "own-id"


async def test_a_mail_without_sender_is_heard_as_unreadable_with_its_bytes_kept() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(b"Subject: x\r\n\r\ny")
    await server.stop()
    event = desk.heard[0][1]
    assert isinstance(event, MailUnreadable)
    assert (event.reason, desk.blobs) == ("no-sender", [b"Subject: x\r\n\r\ny"])


async def test_each_mail_that_names_nobody_has_a_key_of_its_own_and_the_same_bytes_have_the_same() -> None:
    desk = Desk()
    server = desk.smtp()
    for text in ("y", "z", "y"):
        await server.take(b"Subject: x\r\n\r\n" + text.encode())
    await server.stop()
    contacts = [event.contact for _, event in desk.heard if isinstance(event, MailUnreadable)]
    assert contacts[0] == contacts[2] != contacts[1]
    assert contacts == desk.subjects
    assert all(is_nobody(contact) for contact in contacts)
    assert not is_nobody("c:ayse@example.com")
    assert is_nobody("unknown")  # as older logs have it


class GivesUp(MailReader):
    """A worker that no mail lets finish."""

    async def read(self, raw: bytes, mail_from: str | None = None, own: str = "") -> Facts:
        return {"reason": "timed-out"}


@pytest.mark.parametrize(
    ("raw", "mail_from", "contact"),
    [
        (mail(), "bounce+17@mailer.example", "c:ayse@example.com"),
        (mail(From="Ayşe Kaya <AYSE@example.com>"), None, "c:ayse@example.com"),
        (b"Subject: x\r\nFROM:\r\n =?utf-8?q?e=40x.org?= \"q@y.org\"\r\n\t<ayse@example.com>\r\n\r\nx", None,
         "c:ayse@example.com"),
        (b"\n".join([b"X: y"] * 9) + b"\nfrom: ayse@example.com (Ay)\n\nx", None, "c:ayse@example.com"),
        (b"Subject: x\r\n\r\nFrom: mallory@example.com\r\n", "ayse@example.com", "c:ayse@example.com"),
        (b"From: nobody at all\r\n\r\nx", "ayse@example.com", "c:ayse@example.com"),
        (b"X: " + b"y" * 70_000 + b"\r\nFrom: late@example.com\r\n\r\nx", "", "unknown"),
        (b"From: " + b"<" * 60_000 + b"@" * 60_000, None, "unknown"),
        (b"", None, "unknown"),
    ],
)  # fmt: skip
async def test_a_mail_that_nobody_could_read_is_kept_under_its_senders_key(
    raw: bytes, mail_from: str | None, contact: str
) -> None:
    desk = Desk()
    server = desk.smtp()
    server.taking = replace(server.taking, reader=GivesUp())
    await server.take(raw, mail_from)
    await server.stop()
    event = desk.heard[0][1]
    assert isinstance(event, MailUnreadable)
    expected = f"unknown.{event.message}" if contact == "unknown" else contact
    assert (event.reason, event.contact, desk.subjects) == ("timed-out", expected, [expected])


async def test_a_long_text_is_cut_for_the_event_and_kept_whole_as_a_file() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail("ş" * 50_000))
    await server.stop()
    event = desk.heard[0][1]
    assert isinstance(event, MailReceived)
    assert len(event.model_dump_json()) < 128 * 1024
    assert [a.name for a in event.attachments] == ["message.txt"]
    assert desk.blobs[0].decode() == "ş" * 50_000


def test_a_text_that_fits_is_not_touched() -> None:
    assert shortened("ş" * 1000) == "ş" * 1000
    assert shortened("x\n" * 40_000).endswith(" […]")


def event_of(desk: Desk, at: int = -1) -> MailReceived:
    event = desk.heard[at][1]
    assert isinstance(event, MailReceived)
    return event


async def test_what_stops_automatic_answers_and_whom_it_went_to_is_told() -> None:
    desk = Desk()
    server = desk.smtp()
    headers = {
        "Precedence": "list",
        "To": "Servis <servis@vefa.example>, Fatih <Fatih@firma.example>",
        "Cc": "d@firma.example",
    }
    await server.take(mail(**headers), "ayse@example.com", ("servis@vefa.example",))
    await server.stop()
    event = event_of(desk)
    assert (event.automatic, event.silent, event.message_id) == (None, "precedence", "m1@x")
    assert [(c.contact, c.address, c.name) for c in event.copies] == [
        ("c:fatih@firma.example", "fatih@firma.example", "Fatih"), ("c:d@firma.example", "d@firma.example", None),
    ]  # fmt: skip


async def test_of_very_many_copies_twenty_are_told() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail(Cc=", ".join(f"p{n}@firma.example" for n in range(60))), "ayse@example.com")
    await server.stop()
    assert [c.address for c in event_of(desk).copies] == [f"p{n}@firma.example" for n in range(20)]


async def test_a_null_return_path_is_known_over_smtp() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.start()
    await sent(server, mail(Subject="Otomatik yanıt: Re: x"), mail_from="")
    await server.stop()
    assert event_of(desk).automatic == "null-return-path"


QUOTED = "Salı uygun değil.\n\n12 Eki 2026 Pzt, 10:15 tarihinde Destek <servis@vefa.example> şunu yazdı:\n\n> Salı mı?"
PAST = LINKS.sign("reply", CASE, MONDAY - timedelta(days=400))


@pytest.mark.parametrize(
    ("reference", "cut"),
    [
        (f"<{TOKEN}.n1@vefa.example>", True),
        (f"<{PAST}.957dcb65-4b3c-577b-b32d-7fdbb6c2f066@vefa.example>", True),
        (f"<case.{CASE}@vefa.example>", True),
        ("<957dcb65-4b3c-577b-b32d-7fdbb6c2f066@other.example>", False),
        ("<m0@example.com>", False),
    ],
)
async def test_only_in_an_answer_to_us_a_quotation_is_left_out(reference: str, cut: bool) -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(mail(QUOTED, In_Reply_To=reference), "ayse@example.com")
    await server.stop()
    assert event_of(desk).text == ("Salı uygun değil." if cut else QUOTED)


def with_file(content: bytes, **headers: str) -> bytes:
    message = EmailMessage()
    for name, value in ({"From": "a@example.com", "Subject": "Kırık", "Message_ID": "<m1@x>"} | headers).items():
        message[name.replace("_", "-")] = value
    message.set_content("Fotoğraf ektedir.")
    message.add_attachment(content, maintype="image", subtype="png", filename="f.png")
    return message.as_bytes()


async def test_the_same_mail_is_known_by_its_content_and_never_by_its_id_alone() -> None:
    desk = Desk()
    server = desk.smtp()
    base = with_file(b"1")
    for other in (
        base, base.replace(b"<m1@x>", b"<m2@relay>"), b"Received: from y\r\n" + base, with_file(b"2"),
        with_file(b"1", Subject="Kırık ürün"), with_file(b"1", In_Reply_To="<q1@x>"),
        with_file(b"1", In_Reply_To="<q2@x>"), with_file(b"1", From="b@example.com"), base.replace(b"m1@x", b""),
    ):  # fmt: skip
        await server.take(other)
    await server.stop()
    contents = [event_of(desk, at).content for at in range(9)]
    assert contents[0] == contents[1] == contents[2] == contents[8]
    assert len(set(contents)) == 6
    messages = [event_of(desk, at).message for at in range(9)]
    assert messages[0] == messages[2] == messages[3] != messages[1]


async def test_an_empty_id_is_none() -> None:
    desk = Desk()
    server = desk.smtp()
    for text in ("bir", "iki"):
        await server.take(mail(text).replace(b"<m1@x>", b"<>"), "ayse@example.com")
    await server.stop()
    first, second = (event_of(desk, at) for at in (0, 1))
    assert first.message != second.message
    assert first.message_id is None


async def test_our_own_mail_that_comes_back_is_automatic_whoever_seems_to_send_it() -> None:
    desk = Desk()
    server = desk.smtp()
    await server.take(
        mail(Message_ID=f"<{LONG}.957dcb65-4b3c-577b-b32d-7fdbb6c2f066@vefa.example>"), "ayse@example.com"
    )
    await server.stop()
    assert event_of(desk).automatic == "own-id"


async def test_files_that_are_too_many_are_told_of_in_a_file() -> None:
    desk = Desk()
    server = desk.smtp()
    message = EmailMessage()
    message["From"] = "a@example.com"
    message.set_content("ekte")
    for n in range(103):
        message.add_attachment(
            b"%d" % n, maintype="image", subtype="png", filename=f"Şikâyet fotoğrafı {'x' * 120} {n}.png"
        )
    await server.take(message.as_bytes(), "a@example.com")
    await server.stop()
    event = event_of(desk)
    assert (len(event.attachments), event.attachments[-1].name) == (101, "3-more-files.txt")
    assert b"102.png" in desk.blobs[100]
    assert len(event.model_dump_json()) < 128 * 1024


async def test_a_long_text_with_long_quotations_still_fits_and_all_of_it_is_kept() -> None:
    text = "ş" * 40_000
    parts = [{"kind": "quoted", "at": at, "length": 0, "text": f"<{at}>" + "ğ" * 8_000} for at in (0, 20_000, 40_000)]
    short, kept, whole = fitted(text, parts)
    assert len(short) < 40_000
    assert [p.at for p in kept] == [0, 20_000]
    assert sum(len(p.text.encode()) for p in kept) < 25 * 1024
    assert all(part["text"] in whole for part in parts)


def test_what_fits_is_whole() -> None:
    part = {"kind": "forwarded", "at": 3, "length": 2, "text": ""}
    short, [kept], whole = fitted("abcde", [part])
    assert (short, kept.at, kept.length, whole) == ("abcde", 3, 2, "")
