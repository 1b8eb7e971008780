"""Every mail has one outcome, however it is damaged: mails that broke other programs, and seeded damage to them.

1,000 of them in `just test-all`; ``VEFA_PROOF_MAILS=10000`` for as many as the promise names, ``VEFA_SOAK_SEED`` for
others."""

import json
import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

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
from services.intake.mail.parse import parse
from services.intake.mail.smtp import SmtpIntake
from services.intake.mail.worker import MEMORY, SECONDS, MailReader
from shared.core.world import Refused
from tests.sizes import sized

from .collected import broken, whole
from .conftest import Running

MAILS = sized(1000, 200, "VEFA_PROOF_MAILS")
SEED = int(os.environ.get("VEFA_SOAK_SEED", "1"))
REASONS = {"no-sender", "too-many-parts", "too-large"}
TAKEN = 60
"""Of them that go all the way to their outcome in the log."""
ENDS = (AutomaticNoted.TOPIC, CaseOpened.TOPIC, MessageReceived.TOPIC, MessageQuarantined.TOPIC)


def test_every_damaged_mail_is_read_or_has_its_reason(record_property: Callable[[str, object], None]) -> None:
    mails, slowest, ends = whole(), 0.0, Counter[str]()
    for number in range(MAILS):
        content = broken(number, SEED, mails)
        began = time.process_time()
        facts = parse(content, "ayse@example.com", "servis@vefa.example")
        slowest = max(slowest, time.process_time() - began)
        ends[facts.get("reason", "read")] += 1
        assert ("text" in facts) or facts["reason"] in REASONS, f"mail {number} of seed {SEED}: {facts}"
        written = [facts.get(name, "") for name in ("address", "name", "subject", "message_id")]
        assert not any(ord(c) < 32 for text in written for c in text), f"mail {number} of seed {SEED}"
    assert slowest <= SECONDS
    assert ends["read"] > MAILS * 0.5
    assert ends["unreadable"] == 0, "a mail made both ways of reading it raise"
    record_property(
        "figures", f"{MAILS} damaged mails of seed {SEED}: {dict(ends)}, the slowest {slowest:.2f} s of CPU"
    )


async def test_the_worker_outlives_them_within_its_memory() -> None:
    """The same answers as without its limits, by one process that never had to be started again."""
    mails, reader = whole(), MailReader(seconds=60)
    try:
        await reader.read(mails[0])
        worker = reader._worker
        assert worker is not None
        assert resource.prlimit(worker.pid, resource.RLIMIT_DATA)[0] == MEMORY
        for number in range(min(MAILS, 200)):
            content = broken(number, SEED + 1, mails)
            expected = json.loads(json.dumps(parse(content, "ayse@example.com")))
            assert await reader.read(content, "ayse@example.com") == expected, f"mail {number} of seed {SEED + 1}"
        assert reader._worker is worker
    finally:
        await reader.stop()


@pytest.mark.servers
async def test_each_ends_as_exactly_one_thing(intake: Running) -> None:
    inbox, mails = cast(SmtpIntake, smtp(intake.edge)), whole()
    inbox.taking.reader._seconds = 60  # a copy of a mail that took too long would be another mail
    known = 0
    for number in range(TAKEN):
        try:
            await inbox.take(broken(number, SEED + 2, mails), f"s{number}@example.com")
        except Refused as refused:  # the same mail with other bytes, as SMTP answers "recorded before"
            if refused.code != "key-reused":
                raise
            known += 1
    await inbox.stop()
    outcomes = list[list[str]]()
    for row in await intake.service.log.rows(0, 10_000):
        if row.topic in (MailReceived.TOPIC, MailUnreadable.TOPIC):
            outcomes.append([])
        elif row.topic in ENDS:
            outcomes[-1].append(row.topic)
    assert len(outcomes) == TAKEN - known
    ended = [said for said in outcomes if len(said) == 1]
    assert max(map(len, outcomes)) == 1
    assert len(ended) >= len(outcomes) * 0.8  # the others are copies of those
    assert not len(intake.service.memory.table("parked"))
