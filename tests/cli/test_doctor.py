"""``vefa doctor``: well when the platform is well, and each thing that is broken is found with its remedy."""

import json
import os
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.vefa.doctor.database import rights, settings
from deploy.vefa.doctor.services import owned
from shared.base.database import connect
from shared.store.event_log import EventLog
from tests.running import Running, run_vefa, up
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "doctor") as running:
        running.settled()
        yield running


def examined(platform: Running) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status, and the findings by what was looked at."""
    done = run_vefa("doctor", "--json", "--data", str(platform.data))
    return done.returncode, {finding["what"]: finding for finding in json.loads(done.stdout)}


def unwell(platform: Running) -> list[dict[str, Any]]:
    return [finding for finding in examined(platform)[1].values() if finding["state"] != "ok"]


def test_a_new_platform_is_well(platform: Running) -> None:
    until_true(lambda: examined(platform)[0] == 0 and not unwell(platform), "the doctor finds something")
    _, found = examined(platform)
    assert {"disk", "master key", "PostgreSQL fsync", "NATS stream", "consumer of sla", "role of intake"} <= set(found)
    assert found["role of intake"]["found"] == "vefa_intake only appends"
    assert found["NATS sync_interval"]["found"] == "always; the logs hold all that NATS does"


def test_a_secret_that_others_may_read_is_bad(platform: Running) -> None:
    key = platform.data / "secrets" / "link.key"
    key.chmod(0o644)
    status, found = examined(platform)
    key.chmod(0o600)
    assert (status, found["secret link.key"]["state"]) == (1, "bad")
    assert found["secret link.key"]["remedy"].startswith("chmod 600")


def test_a_secret_that_is_gone_is_bad(platform: Running) -> None:
    key = platform.data / "secrets" / "index.key"
    aside = key.rename(key.with_name("aside"))
    status, found = examined(platform)
    aside.rename(key)
    assert (status, found["secret index.key"]["state"], found["backup"]["found"]) == (1, "bad", "none yet")
    assert "vefa keys save" in found["secret index.key"]["remedy"]


def test_a_mail_that_is_set_aside_is_told_until_somebody_has_looked(platform: Running) -> None:
    host, _, port = platform.noted["services"]["intake"]["smtp"].rpartition("/")[2].partition(":")
    for number, sender in enumerate(("ada@example.com", "bob@example.com")):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, "servis@vefa.example", f"Away {number}"
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content("I am away.")
        with smtplib.SMTP(host, int(port), timeout=PATIENCE) as smtp:
            smtp.send_message(mail)
    status, found = examined(platform)
    told = found["mails set aside"]
    assert (status, told["state"], told["found"][:19]) == (0, "look", "2 wait, the oldest ")
    metrics = httpx.get(f"{platform.address('intake')}/intake/metrics", timeout=PATIENCE).text
    assert 'vefa_set_aside_waiting{service="intake"} 2.0' in metrics
    listed = json.loads(platform.vefa("set-aside", "--json"))
    bob, ada = [row["item"] for row in listed["items"]]
    assert listed["items"][1]["address"] == "ada@example.com"
    assert "Set aside: 2 wait, the oldest since" in platform.vefa("set-aside")
    assert "I am away." in platform.vefa("set-aside", "show", ada)
    released = json.loads(platform.vefa("set-aside", "release", ada, "--json"))
    assert json.loads(platform.vefa("set-aside", "dismiss", bob, "--reason", "away", "--json"))["state"] == "dismissed"
    again = run_vefa("set-aside", "release", ada, "--data", str(platform.data))
    assert (again.returncode, "released already" in again.stderr) == (2, True)
    assert (
        json.loads(platform.vefa("set-aside", "--state", "released", "--json"))["items"][0]["case"] == released["case"]
    )
    assert examined(platform)[1]["mails set aside"]["state"] == "ok"


def test_another_installations_master_key_is_bad(platform: Running) -> None:
    key = platform.data / "secrets" / "master.key"
    own = key.read_bytes()
    key.write_bytes(os.urandom(32))
    status, found = examined(platform)
    key.write_bytes(own)
    assert (status, found["master key"]["state"]) == (1, "bad")
    assert "restore master.key" in found["master key"]["remedy"]


def test_a_backup_that_is_old_or_of_another_master_key_is_told(platform: Running, tmp_path: Path) -> None:
    assert examined(platform)[1]["backup"]["found"] == "none yet"
    platform.vefa("backup", str(tmp_path / "one.backup"))
    note = platform.data / "backup.json"
    made = json.loads(note.read_text())
    late = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    states = {}
    for case, change in {"new": {}, "old": {"made_at": late}, "rotated": {"master": "another"}}.items():
        note.write_text(json.dumps({**made, **change}))
        states[case] = examined(platform)[1]["backup"]
    note.unlink()
    assert {case: state["state"] for case, state in states.items()} == {"new": "ok", "old": "look", "rotated": "look"}
    assert "one.backup" in states["new"]["found"]
    assert "the master key was exchanged since" in states["rotated"]["found"]


async def test_settings_that_tell_are_found(database: str) -> None:
    changed = {"synchronous_commit": "off", "log_error_verbosity": "verbose", "log_statement": "all"}
    with psycopg.connect(database, autocommit=True) as conn:
        for setting, value in changed.items():
            conn.execute(f"alter database {conn.info.dbname} set {setting} = '{value}'".encode())
    async with connect(database) as pool:
        await EventLog(pool, "shop").create()
        found = {f.what: f for f in await settings(pool)}
        [role] = await rights(pool, "shop", ["clerk"])
    # connect() asks for synchronous_commit itself: the service waits for the disk whatever the database says
    assert found["PostgreSQL synchronous_commit"].state == "ok"
    assert {what for what, f in found.items() if f.state == "bad"} == {
        "PostgreSQL log_error_verbosity", "PostgreSQL log_statement",
    }  # fmt: skip
    assert (role.state, "superuser" in role.found) == ("look", True)


@pytest.mark.parametrize(
    ("queues", "state", "found"),
    [
        ({"money": {"team": "money", "owner": "ece"}}, "ok", "each has one"),
        ({}, "ok", "each has one"),
        (
            {"money": {"owner": "ece"}, "sales": {"team": "sales"}, "care": {"owner": None}},
            "look", "no owner: care, sales",
        ),
        ({"money": {"owner": "efe"}}, "look", "the owner is no agent here: money (efe)"),
    ],
)  # fmt: skip
def test_queues_whose_alerts_reach_nobody_are_named(queues: dict[str, dict[str, str]], state: str, found: str) -> None:
    told = owned(queues, {"ece"})
    assert (told.state, told.found) == (state, found)
