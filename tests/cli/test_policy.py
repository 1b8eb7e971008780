"""Policies from the command line: shown, checked, put in force, and asked what they would have changed."""

import asyncio
import sys
from pathlib import Path

import httpx
import pytest

from contracts.router import RegisterAgent
from deploy.vefa.local import secret
from services.router.app import app as router
from shared.core.message import Role, fresh
from shared.edge.tokens import create
from tests.conftest import FreshNats
from tests.shared.trade import NOON, order

from .conftest import Platform, running

pytestmark = [pytest.mark.long, pytest.mark.servers]


def document(folder: Path, text: str) -> str:
    file = folder / "other.yaml"
    file.write_text(text)
    return str(file)


async def test_the_policies_in_force_are_shown_with_their_documents(platform: Platform) -> None:
    assert [(p["name"], p["version"]) for p in (await platform.vefa("policy", "show", "shop", "--json")).json] == [
        ("limits", 1)
    ]
    assert (await platform.vefa("policy", "show", "shop", "limits")).out == "flag_above: 10\n"


async def test_a_policy_that_there_is_not_is_said_so(platform: Platform) -> None:
    result = await platform.vefa("policy", "show", "shop", "prices")
    assert result.status == 2
    assert "NAME: shop has no policy 'prices'" in result.err


async def test_a_published_policy_is_in_force_and_its_history_says_who_and_why(platform: Platform) -> None:
    file = document(platform.data, "flag_above: 5")
    said = await platform.vefa("policy", "publish", "shop", file, "--reason", "less risk", "--by", "agent-7", "--json")
    assert said.json["version"] == 2
    versions = (await platform.vefa("policy", "history", "shop", "limits", "--json")).json
    assert [(v["version"], v["by"], v["reason"], v["document"]) for v in versions] == [
        (1, "shipped", "shipped default", {"flag_above": 10}),
        (2, "agent-7", "less risk", {"flag_above": 5}),
    ]
    await platform.handle(order(1, amount=7))
    events = (await platform.vefa("history", "order:1", "--json")).json
    assert {"rule": "large", "policy": 2} in [e["why"] for e in events]
    assert (await platform.vefa("policy", "show", "shop", "limits", "--version", "1")).out == "flag_above: 10\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("flag_above: -1", "flag_above: Input should be greater than 0"),
        ("flag_over: 3", "flag_over: Extra inputs are not permitted"),
        ("flag_above: [", "line 1, column 14: not YAML"),
        ("2026-10-28: 1", "2026-10-28: Extra inputs are not permitted"),
        ("a: &a {b: *a}", "contains itself"),
        ("[" * 5000, "nested too deeply"),
        ("", "document"),
    ],
)
async def test_a_wrong_document_is_refused_with_file_and_field(platform: Platform, text: str, complaint: str) -> None:
    file = document(platform.data, text)
    for command in (["check", "shop", file], ["publish", "shop", file, "--reason", "x"]):
        result = await platform.vefa("policy", *command)
        assert result.status == 2
        assert complaint in result.err


async def test_a_file_that_is_not_there_and_a_name_that_is_none_are_named(platform: Platform) -> None:
    assert "cannot be read" in (await platform.vefa("policy", "check", "shop", "/nowhere.yaml")).err
    file = document(platform.data, "flag_above: 5")
    assert "there are limits" in (await platform.vefa("policy", "check", "shop", file, "--name", "prices")).err


