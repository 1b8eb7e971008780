"""The one stream on NATS, and a service's way to it."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from faststream.nats import NatsBroker
from faststream.nats.security import NatsUserPassword
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoServersError, StaleConnectionError, UnexpectedEOF
from nats.js.api import ConsumerConfig, PersistMode, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError, ServerError

log = logging.getLogger("vefa.bus")
STREAM = "VEFA"
SUBJECTS = "vefa.event.>"
OPS, INTEGRATOR = "ops", "integrator"
"""NATS users that are no services: operators, and other systems, which have one consumer together."""
AWAY = (OSError, UnexpectedEOF, StaleConnectionError, NoServersError)
UNKNOWN = "authorization violation"
"""How a server refuses a user that it does not know."""
CANNOT_CHANGE = 10052
"""JetStream's error code: this part of a stream's configuration is what it was made with."""


def servers_of(url: str) -> list[str]:
    """The servers of a cluster, or the only one: ``nats://user:password@host:port``, several apart by commas; all with
    one user."""
    return [server for part in url.split(",") if (server := part.strip())]


async def connect_as_operator(url: str, **options: Any) -> Client:
    """As an operator, whose answers come where only operators listen."""
    client = Client()
    try:
        await client.connect(servers_of(url), inbox_prefix=inbox_of(OPS), **options)
    except BaseException:
        await client.close()  # or the connection of a login that was refused stays open
        raise
    return client


async def declare(client: Client, replicas: int = 1) -> None:
    """Create or update the one stream: when the platform comes up, and by a relay that finds it gone. It holds only
    what a log holds. ``replicas``: on how many servers of a cluster; with several the stream outlives one of them."""
    stream = StreamConfig(
        name=STREAM, subjects=[SUBJECTS], duplicate_window=120, max_age=7 * 86_400, max_bytes=2 * 1024**3,
        storage=StorageType.FILE, retention=RetentionPolicy.LIMITS, num_replicas=replicas,
        # the logs have waited for the disk already; servers that agree with one another wait for it all the same
        persist_mode=PersistMode.ASYNC if replicas == 1 else None,
    )  # fmt: skip
    js = client.jetstream()
    try:
        await js.update_stream(stream)
    except NotFoundError:
        await js.add_stream(stream)
    except ServerError as e:
        if e.err_code != CANNOT_CHANGE:
            raise
        await js.delete_stream(STREAM)  # made by an older version; what is in it is in the logs
        await js.add_stream(stream)
    try:
        await _listening(js)
    except (NatsError, TimeoutError) as e:  # nobody of ours waits for it
        log.warning("the consumer of %s was not made: %s", INTEGRATOR, type(e).__name__)


async def _listening(js: JetStreamContext) -> None:
    """The consumer of other systems, made for them: who may make one may have the stream delivered to any subject."""
    try:
        await js.consumer_info(STREAM, INTEGRATOR)
    except NotFoundError:
        config = ConsumerConfig(name=INTEGRATOR, durable_name=INTEGRATOR, filter_subject=SUBJECTS)
        await js.add_consumer(STREAM, config)


async def last_of(client: Client, service: str) -> int:
    """The position of the last message of a log that the stream holds; 0 when there is none."""
    try:
        message = await client.jetstream().get_last_msg(STREAM, f"vefa.event.{service}.>")
    except NotFoundError:
        return 0
    return int(orjson.loads(message.data or b"{}").get("position", 0))


def subject_of(service: str, topic: str) -> str:
    """``vefa.event.<service>.<event>.<version>``; no ids in subjects."""
    return f"vefa.event.{service}.{topic.partition('.')[2]}"


def inbox_of(user: str) -> str:
    """Where answers to a service come: an inbox of its own, which no other service may listen to."""
    return f"_INBOX_{user}"


async def _nothing() -> None:
    pass


def broker_of(name: str, url: str, cut_off: Callable[[], Awaitable[None]] = _nothing) -> NatsBroker:
    """A service's way to NATS; it is tried for ever, and what the server refuses is in the log. ``cut_off`` is told
    when it is over for good: by ``stop()``, or because the server does not know us any more."""

    async def refused(error: Exception) -> None:
        if isinstance(error, AWAY):
            log.warning("%s: NATS is away (%s); tried again until it answers", name, error)
        else:
            log.warning("%s: NATS: %s", name, error)
        if UNKNOWN in str(error).lower():  # the client gives up then, without telling
            await cut_off()

    async def back() -> None:
        log.info("%s: NATS answers again", name)

    servers, user = servers_of(url), None
    if not servers:
        raise SystemExit("VEFA_NATS_URL names no server: write nats://user:password@host:port")
    first = urlsplit(servers[0])
    if first.username and first.password:
        # apart from the URLs: of servers that a cluster tells of none names the user, and who is none is let in no more
        user = NatsUserPassword(first.username, first.password)
        servers = [one._replace(netloc=one.netloc.rpartition("@")[2]).geturl() for one in map(urlsplit, servers)]
    return NatsBroker(
        servers, logger=None, max_reconnect_attempts=-1, reconnect_time_wait=1, inbox_prefix=inbox_of(name),
        error_cb=refused, reconnected_cb=back, closed_cb=cut_off, security=user,
    )  # fmt: skip
