"""Servers of one's own: what docker-compose.yml starts is what Vefa asks for, and the platform runs on such a pair."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from shared.local.nats_server import wheel
from shared.local.servers import Servers
from tests.running import Running, until_true, up

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
        with up(data, **urls) as platform:
            opened = _post(platform.address("intake"))
            assert opened["number"].endswith("000001")
            assert not (data / "postgres").exists()
            assert not (data / "nats").exists()
            _revoke_and_be_refused(platform)


def _revoke_and_be_refused(platform: Running) -> None:
    """A token opens every service until it is revoked, and within 5 s none any more."""
    token = platform.vefa("token", "create", "--role", "supervisor", "--subject", "lead")
    headers = {"Authorization": f"Bearer {token}"}

    def answers() -> set[int]:
        places = [f"{platform.address(name)}/{name}/policies" for name in platform.services]
        return {httpx.get(place, headers=headers).status_code for place in places}

    assert answers() == {200}
    platform.vefa("token", "revoke", token)
    until_true(lambda: answers() == {401}, "a revoked token still opens something", seconds=5)


def _post(address: str) -> dict[str, Any]:
    body = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": "Kargom beş gündür gelmedi."}
    request = urllib.request.Request(
        f"{address}/v1/cases", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
