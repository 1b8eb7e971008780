"""From a seed to a world: what is drawn of it, what came of it, and many of them one after the other."""

import gc
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from random import Random
from unittest.mock import patch

from .fate import CALM, PORTS, SIDES, WEATHER, Planned, Point
from .story import STORIES, Story
from .world import Result, Template, World, played, template

SNAPSHOT_EVERY, COLLECT_EVERY = 3, 20
CRASHES, STALLS, FAILS = 2, 0.15, 2
"""At most so many crashes in a world; how many of them are processes that only stand still; failing calls at most."""
FIRST, WIPES, FORGETS = 0.02, 0.15, 0.1
"""Chances that a world is the first start of all services, that the bus forgets all, and that a service has to learn
anew what it listens to."""
DECLARE, LISTEN = "bus.declare", "log.listen"
"""Ports that nobody needs unless one of these happens."""


class Simulation:
    """``play`` gives the same result for the same seed, alone or among others."""

    @cached_property
    def template(self) -> Template:
        return template()

    @lru_cache(STORIES)  # noqa: B019 - lives as long as the run
    def untroubled(self, story: int) -> Result:
        """How a story goes when nothing goes wrong: what the others are measured by."""
        world = World(f"calm {story}", [], CALM, Story.drawn(story), self.template)
        result = played(world, -1, None)
        assert not result.wrong, result.wrong
        return result

    def play(self, seed: int) -> Result:
        dice = Random(f"seed|{seed}")
        story = Story.drawn(int(dice.random() * STORIES))
        calm = self.untroubled(story.number)
        plans = list(self.plans(dice, calm.seen))
        ports = {plan.point.port for plan in plans}
        weather = WEATHER[int(dice.random() * len(WEATHER))]
        world = World(seed, plans, weather, story, None if dice.random() < FIRST else self.template)
        when, wipes, forgets = dice.random(), dice.random() < WIPES, dice.random() < FORGETS
        if wipes or DECLARE in ports:
            world.wipe_at(2.0 * when)
        if forgets or LISTEN in ports:
            world.forget_topics(int(dice.random() * 99))
        return played(world, seed, calm.outcome)

    def plans(self, dice: Random, seen: Counter[Point]) -> Iterator[Planned]:
        """What goes wrong; ``seen`` tells how often each point comes up when nothing does."""
        for count, fails in ((int(dice.random() * (CRASHES + 1)), False), (int(dice.random() * (FAILS + 1)), True)):
            for _ in range(count):
                point = Point(PORTS[int(dice.random() * len(PORTS))], SIDES[int(dice.random() * 2)])
                nth = 1 + int(dice.random() * max(2, seen[point]))
                crash = "stall" if dice.random() < STALLS else "crash"
                yield Planned("fail" if fails else crash, point, nth)  # type: ignore[arg-type]


def play(seeds: Iterable[int], simulation: Simulation | None = None) -> Iterator[Result]:
    """Worlds in the order of their seeds. Python looks for cycles between them only: what it destroys has last words,
    and they belong to no moment of a run."""
    vefa = logging.getLogger("vefa")
    told = vefa.level
    vefa.setLevel(logging.CRITICAL)
    simulation = simulation or Simulation()
    _ = simulation.template
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with patch("shared.runtime.memory.SNAPSHOT_EVERY", SNAPSHOT_EVERY):
            for number, seed in enumerate(seeds):
                yield simulation.play(seed)
                if number % COLLECT_EVERY == 0:
                    gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
        vefa.setLevel(told)
