"""A platform that does not come up leaves no process behind, and says one thing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.vefa.local.home import take_lock
from tests.waiting import PATIENCE

pytestmark = pytest.mark.long
START = """
import os, signal, sys
from pathlib import Path
from deploy.vefa.platform import Platform
from deploy.vefa.services import app_of
from deploy.vefa.local.home import LocalServerError
signal.signal(signal.SIGTERM, signal.default_int_handler)  # as 'vefa up' does
if "deaf" in sys.argv:
    os.kill = lambda process, number: None
apps = {name: app_of(name) for name in ("sla", "router")}
for _ in range(int(sys.argv[2])):
    try:
        Platform.start(Path(sys.argv[1]), apps)
    except LocalServerError as error:
        print(error)
"""


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[Path]:
    """A folder that a platform runs on."""
    lock = take_lock(tmp_path)
    yield tmp_path
    os.close(lock)


def start(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)


def test_supervisors_that_are_not_told_to_stop_end_when_the_folder_is_taken(taken: Path) -> None:
    assert "another Vefa" in start(taken, 1, "deaf").stdout


def test_supervisors_that_are_told_to_stop_while_they_are_forked_say_nothing(taken: Path) -> None:
    ended = start(taken, 100)
    assert (ended.stdout.count("another Vefa"), ended.stderr) == (100, "")
