"""One more process of a service, beside the one that a platform keeps."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.running import ROOT, Running
from tests.waiting import PATIENCE

BY_HAND = """
import json, sys
from deploy.vefa.services import app_of
from shared.host.process import run
run(app_of(sys.argv[1]), ready=lambda addresses: print(json.dumps(addresses), flush=True))
"""


@contextmanager
def another(platform: Running, service: str, code: Path = ROOT, **environment: str) -> Iterator[str]:
    """The address of one more process of a service, on the servers of a platform. ``code``: a folder with services and
    contracts of another version."""
    conf = json.loads((platform.data / "nats" / "server.conf").read_text())
    [password] = [u["password"] for u in conf["authorization"]["users"] if u["user"] == service]
    settings = {
        "VEFA_DATABASE_URL": platform.noted["databases"][service],
        "VEFA_NATS_URL": f"nats://{service}:{password}@127.0.0.1:{conf['port']}",
        "VEFA_SECRETS": str(platform.data / "secrets"), "PYTHONPATH": f"{code}{os.pathsep}{ROOT}",
    }  # fmt: skip
    command = [sys.executable, "-c", BY_HAND, service]
    with subprocess.Popen(
        command, cwd=code, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings, **environment}
    ) as process:
        try:
            assert process.stdout
            yield str(json.loads(process.stdout.readline())["http"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def leads(address: str, service: str) -> bool | None:
    """Whether a process of a service is its leader; None when it does not answer."""
    try:
        return bool(httpx.get(f"{address}/{service}/ready", timeout=PATIENCE).json()["leader"])
    except httpx.TransportError:
        return None
