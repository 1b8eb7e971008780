"""The supervisor of one service: a process that waits for its settings, starts the service, and starts it again when it
dies. When the parent is killed, the kernel tells the supervisors (Linux), and they take their services along."""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from deploy.vefa.local.process import ending
from shared.base.settings import Settings
from shared.host.app import App
from shared.host.process import run

CANNOT = 2
"""Exit status of a service whose start fails for a reason that trying again does not mend."""
HELD = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Supervisor:
    """The parent's side of one service's supervisor: its process, and pipes for its settings and its addresses."""

    name: str
    pid: int
    settings: int
    addresses: int
    found: dict[str, str] = field(default_factory=dict)


@contextmanager
def _held() -> Iterator[None]:
    """Signals wait while it is forked. Python would forget one that comes meanwhile, or would run the parent's handler
    in the child, where nobody catches what it raises."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_child(parent: int) -> None:
    """Ends at SIGTERM and with its parent; Ctrl-C reaches the first parent, which stops all in order."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
    _die_with(parent, signal.SIGTERM)


def supervise(name: str, app: App) -> Supervisor:
    """Fork a supervisor, which waits for its settings."""
    settings_read, settings_write = os.pipe()
    addresses_read, addresses_write = os.pipe()
    parent = os.getpid()
    with _held():
        pid = os.fork()
        if pid == 0:
            try:
                _begin_child(parent)
                os.close(settings_write)
                os.close(addresses_read)
                _keep(app, settings_read, addresses_write)
            finally:
                os._exit(0)
    os.close(settings_read)
    os.close(addresses_write)
    return Supervisor(name, pid, settings_write, addresses_read)


def _keep(app: App, settings_pipe: int, addresses_pipe: int) -> None:
    """Start the service with the settings that come, and again whenever it dies."""
    with os.fdopen(settings_pipe) as pipe:
        line = pipe.readline()
    if not line:
        return
    settings: dict[str, Any] = json.loads(line)  # a model would cost each supervisor pages of its own
    child, ended, first = 0, False, True
    found, finds = os.pipe()  # what the service tells its supervisor: where it listens
    os.set_blocking(found, False)

    def end(*_: object) -> None:
        nonlocal ended
        ended = True
        if child:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    while True:
        started, supervisor = time.monotonic(), os.getpid()
        with _held():
            if ended:
                return
            child = os.fork()
            if child == 0:
                _begin_child(supervisor)
                _serve(app, settings, (addresses_pipe, finds) if first else (finds,))  # the parent reads once
        _, status = os.waitpid(child, 0)
        child = 0
        if first and os.waitstatus_to_exitcode(status) == CANNOT:
            return
        with suppress(BlockingIOError):
            _come_back(settings, json.loads(os.read(found, 65536).splitlines()[-1]))
            first = False
        if not ended:
            how = ending(os.waitstatus_to_exitcode(status))
            print(f"{app.name} {how}; it is started again", file=sys.stderr, flush=True)
            if time.monotonic() - started < 1:
                time.sleep(1)


def _come_back(settings: dict[str, Any], addresses: Mapping[str, str]) -> None:
    """A restart listens where the service did before."""
    for kind in ("http", "smtp"):
        if kind in addresses:
            settings[f"{kind}_port"] = int(addresses[kind].rpartition(":")[2])


def _serve(app: App, settings: Mapping[str, Any], pipes: Sequence[int]) -> None:
    started = False

    def ready(addresses: dict[str, str]) -> None:
        nonlocal started
        started = True
        for pipe in pipes:
            os.write(pipe, json.dumps(addresses).encode() + b"\n")

    code = 1
    try:
        run(app, Settings.model_validate_json(json.dumps(settings)), ready)
        code = 0
    except (SystemExit, OSError) as e:
        code = 1 if started else CANNOT
        hint = "" if isinstance(e, SystemExit) else "; is VEFA_HTTP_HOST or VEFA_SMTP_PORT wrong, or in use?"
        print(f"{app.name}: {e}{hint}", file=sys.stderr, flush=True)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _die_with(parent: int, sign: signal.Signals) -> None:
    """Linux: get ``sign`` when the parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, int(sign), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
