"""The whole journey, by the command that a new user types first: the demo's promises, and one seed, one course."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.servers, pytest.mark.timeout(1800)]
CONCERNS, ALL = 24, 240


@dataclass(frozen=True)
class Played:
    """What the demo gave as data, and what it told meanwhile."""

    result: dict[str, Any]
    told: str

    def fewer(self, least: dict[str, int]) -> dict[str, int]:
        """The figures that are below what is promised."""
        return {what: self.result["figures"][what] for what in least if self.result["figures"][what] < least[what]}


def played(*words: str) -> Played:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.vefa", "demo", "--json", *words], capture_output=True, text=True, timeout=1700,
        check=False, cwd=Path(__file__).parents[2], env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return Played(json.loads(done.stdout), done.stderr)


def shortly(folder: Path) -> Played:
    return played("--limit", str(CONCERNS), "--seed", "2", "--data", str(folder))


@pytest.fixture(scope="module")
def first(open_folder: Path) -> Played:
    return shortly(open_folder / "first")


@pytest.fixture(scope="module")
def whole() -> Played:
    """As the README says to start it: every concern, in a folder of its own."""
    return played()


def proven(proof: dict[str, Any], rows: int) -> bool:
    return len(proof) == 7 and all(
        p["rows"] > rows and p["chain"] == "whole" and p["differ"] == [] for p in proof.values()
    )


def test_every_chain_is_whole_and_every_table_rebuilds_equal(first: Played, whole: Played) -> None:
    assert proven(first.result["proof"], rows=50), first.result["proof"]
    assert proven(whole.result["proof"], rows=500), whole.result["proof"]


def test_cases_go_the_whole_way(first: Played) -> None:
    least = {
        "cases opened": CONCERNS, "public replies": CONCERNS // 2, "cases resolved": CONCERNS // 2, "clocks paused": 1,
        "surveys sent": 1, "surveys answered": 1, "notices sent": CONCERNS, "lots of points earned": 1,
        "mail answers threaded by their token": 1,
    }  # fmt: skip
    assert first.fewer(least) == {}


def test_the_same_seed_gives_the_same_course(first: Played, open_folder: Path) -> None:
    again = shortly(open_folder / "again").result
    assert again["figures"] == first.result["figures"]
    assert again["proof"] == first.result["proof"]


def test_the_five_days_hold_all_that_is_promised_of_them(whole: Played) -> None:
    least = {
        "concerns by email": 10, "concerns by phone": 10, "concerns by social": 10, "concerns by web": 10,
        "cases opened": ALL, "public replies": ALL, "cases resolved": ALL * 9 // 10, "clocks paused": 10,
        "warnings before a target": 1, "breaches": 1, "escalations": 1, "surveys sent": 10, "surveys answered": 10,
        "recoveries opened": 1, "notices sent": ALL, "mails that came": ALL, "lots of points earned": 10,
        "tiers reached": 1, "mail answers threaded by their token": 10,
    }  # fmt: skip
    assert whole.fewer(least) == {}
    assert sum(n for what, n in whole.result["figures"].items() if what.startswith("concerns by ")) == ALL


def test_figures_are_numbers_with_their_n(whole: Played) -> None:
    figures = whole.result["figures"]
    assert not any(isinstance(value, str) for value in figures.values())
    in_time, middle = figures["resolution in time"], figures["first response, median"]
    assert in_time["n"] >= in_time["met"] > 0
    assert in_time["share"] == pytest.approx(in_time["met"] / in_time["n"], abs=1e-4)
    assert middle["n"] > 0 < middle["minutes"]
    assert figures["CSAT"].keys() == {"score", "low", "high", "n", "hidden"}
    assert figures["points of members"]["active"] > 0


def test_a_case_of_each_kind_is_worth_a_look(whole: Played) -> None:
    assert whole.result["cases"].keys() == {"breach", "half-day holiday", "mail answer", "recovery"}
    assert re.search(r" h from Wed \d\d:\d\d are over on Fri \d\d:\d\d, for Wednesday ends at 13:00", whole.told)


def test_a_case_is_told_in_words(whole: Played) -> None:
    shown = whole.told.partition("One case")[2].partition("Proof")[0]
    for words in ("by model: ", "/12 chosen", "stands still after", "goes on after", "reply sent", "case resolved"):
        assert words in shown
    for words in ("delivery-reported", "deadline", "arithmetic", "{", "\n\n\n"):
        assert words not in shown


def test_nothing_is_left_and_no_command_is_shown_for_it(whole: Played) -> None:
    assert "The folder is removed now" in whole.told
    assert "/vefa-demo-" not in whole.told


def test_texts_of_ones_own_are_played(tmp_path: Path, open_folder: Path) -> None:
    own = tmp_path / "own.csv"
    texts = ["Kargom gelmedi.", "My parcel is broken.", "Faturam iki kez kesilmiş.", "Please cancel my order."]
    own.write_text("\n".join(["No;Şikâyet", *(f"{n};{text}" for n, text in enumerate(texts))]), "utf-8-sig")
    found = played("--from", str(own), "--text", "Şikâyet", "--data", str(open_folder / "own-texts"))
    assert found.result["figures"]["concerns by web"] == len(texts)
    assert found.fewer({"cases opened": len(texts), "public replies": len(texts), "mails that came": len(texts)}) == {}
    assert proven(found.result["proof"], rows=0), found.result["proof"]
