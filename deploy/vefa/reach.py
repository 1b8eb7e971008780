"""Whether PostgreSQL and NATS answer, asked once before work begins: a refusal says more than a time-out later."""

import asyncio
import time
from urllib.parse import urlsplit

import psycopg
from nats.aio.client import Client
from nats.errors import Error as NatsError

from deploy.vefa.local.servers import NATS_VARIABLE
from shared.base.database import reason
from shared.bus.jetstream import connect_as_operator, declare, servers_of

from .base import Failed

SECONDS = 5
REPLICAS_VARIABLE = "VEFA_NATS_REPLICAS"
CLUSTER_SECONDS = 20.0
"""So long a cluster that was just started may take to agree on who leads it."""


def postgres(url: str, name: str, remedy: str) -> None:
    """Return when PostgreSQL lets us in. Raises Failed with the setting's name, its reason and the remedy."""
    try:
        psycopg.connect(url, connect_timeout=SECONDS).close()
    except (psycopg.Error, ValueError) as e:
        raise Failed(f"{name}: PostgreSQL does not let us in{_place(url)}: {reason(e)}; {remedy}") from e


async def bus(url: str, name: str, remedy: str) -> Client:
    """A connection to NATS, to the first server of a cluster that answers; to be closed. Raises Failed with the
    setting's name, the reason and the remedy."""
    failed: Exception = ValueError("it names no server")
    for server in servers_of(url):
        heard: list[Exception] = []

        async def keep(error: Exception, heard: list[Exception] = heard) -> None:
            heard.append(error)

        try:
            return await connect_as_operator(
                server, allow_reconnect=False, connect_timeout=SECONDS, max_reconnect_attempts=1,
                reconnect_time_wait=0, error_cb=keep,
            )  # fmt: skip
        except (NatsError, OSError, ValueError) as e:
            failed = (heard or [e])[0]
    raise Failed(f"{name}: NATS does not let us in{_place(url)}: {reason(failed)}; {remedy}") from failed


async def stream(url: str, replicas: int, remedy: str, patience: float = 0) -> None:
    """Declare the stream. ``patience``: so many seconds NATS may take to come up. Raises Failed when it does not, when
    it keeps no stream, or not on so many servers."""
    client = await _awaited(url, remedy, patience)
    until = time.monotonic() + (CLUSTER_SECONDS if replicas > 1 else 0)
    try:
        while True:
            try:
                return await declare(client, replicas)
            except NatsError as e:
                if time.monotonic() > until:
                    raise _undeclared(replicas, reason(e)) from e
                await asyncio.sleep(0.5)
    finally:
        await client.close()


async def _awaited(url: str, remedy: str, seconds: float) -> Client:
    until = time.monotonic() + seconds
    while True:
        try:
            return await bus(url, NATS_VARIABLE, remedy)
        except Failed as e:
            if not isinstance(e.__cause__, OSError) or time.monotonic() > until:  # a refusal stays one
                raise
        await asyncio.sleep(0.5)


def _undeclared(replicas: int, why: str) -> Failed:
    if replicas > 1:
        remedy = f"name the servers of a cluster in {NATS_VARIABLE}, or unset {REPLICAS_VARIABLE}"
        return Failed(f"{REPLICAS_VARIABLE}: NATS does not keep the stream on {replicas} servers: {why}; {remedy}")
    return Failed(f"{NATS_VARIABLE}: NATS keeps no streams: {why}; start it with -js, or unset both")


def _place(url: str) -> str:
    """`` at host:port``: a URL holds a password, which is shown to nobody."""
    hosts = [host for one in servers_of(url) if (host := urlsplit(one).netloc.rpartition("@")[2])]
    return f" at {', '.join(hosts)}" if hosts else ""
