"""Yesterday's backup brings back nobody who was erased since: where the database before can tell nothing, what NATS
holds does."""

import json
from pathlib import Path

import httpx
import pytest

from tests.running import Running, run_vefa, up
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]
TEXT = "Kargom gelmedi, ada yazıyor."


def reads(platform: Running, case: str) -> bool:
    return TEXT in platform.vefa("history", case, "--json")


def test_an_erasure_comes_back_by_reconcile_and_destroys_the_keys_of_the_backup(open_folder: Path) -> None:
    folder = open_folder / "yesterday"
    folder.mkdir(mode=0o711)
    data, backup, keys = folder / "data", str(folder / "one.backup"), str(folder / "keys.tar")
    with up(data) as platform:
        case = {"contact": {"kind": "mail", "address": "ada@example.com"}, "text": TEXT}
        opened = httpx.post(f"{platform.address('intake')}/v1/cases", json=case, timeout=PATIENCE).json()
        platform.settled()
        platform.vefa("backup", backup)
        platform.vefa("keys", "save", keys)
        platform.vefa("erase", opened["customer"], "--yes")
        platform.settled()
    (data / "postgres" / "data" / "global" / "pg_control").unlink()
    done = run_vefa("restore", backup, "--data", str(data), "--secrets", keys, "--replace", "--json")
    assert "must be said again" in json.loads(done.stdout)["warnings"][0], done.stderr
    with up(data) as platform:
        assert reads(platform, opened["case"]), "control: the text is back until the erasure is"
        assert run_vefa("epoch", "--data", str(data)).returncode == 1
        platform.vefa("epoch", "new")
        platform.vefa("reconcile")
        until_true(lambda: not reads(platform, opened["case"]), "the text reads in plain")
        until_true(lambda: (data / "secrets" / "master.key").read_bytes() not in Path(keys).read_bytes(), "not rotated")
        platform.settled()
        assert "customer-erased" in platform.vefa("history", f"customer:{opened['customer']}", "--json")
        assert platform.vefa("verify")
