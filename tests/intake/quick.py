"""How long something takes: the least of three times, in seconds of this process: busy neighbours count little."""

import time
from collections.abc import Callable


def seconds(call: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        call()
        return time.process_time() - began

    return min(once() for _ in range(3))
