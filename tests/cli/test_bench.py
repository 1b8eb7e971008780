"""``vefa bench``: each figure runs on servers of its own and stands beside its floor. How quick it is, is no test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.vefa.bench.command import FIGURES

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TINY = ("--events", "200", "--cases", "20", "--seconds", "0.3", "--rounds", "1")


@pytest.mark.servers
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_has_its_floor(figure: str) -> None:
    command = [sys.executable, "-m", "deploy.vefa", "bench", figure, "--json", *TINY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found
    for one in found:
        assert one["value"] > 0
        assert one["floor"] > 0
        assert one["ratio"] > 0
        assert one["floor_is"]
        assert len(one["runs"]) == len(one["floors"]) == 1


def test_an_unknown_figure_names_those_that_there_are() -> None:
    command = [sys.executable, "-m", "deploy.vefa", "bench", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "submissions" in done.stderr
