"""What a rule could not take in: seen, explained, and heard again once the rule is mended."""

from dataclasses import replace

import pytest

from shared.core.world import Decider
from tests.shared import trade
from tests.shared.trade import OrderPacked, order

from . import trades
from .conftest import Platform

pytestmark = [pytest.mark.long, pytest.mark.servers]


async def test_what_is_parked_is_listed_with_what_raised_and_the_remedy(platform: Platform) -> None:
    assert "Nothing is parked" in (await platform.vefa("parked", "list")).out
    await platform.handle(order(1, amount=13), order(2))
    [found] = (await platform.vefa("parked", "list", "--json")).json
    assert (found["service"], found["stream"], found["parked"], found["error"]) == (
        "clerk",
        "order:1",
        1,
        "ZeroDivisionError",
    )
    assert found["where"].startswith("trade.py:")
    assert found["remedy"].endswith("vefa parked retry clerk order:1")
    assert "ZeroDivisionError" in (await platform.vefa("parked", "list")).out


async def test_what_is_parked_is_shown_in_plain(platform: Platform) -> None:
    await platform.handle(order(1, amount=13))
    [found] = (await platform.vefa("parked", "show", "clerk", "order:1", "--json")).json
    assert found["event"]["text"] == "please wrap number 1"
    assert found["why"]["reason"] == "rule-raised"


async def test_a_retry_that_raises_again_is_status_1_and_stays_parked(platform: Platform) -> None:
    await platform.handle(order(1, amount=13))
    result = await platform.vefa("parked", "retry", "clerk", "order:1", "--json")
    assert result.status == 1
    assert result.json[0]["result"].startswith("ZeroDivisionError")
    assert len((await platform.vefa("parked", "list", "--json")).json) == 1


async def test_a_retry_with_the_mended_rule_goes_through_beside_the_running_service(platform: Platform) -> None:
    await platform.handle(order(1, amount=13))
    platform.apps["clerk"] = replace(trades.clerk, decider=Decider(trade.STATES, trade.evolve, trades.mended))
    result = await platform.vefa("parked", "retry", "clerk", "order:1", "--json")
    assert (result.status, [r["result"] for r in result.json]) == (0, ["heard"])
    assert (await platform.vefa("parked", "list", "--json")).json == []
    await platform.handle(order(2))
    packed = await platform["clerk"].log.rows(0, 99, topics=[OrderPacked.TOPIC])
    assert [str(r.originator_id) for r in packed] == ["order:1", "order:2"]
    assert (await platform.vefa("rebuild", "clerk", "--check")).status == 0


async def test_what_was_heard_again_can_be_read_like_anything_else(platform: Platform) -> None:
    await platform.handle(order(1, amount=13))
    platform.apps["clerk"] = replace(trades.clerk, decider=Decider(trade.STATES, trade.evolve, trades.mended))
    await platform.vefa("parked", "retry", "clerk", "order:1")
    [packed] = await platform["clerk"].log.rows(0, 99, topics=[OrderPacked.TOPIC])
    links = (await platform.vefa("why", str(packed.event_id), "--json")).json
    assert links[2]["link"] == "heard again after it was parked:"


async def test_a_stream_in_which_nothing_is_parked_is_said_so(platform: Platform) -> None:
    result = await platform.vefa("parked", "retry", "clerk", "order:9")
    assert result.status == 2
    assert "nothing is parked in 'order:9' of clerk; parked are none" in result.err
