"""No person's word vanishes: whatever a mail becomes, its words, its bytes and its files can be read by who may read
it, in a case or in the list of what is set aside."""

import re
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio

from services.intake.app import smtp
from services.intake.mail.smtp import SmtpIntake

from .conftest import Running
from .mails import file, html, mail, multipart, part, plain, raw

pytestmark = pytest.mark.servers
QUOTED = (
    "12 Eki 2026 Pzt, 10:15 tarihinde Destek <servis@vefa.example> şunu yazdı:\r\n\r\n> Hangi model?\r\n> Rengi ne?\r\n"
)
SIGNED = "Kapağı kırık geldi.\r\n\r\n-- \r\nAyşe Kaya\r\nMuhasebe Müdürü\r\n"
INNER = raw({"From": "kargo@example.org", "Subject": "Teslimat"}, "Paketiniz hasarlıydı.")
SHOWN = (
    plain("Merhaba, ürün bozuk."), plain("Salı uygun değil.\r\n\r\n" + QUOTED), plain(QUOTED + "\r\nMavi olan."),
    plain(SIGNED), plain(SIGNED + "\r\n" + QUOTED), html("<p>Bozuk <b>geldi</b></p><blockquote>Eski söz</blockquote>"),
    multipart("mixed", plain("Bakın."), file("şikâyet.png", b"\x89PNG\r\n\x1a\nq"), file("f.pdf", b"%PDF-1.7 q")),
    multipart("mixed", plain("İletiyorum."), part("message/rfc822", INNER)),
    multipart("mixed", plain("Başta."), file("f.png"), plain("Sonda da.")),
)  # fmt: skip
WORDS = re.compile(r"[^\W\d_]{2,}")
SENDER = "ayse@example.com"


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


def words(text: str) -> set[str]:
    return set(WORDS.findall(text))


def said(body: bytes) -> set[str]:
    """The words of what is text in it: our bodies name no headers in their texts."""
    texts = re.split(rb"\r\n--=_\w+(?:--)?|\r\n\r\n", body)
    lines = (line for piece in texts for line in piece.decode("utf-8", "replace").split("\r\n"))
    kept = (line for line in lines if not re.match(r"[A-Z][\w-]+: |\W*=_|.{0,3}PNG|%PDF", line))
    return words(re.sub(r"<[^>]*>", " ", "\n".join(kept)))


async def test_every_word_of_a_mail_is_read_by_who_may(intake: Running, inbox: SmtpIntake) -> None:
    seen = set[str]()
    for number, body in enumerate(SHOWN):
        answered = {"In_Reply_To": "<957dcb65-4b3c-577b-b32d-7fdbb6c2f066@vefa.example>"} if number % 2 else {}
        content = mail(body, From=SENDER, Message_ID=f"<m{number}@x>", Subject=f"İade {number}", **answered)
        await inbox.take(content, SENDER)
        cases = (await intake.send("GET", "/v1/cases")).json()["cases"]
        [row] = [one for one in cases if one["case"] not in seen]
        seen.add(row["case"])
        for role, name in (("agent", "a1"), ("supervisor", "s1"), ("customer", row["customer"])):
            case = (await intake.send("GET", f"/v1/cases/{row['case']}", role, name)).json()
            [message] = case["messages"]
            read = words(" ".join((message["text"], *(part["text"] for part in message["parts"]))))
            assert said(body) - read == set(), f"mail {number} as {role}"
            base = f"/v1/cases/{row['case']}/messages/{message['message']}"
            assert (await intake.send("GET", f"{base}/raw", role, name)).content == content
            for one in message["attachments"]:
                got = await intake.send("GET", f"{base}/attachments/{one['digest']}", role, name)
                assert len(got.content) == one["size"]
                assert got.content.replace(b"\r\n", b"\n") in content.replace(b"\r\n", b"\n")
        assert (await intake.send("GET", f"/v1/cases/{row['case']}", "customer", "somebody")).status_code == 404


async def test_what_became_no_case_is_a_row_that_shows_it(intake: Running, inbox: SmtpIntake) -> None:
    away = raw({"Auto-Submitted": "auto-replied", "Message-ID": "<a@x>"}, "Pazartesi döneceğim.")
    nobody = raw({"From": "", "Message-ID": "<n@x>"}, "Adımı yazmadım, ürün bozuk.")
    first = raw({"Message-ID": "<f@x>"}, "Kargom gelmedi.")
    copy = raw({"Message-ID": "<c@x>"}, "Kargom gelmedi.")
    daemon = raw({"From": "MAILER-DAEMON@mx.example", "Message-ID": "<d@x>"}, "550 no such user here")
    for content in (away, nobody, first, copy, daemon):
        await inbox.take(content, None if content is nobody else SENDER)
    rows: list[dict[str, Any]] = (await intake.send("GET", "/v1/set-aside")).json()["items"]
    shown = dict[bytes, str]()
    for row in rows:
        content = (await intake.send("GET", f"/v1/set-aside/{row['item']}/raw")).content
        shown[content] = (await intake.send("GET", f"/v1/set-aside/{row['item']}")).json()["text"]
        assert (await intake.send("GET", f"/v1/set-aside/{row['item']}", "customer")).status_code == 403
    assert set(shown) == {away, nobody, copy, daemon}
    for content, text in shown.items():
        assert text == content.partition(b"\r\n\r\n")[2].decode()
    released = [
        await intake.send("POST", f"/v1/set-aside/{row['item']}/release", json={"sender": SENDER}) for row in rows
    ]
    assert [answer.status_code for answer in released] == [200] * len(rows)
