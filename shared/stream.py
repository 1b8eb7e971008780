"""The one stream on NATS, and a service's way to it."""

import logging

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.errors import NoServersError, StaleConnectionError, UnexpectedEOF
from nats.js.api import PersistMode, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError, ServerError

log = logging.getLogger("vefa.bus")
STREAM = "VEFA"
SUBJECTS = "vefa.event.>"
AWAY = (OSError, UnexpectedEOF, StaleConnectionError, NoServersError)
CANNOT_CHANGE = 10052
"""JetStream's error code: this part of a stream's configuration is what it was made with."""


async def declare(client: Client) -> None:
    """Create or update the one stream: when the platform comes up, and by a relay that finds it gone. It holds only
    what a log holds."""
    stream = StreamConfig(
        name=STREAM, subjects=[SUBJECTS], duplicate_window=120, max_age=7 * 86_400, max_bytes=2 * 1024**3,
        storage=StorageType.FILE, retention=RetentionPolicy.LIMITS, num_replicas=1,
        persist_mode=PersistMode.ASYNC,  # the logs have waited for the disk already
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


def subject_of(service: str, topic: str) -> str:
    """``vefa.event.<service>.<event>.<version>``; no ids in subjects."""
    return f"vefa.event.{service}.{topic.partition('.')[2]}"


def inbox_of(user: str) -> str:
    """Where answers to a service come: an inbox of its own, which no other service may listen to."""
    return f"_INBOX_{user}"


def broker_of(name: str, url: str) -> NatsBroker:
    """A service's way to NATS; it is tried for ever, and what the server refuses is in the log."""

    async def refused(error: Exception) -> None:
        if isinstance(error, AWAY):
            log.warning("%s: NATS is away (%s); tried again until it answers", name, error)
        else:
            log.warning("%s: NATS: %s", name, error)

    async def back() -> None:
        log.info("%s: NATS answers again", name)

    return NatsBroker(
        url, logger=None, max_reconnect_attempts=-1, reconnect_time_wait=1, inbox_prefix=inbox_of(name),
        error_cb=refused, reconnected_cb=back,
    )  # fmt: skip
