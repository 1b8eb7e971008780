"""The test trade as a running platform: real processes on real servers, and the command line beside them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nats
import pytest
import pytest_asyncio

from deploy.vefa.local import secret
from deploy.vefa.main import main
from shared.base.settings import Settings
from shared.bus.jetstream import declare
from shared.core.message import Message
from shared.edge import tokens
from shared.host.app import App
from shared.host.process import Process
from shared.runtime.outcome import Outcome
from shared.runtime.service import Service
from tests.conftest import FreshNats
from tests.shared.trade import NOON
from tests.waiting import until

from . import trades


@dataclass
class Result:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: str) -> int:
    """The exit status of ``vefa ...``, run as the shell would."""
    sys.argv = ["vefa", *arguments]
    try:
        main()
    except SystemExit as e:
        return int(e.code or 0)
    return 0


@dataclass
class Platform:
    """Running services, and the ``vefa`` command on their data folder."""

    data: Path
    database: str
    processes: dict[str, Process]
    apps: dict[str, App]
    capsys: pytest.CaptureFixture[str]

    def __getitem__(self, name: str) -> Service:
        return self.processes[name].service

    def address(self, name: str) -> str:
        return str(json.loads((self.data / "running.json").read_text())["services"][name]["http"])

    async def handle(self, *messages: Message, service: str = "shop") -> list[Outcome]:
        """Said to a service; returns when the others have heard what follows from it."""
        outcomes = await self[service].handle(*messages)
        await until(lambda: min(self[n].tracked.get("shop", 0) for n in ("clerk", "intake")) >= self["shop"].said)
        return outcomes

    async def vefa(self, *arguments: str) -> Result:
        self.capsys.readouterr()
        status = await asyncio.to_thread(run, *arguments)
        return Result(status, *self.capsys.readouterr())


@asynccontextmanager
async def running(apps: Iterable[App], database: str, nats_url: str, folder: Path) -> AsyncIterator[dict[str, Process]]:
    """These services with their data folder, noted as ``vefa up`` notes what it started."""
    client = await nats.connect(nats_url)
    await declare(client)
    await client.close()
    for name in ("master.key", "index.key", "link.key"):
        secret(folder, name)
    public = tokens.public_key(secret(folder, "token.key"))
    (folder / "secrets" / "token.pub").write_bytes(public)
    addresses: dict[str, dict[str, str]] = {}
    processes, ends = {}, list[Awaitable[None]]()
    for app in apps:
        settings = Settings(
            database_url=database, nats_url=nats_url, secrets=folder / "secrets", clock="stepped", clock_start=NOON
        )
        processes[app.name] = Process(app, settings)
        note = partial(addresses.__setitem__, app.name)
        ends.append(asyncio.create_task(processes[app.name].run(note)))
    await until(lambda: len(addresses) == len(processes) and all(p.service.leads for p in processes.values()))
    noted = {
        "pid": os.getpid(), "services": addresses, "databases": dict.fromkeys(processes, database), "nats": nats_url,
    }  # fmt: skip
    (folder / "running.json").write_text(json.dumps(noted))
    try:
        yield processes
    finally:
        for process in processes.values():
            process.stopping.set()
        await asyncio.gather(*ends)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


@pytest_asyncio.fixture
async def platform(
    database: str,
    fresh_nats: FreshNats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Platform]:
    apps = {app.name: app for app in (trades.shop, trades.clerk, trades.intake)}
    monkeypatch.setattr("deploy.vefa.services.app_of", apps.__getitem__)
    monkeypatch.setenv("VEFA_DATA", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(sys, "argv", sys.argv)
    async with running(apps.values(), database, fresh_nats.url, tmp_path) as processes:
        yield Platform(tmp_path, database, processes, apps, capsys)
