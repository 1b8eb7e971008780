"""``just simulate``: one seed alone, or many; a seed that fails is printed with the command that plays it again."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .fate import PORTS, SIDES
from .seeds import play

ALL = [f"{side} {port}" for port in PORTS if port != "log.known" for side in SIDES]
"""Where a process may be crashed. Which results of effects are known is asked only where something is parked, and in
no world anything is."""

ENOUGH = 1000
"""In so many seeds every point must have been one of a crash."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="just simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one alone, and tell what befell it")
    parser.add_argument("--seeds", type=int, default=100, help="how many to play")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=1, help="play them in so many processes")
    parser.add_argument("--every", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="tell the result as data")
    return parser.parse_args()


def alone(seed: int) -> int:
    [result] = play([seed])
    for service, what, point in result.befell:
        print(f"{what} of {service}, {point.side} {point.port}")
    for wrong in result.wrong:
        print(f"wrong: {wrong}")
    print(f"seed {seed}: {'fails' if result.wrong else 'holds'}; digest of all logs {result.digest}")
    return 1 if result.wrong else 0


def many(seeds: Iterable[int]) -> dict[str, Any]:
    """What came of them: failing seeds with reasons, crashes at each point, digests."""
    crashed, failed, digests = Counter[str](), dict[str, list[str]](), dict[str, str]()
    for result in play(seeds):
        crashed.update(f"{point.side} {point.port}" for _, what, point in result.befell if what == "crash")
        digests[str(result.seed)] = result.digest
        if result.wrong:
            failed[str(result.seed)] = result.wrong
            print(f"seed {result.seed} fails", file=sys.stderr, flush=True)
    return {"failed": failed, "crashed": crashed, "digests": digests}


def shared_out(first: int, seeds: int, processes: int) -> dict[str, Any]:
    """The same by several processes, each with every so many-th seed."""
    total: dict[str, Any] = {"failed": {}, "crashed": Counter(), "digests": {}}
    for part in _parts(first, seeds, processes):
        total["failed"] |= part["failed"]
        total["crashed"].update(part["crashed"])
        total["digests"] |= part["digests"]
    return total


def _parts(first: int, seeds: int, processes: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.simulation", "--json", "--every", str(processes)]
    running = [
        subprocess.Popen(
            [*command, "--from", str(first + n), "--seeds", str(len(range(n, seeds, processes)))],
            stdout=subprocess.PIPE, env=dict(os.environ),
        )
        for n in range(processes)
    ]  # fmt: skip
    for process in running:
        told, _ = process.communicate()
        if process.returncode not in (0, 1):
            raise SystemExit(f"a process of the simulation ended with {process.returncode}")
        yield json.loads(told)


def main() -> int:
    asked = arguments()
    if asked.seed is not None:
        return alone(asked.seed)
    began = time.monotonic()
    if asked.processes > 1:
        result = shared_out(asked.first, asked.seeds, asked.processes)
    else:
        result = many(range(asked.first, asked.first + asked.seeds * asked.every, asked.every))
    if asked.json:
        print(json.dumps(result))
    else:
        for seed, wrong in sorted(result["failed"].items(), key=lambda item: int(item[0])):
            print(f"seed {seed}: {'; '.join(wrong)}\n  again: just simulate --seed {seed}")
        seconds = time.monotonic() - began
        print(f"{asked.seeds} seeds, {len(result['failed'])} failed, {seconds:.0f} s")
        print(f"{sum(result['crashed'].values())} crashes at {len(result['crashed'])} of {len(ALL)} points")
        if never := [point for point in ALL if point not in result["crashed"]]:
            print(f"none of them {', '.join(never)}")
        if never and asked.seeds >= ENOUGH:
            return 1
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
