"""Waiting in tests: as long as it takes on a busy machine. What does not come is named."""

import asyncio
import inspect
import time
from collections.abc import Callable

PATIENCE = 180.0
"""Seconds. Nobody waits for so long when all is well."""


def until_true(check: Callable[[], object], otherwise: str = "", seconds: float = PATIENCE) -> None:
    """Ask until it is so. AssertionError when time is up: it says ``otherwise``, or else what was asked."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, _told(check, otherwise, seconds)
        time.sleep(0.1)


async def until(check: Callable[[], object], otherwise: str = "", seconds: float = PATIENCE) -> None:
    """The same on a loop, in whose other tasks it comes true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, _told(check, otherwise, seconds)
        await asyncio.sleep(0.02)


def _told(check: Callable[[], object], otherwise: str, seconds: float) -> str:
    return f"{otherwise or _source(check)}, for {seconds:g} s"


def _source(check: Callable[[], object]) -> str:
    try:
        return f"not so: {' '.join(inspect.getsource(check).split())}"
    except (OSError, TypeError):
        return f"not so: {check!r}"
