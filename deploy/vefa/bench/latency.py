"""From published to armed: how long after intake published a case its clocks run, at two rates and saturated."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy

from deploy.vefa.services import app_of
from shared.bus.jetstream import STREAM
from shared.core.message import fresh
from shared.store.rows import Recorded

from .frame import Figure, Options, Run, by_turns, in_loop, percentile
from .made import OWN, case_opened, opened
from .plain import plain
from .room import Room, room
from .station import station

RATES = {"500/s": (500.0, "50 ms (20)"), "2,000/s": (2000.0, "100 ms (50)"), "saturated": (0.0, "250 ms (100)")}
FASTEST = 20_000
SUBJECT = "vefa.event.intake.case-opened.v1"


@in_loop
async def measure(options: Options) -> list[Figure]:
    figures = []
    with room() as made:
        ready = made.database()
        async with station(made, app_of("sla"), ready) as sla:
            await sla.ship_policies()
            wires = await opened(sla.service.vault, int(options.seconds * FASTEST) + 1, datetime.now(UTC))
        path = made.folder / "wires"
        path.write_bytes(b"\n".join(orjson.dumps([w.body.decode(), w.headers]) for w in wires))
        for name, (rate, goal) in RATES.items():
            feed = Feed(made, path, rate, options.seconds, len(wires))
            rows: list[Recorded] = []

            async def served(feed: "Feed" = feed, rows: list[Recorded] = rows) -> Run:
                return await _served(made, made.database(ready), feed, rows)

            async def plainly(feed: "Feed" = feed, rows: list[Recorded] = rows) -> Run:
                return await _plainly(made, made.database(), feed, rows)

            runs, floors = await by_turns(options.rounds, served, plainly)
            floor_is = "the same messages as they come, the same rows inserted, nothing else"
            figures.append(Figure(f"latency p99, {name}", "ms", runs, floors, floor_is, goal))
    return figures


class Feed:
    """A publisher in a process of its own; when each message went out stands in a file that both have mapped."""

    def __init__(self, made: Room, wires: Path, rate: float, seconds: float, count: int):
        self._made, self._wires, self._rate, self._seconds, self._count = made, wires, rate, seconds, count

    async def start(self) -> None:
        """Publish from now on."""
        path = self._made.folder / "times"
        np.zeros(self._count + 2).tofile(path)
        self.shared = np.memmap(path, dtype=np.float64, mode="r+")
        self.armed = np.zeros(self._count + 1)
        self.heard, self._began = 0, time.monotonic()
        command = [
            sys.executable, "-m", "deploy.vefa.bench.publisher", str(self._wires), str(path),
            self._made.servers.nats_url("ops"), str(self._rate), str(self._seconds),
        ]  # fmt: skip
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[3])  # noqa: ASYNC220, S603

    def stamp(self, upto: int) -> None:
        """Everything up to there is armed now."""
        if upto > self.heard:
            self.armed[self.heard + 1 : upto + 1] = time.monotonic()
            self.heard = upto
            self.shared[0] = upto

    @property
    def over(self) -> bool:
        """All is heard, or so much waits that hearing it would take longer than the run twice over."""
        ended = self._process.poll() is not None
        late = self.heard > 0 and time.monotonic() > self._began + 3 * self._seconds
        return ended and (self.heard >= self.shared[1] or late)

    def run(self) -> Run:
        if self._process.returncode:
            raise ChildProcessError("the publisher failed; its message stands above")
        sent = self.shared[2 : self.heard + 2]
        waits = ((self.armed[1 : self.heard + 1] - sent) * 1000).tolist()
        took = float(self.armed[self.heard] - sent[0])
        seen = {
            "p50": percentile(waits, 0.5),
            "per_second": self.heard / took,
            "not_heard": float(self.shared[1]) - self.heard,
        }
        return Run(percentile(waits, 0.99), None, seen)


async def _served(made: Room, database: str, feed: Feed, rows: list[Recorded]) -> Run:
    await made.empty_streams()
    async with station(made, app_of("sla"), database) as sla:
        await sla.service.handle(fresh(case_opened(0, OWN), datetime.now(UTC)))  # the first of everything is slow
        committed, before = sla.service.changes.wakes(), sla.service.position
        async with sla.leading():
            await feed.start()
            while not feed.over:
                try:
                    async with asyncio.timeout(0.1):
                        await committed.wait()
                except TimeoutError:
                    pass
                committed.clear()
                feed.stamp(sla.service.tracked.get("intake", 0))
        rows[:] = await sla.service.log.rows(before, 10_000_000)
    return feed.run()


async def _plainly(made: Room, database: str, feed: Feed, rows: Sequence[Recorded]) -> Run:
    await made.empty_streams()
    heard = max(1, sum(1 for r in rows if not r.said))
    each = len(rows) / heard
    async with plain(made, database) as floor:
        incoming: asyncio.Queue[Msg] = asyncio.Queue()
        js = floor.client.jetstream()
        await js.subscribe(
            SUBJECT, stream=STREAM, cb=incoming.put, deliver_policy=DeliverPolicy.ALL, pending_msgs_limit=-1,
            pending_bytes_limit=-1, manual_ack=True,
        )  # fmt: skip
        await feed.start()
        taken = 0
        while not feed.over:
            try:
                async with asyncio.timeout(0.1):
                    messages = [await incoming.get()]
            except TimeoutError:
                continue
            while not incoming.empty():
                messages.append(incoming.get_nowait())
            for message in messages:
                await message.ack()
            first, taken = taken, taken + len(messages)
            await floor.insert(rows[int(first * each) : int(taken * each)])
            feed.stamp(taken)
    return feed.run()
