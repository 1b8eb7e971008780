"""Lists of all services that are bare arrays: a page has a limit, its Link tells the next, and none reads everything.

20,000 rows of other cases stand around those that are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.vefa.services import app_of
from shared.edge.edge import Edge
from tests.planned import Planned, fill
from tests.scene import MONDAY
from tests.serving import Served, served

pytestmark = [pytest.mark.long, pytest.mark.servers]
MANY, OWN = 20_000, 450
Make = Callable[[int, str], tuple[str, dict[str, Any]]]
"""Number and case -> a row with its key."""


@dataclass(frozen=True)
class Case:
    """A list: where it is, what stands in it, by what rows are told apart, how many come when nobody says how many."""

    service: str
    path: str
    table: str
    row: Make
    told: Callable[[dict[str, Any]], Any]
    usual: int = 200
    newest_first: bool = False
    of_a_case: bool = True

    def __str__(self) -> str:
        return f"{self.service} {self.path}"


def at(n: int) -> Any:
    return MONDAY + timedelta(seconds=n // 3)  # three at the same instant


def notice(n: int, case: str) -> tuple[str, dict[str, Any]]:
    row = {"case": case, "state": "sent", "template": "reply", "contact": "c", "cause": "x", "cause_topic": "y"}
    return f"{case}n{n:06}", {**row, "queued_at": None if n % 2 else at(n), "settled_at": at(n)}


def clock(n: int, case: str) -> tuple[str, dict[str, Any]]:
    row = {"case": case, "metric": "next_response", "cycle": n, "state": "met", "started_at": at(n), "target": 60}
    return f"{case}/next_response/{n}", {**row, "priority": "normal", "rule": "r"}


LISTS = [
    Case("intake", "/v1/cases/one/timeline", "timeline", lambda n, case: (
        f"{case}/{n:012}", {"case": case, "row": n + 1, "at": at(n), "what": "x", "detail": {}},
    ), lambda row: row["row"]),
    Case("router", "/v1/cases/one/assignments", "assignments", lambda n, case: (
        f"{case}/{n:020}", {"case": case, "row": n + 1, "at": at(n), "what": "x"},
    ), lambda row: row["row"]),
    Case("router", "/v1/agents", "agents", lambda n, case: (
        f"a{n:06}", {"status": "away", "capacity": 1, "load": 0, "cases": 0},
    ), lambda row: row["agent"], of_a_case=False),
    Case("notification", "/v1/notices?case=one", "notices", notice, lambda row: row["notice"]),
    Case("sla", "/v1/cases/one/clocks", "clocks", clock, lambda row: row["cycle"]),
    Case("feedback", "/v1/surveys?case=one", "surveys", lambda n, case: (
        f"{case}s{n:06}", {"case": case, "state": "scheduled"},
    ), lambda row: row["key"]),
    Case("classifier", "/v1/reviews", "reviews", lambda n, case: (
        f"c{n}/topic", {"case": f"c{n}", "head": "topic", "since": at(n)},
    ), lambda row: row["case"], 50, of_a_case=False),
    Case("classifier", "/v1/agreement", "agreement", lambda n, case: (
        f"2026-W{n:06}/m/t", {"topic": "t", "model": "m", "predicted": n},
    ), lambda row: row["predicted"], of_a_case=False),
    Case("intake", "/v1/volume?since=2026-01-01", "volume", lambda n, case: (
        f"{2026 + n // 7:04}-01-01/{n % 7}", {"day": f"{2026 + n // 7:04}-01-01", "channel": f"{n % 7}", "opened": n},
    ), lambda row: row["opened"], 400, of_a_case=False),
    Case("loyalty", "/v1/members/one/ledger", "ledger", lambda n, case: (
        f"{case}l{n}", {"member": case, "row": n + 1, "at": at(n), "movement": "earned", "balance": 1, "pending": 0,
                        "source": "s", "lots": {}, "why": "w"},
    ), lambda row: row["row"], 100, newest_first=True),
]  # fmt: skip


async def filled(one: Served, case: Case, own: int, others: int) -> Edge:
    edge = Edge(one.service, *[None] * 5, b"", None)  # type: ignore[arg-type]
    rows = [case.row(n, "one") for n in range(own)]
    if case.of_a_case:
        rows += [case.row(n, f"other{n % 500}") for n in range(others)]
    if case.service == "loyalty":
        await fill(edge, "members", [("one", {"tier": "standard"})])
    if case.service == "intake" and case.of_a_case:
        await fill(edge, "cases", [("one", {"number": "V-2026-000001"})])
    await fill(edge, case.table, rows)
    return edge


async def read(one: Served, case: Case, query: str = "") -> list[list[dict[str, Any]]]:
    """The pages of a list, each by the Link of the one before."""
    pages, url = list[list[dict[str, Any]]](), f"{case.path}{query}"
    headers = one.headers("supervisor")
    while True:
        answer = await one.http.get(url, headers=headers)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if "next" not in answer.links:
            return pages
        url = str(answer.url.join(answer.links["next"]["url"]))


@pytest.mark.parametrize("case", LISTS, ids=str)
async def test_pages_follow_one_another_and_read_no_more_than_they_have(
    database: str, tmp_path: Path, planned: Planned, case: Case
) -> None:
    async with served(app_of(case.service), database, tmp_path, {}) as one:
        await filled(one, case, OWN, MANY)
        planned.plans.clear()
        pages = await read(one, case)
        lengths = [case.usual] * (OWN // case.usual) + ([OWN % case.usual] if OWN % case.usual else [])
        assert [len(page) for page in pages] == lengths
        every = [case.told(row) for page in pages for row in page]
        assert len(set(every)) == OWN
        assert every == [case.told(row) for page in await read(one, case, f"{sign(case)}limit=7") for row in page]
        if case.newest_first:
            assert every == sorted(every, reverse=True)
        asked = [plan for plan in planned.on(case.table) if "limit" in plan.query]
        assert asked
        if case.of_a_case:
            used = {name for plan in asked for name in plan.indexes(case.table)[:1]}
            assert len(used) == 1, used
            assert used.pop().startswith((f"{case.table}_case_", f"{case.table}_member_"))
            assert [plan.of(case.table) for plan in asked if "Seq Scan" in plan.whole(case.table)] == []


@pytest.mark.parametrize("case", LISTS, ids=str)
async def test_a_small_list_comes_whole_without_a_link(database: str, tmp_path: Path, case: Case) -> None:
    async with served(app_of(case.service), database, tmp_path, {}) as one:
        await filled(one, case, 20, 0)
        [page] = await read(one, case)
        assert len(page) == 20
        [page] = await read(one, case, f"{sign(case)}limit=20")
        assert len(page) == 20
        status, said = await one("GET", f"{case.path}{sign(case)}limit=0")
        assert (status, said["fields"][0]["field"]) == (422, "limit")


@pytest.mark.parametrize("case", [c for c in LISTS if c.table in ("notices", "clocks", "reviews")], ids=str)
async def test_a_page_after_what_is_not_there_is_refused_instead_of_empty(
    database: str, tmp_path: Path, case: Case
) -> None:
    async with served(app_of(case.service), database, tmp_path, {}) as one:
        await filled(one, case, 3, 0)
        status, said = await one("GET", f"{case.path}{sign(case)}after=nowhere")
        assert (status, said["field"]) == (404, "after")


def sign(case: Case) -> str:
    return "&" if "?" in case.path else "?"


async def test_recoveries_follow_one_another_in_each_state(database: str, tmp_path: Path, planned: Planned) -> None:
    states = ("open", "closed", "failed")
    rows = [(f"r{n:06}", {"case": "c", "state": states[min(n % 500, 2)], "opened_at": at(n)}) for n in range(MANY)]
    async with served(app_of("feedback"), database, tmp_path, {}) as one:
        await fill(Edge(one.service, *[None] * 5, b"", None), "recoveries", rows)  # type: ignore[arg-type]
        for state, many in (("open", 40), ("", 150)):
            seen, before = list[str](), ""
            while len(seen) < many:
                asked = f"limit=25{f'&before={before}' if before else ''}{f'&state={state}' if state else ''}"
                _, page = await one("GET", f"/v1/recoveries?{asked}")
                seen += [row["key"] for row in page["recoveries"]]
                before = page["next"]
                if before is None:
                    break
            wanted = [key for key, row in rows[::-1] if state in ("", row["state"])]
            assert seen == wanted[:many]
        plans = [plan for plan in planned.on("recoveries") if "limit" in plan.query]
        assert [plan.whole("recoveries") for plan in plans if plan.whole("recoveries")] == []
        status, said = await one("GET", "/v1/recoveries?before=nowhere")
        assert (status, said["field"]) == (404, "before")
