"""``vefa up`` on a laptop: mails can be read, and links that were sent lead here after the next start too."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.chaos.killer import parent_of
from tests.chaos.load import process_on
from tests.running import ROOT, Running, until_true, up

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


def test_what_is_up_is_told_as_data_and_mails_can_be_read(open_folder: Path) -> None:
    command = [sys.executable, "-m", "shared.cli", "up", "--json", "--data", str(open_folder / "told")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            answer = httpx.post(f"{told['services']['intake']['http']}/v1/cases", json=CASE)
            number = answer.json()["number"]
            until_true(lambda: f"Başvurunuzu aldık: {number}" in httpx.get(told["mails"]).text, "no mail came", 30)
            agents = f"{told['services']['router']['http']}/v1/agents"
            assert httpx.get(agents, headers={"Authorization": f"Bearer {told['token']}"}).json() == []
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def test_mails_are_taken_and_addresses_stay(open_folder: Path) -> None:
    folder = open_folder / "laptop"
    with up(folder) as platform:
        case = httpx.post(f"{platform.address('intake')}/v1/cases", json=CASE).json()["case"]
        until_true(lambda: sent(platform, case), "the acknowledgement was not sent", 30)
        before = {name: platform.address(name) for name in platform.services}
    with up(folder) as platform:
        assert {name: platform.address(name) for name in platform.services} == before


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a platform in /proc")
def test_a_platform_whose_keeper_is_killed_ends_instead_of_going_on_without_a_service(open_folder: Path) -> None:
    folder = open_folder / "keeperless"
    folder.mkdir(mode=0o711)
    lines = folder / "lines"
    with up(folder, lines=lines) as platform:
        service = process_on(int(platform.address("sla").rpartition(":")[2]))
        os.kill(parent_of(service), signal.SIGKILL)
        told = "vefa: the keeper of sla was killed: start the platform again"
        until_true(lambda: told in lines.read_text(), "it goes on", 30)
    assert not (folder / "running.json").exists()
    assert "Traceback" not in lines.read_text()


def test_a_wrong_setting_is_named_in_one_line(open_folder: Path) -> None:
    command = [sys.executable, "-m", "shared.cli", "up", "--data", str(open_folder / "wrong")]
    settings = {**os.environ, "VEFA_PUBLIC_PER_MINUTE": "many", "VEFA_OIDC__ISSUER": "http://id.example"}
    ended = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    wrong = [line for line in ended.stderr.splitlines() if line.startswith("vefa: ")]
    assert [line.split(": ")[1] for line in wrong] == ["setting VEFA_PUBLIC_PER_MINUTE", "setting VEFA_OIDC__ISSUER"]
    assert "Traceback" not in ended.stderr
