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

pytestmark = [
    pytest.mark.servers, pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a service in /proc"),
]  # fmt: skip
CASES, KILLS, AT_ONCE = 120, 8, 4
LISTENERS = ("classifier", "router", "sla", "feedback", "notification")
UNTIL_SECONDS = 90


def listens_on(port: int) -> int:
    """The process that listens on a local port; 0 for none."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {
        f"socket:[{fields[9]}]"
        for fields in map(str.split, lines)
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(entry.readlink()) in inodes for entry in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue
    return 0


def opened(client: httpx.Client, address: str, number: int) -> str:
    """Post a case as a client that repeats what got no answer; returns the case."""
    body = {"contact": {"kind": "mail", "address": f"c{number % 9}@example.com"}, "text": f"Order {number} is late."}
    until = time.monotonic() + UNTIL_SECONDS
    while time.monotonic() < until:
        try:
            answer = client.post(f"{address}/v1/cases", json=body, headers={"Idempotency-Key": f"order-{number}"})
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == 503:
            time.sleep(0.05)
            continue
        assert answer.status_code < 300, answer.text
        return str(answer.json()["case"])
    raise TimeoutError(f"case {number} was not taken within {UNTIL_SECONDS} s")


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
            if process := listens_on(ports[name]):
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
    assert all(listens_on(port) for port in ports.values()), "a killed service comes back where it was"
