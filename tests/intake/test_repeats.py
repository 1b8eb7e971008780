"""No duplicate case: each mail comes three times, under its own id and under others, each form is posted again and
again with its key, one after the other and all at once. One case each, and the same answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
import pytest_asyncio

from contracts.intake import CaseOpened
from services.intake.app import smtp
from services.intake.mail.smtp import SmtpIntake

from .conftest import CONCERN, Running
from .mails import file, html, mail, multipart, plain

pytestmark = pytest.mark.servers
BODIES = (
    plain("Kargom gelmedi."), html("<p>Faturam <b>yanlış</b>.</p>"),
    multipart("alternative", plain("İade istiyorum."), html("<p>İade istiyorum.</p>")),
    multipart("mixed", plain("Fotoğraf ekte."), file("f.png")), plain("şğüöçı " * 8000),
)  # fmt: skip


@pytest_asyncio.fixture
async def inbox(intake: Running) -> AsyncIterator[SmtpIntake]:
    taking = cast(SmtpIntake, smtp(intake.edge))
    yield taking
    await taking.stop()


async def opened(intake: Running) -> list[str]:
    rows = await intake.service.log.rows(0, 10_000)
    return [row.topic for row in rows if row.topic == CaseOpened.TOPIC]


@pytest.mark.parametrize("at_once", [False, True])
async def test_each_mail_three_times_is_one_case(intake: Running, inbox: SmtpIntake, at_once: bool) -> None:
    mails = list[tuple[bytes, str]]()
    for number, body in enumerate(BODIES):
        sender = f"m{number}@example.com"
        for name in (f"<m{number}@x>", f"<m{number}@x>", f"<relay{number}@x>", f"<again{number}@x>", ""):
            mails.append((mail(body, From=sender, Message_ID=name), sender))
    if at_once:
        await asyncio.gather(*(inbox.take(content, sender) for content, sender in mails))
    else:
        for content, sender in mails:
            await inbox.take(content, sender)
    assert len(await opened(intake)) == len(BODIES)
    other = mail(BODIES[0], From="somebody@example.com", Message_ID="<m0@x>")  # control: another sender, another case
    await inbox.take(other, "somebody@example.com")
    assert len(await opened(intake)) == len(BODIES) + 1


@pytest.mark.parametrize("role", ["", "customer", "service"])
async def test_a_form_that_is_posted_again_with_its_key_is_one_case(intake: Running, role: str) -> None:
    async def post(key: str) -> tuple[int, str]:
        answer = await intake.send("POST", "/v1/cases", role, key=key, json=CONCERN | {"text": f"Bozuk. {key}"})
        return answer.status_code, answer.text

    keys = [f"k{number}" for number in range(4)]
    answers = await asyncio.gather(*(post(key) for _ in range(6) for key in keys))
    answers += [await post(key) for key in keys]
    assert {status for status, _ in answers} == {201}
    assert len({text for _, text in answers}) == len(keys) == len(await opened(intake))
    await post("another")
    assert len(await opened(intake)) == len(keys) + 1  # control: without its key it is another one


async def test_what_another_system_sends_46_times_is_one_case(intake: Running) -> None:
    concern = CONCERN | {"external_id": "crm-4711", "channel": "phone"}
    posts = (intake.send("POST", "/v1/cases", "service", json=concern) for _ in range(46))
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1 == len(await opened(intake))
