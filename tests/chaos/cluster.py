"""A NATS cluster of three servers on this machine, whose members can be killed and started again."""

import asyncio
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import nats
from nats.errors import Error as NatsError
from nats.js.client import JetStreamContext

from deploy.vefa.local.nats_server import wheel
from deploy.vefa.local.process import free_port
from tests.waiting import PATIENCE

NODES = 3
SECONDS = PATIENCE
T = TypeVar("T")


class Cluster:
    """``url`` names all servers; ``processes[n]`` is the n-th, named ``n<n>``."""

    def __init__(self, folder: Path):
        self._folder, self._password = folder, secrets.token_urlsafe(24)
        self._program = wheel()[1]
        ports: set[int] = set()
        while len(ports) < 2 * NODES:
            ports.add(free_port())
        self.ports, self._routes = sorted(ports)[:NODES], sorted(ports)[NODES:]
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def urls(self) -> list[str]:
        return [f"nats://vefa:{self._password}@127.0.0.1:{port}" for port in self.ports]

    def __enter__(self) -> "Cluster":
        self._folder.mkdir()
        self.processes = [self._started(number) for number in range(NODES)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def kill(self, number: int) -> None:
        """kill -9."""
        self.processes[number].send_signal(signal.SIGKILL)
        self.processes[number].wait()

    def start(self, number: int) -> None:
        self.processes[number] = self._started(number)

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        content = {
            "server_name": f"n{number}", "host": "127.0.0.1", "port": self.ports[number], "max_payload": 8 * 2**20,
            "jetstream": {"store_dir": str(self._folder / f"n{number}"), "sync_interval": "always"},
            "authorization": {"users": [{"user": "vefa", "password": self._password}]},
            "cluster": {
                "name": "vefa", "host": "127.0.0.1", "port": self._routes[number],
                "routes": [f"nats://127.0.0.1:{port}" for port in self._routes],
            },
        }  # fmt: skip
        path = self._folder / f"n{number}.conf"
        path.write_text(json.dumps(content))
        with (self._folder / f"n{number}.log").open("ab") as log:
            return subprocess.Popen([self._program, "--config", path], stdout=log, stderr=log)

    def ask(self, question: Callable[[JetStreamContext], Awaitable[T]], seconds: float = SECONDS) -> T:
        """The answer of a server that lives; asked again for so long. TimeoutError when there is none."""

        async def asked() -> T:
            client = await nats.connect(self.urls, connect_timeout=1, reconnect_time_wait=0.1, error_cb=quiet)
            try:
                return await question(client.jetstream(timeout=1))
            finally:
                await client.close()

        until = time.monotonic() + seconds
        while True:
            try:
                return asyncio.run(asked())
            except (NatsError, OSError, NotYet) as error:
                if time.monotonic() > until:
                    raise TimeoutError(f"no answer: {error!r}") from error
                time.sleep(0.1)

    def leader(self, stream: str, seconds: float = SECONDS) -> int:
        """The number of the server that leads a stream; a killed one does not."""

        async def found(js: JetStreamContext) -> int:
            cluster = (await js.stream_info(stream)).cluster
            if cluster is None or not cluster.leader or self.processes[int(cluster.leader[1:])].poll() is not None:
                raise NotYet("nobody leads")
            return int(cluster.leader[1:])

        return self.ask(found, seconds)

    def whole(self, stream: str) -> None:
        """Returns when every server has all of a stream."""

        async def current(js: JetStreamContext) -> None:
            cluster = (await js.stream_info(stream)).cluster
            others = (cluster and cluster.replicas) or []
            if len(others) != NODES - 1 or not all(one.current and not one.offline for one in others):
                raise NotYet("not all are current")

        self.ask(current)


class NotYet(Exception):
    """The cluster answers, but is not where it is waited for."""


async def quiet(_: Exception) -> None:
    """The client tells of each server that is away."""
