"""A platform that does not come up leaves no process behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.vefa.local.home import take_lock
from tests.waiting import PATIENCE

STARTS_WITHOUT_SIGTERM = """
import signal, sys
from pathlib import Path
from deploy.vefa.platform import Platform
from deploy.vefa.services import app_of
from deploy.vefa.local.home import LocalServerError
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
try:
    Platform.start(Path(sys.argv[1]), {name: app_of(name) for name in ("sla", "router")})
except LocalServerError as error:
    print(error)
"""


@pytest.mark.long
def test_keepers_that_miss_their_signal_end_when_the_folder_is_taken(tmp_path: Path) -> None:
    held = take_lock(tmp_path)
    command = [sys.executable, "-c", STARTS_WITHOUT_SIGTERM, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    os.close(held)
    assert "another Vefa" in ended.stdout
