"""What the tests of this folder do to a platform: post cases like an honest client, and find whom to kill."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx

from tests.waiting import PATIENCE


def process_on(port: int) -> int:
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


def opened(
    client: httpx.Client, address: str | list[str], number: int, *, customers: int = 9, over: Event | None = None
) -> str:
    """Post a case as a client that repeats what got no answer, at the next of several addresses; returns the case.
    TimeoutError when there is none in PATIENCE seconds, or ``over`` is set meanwhile."""
    customer = f"c{number % customers}@example.com"
    body = {"contact": {"kind": "mail", "address": customer}, "text": f"Order {number} is late."}
    until, turn = time.monotonic() + PATIENCE, number
    while time.monotonic() < until and not (over and over.is_set()):
        place = address if isinstance(address, str) else address[turn % len(address)]
        turn += 1
        try:
            answer = client.post(f"{place}/v1/cases", json=body, headers={"Idempotency-Key": f"order-{number}"})
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == 503:
            time.sleep(0.05)
            continue
        assert answer.status_code < 300, answer.text
        return str(answer.json()["case"])
    raise TimeoutError(f"case {number} was not taken within {PATIENCE:g} s")


class Load:
    """Clients that go on posting cases to one of ``addresses``, each for another customer, until ``stop()`` returns the
    accepted cases. At the end of the block they give up what is not answered."""

    def __init__(self, address: str, *, clients: int = 4, pause: float = 0.5):
        """``pause``: seconds that a client waits after an answer, on average."""
        self.addresses, self._pause, self._enough, self._over = [address], pause, Event(), Event()
        self._pool = ThreadPoolExecutor(clients)
        self._posting: list[Future[list[str]]] = [
            self._pool.submit(self._post, first, clients) for first in range(clients)
        ]

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._over.set()
        self._pool.shutdown()

    def _post(self, first: int, clients: int) -> list[str]:
        dice, cases, number = random.Random(first), list[str](), first
        with httpx.Client(timeout=10) as client:
            while not self._enough.is_set():
                cases.append(opened(client, self.addresses, number, customers=10**9, over=self._over))
                number += clients
                self._enough.wait(dice.uniform(0, 2 * self._pause))
        return cases

    def stop(self) -> list[str]:
        """Every request that was begun is answered first; raises what a client raised."""
        self._enough.set()
        return [case for posting in self._posting for case in posting.result()]
