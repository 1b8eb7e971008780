"""How long something takes: the least of three times, or of thirteen, in seconds of this process: busy neighbours count
little."""

import time
from collections.abc import Callable

DOUBTFUL = 0.05
"""Seconds of which a busy machine may have made the most: then it is tried more often."""


def seconds(call: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        call()
        return time.process_time() - began

    found = min(once() for _ in range(3))
    return found if found < DOUBTFUL else min(found, *(once() for _ in range(10)))
