"""The demo's stage waits until nothing moves any more: it neither leaves early nor asks those again who are done."""

from collections.abc import Iterable
from typing import Any

from deploy.vefa.demo.agenda import START
from deploy.vefa.demo.stage import Stage, Statuses

QUIET = {"position": 1, "said": 1, "relayed": 1, "waiting": 0, "next_due": None, "next_effect": None}
LATER, PASSED = "2026-11-30T09:00:00Z", "2026-10-26T05:00:00Z"


class Told(Stage):
    """Services that tell, each time they are asked, the next of what is written down for them; at the end the last."""

    def __init__(self, **told: list[dict[str, Any]]):
        super().__init__({name: {} for name in told}, "", lambda role, name: "", START)
        self._told, self.asked = told, list[str]()

    async def statuses(self, names: Iterable[str]) -> Statuses:
        asked = list(names)
        self.asked += asked
        return {n: self._told[n].pop(0) if len(self._told[n]) > 1 else self._told[n][0] for n in asked}


def at(said: int = 1, sources: Iterable[str] = (), **other: Any) -> dict[str, Any]:
    heard = other.pop("heard", {})
    return {**QUIET, "position": said, "said": said, "relayed": said, "sources": [*sources], "heard": heard, **other}


async def test_when_nothing_moves_all_are_asked_twice_and_the_next_instant_is_told() -> None:
    stage = Told(intake=[at(next_due=LATER)], sla=[at(sources=["intake"], heard={"intake": 1})])
    due = await stage.quiet()
    assert due is not None
    assert due.isoformat() == "2026-11-30T09:00:00+00:00"
    assert stage.asked == ["intake", "sla"] * 2


async def test_only_who_is_not_done_is_asked_again() -> None:
    late, done = at(sources=["intake"], heard={"intake": 0}), at(2, sources=["intake"], heard={"intake": 1})
    stage = Told(intake=[at()], sla=[late, late, done])
    await stage.quiet()
    assert stage.asked == ["intake", "sla", "sla", "sla", "intake", "sla"]


async def test_who_waits_publishes_or_has_something_due_is_not_done() -> None:
    for busy in ({"waiting": 1}, {"relayed": 0}, {"next_due": PASSED}, {"next_effect": PASSED}):
        stage = Told(sla=[at(**busy), at(**busy), at()])
        await stage.quiet()
        assert len(stage.asked) == 4, busy


async def test_what_was_on_its_way_while_all_were_asked_is_waited_for() -> None:
    """sla said something after it had been asked; router was done with all before, and is not with that."""
    sla = [at(), at(2)]
    hears = {"sources": ["sla"], "heard": {"sla": 1}}
    router = [at(**hears), at(**hears), at(3, sources=["sla"], heard={"sla": 2})]
    stage = Told(sla=sla, router=router)
    await stage.quiet()
    assert stage.asked == ["sla", "router", "sla", "router", "router", "sla", "router"]


async def test_what_began_while_all_were_asked_again_is_waited_for() -> None:
    stage = Told(sla=[at(), at(waiting=1), at()])
    await stage.quiet()
    assert stage.asked == ["sla"] * 4


async def test_a_log_that_still_grows_is_not_quiet() -> None:
    stage = Told(sla=[at(1), at(2), at(3), at(4)])
    await stage.quiet()
    assert stage.asked == ["sla"] * 5
