"""An accepted complaint is never lost and nothing is done twice, whatever befalls the services: 1,000 small worlds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sizes import sized

from .__main__ import ALL, ENOUGH

SEEDS, PROCESSES = sized(1000, 60), 2
SOME = (3, 17, 29)


def simulate(*words: object, **environment: str) -> Any:
    """What ``just simulate --json`` tells."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--json", *map(str, words)], capture_output=True, check=False,
        cwd=Path(__file__).parents[2], env={**os.environ, **environment},
    )  # fmt: skip
    assert done.stdout, done.stderr.decode()
    return json.loads(done.stdout)


def test_nothing_is_lost_and_nothing_doubled_whatever_happens() -> None:
    found = simulate("--seeds", SEEDS, "--processes", PROCESSES)
    again = [f"just simulate --seed {seed}: {wrong}" for seed, wrong in found["failed"].items()]
    assert again == []
    assert len(found["digests"]) == SEEDS
    never = [point for point in ALL if point not in found["crashed"]]
    assert not never or SEEDS < ENOUGH, f"points at which no process was crashed: {never}"


@pytest.mark.long
def test_a_seed_gives_the_same_bytes_alone_or_among_others_and_whatever_python_hashes() -> None:
    among = simulate("--from", min(SOME), "--seeds", max(SOME), PYTHONHASHSEED="1")["digests"]
    for seed in SOME:
        alone = simulate("--from", seed, "--seeds", 1, PYTHONHASHSEED="2")["digests"]
        assert alone == {str(seed): among[str(seed)]}
    assert len(set(among.values())) == len(among)
