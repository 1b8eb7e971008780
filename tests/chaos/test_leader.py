"""Two processes of one service on the same servers: one is the leader, the other follows; when the leader dies, the
other leads and nothing is doubled."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import nats
import pytest

from deploy.vefa.local.nats_server import STREAM
from tests.running import Running, up
from tests.waiting import PATIENCE, until_true

from .beside import another, leads
from .load import opened, process_on

pytestmark = [
    pytest.mark.long, pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a service in /proc"),
]  # fmt: skip
SERVICE = "classifier"
HEARD = "select count(*) from {}.stored_events where topic = '{}' and not said"
OPENED, CLASSIFIED = "intake.case-opened.v1", "classifier.case-classified.v1"


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "leader") as running:
        yield running


@pytest.fixture
def both(platform: Running) -> Iterator[list[str]]:
    """The addresses of the process that the platform keeps and of one that was started by hand."""
    with another(platform, SERVICE) as by_hand:
        yield [platform.address(SERVICE), by_hand]


def kill(address: str) -> None:
    os.kill(process_on(int(address.rpartition(":")[2])), signal.SIGKILL)


def one_leads(addresses: list[str]) -> bool:
    return sorted(str(leads(address, SERVICE)) for address in addresses) == ["False", "True"]


def published(platform: Running, topic: str) -> int:
    """How many messages of a topic the stream holds."""
    subject = f"vefa.event.{topic}"

    async def ask() -> int:
        client = await nats.connect(platform.noted["nats"])
        info = await client.jetstream().stream_info(STREAM, subjects_filter=subject)
        await client.close()
        return int((info.state.subjects or {}).get(subject, 0))

    return asyncio.run(ask())


def everybody_heard(platform: Running, cases: int) -> bool:
    """Whether the service heard these cases, and another heard what it said of them."""
    return platform.count(SERVICE, HEARD.format(SERVICE, OPENED)) == cases == platform.count(
        "sla", HEARD.format("sla", CLASSIFIED)
    )  # fmt: skip


def test_the_second_process_of_a_service_is_a_follower(both: list[str]) -> None:
    assert [leads(address, SERVICE) for address in both] == [True, False]


def test_when_the_acting_process_dies_one_leads_and_nothing_is_doubled(platform: Running, both: list[str]) -> None:
    with httpx.Client(timeout=10) as client:
        opened(client, platform.address("intake"), 1)
        assert leads(both[0], SERVICE)
        kill(both[0])
        opened(client, platform.address("intake"), 2)
        until_true(lambda: one_leads(both), "nobody leads, or both do")
        opened(client, platform.address("intake"), 3)
    until_true(lambda: everybody_heard(platform, 3), "something was not heard")
    said = f"select count({{}}) from {SERVICE}.stored_events where topic = '{CLASSIFIED}' and said"
    assert platform.count(SERVICE, said.format("*")) == 3
    assert platform.count(SERVICE, said.format("distinct originator_id")) == 3
    assert published(platform, CLASSIFIED) == 3
    assert one_leads(both)
    platform.vefa("verify")


def test_who_is_asked_over_nats_speaks_for_the_leader(platform: Running, both: list[str]) -> None:
    async def ask() -> set[bool]:
        client = await nats.connect(platform.noted["nats"])
        answers = [await client.request(f"vefa.status.{SERVICE}", b"", timeout=PATIENCE) for _ in range(50)]
        await client.close()
        return {json.loads(answer.data)["leader"] for answer in answers}

    until_true(lambda: one_leads(both), "nobody leads, or both do")
    assert asyncio.run(ask()) == {True}
