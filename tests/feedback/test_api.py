"""The survey behind its link, on a real database: forms, JSON, refusals, figures."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from contracts.feedback import AnswerSurvey, SurveyScheduled
from services.feedback.app import app
from shared.base.database import connect
from shared.base.settings import Settings
from shared.core.event import Event
from shared.core.facts import PolicyPublished
from shared.core.message import Actor, Role, fresh
from shared.core.personal import Personal
from shared.edge import tokens
from shared.edge.edge import Edge
from shared.edge.http import build
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock
from shared.runtime.service import Service
from shared.store.blobs import Blobs
from shared.store.event_log import EventLog
from shared.store.rebuild import check, prepare
from tests.feedback.story import SHIPPED, opening, resolution, verdict
from tests.scene import MONDAY

pytestmark = pytest.mark.servers
SEED = b"t" * 32
PAGE = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
JSON = {"accept": "application/json"}


@dataclass
class Running:
    """The service as others meet it."""

    service: Service
    http: httpx.AsyncClient
    clock: SteppedClock
    links: Links

    async def handle(self, *events: Event) -> list[Event]:
        outcomes = [(await self.service.handle(fresh(e, self.clock.now())))[0] for e in events]
        return [m.event for outcome in outcomes for m in outcome.said]

    async def asked(self, case: str = "one", who: str = "ayse", **fields: Any) -> str:
        """The path of the link of a survey that has been sent."""
        at = self.clock.now()
        said = await self.handle(opening(case, who), resolution(case, who, at, **fields), verdict(case, at))
        [scheduled] = [e for e in said if isinstance(e, SurveyScheduled)]
        self.clock.set(at + timedelta(hours=24))
        await Deadlines(self.service, self.clock).fire()
        return self.link(scheduled.survey, 14)

    def link(self, survey: str, days: int) -> str:
        token = self.links.sign("survey", survey, self.clock.now() + timedelta(days=days))
        return f"/v1/surveys/answer/{token}"

    async def read(self, path: str, role: str = "supervisor", **query: Any) -> Any:
        token = tokens.create(SEED, Role(role), "a1")
        response = await self.http.get(path, params=query, headers={"authorization": f"Bearer {token}"})
        return response.json() if response.status_code == 200 else response.status_code

    async def state(self, case: str = "one") -> dict[str, Any]:
        [row] = await self.read("/v1/surveys", case=case)
        return dict(row)


@pytest_asyncio.fixture
async def feedback(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with connect(database) as pool:
        vault = Vault(pool, MasterKey(b"m" * 32))
        await vault.create()
        log = EventLog(pool, "feedback")
        await prepare(log, app.views, "feedback_views")
        service = app.service_on(log, vault)
        await service.start()
        settings = Settings(database_url=database, nats_url="", secrets=tmp_path)
        links, clock = Links(b"l" * 32), SteppedClock(MONDAY)
        edge = Edge(service, vault, clock, links, Blobs(log, vault), settings, b"i" * 32, Actor("service", "feedback"))
        transport = httpx.ASGITransport(build("feedback", app.api, edge, tokens.public_key(SEED)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            running = Running(service, http, clock, links)
            document = json.dumps(SHIPPED)
            await running.handle(
                PolicyPublished(
                    service="feedback", name="surveys", version=1, document=document, by="shipped", reason=Personal()
                )
            )
            yield running
        await service.stop()


async def test_opening_the_link_shows_the_form_and_records_nothing(feedback: Running) -> None:
    path = await feedback.asked()
    before = feedback.service.position
    page = await feedback.http.get(f"{path}?score=4", headers=PAGE)
    assert page.status_code == 200
    assert '<html lang="tr">' in page.text
    assert 'value="4" required checked' in page.text
    assert "<script" not in page.text
    assert (feedback.service.position, (await feedback.state())["state"]) == (before, "invited")


async def test_the_page_may_load_nothing_and_be_framed_by_nobody(feedback: Running) -> None:
    headers = (await feedback.http.get(await feedback.asked(), headers=PAGE)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")


async def test_an_english_case_gets_an_english_page(feedback: Running) -> None:
    page = await feedback.http.get(await feedback.asked(language="en"), headers=PAGE)
    assert '<html lang="en">' in page.text
    assert "How satisfied are you" in page.text


async def test_a_posted_form_is_recorded_and_thanked(feedback: Running) -> None:
    path = await feedback.asked()
    page = await feedback.http.post(path, headers=PAGE, content="score=2&comment=%C3%87ok+ge%C3%A7")
    assert page.status_code == 200
    assert "teşekkür" in page.text
    state = await feedback.state()
    assert (state["state"], state["score"], state["comment"]) == ("answered", 2, "Çok geç")
    [recovery] = (await feedback.read("/v1/recoveries", state="open"))["recoveries"]
    assert (recovery["case"], recovery["comment"], recovery["score"]) == ("one", "Çok geç", 2)


async def test_json_is_answered_with_json(feedback: Running) -> None:
    answer = await feedback.http.post(await feedback.asked(), headers=JSON, json={"score": 5})
    assert (answer.status_code, answer.json()["score"], answer.json()["recorded"]) == (200, 5, True)


async def test_a_repeated_form_is_one_answer(feedback: Running) -> None:
    path = await feedback.asked()
    for _ in range(3):
        assert (await feedback.http.post(path, headers=PAGE, content="score=5")).status_code == 200
    said = [row.topic for row in await feedback.service.log.rows(0, 1000, said=True)]
    assert said.count("feedback.survey-answered.v1") == 1
    assert (await feedback.state())["edits"] == 0


async def test_what_was_typed_comes_back_escaped_when_the_score_is_missing(feedback: Running) -> None:
    page = await feedback.http.post(
        await feedback.asked(), headers=PAGE, content="comment=%3C%2Ftextarea%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    )
    assert page.status_code == 422
    assert "Lütfen bir puan seçin" in page.text
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize("body", [{"score": 6}, {"score": True}, {"score": "beş"}, {"score": 4.5}, {}, {"score": -1}])
async def test_a_wrong_score_is_refused_naming_the_field(feedback: Running, body: dict[str, Any]) -> None:
    answer = await feedback.http.post(await feedback.asked(), headers=JSON, json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "score")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422), (b"[1]", "application/json", 422), (b"[" * 60_000, "application/json", 422),
        (b"\xff", "application/x-www-form-urlencoded", 422), (b"score=1", "text/plain", 415),
        (b'{"score": 4, "comment": 5}', "application/json", 422), (b"x" * 70_000, "application/json", 413),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_answer_is_refused(feedback: Running, content: bytes, kind: str, status: int) -> None:
    path = await feedback.asked()
    answer = await feedback.http.post(path, headers={**JSON, "content-type": kind}, content=content)
    assert answer.status_code == status
    assert (await feedback.state())["state"] == "invited"


async def test_a_link_that_was_changed_or_is_out_of_date_is_gone(feedback: Running) -> None:
    path = await feedback.asked()
    survey = (await feedback.state())["key"]
    foreign = feedback.links.sign("reply", survey, feedback.clock.now() + timedelta(days=1))
    changed = path[:-1] + ("a" if path[-1] != "a" else "b")
    for bad in (changed, f"/v1/surveys/answer/{foreign}", feedback.link(survey, -1)):
        for method in ("GET", "POST"):
            page = await feedback.http.request(method, bad, headers={**PAGE, "accept-language": "en-GB,en"})
            assert page.status_code == 410
            assert '<html lang="en">' in page.text
            problem = await feedback.http.request(method, bad, headers=JSON)
            assert (problem.status_code, problem.json()["field"]) == (410, "token")


async def test_a_link_that_outlives_the_invitation_is_refused_by_the_rule(feedback: Running) -> None:
    await feedback.asked()
    survey = (await feedback.state())["key"]
    feedback.clock.set(feedback.clock.now() + timedelta(days=14))
    path = feedback.link(survey, 1)
    assert (await feedback.http.post(path, headers=JSON, json={"score": 5})).status_code == 410
    assert "süresi dolmuş" in (await feedback.http.post(path, headers=PAGE, content="score=5")).text


async def test_a_survey_can_be_answered_by_another_service(feedback: Running) -> None:
    await feedback.asked()
    survey = (await feedback.state())["key"]
    await feedback.handle(AnswerSurvey(survey=survey, contact="p-ayse", score=3))
    assert (await feedback.state())["score"] == 3


async def test_scores_are_shown_from_five_answers_on(feedback: Running) -> None:
    for i, given in enumerate((5, 4, 5, 1, 4)):
        cells = (await feedback.read("/v1/scores", kind="csat"))["cells"]
        assert all(cell["hidden"] for cell in cells)
        path = await feedback.asked(f"n{i}", f"w{i}")
        await feedback.http.post(path, headers=JSON, json={"score": given})
    for by in ("team", "topic", "channel", "agent"):
        [cell] = (await feedback.read("/v1/scores", kind="csat", by=by))["cells"]
        assert (cell["n"], cell["score"], cell["hidden"]) == (5, 80.0, False)
        assert cell["low"] < 80 < cell["high"]
    assert (await feedback.read("/v1/scores", kind="csat", **{"from": "2026-11", "to": "2026-12"}))["cells"] == []
    assert (await feedback.read("/v1/scores", kind="csat", **{"from": "2026-13"})) == 422
    response = await feedback.read("/v1/surveys/response", kind="csat")
    assert {r["step"]: r["n"] for r in response["steps"]} == {"scheduled": 5, "invited": 5, "answered": 5}


async def test_scores_of_agents_are_for_supervisors(feedback: Running) -> None:
    assert await feedback.read("/v1/scores", "agent", kind="csat", by="agent") == 403
    assert await feedback.read("/v1/scores", "agent", kind="csat", by="team") != 403


async def test_customers_read_no_figures(feedback: Running) -> None:
    for path in ("/v1/surveys?case=one", "/v1/scores?kind=csat", "/v1/recoveries", "/v1/surveys/response?kind=csat"):
        assert (await feedback.http.get(path)).status_code == 401
        assert await feedback.read(path, "customer") == 403


async def test_views_equal_a_rebuild(feedback: Running) -> None:
    for i, given in enumerate((1, 5)):
        path = await feedback.asked(f"n{i}", f"w{i}")
        await feedback.http.post(path, headers=JSON, json={"score": given, "comment": "söz"})
        await feedback.http.post(path, headers=JSON, json={"score": 3})
    result = await check(feedback.service.log, feedback.service.views, feedback.service.views_schema)
    assert all(table.equal for table in result.values())
