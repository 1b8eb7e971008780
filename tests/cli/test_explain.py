"""``vefa explain``: the clocks of a case with what they were measured by and how their sums came about."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.vefa.calls import every
from services.sla.app import app
from shared.core.message import fresh
from tests.conftest import FreshNats
from tests.sla.words import became, opened, replied, t

from .conftest import Platform, running

pytestmark = [pytest.mark.long, pytest.mark.servers]


@pytest_asyncio.fixture
async def sla(
    database: str,
    fresh_nats: FreshNats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Platform]:
    """Its clock is stepped to a Monday's noon in Istanbul; a case was opened, answered and put to wait before."""
    monkeypatch.setenv("VEFA_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", sys.argv)
    async with running([app], database, fresh_nats.url, tmp_path) as processes:
        platform = Platform(tmp_path, database, processes, {"sla": app}, capsys)
        happened = [(opened(), "09:00"), (replied(), "10:15"), (became("waiting_customer"), "10:30")]
        for event, local in happened:
            await platform["sla"].handle(fresh(event, t(26, local)))
        yield platform


async def test_clocks_are_explained_as_data(sla: Platform) -> None:
    met, resolution = (await sla.vefa("explain", "c1", "--json")).json
    assert (met["metric"], met["result"], met["used"]) == ("first_response", "met", 4500)
    assert [i["since"] for i in resolution["intervals"]] == ["started", "paused"]


async def test_all_pages_of_clocks_are_read(sla: Platform) -> None:
    whole = (await sla.vefa("explain", "c1", "--json")).json
    read = await asyncio.to_thread(every, sla.data, "sla", "/v1/cases/c1/clocks/explain?limit=1")
    assert [clock["metric"] for clock in read] == [clock["metric"] for clock in whole]


async def test_clocks_are_explained_to_people(sla: Platform) -> None:
    shown = (await sla.vefa("explain", "c1")).out
    for words in (
        "first response: met, due 2026-10-26 11:00:00Z, ended 2026-10-26 07:15:00Z",
        "4 h by policy 1, row otherwise, for any case; priority normal, calendar tr 1",
        "2026-10-26 06:00:00Z to 2026-10-26 07:15:00Z",
        "Sum: 1 h 15 min of 4 h.",
        "resolution: running, due never, it stands still",
        "paused: waiting_customer",
        "Sum: 1 h 30 min of 24 h.",
    ):
        assert words in shown, shown


async def test_a_case_without_clocks_is_said_so(sla: Platform) -> None:
    result = await sla.vefa("explain", "nobody")
    assert result.status == 2
    assert result.err == "vefa: case: no clock was ever started for it; look the case up by its id\n"
