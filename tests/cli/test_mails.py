"""What ``vefa mail check`` says of raw mails, without a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.vefa.main import main
from tests.intake.mails import file, mail, multipart, plain, raw

SHARED = Path(__file__).parents[2].parent / "shared"
ROBOT = raw({"From": "robot@x.example", "Auto-Submitted": "auto-replied", "Message-ID": "<r@x>"})
ANSWER = raw(
    {"In-Reply-To": "<q@x>", "Message-ID": "<a@x>"},
    "Salı olmaz.\n\nDestek <d@x.example> şunu yazdı (1.1.2026):\n> Salı?",
)
FIRST = mail(multipart("mixed", plain("Kırık geldi."), file("f.png")), Cc="Can <can@x.example>", Precedence="list")


def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["vefa", "mail", "check", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "1.eml").write_bytes(FIRST)
    (tmp_path / "2.txt").write_bytes(ROBOT)
    (tmp_path / "in" / "3").write_bytes(ANSWER)
    (tmp_path / "4.mbox").write_bytes(b"From a Mon\n" + FIRST + b"\n\nFrom b Tue\n" + ROBOT + b"\n>From here\n")
    (tmp_path / ".hidden").write_bytes(b"x")
    return tmp_path


def as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str) -> list[dict[str, Any]]:
    status, out, _ = check(monkeypatch, capsys, *args, "--json")
    assert status == 0
    return list(json.loads(out))


def test_each_mail_of_a_folder_has_an_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    found = as_json(monkeypatch, capsys, str(folder))
    assert [(m["file"], m["outcome"], m["reason"], m["answers"]) for m in found] == [
        ("1.eml", "new-case", None, "no"), ("2.txt", "set-aside", "auto-submitted", "no"),
        ("4.mbox#1", "new-case", None, "no"), ("4.mbox#2", "set-aside", "auto-submitted", "no"),
        ("in/3", "appended", None, "assumed"),
    ]  # fmt: skip
    assert (found[0]["silent"], found[0]["copies"], found[0]["text"]) == (
        "precedence",
        ["can@x.example"],
        "Kırık geldi.",
    )
    assert found[0]["files"] == [{"name": "f.png", "type": "image/png", "size": 8}]
    assert found[0]["from"] == {"name": "Ayşe Kaya", "address": "ayse@example.com"}
    assert found[4]["text"] == "Salı olmaz."


@pytest.mark.parametrize(
    ("option", "outcome", "answers", "text"),
    [
        ("--first", "new-case", "no", "Salı olmaz.\n\nDestek <d@x.example> şunu yazdı (1.1.2026):\n> Salı?"),
        ("--answers", "appended", "yes", "Salı olmaz."),
    ],
)
def test_all_can_be_read_in_one_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, option: str, outcome: str,
    answers: str, text: str,
) -> None:  # fmt: skip
    [found] = as_json(monkeypatch, capsys, str(folder / "in" / "3"), option)
    assert (found["outcome"], found["answers"], found["text"]) == (outcome, answers, text)


def test_what_comes_from_the_own_address_is_set_aside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    [found] = as_json(monkeypatch, capsys, str(folder / "1.eml"), "--own", "ayse@example.com")
    assert (found["outcome"], found["reason"]) == ("set-aside", "own-id")


def test_it_can_be_read_by_a_person(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    status, out, _ = check(monkeypatch, capsys, str(folder))
    assert status == 0
    for line in (
        "1.eml: new case", "  from     Ayşe Kaya <ayse@example.com>", "    | Kırık geldi.",
        "  silent   precedence: nothing automatic answers it", "  file     f.png (image/png, 8 bytes)",
        "2.txt: set aside (auto-submitted)", "  answers  a mail of ours, as is assumed",
        "5 mails: 2 new case, 2 set aside, 1 would be appended",
    ):  # fmt: skip
        assert f"{line}\n" in out


@pytest.mark.parametrize("args", [["nowhere"], ["nowhere", "--json"], [".", "--first", "--answers"], []])
def test_what_cannot_be_read_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str]
) -> None:
    status, _, err = check(monkeypatch, capsys, *args)
    assert status == 2
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"From \n", b"\n\n", b"From: a@b.example\nContent-Type: multipart/mixed\n\nx",
                b"From: a@b.example\nContent-Type: message/rfc822\n\nx", b"Subject: x\n\ny", b"\xff\xfe\n\n\xff"],
)  # fmt: skip
def test_a_broken_mail_has_an_outcome_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "broken.eml").write_bytes(content)
    [found] = as_json(monkeypatch, capsys, str(tmp_path / "broken.eml"))
    assert found["outcome"] in ("new-case", "set-aside")
    assert check(monkeypatch, capsys, str(tmp_path))[0] == 0


def test_every_mail_of_a_collection_has_an_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = SHARED / "hostile" / "flanker" / "tests" / "fixtures" / "messages"
    if not folder.is_dir():
        pytest.skip("../shared/hostile is not there")
    found = as_json(monkeypatch, capsys, str(folder))
    assert len(found) > 50
    assert {m["outcome"] for m in found} >= {"new-case", "set-aside"}
