"""Nothing that came from outside adds a line: to what is read of a mail, to an answer over HTTP, or to a log."""

import logging
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio

from services.intake.app import smtp
from services.intake.downloads import disposition
from services.intake.mail.parse import parse
from services.intake.mail.smtp import SmtpIntake
from services.notification.thread import thread_subject, valid_id
from services.notification.wording import one_line, render

from .collected import COLLECTED
from .conftest import CONCERN, Running

LIST = COLLECTED / "own" / "header_injection_values.txt"
COLLECTED_VALUES = LIST.read_text("utf-8").splitlines() if LIST.exists() else []
BREAKS = ("\r\n", "\n", "\r", "\r\n ", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0", "%0d%0a", "\\r\\n")
VALUES = [*COLLECTED_VALUES, *(value.replace("\\r", "\r").replace("\\n", "\n") for value in COLLECTED_VALUES),
          *(f"x{mark}Bcc: victim@example.org" for mark in BREAKS),
          *(f"=?utf-8?q?x=0D=0ABcc:_victim@example.org?= {mark}y" for mark in BREAKS)]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_no_value_has_a_second_line_where_it_stands_in_a_header(value: str) -> None:
    header = disposition(value)
    assert len(header.splitlines()) == 1
    assert header.isascii()
    for line in (one_line(value), thread_subject(value, "V-2026-000001"), valid_id(f"<{value}@x>") or ""):
        assert len(line.splitlines()) <= 1
        assert "\0" not in line
    shown = render("{{ subject }}", "{{ subject }}", {"subject": value})
    assert len(shown.subject.splitlines()) <= 1


@pytest.mark.parametrize("value", [v for v in VALUES if "\r" not in v and "\n" not in v])
@pytest.mark.parametrize("header", ["Subject", "From", "Message-ID", "References", "Cc", "Reply-To"])
def test_no_header_of_a_mail_is_read_as_two_lines(header: str, value: str) -> None:
    shown = f"{value} <ayse@example.com>" if header in ("From", "Cc", "Reply-To") else value
    facts = parse(f"From: a@example.com\r\n{header}: {shown}\r\n\r\nx".encode())
    told = [facts.get(name, "") for name in ("address", "name", "subject", "message_id")]
    told += [*facts.get("references", ()), *(text for pair in facts.get("copies", ()) for text in pair)]
    assert [text for text in told if "\n" in text or "\r" in text or "\0" in text] == []
    assert "victim@example.org" not in facts.get("address", "").split()


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


@pytest.mark.servers
async def test_no_answer_and_no_log_has_a_line_of_the_callers(
    intake: Running, inbox: SmtpIntake, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for value in VALUES[::4]:
        for body in (
            CONCERN | {"name": value, "subject": value, "text": value},
            CONCERN | {"contact": {"kind": "mail", "address": value}},
            CONCERN | {"files": [{"name": value, "content": "AAAA"}]},
        ):
            answer = await intake.send("POST", "/v1/cases", "", json=body)
            assert answer.status_code in (201, 422), answer.text
            assert [v for v in answer.headers.values() if "victim" in v or "\n" in v] == []
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    assert [record.getMessage() for record in ours if "victim" in record.getMessage()] == []
    assert [record.getMessage() for record in ours if len(record.getMessage().splitlines()) > 1] == []
