"""The whole platform on one machine: the servers, and one process per service, forked from a parent that has only
imported; each has a supervisor of its own."""

import asyncio
import gc
import json
import os
import select
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from deploy.vefa.local import Backing, Servers, open_servers, secret
from deploy.vefa.local.home import take_lock, write_private
from deploy.vefa.local.process import free_port
from deploy.vefa.local.servers import DATABASE_VARIABLE, NATS_VARIABLE
from shared.base.settings import Settings
from shared.core.message import Role
from shared.edge import tokens
from shared.host.app import App
from shared.host.process import trim
from shared.store import roles
from shared.store.rebuild import fingerprint

from . import reach
from .supervisor import Supervisor, supervise

READY_SECONDS = 60
REMEDY = f"start it or correct the URL, or unset {DATABASE_VARIABLE} and {NATS_VARIABLE} to run the embedded servers"
LATE = (
    "anyio._backends._asyncio", "pydantic.v1", "tzdata", "uvicorn.lifespan.off",
    "uvicorn.protocols.http.httptools_impl", "uvloop",
)  # fmt: skip
"""What the frameworks import only when they begin to serve."""
SMTP, SMTP_VARIABLE = "intake smtp", "VEFA_SMTP_PORT"
"""What the kept port of the mail intake is called among those of services, and who chooses it instead."""
SECRETS = ("master.key", "index.key", "link.key", "token.key")


