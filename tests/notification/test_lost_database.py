"""A notification whose database was lost hears all that ever happened once more, and mails nobody."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.intake import CaseOpened, CustomerKnown
from contracts.notification import NoticeQueued, NoticeSent, NoticeWithheld
from contracts.outside import CaseSubmitted
from services.intake.app import app as intake
from services.notification.views import PATIENCE
from shared.core.message import Message, fresh
from shared.core.personal import Personal
from shared.runtime.clock import Deadlines
from shared.store.codec import Envelope, to_wire
from tests.scene import MONDAY
from tests.serving import served
from tests.sizes import sized

from .conftest import Desk, Sink

CAUSES = sized(2000, 300, "VEFA_PROOF_CAUSES")
FEW, PAGE = 20, 500
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900 + CAUSES / 10)]
LONG_AGO = MONDAY - timedelta(days=3)


def concern(number: int, at: datetime) -> Message:
    """A customer brings a concern; intake opens a case of it, which is acknowledged by mail."""
    event = CaseSubmitted(
        contact=f"{number:032x}", contact_kind="mail", address=Personal(f"c{number}@example.com"), channel="web",
        subject=Personal("Kargo"), text=Personal(f"{number} numaralı siparişim gelmedi"), language="tr",
    )  # fmt: skip
    return fresh(event, at)


async def happened(database: str, folder: Path, causes: int, at: datetime) -> list[Envelope]:
    """What intake said of these concerns at that time, as its log tells it today."""
    documents = {name: json.loads(document) for name, document in intake.shipped().items()}
    async with served(intake, database, folder, documents) as desk:
        for first in range(0, causes, PAGE):
            numbers = range(first, min(first + PAGE, causes))
            await desk.service.handle(*(concern(number, at) for number in numbers))
        rows = await desk.service.log.rows(0, 100_000, said=True)
    return [Envelope.parse(to_wire("intake", row).body, MONDAY) for row in rows]


async def unclassified(desk: Desk) -> None:
    """No classifier says anything: what waited for it is decided without it."""
    desk.clock.set(desk.clock.now() + PATIENCE)
    await Deadlines(desk.edge.service, desk.clock).fire()


async def handle(desk: Desk, told: list[Envelope]) -> None:
    for at in range(0, len(told), PAGE):
        await desk.edge.service.handle(*told[at : at + PAGE])


async def said(desk: Desk) -> list[Message]:
    service = desk.edge.service
    return await service.open(await service.log.rows(0, 100_000, said=True))


def count(messages: Iterable[Message], kind: type) -> int:
    return sum(isinstance(message.event, kind) for message in messages)


async def test_old_causes_that_are_heard_again_are_withheld_as_stale_and_nobody_is_mailed(
    database: str, tmp_path: Path, desk: Desk, sink: Sink, record_property: Callable[[str, object], None]
) -> None:
    told = await happened(database, tmp_path, CAUSES, LONG_AGO)
    assert Counter(e.topic for e in told if e.topic in (CaseOpened.TOPIC, CustomerKnown.TOPIC)) == {
        CaseOpened.TOPIC: CAUSES, CustomerKnown.TOPIC: CAUSES,
    }  # fmt: skip
    await handle(desk, told)
    await unclassified(desk)
    assert await desk.send_due() == 0
    notices = await said(desk)
    withheld = [m.event.withheld.reason for m in notices if isinstance(m.event, NoticeWithheld)]
    assert withheld == ["stale"] * CAUSES
    assert count(notices, NoticeQueued) == count(notices, NoticeSent) == 0
    assert sink.mails == []
    desk.clock.set(MONDAY + timedelta(days=1))
    assert await desk.send_due() == 0
    record_property(
        "figures", f"{CAUSES} causes heard again, {len(withheld)} withheld as stale, {len(sink.mails)} mails"
    )


@pytest.mark.long
async def test_what_was_queued_before_a_long_stop_is_withheld_too(
    database: str, tmp_path: Path, desk: Desk, sink: Sink
) -> None:
    await handle(desk, await happened(database, tmp_path, FEW, MONDAY))
    await unclassified(desk)
    assert count(await said(desk), NoticeQueued) == FEW
    desk.clock.set(MONDAY + timedelta(days=3))
    assert await desk.send_due() == FEW
    assert [m.event.withheld.reason for m in await said(desk) if isinstance(m.event, NoticeWithheld)] == ["stale"] * FEW
    assert sink.mails == []


@pytest.mark.long
async def test_control_causes_whose_age_is_not_told_would_be_mailed_again(
    database: str, tmp_path: Path, desk: Desk, sink: Sink
) -> None:
    told = await happened(database, tmp_path, FEW, LONG_AGO)
    await handle(desk, [replace(e, message=replace(e.message, occurred_at=MONDAY)) for e in told])
    await unclassified(desk)
    assert await desk.send_due() == FEW
    assert count(await said(desk), NoticeSent) == len(sink.mails) == FEW
