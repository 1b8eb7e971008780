"""What was known of an agent, a customer, a policy, a case at an instant; a case by its number for every command."""

import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contracts.outside import CaseSubmitted
from contracts.router import AssignCase, ChangeAgentStatus, RegisterAgent, TransferCase
from services.intake.app import app as intake
from services.router.app import app as router
from services.sla.app import app as sla
from shared.core.event import Event
from shared.core.facts import PublishPolicy
from shared.core.message import Actor, fresh
from shared.core.personal import Personal
from tests.conftest import FreshNats
from tests.shared.trade import NOON
from tests.waiting import until

from .conftest import Platform, running

pytestmark = [pytest.mark.long, pytest.mark.servers]
MAIL, NAME, WHY = "ada@example.com", "Ece Kaya", Personal("They know it.")


class Desk(Platform):
    """Intake, router and sla, with one agent and one case."""

    number: str = ""
    case: str = ""
    customer: str = ""

    async def say(self, service: str, event: Event, at: datetime) -> Any:
        for process in self.processes.values():
            process.clock.set(at)  # type: ignore[union-attr]
        [outcome] = await self[service].handle(fresh(event, at, actor=Actor("admin", "boss"), command=True))
        return outcome

    def settled(self) -> bool:
        """Whether each of the three has heard all that the two others said, so that nothing more follows."""
        pairs = [(hearer, teller) for hearer in self.apps for teller in self[hearer].sources if teller in self.apps]
        return all(self[hearer].tracked.get(teller, 0) >= self[teller].said for hearer, teller in pairs)

    async def at(self, what: str, minutes: float, *more: str) -> dict[str, Any]:
        """What each service knew so many minutes after noon."""
        result = await self.vefa("state-at", what, (NOON + timedelta(minutes=minutes)).isoformat(), "--json", *more)
        assert result.status == 0, result.err
        found: dict[str, Any] = result.json["services"]
        return {name: held["state"] for name, held in found.items()}


@pytest_asyncio.fixture
async def desk(
    database: str,
    fresh_nats: FreshNats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Desk]:
    monkeypatch.setenv("VEFA_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", sys.argv)
    apps = {app.name: app for app in (intake, router, sla)}
    async with running(apps.values(), database, fresh_nats.url, tmp_path) as processes:
        desk = Desk(tmp_path, database, processes, apps, capsys)
        await until(lambda: all(desk[name].memory.has_policy(name_of) for name, name_of in SHIPPED.items()))
        ece = RegisterAgent(
            agent="ece", name=Personal(NAME), mail=Personal("ece@desk.example"), teams=("general",),
            languages=("tr",), capacity=30,
        )  # fmt: skip
        await desk.say("router", ece, NOON + timedelta(minutes=1))
        await desk.say("router", ChangeAgentStatus(agent="ece", status="away"), NOON + timedelta(minutes=2))
        submitted = CaseSubmitted(
            contact="ada", contact_kind="mail", address=Personal(MAIL), channel="web",
            subject=Personal("Kargo"), text=Personal("Kargom gelmedi."),
        )  # fmt: skip
        said = (await desk.say("intake", submitted, NOON + timedelta(minutes=3))).said
        opened = next(m.event for m in said if hasattr(m.event, "number"))
        desk.number, desk.case, desk.customer = opened.number, opened.case, opened.customer
        await until(desk.settled)
        who = {"case": opened.case, "customer": opened.customer, "contact": "ada", "by": "boss"}
        for command in (TransferCase(**who, queue="general", reason=WHY), AssignCase(**who, agent="ece", reason=WHY)):
            await desk.say("router", command, NOON + timedelta(minutes=4))
        await until(desk.settled)
        yield desk


SHIPPED = {"intake": "intake", "router": "routing", "sla": "targets"}


async def test_what_was_known_of_an_agent_without_his_name(desk: Desk) -> None:
    assert (await desk.at("agent:ece", 0)) == {}
    registered = (await desk.at("agent:ece", 1))["router"]
    assert (registered["status"], registered["capacity"], registered["cases"]) == ("offline", 30, 0)
    assert registered["teams"] == ["general"]
    assert registered["name"] == registered["mail"] == "[personal]"
    assert (await desk.at("agent:ece", 2))["router"]["status"] == "away"
    owning = (await desk.at("agent:ece", 5))["router"]
    assert owning["cases"] == 1
    assert list(owning["owned"]) == [desk.case]
    shown = (await desk.vefa("state-at", "agent:ece", (NOON + timedelta(hours=1)).isoformat())).out
    assert "away" in shown
    assert NAME not in shown


async def test_what_was_known_of_a_customer_and_of_policies_by_each_service(desk: Desk) -> None:
    await of_a_customer(desk)
    await of_a_policy(desk)


async def of_a_customer(desk: Desk) -> None:
    assert await desk.at(f"customer:{desk.customer}", 2) == {}
    known = await desk.at(f"customer:{desk.customer}", 5)
    assert known["intake"]["contacts"] == [["ada", "mail"]]
    assert known.keys() >= {"intake", "router"}
    assert MAIL not in str(known)


async def of_a_policy(desk: Desk) -> None:
    shipped = (await desk.at("policy:sla/targets", 1))["sla"]
    assert (shipped["name"], shipped["version"], shipped["by"]) == ("targets", 1, "shipped")
    assert shipped["document"]
    text = desk["sla"].memory.resident["policies"].get("targets")
    assert text
    again = PublishPolicy(service="sla", name="targets", document=text["document"], by="boss", reason=Personal("Why"))
    await desk.say("sla", again, NOON + timedelta(minutes=6))
    assert (await desk.at("policy:sla/targets", 5))["sla"]["version"] == 1
    assert (await desk.at("policy:sla/targets", 6))["sla"]["version"] == 2
    await until(lambda: desk["router"].tracked.get("sla", 0) >= desk["sla"].said)
    assert (await desk.at("policy:sla/calendar/tr", 6)).keys() == {"router", "sla", "intake"} & {
        name for name in desk.apps if ("sla", "kernel.policy-published.v1") in desk[name].rules.hears or name == "sla"
    }


async def test_a_case_is_found_by_number_id_and_stream_and_what_nobody_knows_by_its_nearest(desk: Desk) -> None:
    for command in ("history", "trace", "explain", "state-at"):
        when = [NOON.isoformat()] if command == "state-at" else []
        by_id = await desk.vefa(command, desk.case, *when, "--json")
        assert by_id.status == 0, by_id.err
        for name in (desk.number, desk.number.lower(), f"case:{desk.case}"):
            assert (await desk.vefa(command, name, *when, "--json")).json == by_id.json
    await nearest(desk)


async def nearest(desk: Desk) -> None:
    async def complaint(command: str, *words: str) -> str:
        result = await desk.vefa(command, *words)
        assert result.status == 2, result.out
        return result.err

    at = NOON.isoformat()
    assert "did you mean agent:ece?" in await complaint("state-at", "agent:ecce", at)
    assert "did you mean policy:sla/targets" in await complaint("state-at", "policy:sla/target", at)
    assert f"did you mean customer:{desk.customer}?" in await complaint("state-at", f"customer:{desk.customer[:8]}", at)
    assert f"did you mean case:{desk.case}?" in await complaint("history", desk.case[:-1])
    assert "there are streams of account, agent, " in await complaint("state-at", "agnet:ece", at)
    for command in ("history", "trace", "explain"):
        assert f"did you mean {desk.number}?" in await complaint(command, "V-2099-000777")
