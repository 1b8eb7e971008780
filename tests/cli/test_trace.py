"""``vefa trace``: what a message set going through all services, with what it waited for and what went wrong."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.world import Decider
from tests.shared import trade
from tests.shared.trade import NOON, OrderPacked, OrderStale, order
from tests.waiting import until

from . import trades
from .conftest import Platform

pytestmark = [pytest.mark.long, pytest.mark.servers]
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"


async def test_one_trace_leads_from_the_callers_span_through_all_services(platform: Platform) -> None:
    await platform.handle(replace(order(1), trace=CALLER))
    [found] = (await platform.vefa("trace", "order:1", "--json")).json
    spans = {(s["service"], s["name"]): s for s in found["spans"]}
    assert found["trace_id"] == TRACE
    assert spans.keys() == {
        ("shop", "to.shop.place-order.v1"), ("shop", "shop.order-placed.v1"), ("clerk", "shop.order-placed.v1"),
        ("clerk", "clerk.order-packed.v1"), ("intake", "shop.order-placed.v1"), ("intake", "intake.order-noted.v1"),
    }  # fmt: skip
    chain = ("shop", "to.shop.place-order.v1"), ("shop", "shop.order-placed.v1"), ("clerk", "shop.order-placed.v1")
    parents = [CALLER.split("-")[2], *(spans[key]["span_id"] for key in chain)]
    assert [spans[key]["parent_id"] for key in (*chain, ("clerk", "clerk.order-packed.v1"))] == parents
    assert len({s["span_id"] for s in found["spans"]}) == len(spans)


async def test_a_trace_is_found_by_its_own_id_and_by_any_of_its_events(platform: Platform) -> None:
    [outcome] = await platform.handle(replace(order(1), trace=CALLER))
    [mine] = await platform.handle(order(2))
    by_stream = (await platform.vefa("trace", "order:1", "--json")).json
    packed, _ = await platform["clerk"].log.rows(0, 99, topics=[OrderPacked.TOPIC])
    for name in (TRACE, CALLER, str(outcome.said[0].id), str(packed.event_id)):
        assert (await platform.vefa("trace", name, "--json")).json == by_stream
    [own] = (await platform.vefa("trace", mine.said[0].correlation.hex, "--json")).json
    assert own["trace_id"] == mine.said[0].correlation.hex


async def test_people_see_a_waterfall_without_any_text(platform: Platform) -> None:
    await platform.handle(replace(order(1), trace=CALLER))
    shown = (await platform.vefa("trace", "order:1")).out
    assert f"Trace {TRACE}: 4 events in 3 services, " in shown
    assert "goes on from its caller's span b7ad6b7169203331" in shown
    rows = {row[1].strip(): row for row in (line.split("│")[1:-1] for line in shown.splitlines() if "│" in line)}
    placed, packed = rows["shop.order-placed.v1"], rows["clerk.order-packed.v1"]
    assert placed[6].strip() == "clerk 0 ms, intake 0 ms"
    assert (placed[1].index("s"), packed[1].index("c")) == (3, 5)
    assert (packed[3].strip(), packed[5].strip()) == ("0 ms", "█")
    assert "wrap" not in shown + (await platform.vefa("trace", "order:1", "--json")).out


async def test_what_is_parked_and_heard_again_is_marked(platform: Platform) -> None:
    await platform.handle(order(1, amount=13))
    shown = (await platform.vefa("trace", "order:1")).out
    assert "(parked: rule-raised)" in shown
    platform.apps["clerk"] = replace(trades.clerk, decider=Decider(trade.STATES, trade.evolve, trades.mended))
    await platform.vefa("parked", "retry", "clerk", "order:1")
    [found] = (await platform.vefa("trace", "order:1", "--json")).json
    again = next(s for s in found["spans"] if s["attributes"]["marks"] == ["heard again"])
    packed = next(s for s in found["spans"] if s["name"] == OrderPacked.TOPIC)
    assert packed["parent_id"] == again["span_id"]
    assert "heard again" in (await platform.vefa("trace", "order:1")).out


async def test_several_traces_are_listed_in_time_order_and_one_can_be_chosen(platform: Platform) -> None:
    [placed] = await platform.handle(order(1))
    platform.processes["shop"].clock.set(NOON + timedelta(hours=1, seconds=30))  # type: ignore[union-attr]
    platform.processes["shop"].deadlines.woken.set()
    await until(lambda: platform["shop"].said > placed.position + 1)
    first, stale = (await platform.vefa("trace", "order:1", "--json")).json
    assert [s["name"] for s in stale["spans"]] == ["kernel.deadline-reached.v1", OrderStale.TOPIC]
    assert stale["spans"][0]["links"] == [{"event": str(placed.said[0].id)}]
    assert stale["spans"][0]["attributes"]["marks"] == ["late by 30 s"]
    shown = (await platform.vefa("trace", "order:1")).out
    assert shown.index(first["trace_id"]) < shown.index(stale["trace_id"])
    assert f"a deadline armed by {placed.said[0].id}" in shown
    assert (await platform.vefa("trace", "order:1", "--trace", stale["trace_id"], "--json")).json == [stale]
    wrong = await platform.vefa("trace", "order:1", "--trace", "f" * 32)
    assert (wrong.status, wrong.err[:35]) == (2, "vefa: --trace: order:1 has no trace")


async def test_what_no_log_knows_is_said_so(platform: Platform) -> None:
    for name in ("order:9", "nobody", TRACE):
        result = await platform.vefa("trace", name)
        assert result.status == 2
        assert f"CASE: no log knows '{name}'" in result.err
