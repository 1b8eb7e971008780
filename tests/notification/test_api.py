"""HTTP of notification."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from contracts.notification import NoticeQueued
from services.notification.app import app
from shared.core.facts import PublishPolicy
from shared.core.message import Role
from shared.core.world import Refused
from shared.edge import tokens
from shared.edge.http import build
from tests.scene import MONDAY

from .conftest import Desk, Sink
from .trade import AYSE, CASE, NUMBER, classified, known, opened, replied

pytestmark = pytest.mark.servers
SEED = b"s" * 32
SUPERVISOR = {"Authorization": f"Bearer {tokens.create(SEED, Role.supervisor, 'veli')}"}
AGENT = {"Authorization": f"Bearer {tokens.create(SEED, Role.agent, 'ali')}"}


@pytest_asyncio.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build(app.name, app.api, desk.edge, tokens.public_key(SEED)))
    async with httpx.AsyncClient(transport=transport, base_url="http://vefa", headers=AGENT) as client:
        yield client


async def test_the_notices_about_a_case_are_listed(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.tell(known(), opened(), classified(), replied())
    await desk.send_due()
    listed = (await http.get("/v1/notices", params={"case": CASE})).json()
    assert {n["template"]: n["state"] for n in listed} == {"case-received": "sent", "reply": "sent"}
    one = (await http.get(f"/v1/notices/{listed[0]['notice']}")).json()
    assert one == listed[0]
    assert "address" not in one


async def test_an_unknown_notice_is_a_problem_with_a_remedy(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/notices/n-1")
    assert (answer.status_code, answer.json()["field"]) == (404, "notice")


async def test_only_what_was_given_up_is_redelivered(desk: Desk, sink: Sink, http: httpx.AsyncClient) -> None:
    sink.refusal = "550 no"
    [_, heard] = await desk.tell(known(), replied())
    queued = heard.first(NoticeQueued)
    assert queued is not None
    path = f"/v1/notices/{queued.notice}/redeliver"
    assert (await http.post(path)).status_code == 409
    await desk.send_due()
    assert (await http.post(path)).status_code == 202
    sink.refusal = ""
    await desk.send_due()
    assert len(sink.mails) == 1


async def test_preferences_are_set_as_a_whole_and_read_back(desk: Desk, http: httpx.AsyncClient) -> None:
    wanted = {"language": "en", "muted": ["survey"], "zone": "Europe/London"}
    assert (await http.put(f"/v1/preferences/{AYSE}", json=wanted)).json() == wanted
    assert (await http.get(f"/v1/preferences/{AYSE}")).json() == wanted
    [row] = await desk.edge.rows("select muted from {views}.preferences")
    assert row["muted"] == ["survey"]


@pytest.mark.parametrize("body", [{"zone": "Mars/Base"}, {"muted": ["reply"]}, {"language": "klingon"}])
async def test_preferences_that_make_no_sense_are_refused(http: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await http.put(f"/v1/preferences/{AYSE}", json=body)).status_code == 422


async def test_unsubscribing_asks_first_and_then_mutes(desk: Desk, http: httpx.AsyncClient) -> None:
    token = desk.edge.links.sign("unsubscribe", f"{AYSE}~points-expiring", MONDAY + timedelta(days=1))
    path = f"/v1/preferences/unsubscribe/{token}"
    asked = await http.get(path, headers={"Authorization": "", "accept-language": "en"})
    assert "<form" in asked.text
    assert '<html lang="en">' in asked.text
    await http.put(f"/v1/preferences/{AYSE}", json={"language": "tr"})
    asked = await http.get(path, headers={"Authorization": "", "accept-language": "en"})
    assert "Bu iletileri artık istemiyorum" in asked.text
    assert (await http.get(f"/v1/preferences/{AYSE}")).json()["muted"] == []
    assert (await http.post(path, headers={"Authorization": ""})).status_code == 200
    assert (await http.get(f"/v1/preferences/{AYSE}")).json()["muted"] == ["points-expiring"]
    assert (await http.post(path[:-1] + "x")).status_code == 404


async def test_a_template_is_previewed_on_a_real_case_by_supervisors(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.tell(known(), opened(channel="web"), replied())
    body = {"template": "reply", "language": "en", "case": CASE}
    shown = (await http.post("/v1/templates/preview", json=body, headers=SUPERVISOR)).json()
    assert shown["subject"] == f"About your request {NUMBER}"
    assert "Kargonuz yolda &lt;b&gt;" in shown["html"]
    assert (await http.post("/v1/templates/preview", json=body)).status_code == 403
    mailed = opened("01980000-0000-7000-8000-000000000002", subject="Kahve makinesi")
    await desk.tell(mailed, replied(case=mailed.case))
    answer = await http.post("/v1/templates/preview", json={**body, "case": mailed.case}, headers=SUPERVISOR)
    assert answer.json()["subject"] == f"Re: Kahve makinesi [{NUMBER}]"
    other = {**body, "template": "case-resolved"}
    answer = await http.post("/v1/templates/preview", json=other, headers=SUPERVISOR)
    assert (answer.status_code, answer.json()["field"]) == (404, "case")


async def test_a_policy_with_a_wrong_variable_is_refused_with_its_field(desk: Desk) -> None:
    document = app.shipped()["templates"].replace("{{ number }}", "{{ numbr }}", 1)
    asked = PublishPolicy(service="notification", name="templates", document=document, by="veli", reason="x")
    with pytest.raises(Refused) as refused:
        await desk.edge.send(asked)
    assert refused.value.field == "rules.0.texts"
    assert "unknown variable 'numbr'" in refused.value.text
