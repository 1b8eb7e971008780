"""What the tests of this folder do to a platform: post cases like an honest client, and find whom to kill."""

import time
from pathlib import Path

import httpx

UNTIL_SECONDS = 90


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