class Platform:
    """``Platform.start(...)`` forks, starts the servers, then the services; ``stop()`` ends all of it cleanly."""

    def __init__(self, data_dir: Path, apps: Mapping[str, App]):
        self.data_dir, self._apps = data_dir, dict(apps)
        self.supervisors: list[Supervisor] = []
        self.backing: Backing | None = None
        self.ports: dict[str, int] = {}
        self._smtp_port: int | None = None
        self._lock: int | None = None
        self._noted = False

    @classmethod
    def start(cls, data_dir: Path, apps: Mapping[str, App], **settings: Any) -> Self:
        """``settings`` go to every service (see shared.base.settings). Raises LocalServerError or TimeoutError, after
        tidying up."""
        platform = cls(data_dir, apps)
        _prepare(apps.values())
        platform.supervisors = [supervise(name, app) for name, app in apps.items()]  # before any thread exists
        try:
            platform.backing = open_servers(data_dir, tuple(apps))
            if not isinstance(platform.backing, Servers):  # which hold it themselves
                platform._lock = take_lock(data_dir)
            platform._provide()
            platform._choose_ports()
            made = [platform._settings(supervisor, settings) for supervisor in platform.supervisors]
            asyncio.run(reach.stream(platform.backing.nats_url("ops"), made[0].nats_replicas, REMEDY))
            for supervisor, its in zip(platform.supervisors, made, strict=True):
                platform._settle(supervisor, its)
            platform._await_ready()
            platform._note()
            trim()
        except BaseException:
            platform.stop()
            raise
        return platform

    @property
    def addresses(self) -> dict[str, dict[str, str]]:
        """Service -> kind of address (http, smtp) -> address."""
        return {k.name: k.found for k in self.supervisors}

    def token(self, role: Role, name: str) -> str:
        return tokens.create(secret(self.data_dir, "token.key"), role, name)

    def wait(self) -> None:
        """Until a signal comes. Raises ChildProcessError when a supervisor is killed: its service would stay away."""
        with suppress(KeyboardInterrupt):
            while True:
                for supervisor in self.supervisors:
                    if _killed(supervisor.pid):
                        raise ChildProcessError(
                            f"the supervisor of {supervisor.name} was killed: start the platform again"
                        )
                time.sleep(1)

    def stop(self) -> None:
        """Services first, then the servers."""
        for supervisor in self.supervisors:
            with suppress(ProcessLookupError):
                os.kill(supervisor.pid, signal.SIGTERM)
            with suppress(OSError):  # Python forgets a signal that comes while it forks: who missed it reads the end
                os.close(supervisor.settings)
        for supervisor in self.supervisors:
            with suppress(ChildProcessError):
                os.waitpid(supervisor.pid, 0)
            with suppress(OSError):
                os.close(supervisor.addresses)
        self.supervisors = []
        if self.backing:
            self.backing.stop()
            self.backing = None
        if self._noted:  # otherwise it is the note of another platform, which runs on
            (self.data_dir / "running.json").unlink(missing_ok=True)
            self._noted = False
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _provide(self) -> None:
        assert self.backing is not None
        for name in SECRETS:
            secret(self.data_dir, name)
        public = self.data_dir / "secrets" / "token.pub"
        public.write_bytes(tokens.public_key(secret(self.data_dir, "token.key")))
        if isinstance(self.backing, Servers):
            erasers = {name for name, app in self._apps.items() if app.erases}
            roles.provide(self.backing.postgres_admin_dsn, {name: f"vefa_{name}" for name in self._apps}, erasers)
        else:
            reach.postgres(self.backing.postgres_admin_dsn, DATABASE_VARIABLE, REMEDY)

    def _choose_ports(self) -> None:
        """The same at every start where nobody took them: links in mails lead here, and mail servers are told once."""
        path = self.data_dir / "addresses.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        self.ports = {name: free_port(before.get(name)) for name in self._apps}
        kept = dict(self.ports)
        if SMTP_VARIABLE not in os.environ:
            kept[SMTP] = self._smtp_port = free_port(before.get(SMTP))
        write_private(path, json.dumps(kept).encode())

    def _settings(self, supervisor: Supervisor, settings: Mapping[str, Any]) -> Settings:
        assert self.backing is not None
        if self._smtp_port:
            settings = {"smtp_port": self._smtp_port, **settings}
        return Settings(
            database_url=self.backing.postgres_dsn(supervisor.name), nats_url=self.backing.nats_url(supervisor.name),
            secrets=self.data_dir / "secrets", http_port=self.ports[supervisor.name],
            public_urls={name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}, **settings,
        )  # fmt: skip

    @staticmethod
    def _settle(supervisor: Supervisor, settings: Settings) -> None:
        with os.fdopen(os.dup(supervisor.settings), "w") as pipe:
            pipe.write(settings.model_dump_json() + "\n")

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        waiting = {k.addresses: k for k in self.supervisors}
        buffers = dict.fromkeys(waiting, b"")
        while waiting:
            ready, _, _ = select.select(list(waiting), [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                late = ", ".join(k.name for k in waiting.values())
                raise TimeoutError(f"not ready after {READY_SECONDS} s: {late}; their messages stand above")
            for descriptor in ready:
                buffers[descriptor] += (chunk := os.read(descriptor, 65536))
                if not chunk:
                    raise ChildProcessError(f"{waiting[descriptor].name} did not start; its message stands above")
                if b"\n" in buffers[descriptor]:
                    waiting.pop(descriptor).found = json.loads(buffers[descriptor].partition(b"\n")[0])

    def _note(self) -> None:
        """For other commands on the same data directory."""
        assert self.backing is not None
        content = {
            "pid": os.getpid(), "services": self.addresses,
            "databases": {k.name: self.backing.postgres_dsn(k.name) for k in self.supervisors},
            "nats": self.backing.nats_url("ops"), "integrator": self.backing.nats_url("integrator"),
        }  # fmt: skip
        self._noted = True
        write_private(self.data_dir / "running.json", json.dumps(content).encode())


def _prepare(apps: Iterable[App]) -> None:
    """What is done before the fork is shared by all services: imports, and the sources that fingerprints are made of,
    whose trees would leave each of them several MiB of holes."""
    for name in LATE:
        with suppress(ImportError):
            import_module(name)
    for app in apps:
        app.fingerprint()
        fingerprint(app.views)
    rehearsed = Settings(database_url="", nats_url="", secrets=Path())  # what is made at the first one stays
    Settings.model_validate_json(rehearsed.model_dump_json())
    gc.collect()
    gc.freeze()  # a look for cycles would write to every page that is shared
    trim()


def _killed(process: int) -> bool:
    """Whether this child was ended by a signal; one that ended by itself was told to."""
    try:
        return os.WIFSIGNALED(os.waitpid(process, os.WNOHANG)[1])
    except ChildProcessError:
        return False


def running(data_dir: Path) -> dict[str, Any]:
    """What a running platform on this data directory noted of itself; LookupError with the remedy when none runs."""
    try:
        noted: dict[str, Any] = json.loads((data_dir / "running.json").read_text())
        with suppress(PermissionError):  # it runs, as somebody else
            os.kill(noted["pid"], 0)
        if missing := {"services", "databases", "nats"} - noted.keys():
            raise ValueError(missing)
    except (FileNotFoundError, ValueError, LookupError, TypeError, ProcessLookupError) as e:
        raise LookupError(f"no platform runs on {data_dir}; start one with: vefa up --data {data_dir}") from e
    return noted


__all__: Sequence[str] = ["Platform", "running"]
