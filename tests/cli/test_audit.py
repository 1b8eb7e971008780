"""What happened, what was known, what led to it, and whether the logs and the views are whole."""

import json
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from shared.store.rows import GENESIS, chain
from tests.shared.trade import NOON, OrderPacked, OrderPlaced, order
from tests.waiting import until

from .conftest import Platform

pytestmark = [pytest.mark.long, pytest.mark.servers]


async def test_a_history_goes_over_all_logs_in_order_of_cause_with_texts_in_plain(platform: Platform) -> None:
    await platform.handle(order(1, amount=20), order(2))
    events = (await platform.vefa("history", "order:1", "--json")).json
    assert [(e["log"], e["topic"]) for e in events if e["log"] != "intake"] == [
        ("shop", "to.shop.place-order.v1"),
        ("shop", "shop.order-placed.v1"),
        ("shop", "shop.order-flagged.v1"),
        ("clerk", "clerk.order-packed.v1"),
    ]
    assert events[1]["heard_by"] == ["clerk", "intake"]
    assert events[2]["why"] == {"rule": "large", "policy": 1}
    assert events[1]["event"]["text"] == "please wrap number 1"


async def test_two_services_that_heard_the_same_do_not_share_an_event_id(platform: Platform) -> None:
    await platform.handle(order(1))
    events = (await platform.vefa("history", "order:1", "--json")).json
    assert {e["topic"] for e in events} >= {"clerk.order-packed.v1", "intake.order-noted.v1"}


async def test_a_history_for_people_names_rule_and_policy(platform: Platform) -> None:
    await platform.handle(order(1, amount=20))
    shown = (await platform.vefa("history", "order:1")).out
    assert "rule large, policy 1" in shown
    assert "please wrap number 1" in shown


async def test_an_erased_text_is_shown_as_erased(platform: Platform) -> None:
    await platform.handle(order(1))
    await platform["shop"].vault.destroy(["ada"], NOON)
    events = (await platform.vefa("history", "order:1", "--json")).json
    assert events[1]["event"]["text"] == "[erased]"


async def test_a_case_that_nobody_knows_is_said_so(platform: Platform) -> None:
    result = await platform.vefa("history", "nowhere")
    assert result.status == 2
    assert "CASE: no log knows 'nowhere'" in result.err


async def test_state_at_is_as_recorded_by_then_or_corrected_by_when_it_happened(platform: Platform) -> None:
    early = replace(order(1), occurred_at=NOON - timedelta(days=2))
    await platform.handle(early)
    yesterday = (NOON - timedelta(days=1)).isoformat()
    as_known = (await platform.vefa("state-at", "order:1", yesterday, "--json")).json
    corrected = (await platform.vefa("state-at", "order:1", yesterday, "--corrected", "--json")).json
    assert as_known["services"] == {}
    assert corrected["services"]["shop"]["state"] == {"placed": 1, "packed": 0}
    assert corrected["services"]["clerk"]["state"] == {"placed": 1, "packed": 1}


async def test_an_instant_without_an_offset_is_refused_with_an_example(platform: Platform) -> None:
    result = await platform.vefa("state-at", "order:1", "2026-10-26T09:00")
    assert result.status == 2
    assert "TIME" in result.err
    assert "+03:00" in result.err


async def test_why_goes_back_to_the_first_cause_over_two_logs(platform: Platform) -> None:
    await platform.handle(order(1))
    [packed] = await platform["clerk"].log.rows(0, 10, topics=[OrderPacked.TOPIC])
    chain = (await platform.vefa("why", str(packed.event_id), "--json")).json
    assert [(c["log"], c["topic"]) for c in chain] == [
        ("clerk", "clerk.order-packed.v1"),
        ("shop", "shop.order-placed.v1"),
        ("shop", "to.shop.place-order.v1"),
    ]
    assert "because of" in (await platform.vefa("why", str(packed.event_id))).out


async def test_why_goes_back_over_a_deadline_to_what_armed_it(platform: Platform) -> None:
    await platform.handle(order(1))
    process = platform.processes["shop"]
    process.clock.set(NOON + timedelta(hours=2))  # type: ignore[union-attr]
    process.deadlines.woken.set()
    before = platform["shop"].said
    await until(lambda: platform["shop"].said > before)
    [stale] = await platform["shop"].log.rows(0, 10, topics=["shop.order-stale.v1"])
    links = (await platform.vefa("why", str(stale.event_id), "--json")).json
    assert [(c["link"], c["topic"]) for c in links][1:3] == [
        ("because of", "kernel.deadline-reached.v1"),
        ("a deadline armed by", OrderPlaced.TOPIC),
    ]


@pytest.mark.parametrize("event", ["nonsense", "00000000-0000-0000-0000-000000000001"])
async def test_why_of_what_is_no_event_is_status_2(platform: Platform, event: str) -> None:
    result = await platform.vefa("why", event)
    assert result.status == 2
    assert "EVENT" in result.err


