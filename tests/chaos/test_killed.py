"""kill -9 of services under load: nothing is lost, nothing happens twice, and they come back where they were."""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.running import Running, up

from .load import opened, process_on

pytestmark = [
    pytest.mark.servers, pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a service in /proc"),
]  # fmt: skip
CASES, KILLS, AT_ONCE = 120, 8, 4
LISTENERS = ("classifier", "router", "sla", "feedback", "notification")


@pytest.fixture
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "killed", VEFA_PUBLIC_PER_MINUTE="1000000") as running:
        yield running


def test_killed_services_lose_nothing_and_do_nothing_twice(platform: Running) -> None:
    ports = {name: int(platform.address(name).rpartition(":")[2]) for name in platform.services}
    dice, killed = random.Random(7), list[str]()
    with httpx.Client(timeout=10) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        address = platform.address("intake")
        posts = [pool.submit(opened, client, address, number) for number in range(CASES)]
        while len(killed) < KILLS:
            name = "intake" if len(killed) % 2 == 0 else dice.choice(LISTENERS)
            if process := process_on(ports[name]):
                os.kill(process, signal.SIGKILL)
                killed.append(name)
            time.sleep(0.4)
        cases = [post.result() for post in posts]
    assert len(set(cases)) == CASES
    heard = "select count(*) from {}.stored_events where topic = 'intake.case-opened.v1' and {} said"
    assert platform.count("intake", heard.format("intake", "")) == CASES
    platform.settled()
    for name in LISTENERS:
        assert platform.count(name, heard.format(name, "not")) == CASES, name
    clocks = "from sla.stored_events where topic = 'sla.clock-started.v1' and said"
    odd = f"select count(*) from (select 1 {clocks} group by originator_id having count(*) <> 2) as odd"
    assert platform.count("sla", f"select count(distinct originator_id) {clocks}") == CASES
    assert platform.count("sla", odd) == 0, "each case has two clocks, each started once"
    platform.vefa("verify")
    assert all(process_on(port) for port in ports.values()), "a killed service comes back where it was"
