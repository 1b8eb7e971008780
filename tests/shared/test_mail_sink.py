"""The mail server of a laptop: it keeps what it is sent in memory and shows it."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib
import httpx
import pytest

from deploy.vefa.local.mail_sink import MailSink
from tests.waiting import PATIENCE

pytestmark = pytest.mark.servers


@pytest.fixture
def sink() -> Iterator[MailSink]:
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


async def send(sink: MailSink, subject: str, text: str) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "servis@vefa.example", "ada@example.com", subject
    mail.set_content(text)
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=sink.port)


async def test_a_mail_is_shown_newest_first_and_nothing_of_it_is_html(sink: MailSink) -> None:
    await send(sink, "İlk ileti", "Merhaba <script>alert(1)</script>")
    await send(sink, "İkinci ileti", "Görüşmek üzere")
    page = httpx.get(sink.page, timeout=PATIENCE).text
    assert page.index("İkinci ileti") < page.index("İlk ileti")
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


async def test_what_was_taken_is_not_shown_any_more(sink: MailSink) -> None:
    await send(sink, "Once", "text")
    assert [mail["Subject"] for mail in sink.take()] == ["Once"]
    assert sink.take() == []
    assert "No mail yet" in httpx.get(sink.page, timeout=PATIENCE).text


def test_a_page_asked_for_under_a_foreign_name_is_refused(sink: MailSink) -> None:
    assert httpx.get(sink.page, headers={"Host": "evil.example"}, timeout=PATIENCE).status_code == 421


def test_a_sink_that_never_started_stops() -> None:
    MailSink().stop()
