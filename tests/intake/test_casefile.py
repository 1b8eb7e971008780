"""A case of many messages: shown with the newest, the rest by pages, as fast for each page as for a small case."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.intake.conftest import Running
from tests.planned import Planned, fill
from tests.scene import MONDAY

pytestmark = [pytest.mark.long, pytest.mark.servers]
MANY = 5000


def written(case: str, many: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Messages of a case that follow its opening; each tenth is a note."""
    for n in range(1, many):
        row = {"case": case, "row": 1000 + n, "at": MONDAY + timedelta(seconds=n), "channel": "email", "by": "customer"}
        yield f"{case}m{n:05}", row | {"direction": "in" if n % 10 else "note"}


def within(case: str, many: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Two parts of each message."""
    for n in range(1, many):
        for number in range(2):
            row = {"case": case, "message": f"{case}m{n:05}", "number": number, "kind": "quoted", "at": n, "length": 0}
            yield f"{case}m{n:05}/{number:04}", row


async def grown(intake: Running, many: int = MANY) -> str:
    case = str((await intake.opened())["case"])
    await fill(intake.edge, "messages", list(written(case, many)))
    await fill(intake.edge, "parts", list(within(case, many)))
    files = [(key, {n: row[n] for n in ("case", "message", "number")} | {"digest": "d", "type": "text/plain"})
             for key, row in within(case, many)]  # fmt: skip
    await fill(intake.edge, "files", files)
    return case


async def pages(
    intake: Running, path: str, what: str, before: str | None = None, limit: int = 200, **who: Any
) -> AsyncIterator[list[dict[str, Any]]]:
    while True:
        params = {"limit": limit} | ({"before": before} if before else {})
        answer = await intake.send("GET", path, params=params, **who)
        assert answer.status_code == 200, answer.text
        yield answer.json()[what]
        before = answer.json()["next"]
        if before is None:
            return


async def test_a_case_of_5000_messages_shows_the_newest_and_says_where_the_rest_is(intake: Running) -> None:
    case = await grown(intake)
    shown = await intake.case(case)
    assert shown["counts"] == {"messages": MANY, "links": 0}
    assert shown["next"] == {"messages": f"{case}m{MANY - 100:05}", "links": None}
    newest = [f"{case}m{n:05}" for n in range(MANY - 100, MANY)]
    assert [message["message"] for message in shown["messages"]] == newest
    assert {(len(m["parts"]), len(m["attachments"])) for m in shown["messages"]} == {(2, 2)}
    older = [m async for page in pages(intake, f"/v1/cases/{case}/messages", "messages", shown["next"]["messages"])
             for m in page]  # fmt: skip
    assert [m["message"] for m in older] == [f"{case}m{n:05}" for n in range(MANY - 101, 0, -1)] + [case]
    assert {len(m["parts"]) for m in older[:-1]} == {2}
    assert older[7]["parts"] == [{"kind": "quoted", "at": MANY - 108, "length": 0, "text": None}] * 2
    assert older[-1]["text"] == "Ürün bozuk geldi."


async def test_a_small_case_is_shown_whole(intake: Running) -> None:
    case = await grown(intake, 100)
    shown = await intake.case(case)
    assert [message["message"] for message in shown["messages"]] == [case, *(f"{case}m{n:05}" for n in range(1, 100))]
    assert (shown["counts"], shown["next"]) == ({"messages": 100, "links": 0}, {"messages": None, "links": None})
    assert [len(page) async for page in pages(intake, f"/v1/cases/{case}/messages", "messages", limit=50)] == [50, 50]


async def test_a_customer_pages_without_notes_and_not_through_anothers_case(intake: Running) -> None:
    case = await grown(intake, 300)
    who = {"role": "customer", "name": (await intake.case(case))["customer"]}
    shown = (await intake.send("GET", f"/v1/cases/{case}", **who)).json()
    assert (shown["counts"], list(shown["next"]), "links" in shown) == ({"messages": 271}, ["messages"], False)
    seen = [m async for page in pages(intake, f"/v1/cases/{case}/messages", "messages", limit=70, **who) for m in page]
    assert (len(seen), {m["direction"] for m in seen}) == (271, {"in"})
    stranger = {"role": "customer", "name": "somebody"}
    assert (await intake.send("GET", f"/v1/cases/{case}/messages", **stranger)).status_code == 404
    assert (await intake.send("GET", f"/v1/cases/{case}/links", **who)).status_code == 403


@pytest.mark.parametrize("what", ["messages", "links"])
async def test_a_page_before_what_is_not_there_is_refused_instead_of_empty(intake: Running, what: str) -> None:
    case, other = (await intake.opened())["case"], (await intake.opened())["case"]
    answer = await intake.send("GET", f"/v1/cases/{case}/{what}", params={"before": other})
    assert (answer.status_code, answer.json()["field"]) == (404, "before")
    assert "next" in answer.json()["remedy"]
    assert (await intake.send("GET", f"/v1/cases/{case}/{what}", params={"limit": 201})).status_code == 422


async def test_links_are_shown_and_paged_alike(intake: Running) -> None:
    case = str((await intake.opened())["case"])
    rows = [{"case": case, "other": f"o{n:03}", "why": "foreign-sender", "at": MONDAY} for n in range(150)]
    await fill(intake.edge, "links", [(f"{row['case']}/{row['other']}", row) for row in rows])
    await fill(intake.edge, "links", [(f"other/{case}", {"case": "other", "other": case, "at": MONDAY})])
    shown = await intake.case(case)
    assert (shown["counts"]["links"], [link["other"] for link in shown["links"][-2:]]) == (151, ["o149", case])
    older = [link["other"] async for page in pages(intake, f"/v1/cases/{case}/links", "links", shown["next"]["links"])
             for link in page]  # fmt: skip
    assert [*older[::-1], *(link["other"] for link in shown["links"])] == [*(f"o{n:03}" for n in range(150)), case]


async def test_a_page_asks_as_often_for_many_messages_as_for_few(intake: Running, planned: Planned) -> None:
    case, few = await grown(intake), (await intake.opened())["case"]
    planned.plans.clear()
    await intake.send("GET", f"/v1/cases/{few}/messages")
    asked = [plan.query for plan in planned.plans]
    planned.plans.clear()
    page = (await intake.send("GET", f"/v1/cases/{case}/messages", params={"limit": 200})).json()
    assert len(page["messages"]) == 200
    assert [plan.query for plan in planned.plans] == asked
    [messages] = planned.on("messages")
    assert (messages.whole("messages"), messages.indexes("messages")) == ([], ["messages_case_row_idx"])
    for table in ("parts", "files"):
        [plan] = planned.on(table)
        assert plan.indexes(table) == [f"{table}_message_idx"]
