"""Both servers as one thing to start and to stop, and the same face for servers of the user's own."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from deploy.vefa.local.home import Home, LocalServerError, write_private
from deploy.vefa.local.nats_server import NatsServer
from deploy.vefa.local.postgres import DATABASE, SUPERUSER, Postgres
from deploy.vefa.local.process import Supervised, free_port

DATABASE_VARIABLE = "VEFA_DATABASE_URL"
NATS_VARIABLE = "VEFA_NATS_URL"


def role_of(name: str) -> str:
    """The PostgreSQL role of a service or of `ops`: `intake` and `vefa_intake` are both `vefa_intake`."""
    return name if name.startswith("vefa_") else f"vefa_{name}"


class Backing(Protocol):
    """A PostgreSQL and a NATS to run on."""

    @property
    def postgres_admin_dsn(self) -> str: ...
    @property
    def ports(self) -> Mapping[str, int]: ...
    def postgres_dsn(self, role: str) -> str: ...
    def postgres_password(self, role: str) -> str: ...
    def nats_url(self, user: str) -> str: ...
    def stop(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Servers:
    """A PostgreSQL and a nats-server of our own on 127.0.0.1, for one data directory.

    They are started again when they die, stop with `stop()`, and on Linux also when this process is killed.
    """

    def __init__(self, home: Home, services: Sequence[str]) -> None:
        self._home = home
        self._roles = tuple(dict.fromkeys(role_of(name) for name in (*services, "ops")))
        remembered = self._remembered_ports()
        self.postgres = Postgres(home, free_port(remembered.get("postgres")))
        self.nats = NatsServer(home, free_port(remembered.get("nats")), services)

    @classmethod
    def start(cls, data_dir: Path, services: Sequence[str]) -> Self:
        """Start both on the data directory, made if there is none, with a role and a NATS user per service.

        Raises LocalServerError if the directory is in use, is not ours, or a server does not come up.
        """
        for name in services:
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
                raise LocalServerError(
                    f"{name!r} cannot name a service: use a-z, 0-9, '_' and '-', at most 40 characters"
                )
        home = Home(data_dir)
        try:
            home.password("servers", "made before two threads ask for it")
            servers = cls(home, services)
        except BaseException:
            home.close()
            raise
        try:
            servers._start()
        except BaseException:
            servers.stop()
            raise
        return servers

    @property
    def data_dir(self) -> Path:
        return self._home.data_dir

    @property
    def room(self) -> Path:
        """Where the servers' data is: the data directory, or a folder that their account can enter."""
        return self._home.room

    @property
    def ports(self) -> Mapping[str, int]:
        return {"postgres": self.postgres.port, "nats": self.nats.port}

    @property
    def pids(self) -> Mapping[str, int]:
        return {"postgres": self.postgres.pid, "nats": self.nats.pid}

    @property
    def postgres_admin_dsn(self) -> str:
        return self.postgres.dsn(SUPERUSER)

    def postgres_dsn(self, role: str, database: str = DATABASE) -> str:
        """The DSN of a service's role, `intake` or `vefa_intake`."""
        return self.postgres.dsn(self._known(role), database)

    def postgres_password(self, role: str) -> str:
        return self.postgres.password(self._known(role))

    def nats_url(self, user: str) -> str:
        """The URL of a service's user, of `ops` or of `integrator`."""
        return self.nats.url(user)

    def stop(self) -> None:
        for server in self._both():
            server.begin_stop()
        for server in self._both():
            server.stop()
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _both(self) -> tuple[Supervised, Supervised]:
        return self.postgres, self.nats

    def _start(self) -> None:
        for server in self._both():
            server.start()
        for server in self._both():
            server.wait_ready()
        self.postgres.provide(self._roles)
        if self.ports != self._remembered_ports():
            write_private(self._ports_file, json.dumps(self.ports).encode())

    @property
    def _ports_file(self) -> Path:
        return self._home.data_dir / "ports.json"

    def _remembered_ports(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads(self._ports_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return ports

    def _known(self, name: str) -> str:
        role = role_of(name)
        if role not in self._roles:
            raise LocalServerError(f"the embedded PostgreSQL has no role {role!r}; it has {', '.join(self._roles)}")
        return role


@dataclass(frozen=True)
class External:
    """Servers of the user's own; every role and user goes by the one URL given. `stop()` leaves them running."""

    database_url: str
    nats: str

    @property
    def postgres_admin_dsn(self) -> str:
        return self.database_url

    @property
    def ports(self) -> Mapping[str, int]:
        return {
            "postgres": urlsplit(self.database_url).port or 5432,
            "nats": urlsplit(self.nats.partition(",")[0]).port or 4222,
        }

    def postgres_dsn(self, role: str) -> str:
        return self.database_url

    def postgres_password(self, role: str) -> str:
        return unquote(urlsplit(self.database_url).password or "")

    def nats_url(self, user: str) -> str:
        return self.nats

    def stop(self) -> None:
        """Nothing of ours runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def external(environment: Mapping[str, str] = os.environ) -> External | None:
    """The servers named by VEFA_DATABASE_URL and VEFA_NATS_URL, or None if neither is set.

    Raises LocalServerError if only one is set or one is no URL of its kind.
    """
    found = {name: environment.get(name, "") for name in (DATABASE_VARIABLE, NATS_VARIABLE)}
    if not any(found.values()):
        return None
    schemes = {DATABASE_VARIABLE: ("postgresql", "postgres"), NATS_VARIABLE: ("nats", "tls", "ws", "wss")}
    for name, url in found.items():
        every = url.split(",") if name == NATS_VARIABLE else [url]
        if any(urlsplit(one.strip()).scheme not in schemes[name] for one in every):
            wanted = f"{schemes[name][0]}://user:password@host:port"
            problem = "is not set although the other one is" if not url else "is not a URL of the right kind"
            raise LocalServerError(f"{name} {problem}: give {wanted}, or unset both to run the embedded servers")
    return External(found[DATABASE_VARIABLE], found[NATS_VARIABLE])


def open_servers(data_dir: Path, services: Sequence[str]) -> Backing:
    """The user's own servers if the environment names them, otherwise embedded ones on the data directory."""
    return external() or Servers.start(data_dir, services)
