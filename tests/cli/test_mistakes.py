"""What a user does wrong ends with one line that names it and says what helps, and status 2; never with a trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.vefa.base import Failed
from deploy.vefa.demo.cast import foreign
from tests.running import ROOT
from tests.waiting import PATIENCE

from .conftest import run

NOWHERE = "127.0.0.1:1"
EVENT = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``vefa`` reads its words from sys.argv and its data folder from here."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.delenv("VEFA_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def complaint(capsys: pytest.CaptureFixture[str], command: str) -> str:
    """The one line that a command ends with."""
    capsys.readouterr()
    assert run(*command.split()) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "--from: own.csv cannot be read: No such file or directory; give a CSV file"),
        (b"text\n\xfe\n", "--from: own.csv is not UTF-8 (byte 5); save it as 'CSV UTF-8'"),
        (b"text\n" + b"x" * 200_000, "--from: own.csv, after line 1: field larger than field limit (131072)"),
        (b"", "--text: own.csv has no column 'text'; it is empty"),
        (b"words,more\nhello,1\n", "--text: own.csv has no column 'text'; it has words, more"),
        (b"text,more\n ,1\n", "--text: column 'text' of own.csv is empty"),
    ],
)
def test_a_file_of_complaints_that_cannot_be_used(
    content: bytes | None, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        Path("own.csv").write_bytes(content)
    assert complaint(capsys, "demo --from own.csv").startswith(f"vefa: {named}")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_as_excel_writes_it_is_read(separator: str) -> None:
    Path("own.csv").write_text(separator.join(["text", "more"]) + f"\nKargom nerede?{separator}1\n", "utf-8-sig")
    assert [c.text for c in foreign(Path("own.csv"), "text")] == ["Kargom nerede?"]


def test_a_folder_given_as_file_of_complaints() -> None:
    with pytest.raises(Failed, match=r"--from: \. cannot be read: Is a directory"):
        foreign(Path(), "text")


@pytest.mark.parametrize(
    "command",
    [
        "up", "demo", "verify", "lag", "history x", "state-at x 2026-10-26T09:00Z", f"why {EVENT}", "parked list",
        "rebuild sla", "replay sla", "policy show sla", "export x", "erase x --yes",
        "token create --role agent --subject a", "token list", "token revoke x", "explain x", "doctor", "keys rotate",
        "keys save x", "backup", "restore x",
    ],
)  # fmt: skip
def test_a_data_folder_that_is_a_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    assert "'--data'" in (line := complaint(capsys, f"{command} --data file"))
    assert "'file' is a file; see '" in line


def test_a_data_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint(capsys, "demo --data /proc/none") == (
        "vefa: --data: /proc/none cannot be made: No such file or directory; choose another folder"
    )


@pytest.mark.parametrize("noted", ['{"pid": 1}', "[]", "no JSON", '{"pid": "x"}', '{"pid": 99999999}'])
def test_a_note_of_a_running_platform_that_says_nothing(noted: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("running.json").write_text(noted)
    assert complaint(capsys, "verify --data .") == "vefa: no platform runs on .; start one with: vefa up --data ."


@pytest.mark.parametrize(
    "command", ["verify", "history x", f"why {EVENT}", "parked list", "policy show sla", "lag", "doctor"]
)
def test_a_platform_whose_servers_are_gone(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    noted = {
        "pid": os.getpid(), "services": {}, "nats": f"nats://ops:word@{NOWHERE}",
        "databases": {"sla": f"postgresql://sla:word@{NOWHERE}/vefa"},
    }  # fmt: skip
    Path("running.json").write_text(json.dumps(noted))
    line = complaint(capsys, f"{command} --data .")
    assert line.startswith("vefa: --data .: ")
    assert f"does not let us in at {NOWHERE}" in line
    assert line.endswith("start it again with: vefa up --data .")
    assert "word" not in line


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("state-at x 26.10.2026", "TIME: Invalid isoformat string: '26.10.2026'; write an instant like"),
        ("state-at x 2026-10-26T09:00", "TIME: '2026-10-26T09:00' has no UTC offset"),
        ("state-at x 9999-12-31T23:59-14:00", "TIME: '9999-12-31T23:59-14:00' lies outside of all calendars; write"),
        ("replay sla --from yesterday", "--from: Invalid isoformat string"),
        ("replay sla --from 5 --to 3", "--to: 3 lies before --from 5"),
        ("what-if sla --name targets --policy none.yaml", "--policy: none.yaml cannot be read: No such file"),
        ("what-if sla --name targets --policy .", "--policy: . cannot be read: Is a directory"),
        ("policy check sla none.yaml --name targets", "FILE: none.yaml cannot be read: No such file"),
        ("token create --role agent --subject a*b", "--subject: 'a*b' is no id"),
        ("token create --role agent --subject a --days 0", "'--days': Input should be greater than or equal to 1"),
        ("token create --role agent --subject a --days 3651", "'--days': Input should be less than or equal to 3650"),
        ("token create --role agent --subject a --days soon", "'--days': Input should be a valid integer"),
        ("backup", "--data: .vefa holds no database; start the platform once: vefa up --data .vefa"),
        ("backup x --to y", "FILE, --to: give one of them"),
        ("keys save x", "--data: .vefa/secrets/master.key is not here; start the platform once: vefa up"),
        ("restore none", "FILE: none cannot be read: No such file or directory"),
        ("restore x --secrets none", "--secrets: none cannot be read: No such file or directory"),
        ("verify --nonsense", "No such option: --nonsense"),
        ("nonsense", "No such command 'nonsense'"),
    ],
)
def test_a_wrong_word(command: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert named in complaint(capsys, command)


def test_a_backup_that_is_refused_makes_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--data: .vefa holds no database" in complaint(capsys, "backup --to backups")
    assert not Path("backups").exists()


def test_a_policy_that_is_not_utf_8(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.yaml").write_bytes(b"rows: \xff")
    line = complaint(capsys, "what-if sla --name targets --policy own.yaml")
    assert "--policy: own.yaml is not UTF-8 (byte 6); save it as such" in line


def test_a_token_for_a_folder_without_a_platform(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--data: .vefa holds no platform" in complaint(capsys, "token create --role agent --subject ece")
    assert not Path(".vefa").exists()


def test_nothing_but_the_name_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    shown = capsys.readouterr()
    assert "Usage:" in shown.out
    assert shown.err == ""


def test_a_mistake_of_ours_keeps_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.vefa.platform.running", {}.__getitem__)
    with pytest.raises(KeyError):
        run("lag")


def ended(**environment: str) -> list[str]:
    """What ``vefa up`` with these variables says on its error output as it ends with status 2."""
    command = [sys.executable, "-m", "deploy.vefa", "up", "--data", str(Path("data").absolute())]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr.splitlines()


@pytest.mark.long
def test_servers_of_the_users_own_that_are_not_there() -> None:
    database, nats = f"postgresql://vefa:word@{NOWHERE}/vefa", f"nats://vefa:word@{NOWHERE}"
    [line] = ended(VEFA_DATABASE_URL=database, VEFA_NATS_URL=nats)
    assert line.startswith(f"vefa: VEFA_DATABASE_URL: PostgreSQL does not let us in at {NOWHERE}: ")
    assert line.endswith("or unset VEFA_DATABASE_URL and VEFA_NATS_URL to run the embedded servers")
    assert "word" not in line


@pytest.mark.parametrize("command", ["backup", "restore x"])
def test_servers_of_the_users_own_are_backed_up_by_their_own_tools(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEFA_DATABASE_URL", f"postgresql://vefa:word@{NOWHERE}/vefa")
    monkeypatch.setenv("VEFA_NATS_URL", f"nats://vefa:word@{NOWHERE}")
    assert "is backed up by its own tools, see docs/backup.md" in complaint(capsys, command)


@pytest.mark.servers
@pytest.mark.long
def test_a_nats_of_the_users_own_that_is_not_there(database: str) -> None:
    [line] = ended(VEFA_DATABASE_URL=database, VEFA_NATS_URL=f"nats://vefa:word@{NOWHERE}")
    assert line.startswith(f"vefa: VEFA_NATS_URL: NATS does not let us in at {NOWHERE}: ")


@pytest.mark.servers
@pytest.mark.long
def test_an_address_that_no_service_can_listen_on() -> None:
    *services, line = ended(VEFA_HTTP_HOST="192.0.2.1")  # kept for documentation: no machine has it
    assert line.endswith("did not start; its message stands above")
    assert services
    assert any("VEFA_HTTP_HOST" in said for said in services), services  # they all speak at once, through each other


def test_a_file_is_named_as_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    secret = Path("data/secrets/master.key")
    secret.parent.mkdir(parents=True)
    secret.write_bytes(bytes(32))
    assert run("keys", "save", "[red]anahtar İ.tar", "--data", "data") == 0
    assert "are in [red]anahtar İ.tar" in capsys.readouterr().out
