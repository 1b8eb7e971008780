"""The ledger's invariants over random commands, duplicates and reordering (spec: loyalty, Invariants)."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.loyalty import PointsEarned, RefundSpend
from services.loyalty.domain import decider
from services.loyalty.policy import Programme
from services.loyalty.views import views
from shared.core.event import Event
from shared.core.message import Message
from shared.core.world import Refused
from shared.runtime.memory import Memory
from tests.scene import MONDAY

from .words import (
    SUPERVISOR,
    account,
    answered,
    bought,
    came_back,
    joined,
    known,
    member_of,
    opened,
    programme,
    spends,
    wants,
)

AMOUNTS = st.integers(0, 60)
NUMBERS = st.integers(1, 6)
POLICIES = st.fixed_dictionaries(
    {
        "clawback": st.sampled_from(["only_pending", "within_balance", "unlimited"]),
        "pending_days": st.sampled_from([0, 3]),
        "expiry": st.sampled_from([{"kind": "never"}, {"kind": "days", "after": 9}, {"kind": "end_of_month"}]),
        "refund_grace_days": st.sampled_from([0, 4]),
        "percent": st.sampled_from([{}, {"gold": 150}]),
        "unknown_purchase": st.sampled_from(["hold", "ignore"]),
    }
)
TIERS = [{"tier": "standard", "from": 0}, {"tier": "gold", "from": 80}]


class Ledger(RuleBasedStateMachine):
    """Two customers, a shop that repeats itself and mixes up the order, and time that passes."""

    @initialize(policy=POLICIES)
    def begin(self, policy: dict[str, Any]) -> None:
        self.scene = programme(**policy, tiers=TIERS).given(known("k2", "p2"), opened("c2", "k2", "p2"))
        self.log: list[Message] = []
        self.members: dict[str, str] = {}
        self.spends: list[RefundSpend] = []
        self._record()
        self.join("p1")

    def _record(self) -> None:
        """Keep every message that the scene's log takes in, in order, so that it can be replayed."""
        apply, memory = self.scene.memory.apply, self.scene.memory

        def recording(message: Message) -> Any:
            self.log.append(message)
            return apply(message)

        memory.apply = recording  # type: ignore[method-assign]

    def _when(self, event: Event) -> None:
        kept = len(self.log)
        try:
            self.scene.when(event, actor=SUPERVISOR)
        except Refused:
            del self.log[kept:]

    @rule(person=st.sampled_from(["p1", "p2"]))
    def join(self, person: str) -> None:
        kept = len(self.log)
        try:
            self.members[person] = joined(self.scene, person)
        except Refused:
            del self.log[kept:]

    @rule(person=st.sampled_from(["p1", "p2", "p3"]), number=NUMBERS, amount=AMOUNTS, days=st.integers(0, 5))
    def buy(self, person: str, number: int, amount: int, days: int) -> None:
        at = self.scene.at - timedelta(days=days)
        self._when(bought(amount, purchase=f"b{number}", contact=person, at=at))

    @rule(number=NUMBERS, back=st.integers(1, 4), amount=st.integers(1, 60))
    def give_back(self, number: int, back: int, amount: int) -> None:
        self._when(came_back(amount, purchase=f"b{number}", number=f"r{number}-{back}"))

    @rule(number=NUMBERS)
    def answer(self, number: int) -> None:
        self._when(answered(3, survey=f"v{number}"))

    @rule(case=st.sampled_from(["c1", "c2"]))
    def grant(self, case: str) -> None:
        self._when(wants("minor", case))

    @precondition(lambda self: self.members)
    @rule(data=st.data(), amount=st.integers(1, 80))
    def spend(self, data: st.DataObject, amount: int) -> None:
        member = data.draw(st.sampled_from(sorted(self.members.values())))
        kept = len(self.log)
        try:
            self.spends.append(RefundSpend(member=member, spend=spends(self.scene, member, amount).spend))
        except Refused:
            del self.log[kept:]

    @precondition(lambda self: self.spends)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        self._when(data.draw(st.sampled_from(self.spends)))

    @rule(hours=st.integers(1, 250))
    def wait(self, hours: int) -> None:
        self.scene.until(self.scene.at + timedelta(hours=hours))

    @rule(hours=st.integers(1, 250))
    def wait_with_deadlines_late(self, hours: int) -> None:
        self.scene.later(hours=hours)

    @invariant()
    def the_account_balances(self) -> None:
        for member in self.members.values():
            a = account(self.scene, member)
            assert a.earned == a.active + a.pending + a.spent + a.expired + a.clawed_back + a.cancelled - a.owed
            assert a.balance == sum(lot.amount for lot in a.lots.values() if not lot.pending) - a.owed
            assert all(lot.amount > 0 for lot in a.lots.values())
            assert min(a.owed, a.spent, a.expired, a.clawed_back, a.cancelled) >= 0
            assert not (a.owed and a.active)

    @invariant()
    def the_tables_say_the_same(self) -> None:
        tables, members = self.scene.tables, self.members.values()
        accounts = {m: account(self.scene, m) for m in members}
        for member, a in accounts.items():
            row = tables["members"][member]
            assert (row["balance"], row["pending"], row["lifetime"]) == (a.balance, a.pending, a.earned)
            rows = [r for r in tables.get("ledger", {}).values() if r["member"] == member]
            assert (sum(r["balance"] for r in rows), sum(r["pending"] for r in rows)) == (a.balance, a.pending)
            left = [r["left"] for r in tables.get("lots", {}).values() if r["member"] == member]
            assert sum(left) == a.active + a.pending
            assert all(n >= 0 for n in left)
        if totals := tables.get("totals", {}).get("programme"):
            for name in ("earned", "active", "pending", "owed", "spent", "expired", "clawed_back", "cancelled"):
                assert (totals.get(name) or 0) == sum(getattr(a, name) for a in accounts.values())

    @invariant()
    def a_source_earns_once_by_each_rule(self) -> None:
        credits = [(m.event.rule, m.event.source) for m in self.log if isinstance(m.event, PointsEarned)]
        assert len(credits) == len(set(credits))

    @invariant()
    def a_return_costs_no_more_than_what_did_not_expire(self) -> None:
        for member in self.members.values():
            sources = {m.event.source for m in self.log if isinstance(m.event, PointsEarned)}
            for source in sources:
                for credit in self.scene.memory[f"source:{source}"].credits.values():
                    assert credit.reversed <= credit.amount or credit.member != member
                    assert credit.written_off <= credit.expired

    def teardown(self) -> None:
        """The same log gives the same balance."""
        replayed = Memory(decider, views, {"programme": Programme.model_validate_json}, complete=True)
        for message in self.log:
            replayed.apply(message)
        for member in self.members.values():
            assert replayed[f"member:{member}"] == account(self.scene, member)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=50, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_purchases_and_returns_give_the_same_balance_in_any_order(data: st.DataObject) -> None:
    events: list[Event] = [
        bought(amount, purchase=f"b{i}") for i, amount in enumerate(data.draw(st.lists(AMOUNTS, max_size=4)))
    ]
    returns = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60)), max_size=5)
    events += [came_back(n, purchase=f"b{i}", number=f"r{k}") for k, (i, n) in enumerate(data.draw(returns))]
    balances = set()
    for order in (events, data.draw(st.permutations(events + events[:2]))):
        scene, member = member_of(clawback="unlimited")
        for event in order:
            scene.when(event)
        balances.add(account(scene, member).balance)
    assert len(balances) == 1


@settings(max_examples=60, deadline=None)
@given(amount=st.integers(1, 100_000), parts=st.lists(st.integers(1, 30_000), max_size=6), per=st.integers(1, 700))
def test_a_full_return_is_a_full_claw_back_however_it_is_cut(amount: int, parts: list[int], per: int) -> None:
    rule_ = {"name": "purchase", "occasion": "purchase", "points": 1, "per": per}
    scene, member = member_of(clawback="unlimited", rules=[rule_])
    scene.when(bought(1).model_copy(update={"amount": amount}))
    for i, part in enumerate([*parts, amount]):
        scene.when(came_back(1, number=f"r{i}").model_copy(update={"amount": part}))
    assert account(scene, member).balance == 0


def test_deadlines_that_are_heard_late_change_no_balance() -> None:
    ends = []
    for late in (False, True):
        scene, member = member_of(pending_days=3, expiry={"kind": "days", "after": 9}, notice_days=0)
        scene.when(bought(40))
        scene.later(days=5) if late else scene.until(MONDAY + timedelta(days=5))
        spends(scene, member, 15)
        scene.until(MONDAY + timedelta(days=60))
        ends.append((account(scene, member).spent, account(scene, member).expired))
    assert ends == [(15, 25), (15, 25)]
