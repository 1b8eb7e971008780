"""Where figures are measured: embedded servers in a temporary folder, and databases made after a prepared one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats
import psycopg
from nats.js.api import PersistMode, StorageType, StreamConfig
from nats.js.errors import NotFoundError
from psycopg import sql

from deploy.vefa.local import Servers, secret
from deploy.vefa.services import names
from shared.bus.jetstream import STREAM, declare
from shared.privacy.master_key import MasterKey

PLAIN = "PLAIN"
"""A stream like that of the platform, for floors."""


@dataclass
class Room:
    """Servers, and a folder for what is measured."""

    folder: Path
    servers: Servers
    _made: int = field(default=0)

    def database(self, like: str = "template1") -> str:
        """The DSN of a new database, a copy of another one that nobody uses now."""
        self._made += 1
        name = f"bench_{self._made}"
        with psycopg.connect(self.servers.postgres_admin_dsn, autocommit=True) as admin:
            statement = sql.SQL("create database {} template {}")
            admin.execute(statement.format(sql.Identifier(name), sql.Identifier(_name(like))))
            admin.execute("checkpoint")  # what making it has left to write is not the next run's
        return self.servers.postgres.dsn("vefa_admin", name)

    def drop(self, dsn: str) -> None:
        with psycopg.connect(self.servers.postgres_admin_dsn, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(_name(dsn))))

    @property
    def master(self) -> MasterKey:
        secret(self.folder, "master.key")
        return MasterKey.in_folder(self.folder / "secrets")

    async def empty_streams(self) -> None:
        """The platform's stream and the plain one, with nothing in them."""
        client = await nats.connect(self.servers.nats_url("ops"))
        js = client.jetstream()
        for name in (STREAM, PLAIN):
            try:
                await js.delete_stream(name)
            except NotFoundError:
                pass
        await declare(client)
        plain = StreamConfig(
            name=PLAIN, subjects=["plain.>"], storage=StorageType.FILE, persist_mode=PersistMode.ASYNC
        )  # fmt: skip
        await js.add_stream(plain)
        await client.close()


def _name(dsn: str) -> str:
    return dsn.rpartition("/")[2]


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that the servers' account may enter."""
    made = Path(tempfile.mkdtemp(prefix="vefa-bench-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def room() -> Iterator[Room]:
    with folder() as made, Servers.start(made / "servers", names()) as servers:
        yield Room(made, servers)