async def test_verify_finds_whole_logs_and_compares_them(platform: Platform) -> None:
    await platform.handle(order(1), order(2))
    found = {v["service"]: v for v in (await platform.vefa("verify", "--json")).json}
    assert {n: v["whole"] for n, v in found.items()} == {"shop": True, "clerk": True, "intake": True}
    assert found["clerk"]["compared"] == 2


async def test_verify_finds_a_changed_row(platform: Platform) -> None:
    await platform.handle(order(1))
    with psycopg.connect(platform.database) as conn:
        conn.execute("update shop.stored_events set topic = 'shop.order-stale.v1' where notification_id = 3")
    result = await platform.vefa("verify", "shop", "--json")
    assert result.status == 1
    assert "row 3 does not fit the chain" in result.json[0]["problems"][0]


async def test_a_log_that_was_written_anew_with_a_fitting_chain_is_found_by_its_listener(platform: Platform) -> None:
    await platform.handle(order(1))
    rows, previous = await platform["shop"].log.rows(0, 10), GENESIS
    with psycopg.connect(platform.database) as conn:
        for row in rows:
            forged = replace(row, state=row.state.replace(b'"amount":1', b'"amount":9'))
            previous = chain(previous, forged)
            query = "update shop.stored_events set state = %s, hash = %s where notification_id = %s"
            conn.execute(query, (forged.state, previous, row.id))
        conn.execute("update shop.head set hash = %s", (previous,))
    assert (await platform.vefa("verify", "shop")).status == 0
    result = await platform.vefa("verify", "--json")
    assert result.status == 1
    assert "which clerk heard, is another one now" in str(result.json)


async def test_verify_finds_what_a_listener_passed_and_does_not_hold(platform: Platform) -> None:
    await platform.handle(order(1), order(2))
    with psycopg.connect(platform.database) as conn:
        conn.execute("delete from clerk.stored_events where notification_id > 2")
        conn.execute(
            "update clerk.head set notification_id = 2, said = 2,"
            " hash = (select hash from clerk.stored_events where notification_id = 2)"
        )
    result = await platform.vefa("verify", "--json")
    assert result.status == 1
    assert "was passed and is not here" in str(result.json)


async def test_views_that_differ_from_their_log_are_found_and_built_again(platform: Platform) -> None:
    await platform.handle(order(1), order(2))
    assert (await platform.vefa("rebuild", "shop", "--check")).status == 0
    with psycopg.connect(platform.database) as conn:
        conn.execute("update shop_views.totals set amount = 0")
    differs = await platform.vefa("rebuild", "shop", "--check", "--json")
    assert differs.status == 1
    assert [t for t, v in differs.json.items() if not v["equal"]] == ["totals"]
    assert [t for t, v in differs.json.items() if v["live"]["hash"] != v["rebuilt"]["hash"]] == ["totals"]
    assert (await platform.vefa("rebuild", "shop", "--json")).json["service"] == "shop"
    assert (await platform.vefa("rebuild", "shop", "--check")).status == 0


async def test_a_service_goes_on_over_a_rebuild(platform: Platform) -> None:
    await platform.handle(order(1))
    await platform.vefa("rebuild", "clerk")
    await platform.handle(order(2))
    assert (await platform.vefa("rebuild", "clerk", "--check")).status == 0


async def test_replay_prints_what_lies_between_two_positions(platform: Platform) -> None:
    await platform.handle(order(1), order(2))
    lines = (await platform.vefa("replay", "shop", "--from", "3", "--to", "4", "--json")).out.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [3, 4]
    assert "please wrap number 1" in (await platform.vefa("replay", "shop")).out


async def test_replay_takes_instants_too(platform: Platform) -> None:
    await platform.handle(order(1))
    await platform.handle(order(2, at=NOON + timedelta(minutes=5)))
    late = await platform.vefa("replay", "shop", "--from", (NOON + timedelta(minutes=1)).isoformat(), "--json")
    assert {json.loads(line)["stream"] for line in late.out.splitlines()} == {"order:2"}


async def test_lag_is_nothing_once_everything_was_heard(platform: Platform) -> None:
    await platform.handle(order(1))
    found = (await platform.vefa("lag", "--json")).json
    assert found["clerk"]["heard"] == {"shop": 0}
    assert "nothing" in (await platform.vefa("lag")).out


async def test_a_folder_without_a_running_platform_is_said_so(platform: Platform) -> None:
    (platform.data / "running.json").unlink()
    for command in (["verify"], ["lag"], ["history", "order:1"], ["parked", "list"]):
        result = await platform.vefa(*command)
        assert result.status == 2
        assert "start one with: vefa up" in result.err


async def test_a_service_that_there_is_not_is_named_with_those_that_there_are(platform: Platform) -> None:
    result = await platform.vefa("verify", "kitchen")
    assert result.status == 2
    assert "'kitchen' does not run here; there are shop, clerk, intake" in result.err
