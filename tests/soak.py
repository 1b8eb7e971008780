"""``just soak``: the long campaigns, one after the other, at sizes that no run of all tests has time for."""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Campaign:
    """A command, what it is run with, and what it shows; ``tests``: of pytest, else a module of Python."""

    what: str
    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    tests: bool = True


def campaigns(minutes: float, seed: int) -> dict[str, Campaign]:
    kills = {"VEFA_SOAK_SECONDS": f"{60 * minutes:.0f}", "VEFA_SOAK_SEED": str(seed)}
    simulated = ("tests.simulation", "--seeds", "10000", "--from", str(seed), "--processes", "2")
    return {
        "kills": Campaign(
            f"everything killed for {minutes:g} minutes, seed {seed}", ("tests/chaos/test_all_killed.py",), kills
        ),
        "nats": Campaign(
            "100,000 events past a NATS that loses all", ("tests/shared/test_disposable.py",),
            {"VEFA_PROOF_EVENTS": "100000"},
        ),
        "causes": Campaign(
            "10,000 old causes heard again", ("tests/notification/test_lost_database.py",),
            {"VEFA_PROOF_CAUSES": "10000"},
        ),
        "erasure": Campaign(
            "half of 100 customers erased", ("tests/chaos/test_erasure.py",), {"VEFA_PROOF_SIZE": "100"}
        ),
        "described": Campaign(
            f"20,000 calls of what each API describes, seed {seed}", ("tests/e2e/test_described.py",),
            {"VEFA_PROOF_CALLS": "20000", "VEFA_SOAK_SEED": str(seed)},
        ),
        "mails": Campaign(
            f"10,000 damaged mails, seed {seed}", ("tests/intake/test_broken_mails.py",),
            {"VEFA_PROOF_MAILS": "10000", "VEFA_SOAK_SEED": str(seed)},
        ),
        "guessing": Campaign(
            "10,000 forged tokens and guessed links from 1 and from 500 addresses", ("tests/intake/test_guessing.py",),
            {"VEFA_PROOF_GUESSES": "10000"},
        ),
        "simulation": Campaign(f"10,000 simulated worlds from seed {seed}", simulated, tests=False),
    }  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long everything is killed (10)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the kills and the simulation")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="kills, nats, causes, erasure, described, mails, guessing, simulation"
    )
    return parser.parse_args()


def play(campaign: Campaign) -> bool:
    """Run it and tell what came of it; whether it held."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        pytest = ("pytest", "-p", "no:xdist", "-o", "junit_family=xunit1", f"--junit-xml={result}")
        command = [sys.executable, "-m", *(pytest if campaign.tests else ()), *campaign.words]
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **campaign.environment}, capture_output=True, text=True, check=False
        )
        figures = figures_in(result) if result.exists() else done.stdout.strip().splitlines()[-3:]
    held = done.returncode == 0
    print(f"{'held' if held else 'FAILED'} after {time.monotonic() - began:.0f} s: {campaign.what}")
    for line in figures if held else (done.stdout + done.stderr).splitlines():
        print(f"    {line}")
    return held


def figures_in(result: Path) -> list[str]:
    """What the tests recorded as their figures."""
    tree = ElementTree.parse(result)
    return [str(found.get("value")) for found in tree.iter("property") if found.get("name") == "figures"]


def main() -> int:
    asked = arguments()
    every = campaigns(asked.minutes, asked.seed)
    if unknown := [name for name in asked.only or () if name not in every]:
        print(f"--only: no campaign {unknown[0]!r}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    only = f" --only {' '.join(asked.only)}" if asked.only else ""
    print(f"seed {asked.seed}; again: just soak --minutes {asked.minutes:g} --seed {asked.seed}{only}", flush=True)
    held = [play(every[name]) for name in asked.only or every]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
