"""What the description of each API says is so: schemathesis plays it against a running platform with every check that
it has and ours, as every role and as nobody, ``VEFA_PROOF_CALLS`` calls or more."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from deploy.vefa.services import names
from shared.core.message import Role
from shared.edge import tokens
from tests.access import COLUMNS, NOBODY
from tests.running import ROOT, Running, up
from tests.sizes import FEW, sized
from tests.waiting import PATIENCE

CALLS = sized(2000, 30, "VEFA_PROOF_CALLS")
SEED = os.environ.get("VEFA_SOAK_SEED", "1")
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1800 + CALLS)]
PLAYER = Path(sys.executable).parent / "st"
MOST = "supervisor"
"""Who comes in nearly everywhere: as them every edge of every field is tried too."""
ROLES, EDGES, SERVICES = ((MOST,), "", ("intake",)) if FEW else (COLUMNS, "coverage,", names())
AT_ONCE = 2


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "described", VEFA_PUBLIC_PER_MINUTE="10000000") as running:
        yield running


def operations(platform: Running, service: str) -> int:
    told = httpx.get(f"{platform.address(service)}/openapi.json", timeout=PATIENCE).json()["paths"]
    return sum(len(methods) for methods in told.values())


def played(platform: Running, service: str, role: str, each: int) -> tuple[int, str]:
    """(calls, what was found: '' for nothing) of at most about ``each`` calls of every operation."""
    phases = f"{EDGES}fuzzing" if role == MOST else "fuzzing"
    words = [
        PLAYER, f"--config-file={ROOT / 'schemathesis.toml'}", "run", f"{platform.address(service)}/openapi.json",
        "--checks=all", f"--phases={phases}", f"--max-examples={each}", f"--seed={SEED}", "--no-shrink",
        "--continue-on-failure", "--warnings=off",
    ]  # fmt: skip
    if role != NOBODY:
        key = (platform.data / "secrets" / "token.key").read_bytes()
        words.append(f"--header=Authorization: Bearer {tokens.create(key, Role(role), 's1')}")
    done = subprocess.run(
        words, cwd=platform.data, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False, timeout=1700 + CALLS,
    )  # fmt: skip
    calls = re.search(r"(\d+) generated", done.stdout)
    return int(calls[1]) if calls else 0, "" if done.returncode == 0 else done.stdout + done.stderr


def test_what_is_described_is_so(platform: Running, record_property: Callable[[str, object], None]) -> None:
    pairs = len(ROLES) * sum(operations(platform, service) for service in SERVICES)
    each = max(1, round(CALLS / pairs))
    with ThreadPoolExecutor(AT_ONCE) as players:
        plays = {
            (service, role): players.submit(played, platform, service, role, each)
            for role in ROLES
            for service in SERVICES
        }
        found = {what: play.result() for what, play in plays.items()}
    calls = sum(calls for calls, _ in found.values())
    record_property("figures", f"{calls} calls, seed {SEED}, of {len(plays)} services and roles")
    assert {what: said for what, (_, said) in found.items() if said} == {}
    assert all(calls for calls, _ in found.values()), found.keys()
    assert calls >= CALLS
