"""Fixtures that many tests share: real servers, started once, and fresh databases on them."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from deploy.vefa.local import Servers
from deploy.vefa.local.home import Home
from deploy.vefa.local.nats_server import NatsServer
from deploy.vefa.local.process import free_port
from deploy.vefa.services import names
from tests.planned import Planned, watch

os.environ.pop("COLUMNS", None)  # a parallel run sets it; commands print here as into a pipe
SERVICES = names()
LONGEST_FIRST = ("chaos", "simulation", "e2e", "cli")
USERS = (*SERVICES, "shop", "clerk", "courier")
"""Of a nats-server of one test: the services of the test trade too, with the rights that services have."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders whose tests take long go first, and what starts servers: at the end every core has something left."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        folder = item.path.parent.name
        first = LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
        return first, item.get_closest_marker("servers") is None

    items.sort(key=place)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that an unprivileged account may enter, unlike pytest's own when we are root; its path is short."""
    folder = Path(tempfile.mkdtemp(prefix="vefa-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def servers(open_folder: Path) -> Iterator[Servers]:
    """PostgreSQL and nats-server for the whole run. Tests on the one NATS use service names of their own."""
    with Servers.start(open_folder / "session", SERVICES) as running:
        yield running


@pytest.fixture
def database(servers: Servers) -> Iterator[str]:
    """The DSN of an empty database of its own, as superuser."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(servers.postgres_admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield servers.postgres.dsn("vefa_admin", name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def nats_url(servers: Servers) -> str:
    """The session's nats-server, as the user who may do everything."""
    return servers.nats_url("ops")


@dataclass
class FreshNats:
    """A nats-server of one test; `stop()` and `start()` keep its port and its data."""

    home: Home
    server: NatsServer

    @property
    def url(self) -> str:
        return self.server.url("ops")

    @property
    def pid(self) -> int:
        return self.server.pid

    def start(self) -> None:
        self.server = NatsServer(self.home, self.server.port, USERS)
        self.server.start()
        self.server.wait_ready()

    def stop(self) -> None:
        self.server.stop()

    def wipe(self) -> None:
        """Stop it and lose everything it held."""
        self.stop()
        shutil.rmtree(self.server.own)


@pytest.fixture
def fresh_nats(open_folder: Path) -> Iterator[FreshNats]:
    with Home(open_folder / uuid.uuid4().hex[:8]) as home:
        fresh = FreshNats(home, NatsServer(home, free_port(), USERS))
        fresh.start()
        yield fresh
        fresh.stop()


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Planned:
    """How PostgreSQL answers what routes ask from now on."""
    return watch(monkeypatch)
