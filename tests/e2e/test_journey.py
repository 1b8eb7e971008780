"""The whole journey, by the command that a new user types first: the demo's promises, and one seed, one course."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
CONCERNS = 24


def played(folder: Path, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "shared.cli", "demo", "--json", "--limit", str(CONCERNS), "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--data", str(folder)], capture_output=True, text=True, timeout=240, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def first(open_folder: Path) -> dict[str, Any]:
    return played(open_folder / "first", seed=2)


def test_every_chain_is_whole_and_every_table_rebuilds_equal(first: dict[str, Any]) -> None:
    proof = first["proof"]
    assert len(proof) == 7
    assert all(p["rows"] > 50 and p["chain"] == "whole" and p["differ"] == [] for p in proof.values()), proof


def test_cases_go_the_whole_way(first: dict[str, Any]) -> None:
    figures = first["figures"]
    shown = {
        "cases opened": CONCERNS, "public replies": CONCERNS // 2, "cases resolved": CONCERNS // 2, "clocks paused": 1,
        "surveys sent": 1, "surveys answered": 1, "notices sent": CONCERNS, "lots of points earned": 1,
        "mail answers threaded by their token": 1,
    }  # fmt: skip
    assert {what: figures[what] for what, least in shown.items() if int(figures[what]) < least} == {}


def test_the_same_seed_gives_the_same_course(first: dict[str, Any], open_folder: Path) -> None:
    again = played(open_folder / "again", seed=2)
    assert again["figures"] == first["figures"]
    assert again["proof"] == first["proof"]
