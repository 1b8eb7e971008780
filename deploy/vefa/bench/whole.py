"""A case on the whole platform: all services together, saturated by some clients, and cases one by one as on a desk's
day. Any build that has ``vefa up`` can be measured."""

import asyncio
import time
from dataclasses import dataclass

from .build import Build, Up, up
from .concerns import CUSTOMERS
from .frame import Figure, Options, Run, percentile
from .processes import cpu
from .room import Room, folder, room
from .spent import Account, Spent
from .submissions import bare, load, post

CLIENTS = 8
RATE = 5
"""Cases a second when they come one by one."""
FEWEST = 10
"""Cases one by one in a run: fewer drown in what the idle platform does."""
IDLE_SECONDS = 10.0
APART = 10_000_000 + CUSTOMERS // CLIENTS
"""Clients begin so far from each other: each brings the cases of other customers."""
FLOOR = "a bare ASGI application that inserts as many rows for each body as all logs get together, in one commit"


def measure(options: Options) -> list[Figure]:
    return measure_build(Build.here(), options)


def measure_build(build: Build, options: Options) -> list[Figure]:
    """Both figures of the build in this folder, beside their floors."""
    saturated = Figure("whole, saturated by 8 clients", "cases/s", [], [], FLOOR, "1.5 x django-helpdesk's, then 3 x")
    single = Figure("whole, 5 cases a second", "CPU ms a case", [], [], FLOOR, "60 (near the limit 25)")
    with folder() as made, room() as plain, up(build, made / "data") as platform, Account(platform) as account:
        desk = Desk(platform, account)
        desk.begin(min(1.0, options.seconds))
        with Floor(plain, desk.rows) as floor:
            for _ in range(options.rounds):
                saturated.runs.append(desk.saturated(options.seconds))
                saturated.floors.append(floor.saturated(options.seconds))
                single.runs.append(desk.one_by_one(cases_in(options.seconds)))
                single.floors.append(floor.one_by_one(cases_in(options.seconds)))
    return [saturated, single]


def cases_in(seconds: float) -> int:
    """A run of cases one by one is twice as long as one under load: it has so few of them."""
    return max(FEWEST, round(2 * seconds * RATE))


@dataclass
class Desk:
    """The platform under cases that nobody brought before."""

    platform: Up
    account: Account
    rows: int = 0
    """How many rows a case makes in all logs together."""
    _brought: int = 0

    def begin(self, seconds: float) -> None:
        """Bring the first cases, which are slow, and look at what is spent on nothing."""
        self.account.until_still()
        self.account.open()
        done = asyncio.run(load(self.platform.intake, seconds, self._numbers(), clients=2))
        self.account.until_still()
        self.rows = round(sum(self.account.close().rows.values()) / done)
        self.account.open()
        time.sleep(IDLE_SECONDS)
        self._idle = self.account.close(told=True)

    def saturated(self, seconds: float) -> Run:
        """Cases/s from the first request until no log grows any more."""
        self.account.open()
        began = time.monotonic()
        done = asyncio.run(load(self.platform.intake, seconds, self._numbers(), CLIENTS, APART))
        answered, ended = time.monotonic(), self.account.until_still()
        spent = self._spent()
        seen = {"answered_a_second": done / (answered - began), **spent.seen(done)}
        return Run(done / (ended - began), sum(spent.cpu.values()) / done * 1e6, seen)

    def one_by_one(self, cases: int) -> Run:
        """CPU ms for each case, of all services and servers."""
        self.account.open()
        took = asyncio.run(paced(self.platform.intake, cases, self._numbers()))
        self.account.until_still()
        spent = self._spent()
        used = sum(spent.cpu.values()) / cases
        answers = {"p50_ms": percentile(took, 0.5) * 1e3, "p99_ms": percentile(took, 0.99) * 1e3}
        return Run(used * 1e3, used * 1e6, {**answers, **spent.seen(cases)})

    def _spent(self) -> Spent:
        return self.account.close().without(self._idle)

    def _numbers(self) -> int:
        """The first of a range that no part had before."""
        self._brought += 1_000_000_000 + CUSTOMERS // 7
        return self._brought


@dataclass
class Floor:
    """The bare application, on servers of its own."""

    plain: Room
    rows: int

    def __enter__(self) -> "Floor":
        self._process = bare(self.plain.database(), self.rows)
        assert self._process.stdout
        self._address = self._process.stdout.readline().decode().strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def saturated(self, seconds: float) -> Run:
        began, before = time.monotonic(), self._used()
        done = asyncio.run(load(self._address, seconds, 0, CLIENTS))
        return Run(done / (time.monotonic() - began), (self._used() - before) / done * 1e6)

    def one_by_one(self, cases: int) -> Run:
        before = self._used()
        asyncio.run(paced(self._address, cases, 0))
        used = (self._used() - before) / cases
        return Run(used * 1e3, used * 1e6)

    def _used(self) -> float:
        return cpu(self._process.pid) + cpu(self.plain.servers.postgres.pid)


async def paced(address: str, cases: int, first: int) -> list[float]:
    """Post so many concerns at ``RATE`` over one connection; returns how long each answer took, in seconds."""
    clock, took = asyncio.get_running_loop().time, list[float]()
    began = clock()
    async with post(address) as ask:
        for number in range(cases):
            await asyncio.sleep(max(0.0, began + number / RATE - clock()))
            at = clock()
            await ask(first + number)
            took.append(clock() - at)
    return took
