"""Servers of one's own: what docker-compose.yml starts is what Vefa asks for, and the platform runs on such a pair."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from shared.local.nats_server import wheel
from shared.local.servers import Servers

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_nothing_is_reachable_from_elsewhere_and_no_password_stands_in_the_file() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert not any("PASSWORD" in name and not name.endswith("_FILE") for name in service.get("environment", {}))


def test_files_that_are_mounted_exist_or_are_secrets() -> None:
    mounts = [m for s in COMPOSE["services"].values() for m in s["volumes"] if m.startswith(".")]
    files = [mount.partition(":")[0] for mount in mounts]
    assert files
    assert all((ROOT / file).is_file() or file.startswith("./deploy/secrets/") for file in files)


def test_postgres_is_told_never_to_lose_a_commit() -> None:
    command = COMPOSE["services"]["postgres"]["command"]
    assert {"fsync=on", "synchronous_commit=on", "full_page_writes=on"} <= set(command.split())


def test_nats_server_accepts_its_configuration(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy/nats/server.conf", tmp_path / "server.conf")
    (tmp_path / "user.conf").write_text('user: vefa\npassword: "0123456789"\n')
    done = subprocess.run(
        [str(wheel()[1]), "--config", str(tmp_path / "server.conf"), "-t"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.servers
@pytest.mark.timeout(120)
def test_the_platform_runs_on_servers_of_ones_own(open_folder: Path) -> None:
    data = open_folder / "platform"
    with Servers.start(open_folder / "own", ()) as servers:
        urls = {"VEFA_DATABASE_URL": servers.postgres_admin_dsn, "VEFA_NATS_URL": servers.nats_url("ops")}
        command = [sys.executable, "-m", "shared.cli", "up", "--data", str(data)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **urls}, stdout=subprocess.DEVNULL) as platform:
            try:
                opened = _post(_running(data, platform))
                assert opened["number"].endswith("000001")
                assert not (data / "postgres").exists()
                assert not (data / "nats").exists()
                _revoke_and_be_refused(data)
            finally:
                platform.send_signal(signal.SIGTERM)
                platform.wait(30)


def _running(data: Path, platform: "subprocess.Popen[bytes]") -> str:
    """The address of intake, once everything answers."""
    until = time.monotonic() + 60
    while not (data / "running.json").exists():
        assert platform.poll() is None, "the platform ended"
        assert time.monotonic() < until
        time.sleep(0.1)
    return str(json.loads((data / "running.json").read_text())["services"]["intake"]["http"])


def _revoke_and_be_refused(data: Path) -> None:
    """A token opens every service until it is revoked, and within 5 s none any more."""

    def vefa(*words: str) -> str:
        command = [sys.executable, "-m", "shared.cli", "token", *words, "--data", str(data)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    def answers(token: str) -> set[int]:
        services = json.loads((data / "running.json").read_text())["services"]
        headers = {"Authorization": f"Bearer {token}"}
        return {httpx.get(f"{a['http']}/{name}/policies", headers=headers).status_code for name, a in services.items()}

    token = vefa("create", "--role", "supervisor", "--subject", "lead")
    assert answers(token) == {200}
    vefa("revoke", token)
    until = time.monotonic() + 5
    while time.monotonic() < until and answers(token) != {401}:
        time.sleep(0.2)
    assert answers(token) == {401}


def _post(address: str) -> dict[str, Any]:
    body = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": "Kargom beş gündür gelmedi."}
    request = urllib.request.Request(
        f"{address}/v1/cases", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
