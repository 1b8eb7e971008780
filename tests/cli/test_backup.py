"""A backup is made while the platform works, and gives all of it back or nothing; as a user meets it."""

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.vefa.backup import restoring, secrets
from deploy.vefa.backup.archive import LogEnd
from deploy.vefa.backup.dump import ends
from deploy.vefa.local import postgres
from deploy.vefa.local.home import Home
from deploy.vefa.local.process import free_port
from tests.chaos.customers import admin
from tests.running import ROOT, Running, run_vefa, up
from tests.waiting import PATIENCE, until_true

from .conftest import Result, run

pytestmark = [pytest.mark.servers]
PLAIN = "zqvefaunlogged"
"""A word in a table without a WAL, as personal views will be."""


@dataclass
class Course:
    """A platform that was backed up while it worked, went on, erased somebody, and was stopped."""

    data: Path
    backup: Path
    secrets: Path
    """Of when the backup was made: an erasure has exchanged the master key since."""
    made: dict[str, Any]
    erased: dict[str, Any]
    kept: dict[str, Any]
    ends: dict[str, Any]
    """Of the logs when the platform was stopped."""


Vefa = Callable[..., Result]


@pytest.fixture
def vefa(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Vefa:
    """A command as the shell would run it, without the start of an interpreter."""
    monkeypatch.setattr(sys, "argv", sys.argv)

    def vefa(*words: str) -> Result:
        capsys.readouterr()
        return Result(run(*words), *capsys.readouterr())

    return vefa


@pytest.fixture
def restore(course: Course, vefa: Vefa) -> Vefa:
    """``vefa restore FILE --data DIR ...``"""

    def restore(data: Path, *words: str, file: Path = course.backup) -> Result:
        return vefa("restore", str(file), "--data", str(data), *words)

    return restore


def opens(platform: Running, name: str) -> dict[str, Any]:
    content = base64.b64encode(os.urandom(3000)).decode()
    case = {
        "contact": {"kind": "mail", "address": f"{name}@example.com"}, "subject": "İade", "text": text_of(name),
        "files": [{"name": "receipt.bin", "content": content}],
    }  # fmt: skip
    answer = httpx.post(f"{platform.address('intake')}/v1/cases", json=case, timeout=PATIENCE)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def text_of(name: str) -> str:
    return f"Kargom gelmedi, {name} yazıyor."


@contextmanager
def under_load(platform: Running) -> Iterator[list[str]]:
    """Cases come in until the block ends."""
    opened, ended = list[str](), threading.Event()

    def work() -> None:
        while not ended.is_set():
            opened.append(opens(platform, f"busy{len(opened)}")["case"])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield opened
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def course(open_folder: Path) -> Course:
    folder = open_folder / "backup"
    folder.mkdir(mode=0o711)
    data = folder / "data"
    with up(data, VEFA_PUBLIC_PER_MINUTE="1000000") as platform:
        erased, kept = opens(platform, "ada"), opens(platform, "bob")
        with psycopg.connect(admin(platform), autocommit=True) as conn:
            conn.execute("create unlogged table intake_views.card (word text)")
            conn.execute("insert into intake_views.card values (%s)", (PLAIN,))
        with under_load(platform) as opened:
            while len(opened) < 20:
                time.sleep(0.05)
            made = json.loads(platform.vefa("backup", str(folder / "one.backup"), "--json"))
        platform.vefa("keys", "save", str(folder / "one.secrets"))
        platform.settled()
        platform.vefa("erase", erased["customer"], "--yes")
        platform.vefa("token", "revoke", "--subject", "gone")
        opens(platform, "eve")
        platform.settled()
        refused = run_vefa("restore", str(folder / "one.backup"), "--data", str(data), "--replace")
        assert (refused.returncode, "stop it" in refused.stderr) == (2, True), refused.stderr
        with psycopg.connect(admin(platform)) as conn:
            last = ends(conn)
    return Course(data, folder / "one.backup", folder / "one.secrets", made, erased, kept, last)


def state_of(data: Path) -> dict[str, Any]:
    """The ends of all logs of a data folder whose platform does not run."""
    with inside(data) as conn:
        return ends(conn)


@contextmanager
def inside(data: Path) -> Iterator[psycopg.Connection[Any]]:
    """Its database, as the administrator."""
    with Home(data) as home:
        server = postgres.Postgres(home, free_port())
        server.start()
        try:
            server.wait_ready()
            with psycopg.connect(server.dsn("vefa_admin")) as conn:
                yield conn
        finally:
            server.stop()


def test_a_backup_is_ours_alone_and_says_what_is_in_it_and_what_is_not(course: Course) -> None:
    assert [stat.S_IMODE(p.stat().st_mode) for p in (course.backup, course.secrets)] == [0o600, 0o600]
    assert set(course.made["logs"]) == set(course.ends)
    assert 0 < course.made["logs"]["intake"]["position"] < course.ends["intake"].position
    assert any("master.key" in line for line in course.made["holds_not"])
    assert list(course.backup.parent.glob(".*")) == [], "nothing half made is left"


def as_text(course: Course, *options: str) -> str:
    """All that a backup holds, as SQL."""
    _, folders = postgres.wheel()
    command = [str(folders[0] / "pginstall/bin/pg_restore"), "--file=-", *options]
    with subprocess.Popen(["tar", "-xOf", str(course.backup), "database.dump"], stdout=subprocess.PIPE) as tar:
        return subprocess.run(command, stdin=tar.stdout, capture_output=True, check=True).stdout.decode()


def test_neither_secrets_nor_personal_views_are_in_a_backup(course: Course) -> None:
    text = as_text(course)
    assert "intake.case-opened.v1" in text, "what is in plain must be found, or the search is blind"
    assert "CREATE UNLOGGED TABLE intake_views.card" in text
    assert PLAIN not in text
    assert "Kargom" not in text
    for path in (course.data / "secrets").iterdir():
        assert path.read_bytes().hex() not in text, path.name


def test_a_backup_made_under_load_is_whole(course: Course, restore: Vefa) -> None:
    done = restore(course.data, "--check", "--secrets", str(course.secrets), "--json")
    assert (done.status, done.err) == (0, "")
    assert (done.json["problems"], done.json["warnings"]) == ([], [])
    assert done.json["logs"] == course.made["logs"]
    assert done.json["keys"] == course.made["keys"] > 20
    assert state_of(course.data) == course.ends


@pytest.mark.long
def test_without_the_master_key_of_its_time_nothing_is_restored(
    course: Course, restore: Vefa, open_folder: Path
) -> None:
    for words in ((), ("--replace",)):
        done = restore(course.data, *words)
        assert done.status == 2
        assert "needs the master.key" in done.err
        assert "is another one; give --secrets FILE" in done.err
    assert "is not here; give --secrets" in restore(open_folder / "elsewhere").err
    assert "Look: the backup needs the master.key" in restore(course.data, "--check").out
    assert state_of(course.data) == course.ends


def test_what_is_there_is_not_replaced_unasked(course: Course, restore: Vefa, tmp_path: Path) -> None:
    done = restore(course.data, "--secrets", str(course.secrets))
    assert (done.status, "--replace" in done.err) == (2, True)
    (tmp_path / "letter.txt").touch()
    done = restore(tmp_path, "--secrets", str(course.secrets))
    assert (done.status, "holds other things (letter.txt)" in done.err) == (2, True)


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_backup_is_refused_and_changes_nothing(
    course: Course, restore: Vefa, tmp_path: Path, damage: str
) -> None:
    content, bad = bytearray(course.backup.read_bytes()), tmp_path / "bad"
    content[len(content) // 2] ^= 1
    bad.write_bytes(content if damage == "flipped" else content[: len(content) // 2])
    for words in (["--check"], ["--replace", "--secrets", str(course.secrets)]):
        done = restore(course.data, *words, file=bad)
        assert (done.status, "no whole backup" in done.err) == (2, True)
    assert state_of(course.data) == course.ends


@pytest.mark.long
def test_a_backup_of_a_log_that_somebody_changed_is_not_restored(
    course: Course, restore: Vefa, vefa: Vefa, open_folder: Path
) -> None:
    data, file = copied(course, open_folder / "changed"), open_folder / "changed.backup"
    with inside(data) as conn:
        conn.execute(r"update intake.stored_events set state = state || '\x20'::bytea where notification_id = 3")
    assert vefa("backup", str(file), "--data", str(data)).status == 0
    before = state_of(data)
    for words in (("--check",), ("--replace",)):
        done = restore(data, *words, "--json", file=file)
        assert (done.status, done.err) == (1, "")
        assert "does not fit the chain" in done.json["problems"][0]
    assert "nothing was changed, take another one" in restore(data, "--replace", file=file).out
    assert state_of(data) == before
    assert not list((data / "postgres").glob("before-*"))
    shutil.rmtree(data)


@pytest.mark.long
def test_a_restore_that_is_killed_leaves_what_was_there(course: Course) -> None:
    command = [sys.executable, "-m", "deploy.vefa", "restore", str(course.backup), "--data", str(course.data)]
    with subprocess.Popen([*command, "--replace", "--secrets", str(course.secrets)], cwd=ROOT) as process:
        fresh = course.data / "postgres" / "restoring"
        until_true(lambda: (fresh / "postmaster.pid").exists(), "it did not begin to load")
        process.send_signal(signal.SIGKILL)
    assert state_of(course.data) == course.ends


@pytest.mark.parametrize("step", ["load", "_examined", "_carry_over", "before the swap", "in the swap"])
@pytest.mark.long
def test_a_restore_that_fails_leaves_the_one_or_the_other(
    course: Course, monkeypatch: pytest.MonkeyPatch, open_folder: Path, step: str
) -> None:
    data = copied(course, open_folder / f"failed {step}"[:9])

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    match step:
        case "before the swap":
            monkeypatch.setattr(postgres.Postgres, "swap", fails)
        case "in the swap":
            monkeypatch.setattr(postgres, "finish_restore", lambda own, _: (own / "restored").exists() and fails())
        case _:
            monkeypatch.setattr(restoring, step, fails)
    given = secrets.saved(course.secrets)
    index = data / "secrets" / "index.key"
    index.write_bytes(own := os.urandom(32))  # each database needs its own
    with pytest.raises(KeyboardInterrupt):
        restoring.restore(course.backup, data, given, replace=True)
    monkeypatch.undo()
    expected = {n: LogEnd(**end) for n, end in course.made["logs"].items()} if step == "in the swap" else course.ends
    assert state_of(data) == expected
    assert index.read_bytes() == (given["index.key"] if step == "in the swap" else own)
    assert not list(index.parent.glob("*.restored"))
    assert index.with_name("master.next").exists() == (step == "in the swap"), "left, the next exchange would take it"
    assert not (data / "postgres" / "restoring").exists()
    shutil.rmtree(data)


@pytest.mark.long
def test_a_database_that_does_not_start_any_more_is_replaced_and_what_it_knew_is_missed(
    course: Course, restore: Vefa, open_folder: Path
) -> None:
    data = copied(course, open_folder / "broken")
    (data / "postgres" / "data" / "global" / "pg_control").unlink()
    done = restore(data, "--replace", "--secrets", str(course.secrets), "--json")
    assert (done.status, done.err) == (0, "")
    [warning] = done.json["warnings"]
    assert "what was erased and which tokens were revoked since the backup must be said again" in warning
    assert {name: vars(end) for name, end in state_of(data).items()} == course.made["logs"]
    kept = Path(done.json["kept"]).name
    now, before = [(data / "secrets" / name).read_bytes() for name in ("master.key", f"master.key.{kept}")]
    assert now == secrets.saved(course.secrets)["master.key"] != before
    assert before == (course.data / "secrets" / "master.key").read_bytes()
    shutil.rmtree(data)


def copied(course: Course, data: Path) -> Path:
    """The data folder once more; its files belong to whom they belonged."""
    shutil.copytree(course.data, data)
    if os.geteuid() == 0:
        for path in (course.data, *course.data.rglob("*")):
            found = path.lstat()
            os.chown(data / path.relative_to(course.data), found.st_uid, found.st_gid)
    return data


@pytest.mark.long
def test_a_restore_brings_all_back_as_it_was_except_who_was_erased_since(
    course: Course, restore: Vefa, vefa: Vefa, open_folder: Path
) -> None:
    data = copied(course, open_folder / "backup-again")
    done = restore(data, "--replace", "--secrets", str(course.secrets), "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json["destroyed_again"] == 1
    assert Path(done.json["kept"]).is_dir()
    assert Path(done.json["nats"]).is_dir()
    assert {name: vars(end) for name, end in state_of(data).items()} == course.made["logs"]
    with up(data) as platform:
        assert platform.vefa("verify")
        for service in platform.services:
            tables = vefa("rebuild", service, "--check", "--json", "--data", str(data)).json
            assert all(table["equal"] for table in tables.values()), (service, tables)
        assert text_of("bob") in platform.vefa("history", course.kept["case"], "--json")
        assert text_of("ada") not in platform.vefa("history", course.erased["case"], "--json")
        assert [one["revoked"] for one in json.loads(platform.vefa("token", "list", "--json"))] == ["sub:gone"]


@pytest.mark.long
def test_control_where_nobody_knows_of_the_erasure_the_text_is_back(
    course: Course, restore: Vefa, tmp_path: Path
) -> None:
    """In a new folder, which as root is closed to the servers: their data is in a room of its own."""
    data = tmp_path / "new"
    done = restore(data, "--secrets", str(course.secrets), "--json")
    assert (done.status, done.err) == (0, "")
    room = Path((data / "room").read_text().strip()) if (data / "room").exists() else data
    try:
        with up(data) as platform:
            assert text_of("ada") in platform.vefa("history", course.erased["case"], "--json")
            assert platform.vefa("verify")
            opens(platform, "cem")
            platform.settled()
    finally:
        shutil.rmtree(room)
