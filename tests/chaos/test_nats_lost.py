"""NATS is disposable: it is killed under load, once with all that it stored, and nobody misses anything."""

import asyncio
import os
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import nats
import pytest

from shared.bus.jetstream import INTEGRATOR, STREAM
from tests.running import Running, up
from tests.waiting import until_true

from .load import opened, process_on

pytestmark = [
    pytest.mark.long, pytest.mark.servers,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the process of the server in /proc"),
]  # fmt: skip
CASES, KILLS, AT_ONCE = 90, 3, 4


def kill(platform: Running, *, wipe: bool) -> None:
    """kill -9 of nats-server, all that it stored gone before that; its supervisor starts it again."""
    port = int(str(platform.noted["nats"]).rpartition(":")[2])
    process = process_on(port)
    if wipe:
        shutil.rmtree(platform.data / "nats" / "jetstream")
    os.kill(process, signal.SIGKILL)


def listeners(platform: Running) -> set[str]:
    """Who has a consumer of the stream: without one a service hears only what announced heads make it read."""

    async def ask() -> set[str]:
        client = await nats.connect(platform.noted["nats"])
        found = await client.jetstream().consumers_info(STREAM)
        await client.close()
        return {consumer.name for consumer in found}

    return asyncio.run(ask())


def test_a_nats_server_that_dies_under_load_loses_nothing(open_folder: Path) -> None:
    with up(open_folder / "nats-lost", VEFA_PUBLIC_PER_MINUTE="1000000") as platform:
        with httpx.Client(timeout=10) as client, ThreadPoolExecutor(AT_ONCE) as pool:
            address = platform.address("intake")
            posts = [pool.submit(opened, client, address, number) for number in range(CASES)]
            for number in range(KILLS):
                time.sleep(1)
                kill(platform, wipe=number == KILLS - 1)
            cases = [post.result() for post in posts]
        assert len(set(cases)) == CASES
        platform.settled()
        opened_once = "select count(*) from {}.stored_events where topic = 'intake.case-opened.v1' and not said"
        for name in ("classifier", "router", "sla", "feedback", "notification"):
            assert platform.count(name, opened_once.format(name)) == CASES, name
        clocks = "select count(*) from sla.stored_events where topic = 'sla.clock-started.v1' and said"
        assert platform.count("sla", clocks) == 2 * CASES, "each case has its two clocks, each started once"
        platform.vefa("verify")
        until_true(
            lambda: listeners(platform) == {*platform.services, INTEGRATOR},
            "somebody does not listen any more",
            seconds=20,
        )
