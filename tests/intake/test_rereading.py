"""Mails that are read again for who looks at them: few at a time, once for all who ask for the same, refused beyond."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
import pytest_asyncio

from services.intake.app import smtp
from services.intake.mail import rereading
from services.intake.mail.parse import Facts
from services.intake.mail.rereading import KEPT, KEPT_TEXT, Rereading
from services.intake.mail.smtp import SmtpIntake
from services.intake.mail.worker import MailReader
from shared.core.world import Refused
from tests.intake.conftest import Running

NOBODY = b"Subject: Kimden\r\n\r\nKargom gelmedi, "


class Gate:
    """Readers that read for as long as the gate is closed; how many there are, were at once, and were in all."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.now = self.most = self.all = 0

    def reader(self) -> MailReader:
        gate = self

        class Waits(MailReader):
            async def read(self, raw: bytes, mail_from: str | None = None, own: str = "") -> Facts:
                await gate.open.wait()
                return await super().read(raw, mail_from, own)

            async def stop(self) -> None:
                gate.now -= 1
                await super().stop()

        self.now, self.all = self.now + 1, self.all + 1
        self.most = max(self.most, self.now)
        return Waits()


def text(words: str) -> Facts:
    return {"text": words, "parts": []}


async def after(gate: Gate, words: str = "x") -> Facts:
    await gate.open.wait()
    return text(words)


async def test_no_more_read_at_a_time_than_there_are_workers_and_no_more_wait_than_there_is_room() -> None:
    gate = Gate()
    mails = Rereading(gate.reader, workers=2, waiting=3)
    tasks = [asyncio.create_task(mails.shown(str(n), lambda _: after(gate))) for n in range(9)]
    await asyncio.sleep(0.05)
    assert (gate.now, sum(task.done() for task in tasks)) == (2, 4)
    gate.open.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [one for one in found if isinstance(one, Refused)]
    assert [(one.status, one.code) for one in refused] == [(503, "busy")] * 4
    assert (gate.most, gate.now, found[:5]) == (2, 0, [text("x")] * 5)
    assert await mails.shown("9", lambda _: after(gate)) == text("x")  # there is room again


async def test_control_without_the_bound_all_read_at_once() -> None:
    gate = Gate()
    mails = Rereading(gate.reader, workers=100)
    tasks = [asyncio.create_task(mails.shown(str(n), lambda _: after(gate))) for n in range(9)]
    await asyncio.sleep(0.05)
    assert gate.now == 9
    gate.open.set()
    await asyncio.gather(*tasks)


async def test_the_same_mail_is_read_once_for_all_who_ask_also_when_the_first_one_goes_away() -> None:
    gate = Gate()
    mails = Rereading(gate.reader, workers=1, waiting=0)
    first, *others = [asyncio.create_task(mails.shown("m", lambda _: after(gate))) for _ in range(20)]
    await asyncio.sleep(0.05)
    first.cancel()
    gate.open.set()
    assert await asyncio.gather(*others) == [text("x")] * 19
    assert await mails.shown("m", lambda _: after(gate, "another")) == text("x")
    assert gate.all == 1


async def test_what_was_read_is_kept_for_a_moment_only_and_never_what_is_long_or_was_erased() -> None:
    gate = Gate()
    gate.open.set()
    mails = Rereading(gate.reader, seconds=3600)

    async def erased(_: MailReader) -> Facts | None:
        return None

    for words, reads in (("x", 1), ("y" * (KEPT_TEXT + 1), 2)):
        before = gate.all
        for _ in range(2):
            assert await mails.shown(words[0], lambda _, words=words: after(gate, words)) == text(words)
        assert gate.all - before == reads
    for _ in range(2):
        assert await mails.shown("gone", erased) is None
    brief = Rereading(gate.reader, seconds=0.05)
    for words in ("x", "anew"):
        assert await brief.shown("x", lambda _, words=words: after(gate, words)) == text(words)
        await asyncio.sleep(0.1)
    for n in range(KEPT + 5):
        await mails.shown(str(n), lambda _: after(gate))
    assert len(mails._kept) == KEPT


async def test_a_worker_that_fails_leaves_its_place_and_nothing_is_kept() -> None:
    mails = Rereading(MailReader, workers=1, waiting=0)

    async def fails(_: MailReader) -> Facts | None:
        raise ValueError("broken")

    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            await mails.shown("m", fails)
    gate = Gate()
    gate.open.set()
    assert await mails.shown("m", lambda _: after(gate)) == text("x")


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


@pytest.mark.servers
async def test_a_crowd_that_looks_is_answered_by_few_workers_or_told_to_come_again(
    intake: Running, inbox: SmtpIntake
) -> None:
    for number in range(8):
        await inbox.take(NOBODY + str(number).encode(), None)
    items = [row["item"] for row in (await intake.send("GET", "/v1/set-aside")).json()["items"]]
    gate = Gate()
    rereading._of_service[intake.service] = Rereading(gate.reader, workers=2, waiting=2)

    def look(item: str) -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(intake.send("GET", f"/v1/set-aside/{item}"))

    looks = [look(item) for item in items for _ in range(3)]
    while gate.now < 2 or sum(task.done() for task in looks) < 12:
        await asyncio.sleep(0.01)
    release = await intake.send("POST", f"/v1/set-aside/{items[0]}/release", json={"sender": "veli@example.com"})
    assert (release.status_code, release.headers["retry-after"], bool(release.json()["remedy"])) == (503, "2", True)
    gate.open.set()
    answers = [await task for task in looks]
    shown = [answer.json()["text"] for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert (len(shown), len(refused), len(set(shown))) == (12, 12, 4)
    assert all("retry-after" in answer.headers for answer in refused)
    assert (gate.most, gate.all) == (2, 4)
    assert (await look(items[-1])).status_code == 200
    assert (await intake.send("GET", "/v1/set-aside")).status_code == 200
