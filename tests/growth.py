"""Whether something takes time in proportion to what it reads, on however busy a machine: no seconds are compared,
only a whole with a tenth of it."""

import time
from collections.abc import Callable

PROPORTION, SQUARE = 10, 100
"""What a whole costs beside its tenth when time grows with the size, and with its square."""
LIMIT = (PROPORTION * SQUARE) ** 0.5
TRIES = 12
LEAST = 0.001
"""Seconds below which nothing is told apart."""


def in_proportion(read: Callable[[int], object], size: int = 100_000) -> bool:
    """Whether ``read`` of ``size`` takes less than 32 times as long as of a tenth; the least of several tries counts,
    for busy neighbours only lengthen."""
    part = whole = float("inf")
    for _ in range(TRIES):
        part = min(part, _seconds(read, size // 10))
        whole = min(whole, _seconds(read, size))
        if whole < LIMIT * max(part, LEAST):
            return True
    return False


def _seconds(read: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    read(size)
    return time.process_time() - began
