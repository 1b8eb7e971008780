"""A small world: seven services, their disks and a bus, people outside, and what befalls them; at its end it is
judged."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.privacy.sealing import Key
from tests.scene import MONDAY

from .disk import Disk
from .fate import CALM, Chances, Fate, Planned, Point
from .judge import Outcome, judge, outcome_of, reported
from .loop import Life, Loop
from .process import APPS, Clock, Outside, Process
from .story import People, Story
from .transport import SimulatedBus

VIEWS_EVERY = 25
LOOK_SECONDS, PATIENCE = 0.1, 60.0
SKIP = timedelta(minutes=5)
"""So long after the next due instant time goes on: what falls due soon after it does so in every world."""
LEASE_SECONDS, NOTICE_SECONDS, IDLE_SECONDS = 15.0, 0.004, 10.0
"""Of a process that stands still: another becomes the leader; going on it looks at once, and finds that out; the
database ends its transaction."""


@dataclass(frozen=True)
class Template:
    """Worlds begin with it: policies in force, agents at their desks."""

    disks: dict[str, Disk]
    keys: dict[str, Key]
    at: datetime


@dataclass
class Result:
    """What came of a world. ``wrong`` says what was promised and not kept."""

    seed: int
    wrong: list[str]
    outcome: Outcome
    seen: Counter[Point]
    befell: list[tuple[str, str, Point]]
    digest: str
    """Of every row of every log."""
    steps: int


class World(Outside):
    """One run."""

    def __init__(
        self, seed: object, plans: list[Planned], chances: Chances, story: Story | None, template: Template | None
    ):
        self.loop = loop = Loop(seed)  # type: ignore[abstract]  # without what nobody asks it for
        self.fate = Fate(seed, loop, plans, chances)
        self.fate.crash, self.fate.stall, self.fate.befalls = self.crash, self.stall, self._befalls
        self.clock = Clock(loop, template.at if template else MONDAY)
        self.bus = SimulatedBus(loop, self.fate)
        self.disks = {name: template.disks[name].copy() if template else Disk() for name in APPS}
        self.keys = dict(template.keys) if template else {}
        self.story, self.streams, self._first = story, 40, template is None
        self.troubles: list[str] = []
        self.mails: list[tuple[str, int]] = []
        """What the mail server took: the notice and its try."""
        self.under_way: dict[tuple[str, int], None] = {}
        self.again: Counter[tuple[str, int]] = Counter()
        """How often a try may be made once more: for each time that something befell its service meanwhile."""
        self.processes: dict[str, Process] = {}
        self.people = People(self.bus, self.until, self.disks, lambda: self.clock.at)

    # what befalls it --------------------------------------------------------------------------------------------------
    def wipe_at(self, seconds: float) -> None:
        """The bus forgets all that it holds."""
        self._later(seconds, self.bus.wipe)

    def forget_topics(self, number: int) -> None:
        """One service has not noted yet of some topics that it heard their past."""
        disk = self.disks[sorted(APPS)[number % len(APPS)]]
        disk.listened -= set(sorted(disk.listened)[:2])

    def start(self, name: str) -> None:
        process = self.processes[name] = Process(APPS[name], self)
        self.loop.create_task(process.run(), context=process.life.context)

    def _befalls(self, life: Life) -> None:
        if life.name == "notification":
            told = reported(self.disks[life.name])
            self.again.update(key for key in self.under_way if key not in told)

    def crash(self, life: Life) -> None:
        if not life.alive:
            return
        self.loop.end(life)
        process = self.processes[life.name]
        if process.life is life:
            self.disks[life.name].leave(process.ports)
            self._later(2 * self.fate.random.random(), self.start, life.name)

    def stall(self, life: Life) -> None:
        process, draw = self.processes[life.name], self.fate.random.random
        if process.life is not life:
            return
        self.loop.stall(life)
        self._later(IDLE_SECONDS, self.disks[life.name].leave, process.ports)
        self._later(LEASE_SECONDS, self._take_office, process)
        wakes = LEASE_SECONDS + 3 * draw()
        self._later(wakes, self.loop.wake, life)
        self._later(wakes + NOTICE_SECONDS * draw(), self._lay_down, process)

    def _take_office(self, stalled: Process) -> None:
        if self.processes[stalled.app.name] is stalled:
            self.start(stalled.app.name)

    def _lay_down(self, stalled: Process) -> None:
        self.disks[stalled.app.name].leave(stalled.ports)
        self.loop.end(stalled.life)

    def _later(self, seconds: float, act: Callable[..., object], *args: object) -> None:
        self.loop.call_later(seconds, act, *args, context=self.loop.outside.context)

    def trouble(self, text: str) -> None:
        self.troubles.append(text)

    def begun(self, key: str, attempt: int, life: Life) -> None:
        self.under_way[key, attempt] = None
        if life.stalled:  # it stands still here, and does not know it yet
            self.again[key, attempt] += 1

    def mail(self, key: str, attempt: int) -> bool:
        if self.story and self.story.refuses and attempt == 1:
            return False
        self.mails.append((key, attempt))
        return True

    # its course -------------------------------------------------------------------------------------------------------
    async def course(self) -> None:
        for name in APPS:
            self.start(name)
        if self._first:
            await self.silence()
            await self.people.open_desk()
        if self.story:
            await self.people.play(self.story)
            for _ in range(self.story.skips):
                await self.silence()
                self._skip()
            await self.silence()
            while self._tried():
                self._skip()
                await self.silence()
        self.fate.calm()
        await self.silence()

    async def until(self, condition: Callable[[], Any], otherwise: str) -> None:
        ends = self.loop.time() + PATIENCE
        while not condition():
            if self.loop.time() > ends:
                raise AssertionError(otherwise)
            await asyncio.sleep(LOOK_SECONDS)

    async def silence(self) -> None:
        await self.until(lambda: not self.stirring(), "the world does not come to rest")

    def stirring(self) -> str:
        """What is still under way; '' when nothing is."""
        now = self.clock.at
        for name, process in self.processes.items():
            disk = self.disks[name]
            if not process.life.alive or process.life.stalled or not process.leads or process.bus is None:
                return f"{name} does not act"
            if process.bus.troubles:
                return f"{name}: {process.bus.troubles}"
            if process.service.waiting or process.bus.relayed < disk.head.said:
                return f"{name} has something to record or to publish"
            tracked = process.service.tracked
            for source in process.service.sources:
                if tracked.get(source, 0) < self.disks[source].head.said:
                    return f"{name} heard {tracked.get(source, 0)} of {source}, {self.disks[source].head.said} are said"
            if any(row["due"] <= now for row in disk.table("deadlines").values()):
                return f"{name} has deadlines to reach"
            if any(row["next_attempt"] <= now for row in disk.table("effects").values()):
                return f"{name} has effects to run"
        return ""

    def _tried(self) -> bool:
        """Whether a mail was refused once and is to be tried again."""
        return any(row["attempt"] for disk in self.disks.values() for row in disk.table("effects").values())

    def _skip(self) -> None:
        dues = [row["due"] for disk in self.disks.values() for row in disk.table("deadlines").values()]
        dues += [row["next_attempt"] for disk in self.disks.values() for row in disk.table("effects").values()]
        if dues:
            self.clock.skip_to(min(dues) + SKIP)
            for process in self.processes.values():  # as who sets a stepped clock does
                process.deadlines.woken.set()
                process.effects.woken.set()

    def run(self) -> None:
        """Never raises: what goes wrong is a trouble."""
        try:
            self.loop.run(self.course())
        except Exception as error:
            self.trouble(f"{type(error).__name__}: {error}; {self.stirring()}")
        self.troubles += self.loop.troubles

    @property
    def digest(self) -> str:
        return sha256(b"".join(disk.head.hash for disk in self.disks.values())).hexdigest()


def template() -> Template:
    """Made by a world in which nothing goes wrong."""
    world = World("template", [], CALM, None, None)
    world.run()
    assert not world.troubles, world.troubles
    return Template({name: disk.copy() for name, disk in world.disks.items()}, world.keys, world.clock.at)


def played(world: World, seed: int, expected: Outcome | None) -> Result:
    world.run()
    outcome = outcome_of(world)
    wrong = [*world.troubles, *judge(world, views=seed % VIEWS_EVERY == 0)]
    if expected is not None and not wrong:
        wrong += outcome.differs(expected)
    return Result(seed, wrong, outcome, world.fate.seen, world.fate.befell, world.digest, world.loop.steps)
