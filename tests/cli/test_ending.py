"""What the demo tells one to type works: nothing on a folder that is gone, and each command is one that there is."""

import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.vefa.demo.ending import here, how_to_go_on
from deploy.vefa.main import app

CASES = {"breach": "case-1", "recovery": "case-2"}


def commands(lines: list[str]) -> list[list[str]]:
    """The words of each command after ``vefa``, without what the shell takes for itself."""
    return [shlex.split(line.partition(">")[0], comments=True)[1:] for line in lines if line.startswith("  ")]


def test_of_a_folder_that_is_removed_nothing_is_shown_to_type() -> None:
    [line] = how_to_go_on(Path("gone"), CASES, runs=False, stays=False)
    assert "gone" not in line
    assert "--keep" in line


@pytest.mark.parametrize("runs", [True, False])
def test_every_command_is_there_and_names_the_folder(runs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.vefa.demo.ending.here", lambda: "vefa")
    lines = how_to_go_on(Path("kept"), CASES, runs=runs, stays=True)
    assert ("vefa up --data kept" in lines[0]) is not runs
    typed = commands(lines)
    assert ["history", "case-1", "--data", "kept"] in typed
    for words in typed:
        assert words[-2:] == ["--data", "kept"]
        assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_vefa_is_typed_as_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "vefa").touch()
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    assert here() == str(programs / "vefa")
    monkeypatch.chdir(tmp_path)
    assert here() == ".venv/bin/vefa"
