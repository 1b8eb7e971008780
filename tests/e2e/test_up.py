"""``vefa up`` on a laptop: mails can be read, and links that were sent lead here after the next start too."""

from pathlib import Path

import httpx
import pytest

from tests.running import Running, until_true, up

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
CASE = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": "Kargom gelmedi."}


def sent(platform: Running, case: str) -> bool:
    token = platform.vefa("token", "create", "--role", "supervisor", "--subject", "lead")
    answer = httpx.get(
        f"{platform.address('notification')}/v1/notices",
        params={"case": case},
        headers={"Authorization": f"Bearer {token}"},
    )
    return [notice["state"] for notice in answer.json()] == ["sent"]


def test_mails_are_taken_and_addresses_stay(open_folder: Path) -> None:
    folder = open_folder / "laptop"
    with up(folder) as platform:
        case = httpx.post(f"{platform.address('intake')}/v1/cases", json=CASE).json()["case"]
        until_true(lambda: sent(platform, case), "the acknowledgement was not sent", 30)
        before = {name: platform.address(name) for name in platform.services}
    with up(folder) as platform:
        assert {name: platform.address(name) for name in platform.services} == before
