"""Background tasks, and how they end."""

import asyncio
from typing import Any

PATIENCE_SECONDS = 5.0
"""So long a task has for its own cleaning up before it is cancelled again."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel them until each has ended. One cancellation may not be enough: the ``asyncio.wait_for`` of Python 3.11,
    which libraries call, swallows one that comes in the moment its own wait is over."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=PATIENCE_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
