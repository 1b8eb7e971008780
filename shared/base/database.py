"""The way to PostgreSQL."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from psycopg import AsyncConnection, OperationalError, ProgrammingError
from psycopg_pool import AsyncConnectionPool
from psycopg_pool.base import AttemptWithBackoff

log = logging.getLogger("vefa")
AttemptWithBackoff.DELAY_BACKOFF = 1.0
"""A lost connection is tried again every second. The pool's own doubling would leave a service without a database for
as long again as it was away."""

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


@contextlib.asynccontextmanager
async def connect(url: str, *, size: int = 6) -> AsyncIterator[Any]:
    """A pool whose sessions cannot hold a transaction open for long, nor write without fsync."""
    options = "-c idle_in_transaction_session_timeout=10s -c synchronous_commit=on -c timezone=UTC"
    kwargs = {"autocommit": True, "options": options, "application_name": "vefa"}
    async with AsyncConnectionPool(url, kwargs=kwargs, min_size=2, max_size=size, open=False, timeout=15) as pool:
        yield pool


async def until_it_answers(url: str, name: str) -> None:
    """Returns once PostgreSQL lets us in; says why it does not. SystemExit for a URL that is none."""
    while True:
        try:
            await (await AsyncConnection.connect(url, connect_timeout=5)).close()
            return
        except ProgrammingError:  # its words repeat the URL, and with it a password
            raise SystemExit(
                "VEFA_DATABASE_URL cannot be read: write postgresql://user:password@host:port/database"
            ) from None
        except OperationalError as error:
            log.warning("%s: PostgreSQL is away (%s); tried again until it answers", name, reason(error))
            await asyncio.sleep(1)


def reason(error: BaseException) -> str:
    """The first line of what a server or a driver said, or the kind of error when it said nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
