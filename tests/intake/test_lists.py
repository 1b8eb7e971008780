"""Lists on many rows: no filter reads or sorts everything. Plans are looked at, not times."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.intake.conftest import Running
from tests.planned import Planned, fill
from tests.scene import MONDAY

pytestmark = [pytest.mark.long, pytest.mark.servers]
MANY = 20_000
FEW = 3
"""Rows that each filter is after: the oldest, so that a walk from the newest would go through everything."""
USUAL: dict[str, Any] = {
    "customer": "c", "category": "closed", "status": "closed", "channel": "email", "owner": "ece",
    "kind": "complaint", "topic": "billing", "contact": "k",
}  # fmt: skip
SOUGHT: dict[str, str] = {
    "customer": "c1", "category": "open", "status": "waiting_shop", "channel": "phone", "owner": "ali", "kind": "lead",
    "topic": "safety", "silent": "loop",
}  # fmt: skip


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for n in range(MANY):
        number, at = f"V-2026-{n:06}", MONDAY + timedelta(seconds=n)
        row = USUAL | {"number": number, "opened_at": at, "customer": f"c{n % 500 + 10}"}
        yield f"{n:08}", row if n > FEW else row | SOUGHT


async def test_a_filter_of_cases_reads_what_it_is_after(intake: Running, planned: Planned) -> None:
    await fill(intake.edge, "cases", list(cases()))
    for name, value in [*SOUGHT.items(), ("silent", "any")]:
        planned.plans.clear()
        page = (await intake.send("GET", "/v1/cases", params={name: value, "limit": 2})).json()
        assert [case["case"] for case in page["cases"]] == ["00000003", "00000002"], name
        await intake.send("GET", "/v1/cases", params={name: value, "before": "00010000"})
        assert len(planned.on("cases")) == 2
        for plan in planned.on("cases"):
            assert plan.whole("cases") == [], (name, plan)
            assert plan.indexes("cases") == ["cases_key_idx" if name == "silent" else f"cases_{name}_key_idx"], plan


async def test_a_number_finds_its_case(intake: Running, planned: Planned) -> None:
    await fill(intake.edge, "cases", list(cases()))
    page = (await intake.send("GET", "/v1/cases", params={"number": "v-2026-000001"})).json()
    assert [case["case"] for case in page["cases"]] == ["00000001"]
    assert [plan.indexes("cases") for plan in planned.on("cases")] == [["cases_number_idx"]]


async def test_all_cases_are_read_in_the_order_of_their_key(intake: Running, planned: Planned) -> None:
    await fill(intake.edge, "cases", list(cases()))
    assert (await intake.send("GET", "/v1/cases")).status_code == 200
    assert (await intake.send("GET", "/v1/cases", params={"before": "00010000"})).status_code == 200
    for plan in planned.on("cases"):
        assert plan.indexes("cases") == ["cases_pkey"]
        assert plan.whole("cases") == [], plan


async def test_two_filters_together_read_by_one_of_them(intake: Running, planned: Planned) -> None:
    await fill(intake.edge, "cases", list(cases()))
    asked = {"category": "closed", "owner": "ali"}
    assert (await intake.send("GET", "/v1/cases", params=asked)).json()["cases"] == []
    for plan in planned.on("cases"):
        assert plan.indexes("cases") == ["cases_owner_key_idx"]


WAITING: dict[str, str] = {"group": "quarantined", "state": "waiting", "reason": "unreadable", "contact": "k1"}


async def test_a_filter_of_what_is_set_aside_reads_what_it_is_after(intake: Running, planned: Planned) -> None:
    usual = {"group": "noted", "state": "dismissed", "reason": "auto-submitted", "contact": "k"}
    await fill(intake.edge, "set_aside", [
        (f"{n * 7919 % MANY:08}", (usual if n > FEW else WAITING) | {"at": MONDAY + timedelta(seconds=n)})
        for n in range(MANY)
    ])  # fmt: skip
    for name, value in [*WAITING.items(), ("", "")]:
        planned.plans.clear()
        asked = {name: value} if name else {}
        page = (await intake.send("GET", "/v1/set-aside", params=asked | {"limit": 2})).json()
        assert len(page["items"]) == 2
        await intake.send("GET", "/v1/set-aside", params=asked | {"before": page["next"]})
        plans = [plan for plan in planned.on("set_aside") if "limit" in plan.query]
        assert len(plans) == 2
        for plan in plans:
            assert plan.whole("set_aside") == [], (name, plan)
            wanted = f"set_aside_{name}_at_key_idx" if name else "set_aside_at_key_idx"
            assert wanted in plan.indexes("set_aside"), (name, plan)