async def test_a_check_beside_a_running_router_says_which_skill_nobody_has(
    database: str, fresh_nats: FreshNats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("VEFA_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", sys.argv)
    shipped = str(router.folder / "policy.yaml")
    before = Platform(tmp_path, database, {}, {}, capsys)
    assert (await before.vefa("policy", "check", "router", shipped, "--json")).json["warnings"] == [], "nothing runs"
    async with running([router], database, fresh_nats.url, tmp_path) as processes:
        platform = Platform(tmp_path, database, processes, {"router": router}, capsys)
        known = {"mail": "ada@vefa.example", "languages": ("tr",), "capacity": 3, "teams": ("money",)}
        await platform["router"].handle(
            fresh(RegisterAgent(agent="ada", name="Ada", skills=("refund",), **known), NOON)
        )
        result = await platform.vefa("policy", "check", "router", shipped, "--json")
        assert (result.status, result.json["valid"]) == (0, True)
        assert result.json["warnings"] == [
            "queues.privacy.skills, topic *: nobody has the skill 'privacy'; known are refund",
            "queues.technical.skills, topic fault: nobody has the skill 'fault'; known are refund",
        ]
        shown = (await platform.vefa("policy", "check", "router", shipped)).out
        assert "But queues.technical.skills, topic fault: nobody has the skill 'fault'; known are refund\n" in shown


async def test_policies_over_http_need_a_role_and_a_document_that_passes(platform: Platform) -> None:
    address = platform.address("shop")

    def call(method: str, path: str, role: Role, body: object = None) -> httpx.Response:
        token = create(secret(platform.data, "token.key"), role, "somebody")
        return httpx.request(
            method, f"{address}/shop/policies{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )

    async def asked(*arguments: object) -> httpx.Response:
        return await asyncio.to_thread(call, *arguments)  # type: ignore[arg-type]

    good = {"document": {"flag_above": 3}, "reason": "because"}
    assert (await asked("PUT", "/limits", Role.agent, good)).status_code == 403
    wrong = await asked("PUT", "/limits", Role.supervisor, {"document": {"flag_above": "x"}, "reason": "because"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "flag_above")
    assert (await asked("PUT", "/limits", Role.supervisor, good)).json()["version"] == 2
    assert (await asked("GET", "", Role.agent)).json()[0]["version"] == 2
    assert (await asked("GET", "/limits?version=1", Role.agent)).json()["document"] == {"flag_above": 10}
    assert (await asked("GET", "/prices", Role.agent)).status_code == 404


async def test_what_if_says_which_past_decisions_differ(platform: Platform) -> None:
    await platform.handle(*(order(n, amount=n * 4) for n in range(1, 5)))
    file = document(platform.data, "flag_above: 5")
    found = (await platform.vefa("what-if", "shop", "--policy", file, "--json")).json
    assert (found["decisions"], found["differing"], found["erased"]) == (4, 3, 0)
    assert found["changes"] == [
        {"topic": "shop.order-flagged.v1", "field": "limit", "decisions": 2},
        {"topic": "shop.order-flagged.v1", "field": "", "decisions": 1},
    ]
    assert found["course"]["said"] == {"shop.order-flagged.v1": {"really": 2, "otherwise": 3}}
    assert found["examples"][0]["stream"] == "order:2"


async def test_what_if_with_the_policy_in_force_differs_in_nothing(platform: Platform) -> None:
    await platform.handle(*(order(n, amount=n * 4) for n in range(1, 5)))
    found = (
        await platform.vefa("what-if", "shop", "--policy", document(platform.data, "flag_above: 10"), "--json")
    ).json
    assert (found["decisions"], found["differing"], found["course"]["said"]) == (4, 0, {})


async def test_what_if_counts_erased_decisions_apart(platform: Platform) -> None:
    await platform.handle(order(1, amount=7), order(2, amount=7, contact="bob"))
    await platform["shop"].vault.destroy(["bob"], NOON)
    file = document(platform.data, "flag_above: 5")
    found = (await platform.vefa("what-if", "shop", "--policy", file, "--json")).json
    assert (found["decisions"], found["differing"], found["erased"]) == (1, 1, 1)


async def test_what_if_for_people_says_what_it_does_not_claim(platform: Platform) -> None:
    await platform.handle(order(1, amount=7))
    shown = (await platform.vefa("what-if", "shop", "--policy", document(platform.data, "flag_above: 5"))).out
    assert "1 differ, 0 could not be taken again" in shown
    assert "Not claimed" in shown
