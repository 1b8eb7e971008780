"""The same worlds with one protection switched off: within few seeds the loss, or the doubling, is seen."""

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from .disk import Disk
from .fate import SIDES, Planned, Point
from .log import SimulatedAppend
from .seeds import Simulation, play
from .story import STORIES

SEEDS = 40
pytestmark = pytest.mark.long


class Stalls(Simulation):
    """Worlds in which notification stands still while it sends, and another process becomes the leader."""

    def plans(self, dice: Random, seen: Any) -> Iterator[Planned]:
        point = Point(("log.at", "log.known", "sender.send")[int(dice.random() * 3)], SIDES[int(dice.random() * 2)])
        yield Planned("stall", point, 1 + int(dice.random() * seen[point]))


def prepared(simulation: Simulation) -> Simulation:
    """How the stories go when nothing goes wrong is found with every protection on."""
    for story in range(STORIES):
        simulation.untroubled(story)
    return simulation


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return prepared(Simulation())


@pytest.fixture(scope="module")
def stalls() -> Simulation:
    return prepared(Stalls())


def wrong(simulation: Simulation) -> Iterator[str]:
    return (text for result in play(range(SEEDS), simulation) for text in result.wrong)


def test_control_who_does_not_look_for_gaps_loses(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.batch.gap_before", lambda *_: None)
    monkeypatch.setattr("shared.runtime.passing.gap_before", lambda *_: None)
    assert any("lost" in text for text in wrong(simulation))


def test_control_who_does_not_know_what_he_heard_doubles(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SimulatedAppend.read

    async def forgetful(self: SimulatedAppend, *args: Any, **kwargs: Any) -> Any:
        found = await read(self, *args, **kwargs)
        found.seen.clear()
        return found

    monkeypatch.setattr(SimulatedAppend, "read", forgetful)
    monkeypatch.setattr(Disk, "refuses", lambda *_: False)
    doubled = ("2 cases were opened for 1", "said 2 times of an accepted complaint", "0 lost, 1 doubled")
    assert any(words in text for text in wrong(simulation) for words in doubled)


def test_nothing_is_sent_twice_by_who_stood_still(stalls: Simulation) -> None:
    assert list(wrong(stalls)) == []


def test_control_results_under_a_fresh_id_are_recorded_twice(
    stalls: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a process that goes on for a while before it finds out that it is the leader no longer."""
    monkeypatch.setattr("tests.simulation.world.NOTICE_SECONDS", 1.0)
    twice = "what came of sending a mail is recorded 2 times"
    assert twice not in list(wrong(stalls))
    monkeypatch.setattr("shared.runtime.effects.result_id", lambda *_: uuid4())
    assert twice in wrong(stalls)


def test_control_who_does_not_look_again_sends_twice(stalls: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.effects.FRESH_SECONDS", 1e9)
    assert any(text.startswith("a mail was sent 2 times") for text in wrong(stalls))
