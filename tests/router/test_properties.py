"""What holds after every step of any history: owners, capacities, order, fairness, no idle hands, equal rebuilds."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest

from contracts.classifier import CaseClassified
from contracts.intake import CaseReopened, CaseResolved, StatusChanged
from contracts.router import (
    AssignCase,
    CaseAssigned,
    CaseQueued,
    CaseUnassigned,
    CaseWeighed,
    ChangeAgentStatus,
    TakeCase,
)
from contracts.sla import CaseEscalated
from services.router.choosing import Demand, Worker, holds, order, rejection
from services.router.domain import decider
from services.router.policy import PRIORITIES, RoutingPolicy
from services.router.views import TABLES, views
from shared.core.event import Event
from shared.core.message import Message
from shared.core.projection import RowOp, Tables, fold
from shared.core.world import Refused
from shared.runtime.memory import Memory
from tests.router.desk import Desk

AGENTS = ("ada", "bob", "cem", "dora", "eve")
TEAMS = (("money",), ("money", "delivery"), ("delivery",), ("general",), ("general", "money"))
TOPICS = ("billing", "refund", "delivery", "other")
CATEGORIES = ("open", "waiting_customer", "waiting_third_party", "spam")
FACTS = (
    CaseClassified, StatusChanged, CaseResolved, CaseReopened, CaseEscalated, ChangeAgentStatus, TakeCase, AssignCase,
)  # fmt: skip
AUTOMATIC = ("automatic", "sticky", "escalated")


class Watched(Desk):
    """A desk that keeps every message it recorded, and checks every assignment at the moment it is said."""

    def __init__(self, **policy: object) -> None:
        self.messages: list[Message] = []
        self.heard: Event | None = None
        super().__init__(**policy)

    def _record(self, message: Message) -> None:
        super()._record(message)
        self.messages.append(message)

    def when(self, event: Event, **envelope: object) -> list[Event]:
        apply, heard = self.memory.apply, list[Message]()

        def watched(message: Message) -> list[RowOp]:
            self._check(message)
            heard.append(message)
            return apply(message)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.memory, "apply", watched)
            said = super().when(event, **envelope)
        self.heard = event
        self.messages += heard
        return said

    def _check(self, message: Message) -> None:
        event = message.event
        if isinstance(event, CaseAssigned):
            assert self.owner(event.case) is None, "two owners"
            row = self.memory.table("agents").get(event.agent)
            assert row is not None
            if event.how in AUTOMATIC:
                assert row["status"] == "available"
                assert row["load"] + event.weight <= row["capacity"], "above capacity by automation"
        if isinstance(event, CaseUnassigned | CaseWeighed):
            assert self.owner(event.case) == event.agent


def step(desk: Watched, dice: random.Random) -> None:
    """Something that may happen at a desk; what is refused leaves nothing behind."""
    case, agent = str(dice.randrange(14)), dice.choice(AGENTS)
    known = desk.memory[f"case:{case}"].known
    happen: list[Callable[[], object]] = [
        lambda: desk.later(seconds=dice.choice((0, 1, 60, 3600, 30000))),
        lambda: desk.until(desk.at),
        lambda: desk.status(agent, dice.choice(("available", "available", "away", "offline"))),
        lambda: desk.hire(
            agent, *dice.choice(TEAMS), here=False, capacity=dice.randrange(5), manager=None,
            skills=dice.choice(((), ("refunds",))), languages=dice.choice((("tr",), ("tr", "en"))),
            active=dice.random() < 0.9,
        ),
        *[lambda: desk.classified(
            case, topic=dice.choice(TOPICS), priority=dice.choice(PRIORITIES),
            language=dice.choice(("tr", "en", "other")), tags=("spam",) if dice.random() < 0.1 else (),
            **({} if known else {"channel": dice.choice(("web", "phone"))}),
        )] * 3,
    ]  # fmt: skip
    if known:
        happen += [
            lambda: desk.becomes(case, dice.choice(CATEGORIES)), lambda: desk.resolved(case),
            lambda: desk.resolved(case), lambda: desk.reopened(case), lambda: desk.takes(agent, case),
            lambda: desk.given_to(agent, case), lambda: desk.releases(agent, case),
            lambda: desk.transferred(case, dice.choice(("billing", "delivery", "general"))),
            lambda: desk.escalated(case, dice.choice(("reassign", "raise_priority")), level=f"l{dice.randrange(3)}"),
        ]  # fmt: skip
    try:
        dice.choice(happen)()
    except Refused:
        pass


def assert_nobody_waits_who_could_be_served(desk: Desk) -> None:
    doc: RoutingPolicy = desk.memory.policy("routing").document
    workers = [Worker.of(agent, row) for agent, row in desk.memory.table("agents")]
    held: set[str] = set()
    for case, row in sorted(desk.memory.table("waiting"), key=lambda item: order(*item, doc.ageing)):
        demand = Demand.of(case, row)
        teams = doc.queues[demand.queue].teams(demand.overflows(desk.at))
        crew = [w for w in workers if w.teams.intersection(teams)]
        able = [w.agent for w in crew if rejection(demand, w, frozenset(held)) is None]
        assert not able, f"{demand} waits although {able} could take it"
        if demand.waited(desk.at) >= doc.hold_after:
            held |= {w.agent for w in crew if holds(demand, w)}


def assert_tables_agree(desk: Desk) -> None:
    memory, board = desk.memory, desk.tables.get("board", {})
    waiting, owned = set(desk.waiting()), {case for case, _ in memory.table("owned")}
    assert not waiting & owned
    assert {case for case, row in board.items() if row["owner"] is None} == waiting
    assert {case for case, row in board.items() if row["owner"]} == owned
    for agent, row in memory.table("agents"):
        mine = [r for _, r in memory.table("owned").where(agent=agent)]
        assert (row["load"], row["cases"]) == (sum(r["weight"] for r in mine), len(mine))
        assert {r["team"] for _, r in memory.table("members") if r["agent"] == agent} == set(row["teams"])
    for queue, row in desk.tables.get("queues", {}).items():
        assert row["waiting"] == sum(1 for _ in memory.table("waiting").where(queue=queue))
    for case in (str(n) for n in range(14)):
        state = memory[f"case:{case}"]
        assert (state.owner is not None) == (case in owned)
        assert (state.placed is not None) == (case in waiting | owned)
        assert state.known is False or state.labels is None or state.ended or state.junk or case in waiting | owned


@pytest.mark.parametrize("seed", range(60))
def test_any_history_keeps_every_invariant(seed: int) -> None:
    dice, desk = random.Random(seed), Watched(absence=random.Random(seed).choice(("keep", "requeue")))
    for _ in range(120):
        step(desk, dice)
        desk.until(desk.at)
        assert_nobody_waits_who_could_be_served(desk)
        assert_tables_agree(desk)


@pytest.mark.parametrize("seed", range(20))
def test_views_rebuilt_from_the_recorded_messages_equal_the_live_ones(seed: int) -> None:
    dice, desk = random.Random(1000 + seed), Watched()
    for _ in range(120):
        step(desk, dice)
    again, tables = Memory(decider, views, {"routing": RoutingPolicy.model_validate_json}, complete=True), Tables()
    for message in desk.messages:
        fold(tables, again.apply(message))
    assert {n: t for n, t in tables.items() if n in TABLES} == {n: t for n, t in desk.tables.items() if n in TABLES}
    for name, rows in again.resident.items():
        assert list(rows) == list(desk.memory.table(name))
    assert {s: h.state for s, h in again.streams.items()} == {s: h.state for s, h in desk.memory.streams.items()}


@pytest.mark.parametrize("seed", range(20))
def test_the_same_fact_again_says_nothing(seed: int) -> None:
    dice, desk, repeated = random.Random(2000 + seed), Watched(), 0
    for _ in range(120):
        desk.heard = None
        step(desk, dice)
        if isinstance(desk.heard, FACTS):
            assert desk.when(desk.heard) == []
            repeated += 1
    assert repeated > 20


@pytest.mark.parametrize("seed", range(30))
def test_first_in_first_out_within_equal_priority(seed: int) -> None:
    dice, desk = random.Random(seed), Desk()
    given: list[str] = []
    cases = iter(range(1000))
    since: dict[str, datetime] = {}
    for _ in range(60):
        desk.later(seconds=dice.randrange(1, 30))
        said: list[Event] = []
        owned = [case for case, _ in desk.memory.table("owned")]
        match dice.randrange(4):
            case 0 | 1:
                said = desk.classified(f"{next(cases):03d}")
            case 2 if owned:
                said = desk.resolved(dice.choice(owned))
            case _:
                agent = dice.choice(AGENTS[:2])
                said = desk.hire(agent, here=False, capacity=dice.randrange(1, 4))
                said += desk.status(agent, dice.choice(("available", "away")))
        since |= {e.case: e.since for e in said if isinstance(e, CaseQueued)}
        given += [e.case for e in said if isinstance(e, CaseAssigned)]
    assert len(given) > 3
    assert given == sorted(given, key=lambda case: (since[case], case))


@pytest.mark.parametrize("strategy", ["longest_idle", "most_spare"])
@pytest.mark.parametrize("agents", [2, 3, 5])
def test_equal_agents_get_equally_many_cases(strategy: str, agents: int) -> None:
    queues = {"general": {"team": "general", "strategy": strategy}}
    desk = Desk(queues=queues, routing={"rules": [{"name": "all", "then": "general"}]})
    for agent in AGENTS[:agents]:
        desk.hire(agent, "general", capacity=100)
    given: Counter[str] = Counter(dict.fromkeys(AGENTS[:agents], 0))
    for case in range(31):
        given.update(e.agent for e in desk.classified(f"{case:03d}") if isinstance(e, CaseAssigned))
        assert max(given.values()) - min(given.values()) <= 1
    assert sum(given.values()) == 31
