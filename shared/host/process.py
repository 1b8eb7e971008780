"""One running process of a service. Only here PostgreSQL, NATS and HTTP meet."""

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import orjson
import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from psycopg import AsyncConnection, OperationalError

from shared.base.database import connect, reason, until_it_answers
from shared.base.errors import raised_at
from shared.base.settings import Settings
from shared.base.tasks import end
from shared.bus.bus import Bus
from shared.bus.consumer import TOGETHER_SECONDS
from shared.bus.jetstream import broker_of
from shared.bus.transport import TROUBLES, NatsTransport
from shared.core.facts import PublishPolicy
from shared.core.instants import utc
from shared.core.message import NAMESPACE, Actor, fresh
from shared.edge.edge import Edge
from shared.edge.http import OPEN, Api, Route, add, build
from shared.edge.nats import told
from shared.edge.oidc import Provider
from shared.edge.policies_api import policies_api
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Links
from shared.privacy.vault import Vault
from shared.runtime.clock import Deadlines, SteppedClock, SystemClock
from shared.runtime.effects import Effects
from shared.store.blobs import Blobs
from shared.store.rebuild import prepare
from shared.store.versions import Versions

from .app import App
from .telemetry import log_to_stderr, metrics

log = logging.getLogger("vefa")
READINESS: dict[int | str, dict[str, Any]] = {
    503: {"description": "Something stands in the way", "content": {"application/json": {"schema": {"type": "object"}}}}
}
STOP_SECONDS = 0.5
"""So often connections are told to end while a process stops."""
COLLECT = (50_000, 20, 20)
"""New objects before the youngest are looked at, and how many such looks before the older ones are."""


def run(app: App, settings: Settings | None = None, ready: Callable[[dict[str, str]], None] | None = None) -> None:
    """Run a service until SIGTERM or SIGINT. ``ready`` gets the addresses once everything answers."""
    settings = settings or Settings()
    log_to_stderr(app.name, settings.log_format)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    collect_seldom()
    asyncio.run(Process(app, settings).run(ready))


def collect_seldom() -> None:
    """Look for cycles less often, and never among what was imported: a service makes thousands of objects a batch and
    keeps thousands of streams, and Python's own pace spends a quarter of its CPU on looking at them."""
    gc.freeze()
    gc.set_threshold(*COLLECT)


