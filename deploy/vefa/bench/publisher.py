"""Publishes prepared messages at a rate, or as many as are not heard yet, and notes when each went out.

Run as ``python -m deploy.vefa.bench.publisher WIRES TIMES URL RATE SECONDS``. TIMES is mapped by both sides: how many
were heard, how many were sent, then the instants."""

import asyncio
import sys
import time

import nats
import numpy as np
import orjson

SUBJECT = "vefa.event.intake.case-opened.v1"
WINDOW = 500
"""So many may be on their way when no rate is given: a batch of the service."""


async def main(wires: str, times: str, url: str, rate: float, seconds: float) -> None:
    with open(wires, "rb") as file:  # noqa: ASYNC230, PTH123
        messages = [orjson.loads(line) for line in file]
    shared = np.memmap(times, dtype=np.float64, mode="r+")
    client = await nats.connect(url)
    began, sent = time.monotonic(), 0
    while sent < len(messages) and (passed := time.monotonic() - began) < seconds:
        due = int(passed * rate) + 1 if rate else int(shared[0]) + WINDOW
        for body, headers in messages[sent : min(due, len(messages))]:
            shared[2 + sent] = time.monotonic()
            await client.publish(SUBJECT, body.encode(), headers=headers)
            sent += 1
        await client.flush()
        await asyncio.sleep(0.002)
    await client.close()
    shared[1] = sent


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5])))
