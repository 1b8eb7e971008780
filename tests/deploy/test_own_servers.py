"""Servers of one's own: the platform runs on a PostgreSQL and a NATS that others started."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.vefa.local.servers import Servers
from tests.running import Running, up
from tests.waiting import PATIENCE, until_true


@pytest.mark.servers
@pytest.mark.long
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
        return {httpx.get(place, headers=headers, timeout=PATIENCE).status_code for place in places}

    assert answers() == {200}
    platform.vefa("token", "revoke", token)
    until_true(lambda: answers() == {401}, "a revoked token still opens something")


def _post(address: str) -> dict[str, Any]:
    body = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": "Kargom beş gündür gelmedi."}
    request = urllib.request.Request(
        f"{address}/v1/cases", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
