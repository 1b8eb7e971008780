"""The page behind the link of a resolved case: a GET records nothing, the yes closes, the no brings the case back."""

import re
from datetime import timedelta

import httpx
import pytest

from tests.intake.conftest import Running

pytestmark = [pytest.mark.long, pytest.mark.servers]
TURKISH, ENGLISH = {"accept-language": "tr"}, {"accept-language": "en-GB,tr;q=0.5"}


async def resolved(intake: Running, **concern: object) -> tuple[str, str]:
    """(case, path of its link) of a case that an agent has resolved."""
    case = (await intake.opened(**concern))["case"]
    await intake.send("POST", f"/v1/cases/{case}/resolve", json={"outcome": "solved"})
    return case, await link(intake, case)


async def link(intake: Running, case: str, days: int = 30) -> str:
    contact = (await intake.case(case))["contact"]
    until = intake.edge.now + timedelta(days=days)
    return "/v1/cases/confirm/" + intake.edge.links.sign("confirm", f"{case}~{contact}", until)


async def post(intake: Running, path: str, **fields: str) -> httpx.Response:
    return await intake.http.post(path, data=fields, headers=TURKISH)


async def test_the_question_is_asked_in_the_customers_language_and_records_nothing(intake: Running) -> None:
    case, path = await resolved(intake)
    page = await intake.http.get(path, headers=ENGLISH)
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "no-referrer")
    assert "Sorununuz çözüldü mü?" in page.text
    assert "V-2026-000001" in page.text
    assert (await intake.case(case))["category"] == "resolved"


async def test_a_yes_closes_the_case_and_keeps_what_was_added(intake: Running) -> None:
    case, path = await resolved(intake)
    page = await post(intake, path, solved="yes", text="Çok teşekkürler!")
    assert (page.status_code, "Başvurunuz kapatıldı" in page.text) == (200, True)
    found = await intake.case(case)
    assert (found["category"], found["messages"][-1]["text"]) == ("closed", "Çok teşekkürler!")
    assert (await post(intake, path, solved="yes")).status_code == 200


async def test_a_no_opens_the_case_again(intake: Running) -> None:
    case, path = await resolved(intake)
    assert "yeniden açıldı" in (await post(intake, path, solved="no", text="Hâlâ gelmedi.")).text
    assert (await intake.case(case))["category"] == "open"


async def test_a_case_that_is_not_resolved_is_said_so(intake: Running) -> None:
    case = (await intake.opened())["case"]
    page = await post(intake, await link(intake, case), solved="yes")
    assert (page.status_code, "hâlâ çalışıyoruz" in page.text) == (409, True)


@pytest.mark.parametrize("change", ["x", "-1"])
async def test_a_link_that_was_changed_or_is_out_of_date_says_nothing_of_the_case(
    intake: Running,
    change: str,
) -> None:
    case, path = await resolved(intake)
    wrong = await link(intake, case, days=-1) if change == "-1" else path + change
    for answer in (await intake.http.get(wrong, headers=ENGLISH), await post(intake, wrong, solved="yes")):
        assert answer.status_code == 410
        assert "V-2026" not in answer.text
    assert (await intake.case(case))["category"] == "resolved"


async def test_what_is_no_answer_is_refused_on_a_page(intake: Running) -> None:
    _, path = await resolved(intake)
    assert (await post(intake, path, text="x")).status_code == 422
    assert (await intake.http.post(path, content=b"\xff\xfe")).status_code == 422
    assert (await intake.http.post(path, content=b"a" * 100_000)).status_code == 413


@pytest.mark.parametrize("said", ["maybe", "", "YES", "evet", "yes ", "no\x00", "1", "true"])
async def test_what_is_neither_yes_nor_no_is_asked_again_and_changes_nothing(intake: Running, said: str) -> None:
    case, path = await resolved(intake)
    before = await intake.case(case)
    again = await post(intake, path, solved=said, text="Ürün <b>geldi</b>")
    assert again.status_code == 422
    for words in (
        "Lütfen iki yanıttan birini seçin",
        "Sorununuz çözüldü mü?",
        "Ürün &lt;b&gt;geldi&lt;/b&gt;",
        'value="no"',
    ):
        assert words in again.text
    assert await intake.case(case) == before
    assert "Başvurunuz kapatıldı" in (await post(intake, path, solved="yes")).text


async def test_a_closed_case_is_not_opened_by_what_is_neither(intake: Running) -> None:
    case, path = await resolved(intake)
    await post(intake, path, solved="yes")
    assert (await post(intake, path, solved="maybe")).status_code == 422
    assert (await intake.case(case))["category"] == "closed"


async def test_the_page_loads_its_styles_from_the_service_itself(intake: Running) -> None:
    _, path = await resolved(intake)
    [address] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', (await intake.http.get(path)).text)
    styles = await intake.http.get(address, headers={"Authorization": ""})
    assert (styles.status_code, styles.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in styles.headers["cache-control"]
