"""``vefa up`` on a laptop: mails can be read, and links that were sent lead here after the next start too."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.vefa.local import Servers
from tests.chaos.killer import parent_of
from tests.chaos.load import process_on
from tests.running import ROOT, Running, up
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]
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
    command = [sys.executable, "-m", "deploy.vefa", "up", "--json", "--data", str(open_folder / "told")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            answer = httpx.post(f"{told['services']['intake']['http']}/v1/cases", json=CASE, timeout=PATIENCE)
            number = answer.json()["number"]
            until_true(
                lambda: f"Başvurunuzu aldık: {number}" in httpx.get(told["mails"], timeout=PATIENCE).text,
                "no mail came",
            )
            agents = f"{told['services']['router']['http']}/v1/agents"
            known = httpx.get(agents, headers={"Authorization": f"Bearer {told['token']}"}, timeout=PATIENCE).json()
            assert [agent["agent"] for agent in known] == ["admin"], "the first administrator, who owns the queues"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def test_mails_are_taken_and_addresses_stay(open_folder: Path) -> None:
    folder = open_folder / "laptop"
    with up(folder) as platform:
        case = httpx.post(f"{platform.address('intake')}/v1/cases", json=CASE, timeout=PATIENCE).json()["case"]
        until_true(lambda: sent(platform, case), "the acknowledgement was not sent")
        before = platform.noted["services"]
        assert before["intake"]["smtp"]
    with up(folder) as platform:
        assert platform.noted["services"] == before


def second_up(data: Path, **settings: str) -> str:
    """What it complains of; nothing else is printed, and its status is 2."""
    command = [sys.executable, "-m", "deploy.vefa", "up", "--data", str(data)]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


def untouched(platform: Running, before: dict[str, Any], token: str) -> None:
    """The note, the processes and the ports are as they were, and every command finds the platform."""
    assert platform.noted == before
    until_true(platform.ready, "not ready")
    answer = httpx.get(
        f"{platform.address('router')}/v1/agents", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    assert answer.status_code == 200
    assert set(json.loads(platform.vefa("lag", "--json"))) == set(platform.services)


def test_a_second_up_is_refused_and_leaves_the_running_platform_alone(open_folder: Path) -> None:
    folder = open_folder / "taken"
    with up(folder) as platform:
        token = platform.vefa("token", "create", "--role", "supervisor", "--subject", "lead")
        before, kept = platform.noted, (folder / "addresses.json").read_bytes()
        for _ in range(2):
            line = second_up(folder)
            assert line.startswith(f"vefa: another Vefa (process {before['pid']}, since 20")
            assert f"'kill {before['pid']}' ends it" in line
        untouched(platform, before, token)
        assert (folder / "addresses.json").read_bytes() == kept
    assert not (folder / "running.json").exists()


def test_a_second_up_on_servers_of_ones_own_is_refused_too(open_folder: Path) -> None:
    folder = open_folder / "taken-own"
    with Servers.start(open_folder / "its-servers", ()) as servers:
        urls = {"VEFA_DATABASE_URL": servers.postgres_admin_dsn, "VEFA_NATS_URL": servers.nats_url("ops")}
        with up(folder, **urls) as platform:
            token = platform.vefa("token", "create", "--role", "supervisor", "--subject", "lead")
            before = platform.noted
            assert f"process {before['pid']}, since 20" in second_up(folder, **urls)
            assert f"process {before['pid']}, since 20" in second_up(folder)  # nor embedded ones beside them
            untouched(platform, before, token)
        with up(folder, **urls) as platform:
            assert platform.noted["services"] == before["services"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a platform in /proc")
def test_a_platform_whose_supervisor_is_killed_ends_instead_of_going_on_without_a_service(open_folder: Path) -> None:
    folder = open_folder / "supervisorless"
    folder.mkdir(mode=0o711)
    lines = folder / "lines"
    with up(folder, lines=lines) as platform:
        service = process_on(int(platform.address("sla").rpartition(":")[2]))
        os.kill(parent_of(service), signal.SIGKILL)
        told = "vefa: the supervisor of sla was killed: start the platform again"
        until_true(lambda: told in lines.read_text(), "it goes on")
    assert not (folder / "running.json").exists()
    assert "Traceback" not in lines.read_text()


def test_a_wrong_setting_is_named_in_one_line(open_folder: Path) -> None:
    command = [sys.executable, "-m", "deploy.vefa", "up", "--data", str(open_folder / "wrong")]
    settings = {**os.environ, "VEFA_PUBLIC_PER_MINUTE": "many", "VEFA_OIDC__ISSUER": "http://id.example"}
    ended = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 2
    wrong = [line for line in ended.stderr.splitlines() if line.startswith("vefa: ")]
    assert [line.split(": ")[1] for line in wrong] == ["setting VEFA_PUBLIC_PER_MINUTE", "setting VEFA_OIDC__ISSUER"]
    assert "Traceback" not in ended.stderr
