"""Whether PostgreSQL and NATS answer, asked once before work begins: a refusal says more than a time-out later."""

from urllib.parse import urlsplit

import nats
import psycopg
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.database import reason as reason

from .base import Failed

SECONDS = 5


def postgres(url: str, name: str, remedy: str) -> None:
    """Return when PostgreSQL lets us in. Raises Failed with the setting's name, its reason and the remedy."""
    try:
        psycopg.connect(url, connect_timeout=SECONDS).close()
    except (psycopg.Error, ValueError) as e:
        raise Failed(f"{name}: PostgreSQL does not let us in{_place(url)}: {reason(e)}; {remedy}") from e


async def bus(url: str, name: str, remedy: str) -> Client:
    """A connection to NATS, to be closed. Raises Failed with the setting's name, the reason and the remedy."""
    heard: list[Exception] = []

    async def keep(error: Exception) -> None:
        heard.append(error)

    try:
        return await nats.connect(
            url, allow_reconnect=False, connect_timeout=SECONDS, max_reconnect_attempts=1, reconnect_time_wait=0,
            error_cb=keep,
        )  # fmt: skip
    except (NatsError, OSError, ValueError) as e:
        raise Failed(f"{name}: NATS does not let us in{_place(url)}: {reason((heard or [e])[0])}; {remedy}") from e


def _place(url: str) -> str:
    """`` at host:port``: a URL holds a password, which is shown to nobody."""
    return f" at {host}" if (host := urlsplit(url).netloc.rpartition("@")[2]) else ""
