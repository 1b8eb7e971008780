"""Mails that broke other programs: each is taken and ends as exactly one thing; nothing is refused, lost or parked."""

import asyncio
import re
import smtplib
from collections import Counter
from pathlib import Path

import pytest

from contracts.intake import (
    AutomaticNoted,
    CaseOpened,
    MailReceived,
    MailUnreadable,
    MessageQuarantined,
    MessageReceived,
)
from services.intake.app import smtp
from tests.intake.conftest import Running
from tests.waiting import PATIENCE

COLLECTED = Path(__file__).parents[3] / "shared" / "hostile"
"""Test mails of CPython's email package and of flanker, kept beside the repository."""
FILES = sorted(
    path
    for pattern in ("cpython-test-email/data/msg_*.txt", "flanker/tests/fixtures/messages/**/*.eml")
    for path in COLLECTED.glob(pattern)
)
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(not FILES, reason=f"the collection of hostile mails is not at {COLLECTED}"),
]
ENDS = {MessageQuarantined.TOPIC, AutomaticNoted.TOPIC, CaseOpened.TOPIC, MessageReceived.TOPIC}


async def test_every_collected_mail_ends_as_exactly_one_thing(intake: Running) -> None:
    server = smtp(intake.edge)
    host, port = (await server.start())["smtp"].removeprefix("smtp://").split(":")
    refused = await asyncio.to_thread(send_all, host, int(port))
    await server.stop()
    assert refused == []
    outcomes = list[list[str]]()
    for row in await intake.service.log.rows(0, 10_000):
        if row.topic in (MailReceived.TOPIC, MailUnreadable.TOPIC):
            outcomes.append([])
        elif row.topic in ENDS:
            outcomes[-1].append(row.topic)
    assert max(map(len, outcomes)) == 1
    heard, ends = len(outcomes), Counter(topic for said in outcomes for topic in said)
    assert sum(ends.values()) > heard * 0.8  # the others repeat one of them
    assert heard >= len({named(path) for path in FILES})
    assert set(ends) >= {CaseOpened.TOPIC, AutomaticNoted.TOPIC}
    assert not len(intake.service.memory.table("parked"))


def named(path: Path) -> bytes:
    """The Message-ID of a file, all of it where it has none: what has the same is sent again."""
    found = re.search(rb"^Message-ID:\s*(\S+)", path.read_bytes(), re.IGNORECASE | re.MULTILINE)
    return found[1] if found else path.read_bytes()


def send_all(host: str, port: int) -> list[str]:
    """The files that were not answered with 250, with the reason."""
    refused = []
    for path in FILES:
        with smtplib.SMTP(host, port, timeout=PATIENCE) as client:
            try:
                client.sendmail("probe@example.com", ["servis@vefa.example"], path.read_bytes())
            except smtplib.SMTPException as error:
                refused.append(f"{path.name}: {error}")
    return refused
