"""One server kept alive: started without privileges, restarted when it dies, stopped with us however we end."""

import itertools
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from deploy.vefa.local.home import Home, LocalServerError

log = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launch.py")
START_SECONDS = 60.0  # a database that recovers after a crash may take that long
PORTS = range(20_000, 32_000)  # below every system's range for outgoing connections, so that a port stays ours


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(remembered: int | None = None) -> int:
    """The remembered port if nobody listens on it now, otherwise any free one."""
    if remembered and port_is_free(remembered):
        return remembered
    chosen = random.SystemRandom()
    for _ in range(100):
        if port_is_free(port := chosen.choice(PORTS)):
            return port
    raise LocalServerError(f"no free TCP port between {PORTS.start} and {PORTS.stop - 1} on 127.0.0.1")


def spawn(command: Sequence[str], home: Home, *, death_signal: int, output: Path) -> subprocess.Popen[bytes]:
    """Run a program as the servers' account; it holds the lock of the servers for as long as it or a child lives."""
    uid, gid = home.account if home.account else (-1, -1)
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(uid), str(gid), str(death_signal), str(os.getpid())]
    with home.open_log(output) as sink:
        return subprocess.Popen(  # noqa: S603
            [*launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"},
            pass_fds=home.inherited,
            start_new_session=True,  # Ctrl-C is for the services; the servers go last
        )


def ending(code: int) -> str:
    """What an exit code says: of a process that was killed it is minus the signal."""
    return f"was killed (signal {-code})" if code < 0 else f"ended with status {code}"


def last_lines(output: Path, count: int = 8) -> str:
    if not output.exists():
        return "(nothing was logged)"
    return "\n".join(output.read_text("utf-8", "replace").splitlines()[-count:])


class Supervised(ABC):
    """A server and the thread that starts it, waits for its end and starts it again.

    The thread lives as long as the server: Linux sends the death signal when the *thread* that forked ends.
    """

    name: str
    death_signal: signal.Signals
    stop_signals: Sequence[tuple[signal.Signals, float]]  # each with the seconds that it is given

    def __init__(self, home: Home, port: int) -> None:
        self.home = home
        self.port = port
        self.output = home.logs / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._keep, name=f"supervisor of {self.name}", daemon=True)

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs on disk; called once, before the first start."""

    @abstractmethod
    def command(self) -> list[str]:
        """Write what depends on the port and return the command line."""

    @abstractmethod
    def answers(self, pid: int) -> bool:
        """Whether the process of this id is ready to serve."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._thread.start()

    def wait_ready(self) -> None:
        """Wait for the first start; raises LocalServerError with the last lines of the log if it failed."""
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def begin_stop(self) -> None:
        self._stopping.set()
        if self._process is not None:
            self._process.send_signal(self.stop_signals[0][0])

    def stop(self) -> None:
        """End the server, gently first; returns when it is gone."""
        if not self._stopping.is_set():
            self.begin_stop()
        for (sent, seconds), (following, _) in itertools.pairwise((*self.stop_signals, (signal.SIGKILL, 0.0))):
            if self._process is None:
                break
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop %s s after %s", self.name, seconds, sent.name)
                self._process.send_signal(following)
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        try:
            self.prepare()
            process = self._start_first()
        except BaseException as failure:
            self._failure = failure
            return
        finally:
            self._ready.set()
        delay = 0.1
        while True:
            process.wait()
            if self._stopping.is_set():
                return
            log.warning("%s %s; it is started again", self.name, ending(process.returncode))
            self._stopping.wait(delay)
            if self._stopping.is_set():
                return
            process = self._spawn()
            delay = 0.1 if self._comes_up(process) else min(delay * 2, 5.0)

    def _start_first(self) -> subprocess.Popen[bytes]:
        for _ in range(3):
            process = self._spawn()
            if self._comes_up(process):
                return process
            if self._stopping.is_set() or port_is_free(self.port):
                break
            self.port = free_port()  # somebody took it between our look and the server's
        raise LocalServerError(f"{self.name} did not start. The end of {self.output}:\n{last_lines(self.output)}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = spawn(self.command(), self.home, death_signal=self.death_signal, output=self.output)
        self._process = process
        if self._stopping.is_set():  # stop() may have looked before there was a process to stop
            process.kill()
        return process

    def _comes_up(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self.answers(process.pid):
                return True
            time.sleep(0.005)
        if process.poll() is None:
            process.kill()
            process.wait()
        return False
