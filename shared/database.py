"""The way to PostgreSQL."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[tuple[Any, ...]]]


@contextlib.asynccontextmanager
async def connect(url: str, *, size: int = 6) -> AsyncIterator[Any]:
    """A pool whose sessions cannot hold a transaction open for long, nor write without fsync."""
    options = "-c idle_in_transaction_session_timeout=10s -c synchronous_commit=on -c timezone=UTC"
    kwargs = {"autocommit": True, "options": options, "application_name": "vefa"}
    async with AsyncConnectionPool(url, kwargs=kwargs, min_size=2, max_size=size, open=False, timeout=15) as pool:
        yield pool
