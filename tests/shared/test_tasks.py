"""Background tasks end when they are told to, whatever swallows a cancellation."""

import asyncio
from contextlib import suppress

import pytest

from shared.base import tasks
from shared.base.tasks import end
from tests.waiting import PATIENCE


async def deaf(times: int) -> None:
    """Swallows so many cancellations."""
    for _ in range(times):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def failing() -> None:
    raise ValueError("broken")


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_a_task_that_swallows_cancellations_is_cancelled_again(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.01)
    task = asyncio.create_task(deaf(times))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await end(task)
    assert task.cancelled()


async def test_a_task_that_failed_before_disturbs_nobody() -> None:
    task, other = asyncio.create_task(failing()), asyncio.create_task(deaf(0))
    await asyncio.sleep(0)
    await end(task, other)
    assert task.done()
    assert other.cancelled()


async def test_there_may_be_nothing_to_end() -> None:
    await end()