def trim() -> None:
    """Give back what starting took and does not need any more; the allocator of glibc keeps it otherwise."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another libc has none
            ctypes.CDLL(None).malloc_trim(0)


class Process:
    """One running process of a service."""

    def __init__(self, app: App, settings: Settings):
        self.app, self.settings = app, settings
        start = settings.clock_start or datetime(2026, 1, 1, tzinfo=UTC)
        self.clock = SteppedClock(start) if settings.clock == "stepped" else SystemClock()
        self.stopping = asyncio.Event()
        self.follower = False
        """Another process of this service is the leader."""
        self.cut_off = False
        """NATS does not know us, or not any more."""
        self.begun = False
        """Servers were reached and views are there: from now on a stop is an orderly one."""

    async def run(self, ready: Callable[[dict[str, str]], None] | None = None) -> None:
        loop, working = asyncio.get_running_loop(), asyncio.ensure_future(self._work(ready))

        def stop() -> None:
            self.stopping.set()
            if not self.begun:
                working.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await working
        except (asyncio.CancelledError, NatsError):
            if not self.stopping.is_set():
                raise
        if self.cut_off:
            raise SystemExit("NATS does not let us in: are user and password in VEFA_NATS_URL right?")

    async def _work(self, ready: Callable[[dict[str, str]], None] | None) -> None:
        app, settings = self.app, self.settings
        await until_it_answers(settings.database_url, app.name)
        async with connect(settings.database_url) as pool:
            self.vault = Vault(pool, MasterKey.in_folder(settings.master_folder))
            await self.vault.create()
            await self.vault.refresh()
            watching = asyncio.create_task(self.vault.watch())
            event_log = app.log_on(pool)
            self.versions = Versions(event_log, app.views, f"{app.name}_views")
            async with pool.connection() as conn:
                await self.versions.look(conn)
            if await prepare(event_log, app.views, f"{app.name}_views"):
                log.info("views were rebuilt for this version")
            self.service = app.service_on(event_log, self.vault)
            await self.service.start()
            self.edge = Edge(
                self.service, self.vault, self.clock, Links(settings.secret("link.key")), Blobs(event_log, self.vault),
                settings, settings.secret("index.key"), Actor("service", app.name),
            )  # fmt: skip
            broker = broker_of(app.name, settings.nats_url, self._on_cut_off)
            # whoever steps the clock waits for each silence
            gathers = TOGETHER_SECONDS if settings.clock == "stepped" else app.gathers
            transport = NatsTransport(app.name, broker, settings.nats_replicas, gathers)
            self.bus = Bus(self.service, transport, self.clock, self._on_told)
            self.deadlines = Deadlines(self.service, self.clock)
            self.effects = Effects(
                self.service, self.clock, {k: make(self.edge) for k, make in app.effect_handlers.items()}
            )
            await broker.start()
            comparing = self.bus.epochs.begin()
            # asked some hundred times a second by who steps the clock: without the framework's work per message
            client = broker.config.connection_state.connection
            await client.subscribe(f"vefa.status.{app.name}", cb=self._on_status)
            await client.subscribe(f"vefa.clock.{app.name}", cb=self._on_clock)
            await client.subscribe(f"vefa.blob.{app.name}", queue=app.name, cb=self.edge.blobs.on_asked)
            self.begun = True
            lease = asyncio.create_task(self._hold_lease())
            listeners = [make(self.edge) for make in app.listeners]
            addresses: dict[str, str] = {}
            try:
                for listener in listeners:
                    addresses |= await listener.start()
                await self._serve(addresses, ready)
            finally:
                for listener in listeners:
                    await listener.stop()
                await end(lease, comparing, watching)
                await self.service.stop()
                with contextlib.suppress(*TROUBLES):  # NATS is away: it has nothing to be told
                    await broker.stop()

    async def _on_cut_off(self) -> None:
        """It would not be tried again: whoever starts this process anew tries it with the settings of then."""
        if not self.stopping.is_set():
            self.cut_off = True
            self.stopping.set()

    # the leader -----------------------------------------------------------------------------------------------------
    async def _hold_lease(self) -> None:
        """Become the leader when no other process is, and stop to be when the lock is lost."""
        lost = False
        while True:
            try:
                async with await AsyncConnection.connect(self.settings.database_url, autocommit=True) as conn:
                    if lost:
                        log.info("%s: PostgreSQL answers again", self.app.name)
                    lost = False
                    await conn.execute("set idle_session_timeout = '15s'")
                    await self.versions.announce(conn)
                    got = False
                    while not got:
                        cursor = await conn.execute(
                            "select pg_try_advisory_lock(hashtext(%s))", (f"act {self.app.name}",)
                        )
                        got = bool((await cursor.fetchone() or (False,))[0])
                        self.follower = not got
                        if not got:
                            await self.versions.look(conn)
                            await asyncio.sleep(1)
                    await self._lead(conn)
            except OperationalError as error:
                log.warning("%s: PostgreSQL is away (%s); tried again until it answers", self.app.name, reason(error))
                lost = True
            except Exception as error:  # a process that did not try again would be a follower for ever
                where = raised_at(error)
                log.error("%s gives up its leader lease: %s at %s", self.app.name, type(error).__name__, where)
            await asyncio.sleep(0.5)

    async def _lead(self, conn: AsyncConnection[Any]) -> None:
        self.service.leads = True
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.service.read_again()
            await self.bus.epochs.compared.wait()
            while self.service.silent:
                await conn.execute("select 1")
                await asyncio.sleep(1)
            if not self.service.lost:
                await self._ship_policies()
            await self.bus.act()
            running = (self.deadlines.run(), self.effects.run(), self._mend_views(conn), self._ship_later())
            tasks = [asyncio.create_task(t) for t in running]
            if self.app.erases:
                tasks.append(asyncio.create_task(self._sweep()))
            while True:
                ended, _ = await asyncio.wait([*tasks, *self.bus.tasks], timeout=5, return_when=asyncio.FIRST_EXCEPTION)
                for task in ended:
                    task.result()  # what failed there ends this lease, and the next one begins anew
                if self.service.silent:
                    raise self.service.silent
                await conn.execute("select 1")
        finally:
            self.service.leads = False
            await end(*tasks)
            await self.bus.rest()

    async def _mend_views(self, conn: AsyncConnection[Any]) -> None:
        """After an upgrade, once the older processes have gone."""
        while True:
            if await self.versions.mend(conn):
                await self.service.read_again()
            await asyncio.sleep(5)

    async def _sweep(self) -> None:
        """Destroy what may be kept no longer."""
        while True:
            try:
                if gone := await self.vault.destroy_quarantine(self.clock.now()):
                    log.info("%d quarantine keys were destroyed", len(gone))
            except OperationalError:
                log.warning("the quarantine cannot be swept; trying again in an hour")
            await asyncio.sleep(3600)

    async def _ship_policies(self) -> None:
        """A shipped default is heard once, when the log has none of that name; a newer default is only offered."""
        for name, document in self.app.shipped().items():
            if not self.service.memory.has_policy(name):
                command = PublishPolicy(
                    service=self.app.name, name=name, document=document, by="shipped", reason="shipped default"
                )
                event_id = uuid5(NAMESPACE, f"{self.app.name}/{name}/shipped")
                await self.service.handle(fresh(command, self.clock.now(), id=event_id, command=True))

    async def _ship_later(self) -> None:
        """Those that were lost in a restore and not brought back."""
        await self.bus.epochs.settled()
        await self._ship_policies()

    # ways in --------------------------------------------------------------------------------------------------------
    async def _serve(self, addresses: dict[str, str], ready: Callable[[dict[str, str]], None] | None) -> None:
        routes = Api([*self.app.api.routes, *policies_api(self.app.name).routes])
        provider = Provider(self.settings.oidc) if self.settings.oidc else None
        api = build(self.app.name, routes, self.edge, self.settings.secret("token.pub"), provider)
        self._add_own_routes(api)
        listening = socket.create_server((self.settings.http_host, self.settings.http_port))
        config = uvicorn.Config(
            api, log_level="warning", access_log=False, lifespan="off", http="httptools", ws="none",
            proxy_headers=False,  # whose word is taken is a setting of ours
            server_header=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not (self.bus.listening or self.follower or self.bus.epochs.stopped) or not server.started:
            await asyncio.sleep(0.01)
            if serving.done():
                break
        if ready and not serving.done():  # told to stop before it had begun
            host, port = listening.getsockname()[:2]
            ready({"http": f"http://{host}:{port}", **addresses})
            trim()
        await self.stopping.wait()
        server.should_exit = True
        while not serving.done():
            await asyncio.wait([serving], timeout=STOP_SECONDS)
            for connection in list(server.server_state.connections):
                connection.shutdown()  # uvicorn tells each once: one that it was just taking up would stay for ever
        await serving

    def _add_own_routes(self, api: FastAPI) -> None:
        async def health() -> dict[str, str]:
            return {"service": self.app.name, "status": "ok"}

        async def readiness() -> Any:
            state = await self.status()
            problem = self.problem
            body = orjson.dumps({"ready": problem is None, "problem": problem, **state})
            return Response(body, 200 if problem is None else 503, media_type="application/json")

        async def prometheus() -> Any:
            due = [at for at in (await self.deadlines.next.at(), await self.effects.next.at()) if at]
            late = max(0.0, (self.clock.now() - min(due)).total_seconds()) if due else 0.0
            more = await self.app.figures(self.edge) if self.app.figures else {}
            content = metrics(self.service, self.bus, late, await self.effects.next.count(), more)
            return Response(content, media_type="text/plain; version=0.0.4")

        name = self.app.name
        for path, endpoint, options in (
            ("health", health, {}),
            ("ready", readiness, {"responses": READINESS}),
            ("metrics", prometheus, {"response_class": PlainTextResponse}),
        ):
            add(api, Route("GET", f"/{name}/{path}", endpoint, OPEN, 200, options))

    async def _on_told(self, body: bytes) -> bytes:
        return await told(self.edge, self.app.accepts, body)

    @property
    def problem(self) -> str | None:
        """Why this process is not ready; a follower is when its log may go on."""
        return self.bus.problem if self.service.leads or self.service.silent else None

    # looking at it --------------------------------------------------------------------------------------------------
    async def status(self) -> dict[str, Any]:
        """Where this process stands: positions, what was heard of each source, what is due next."""
        return {
            "service": self.app.name, "leader": self.service.leads, "position": self.service.position,
            "said": self.service.said, "epoch": self.service.epoch, "not_ready": self.problem,
            "relayed": self.bus.relayed, "heard": dict(self.service.tracked),
            "sources": sorted(self.service.sources), "now": self.clock.now(),
            "next_due": await self.deadlines.next.at(), "effects": await self.effects.next.count(),
            "next_effect": await self.effects.next.at(), "waiting": self.service.waiting,
        }  # fmt: skip

    async def _on_status(self, message: Msg) -> None:
        if self.follower:
            return  # the leader knows
        await message.respond(orjson.dumps(await self.status(), option=orjson.OPT_UTC_Z))

    async def _on_clock(self, message: Msg) -> None:
        """Set a stepped clock; refused on the system's."""
        if not isinstance(self.clock, SteppedClock):
            await message.respond(orjson.dumps({"problem": "the platform runs on the system clock"}))
            return
        try:
            self.clock.set(utc(orjson.loads(message.data)["now"]))
        except (ValueError, KeyError, TypeError) as e:
            await message.respond(orjson.dumps({"problem": f"no instant: {e}; send {{'now': '2026-10-26T09:00:00Z'}}"}))
            return
        self.deadlines.woken.set()
        self.effects.woken.set()
        await message.respond(orjson.dumps({"now": self.clock.now()}))
