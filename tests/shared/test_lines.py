"""The log of a process: what is said again and again is shown once a minute."""

import logging
from collections.abc import Iterator

import pytest

from shared.host.telemetry import AGAIN_SECONDS, KEPT_LINES, Seldom


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is shown of the logger ``vefa.bus``."""
    seldom = Seldom(clock)
    caplog.handler.addFilter(seldom)
    yield caplog
    caplog.handler.removeFilter(seldom)


bus = logging.getLogger("vefa.bus")


def test_a_line_that_comes_again_is_held_back_for_a_minute(clock: Clock, lines: pytest.LogCaptureFixture) -> None:
    for clock.now in range(100):
        bus.warning("%s waits", "relay")
    assert lines.messages == [
        "relay waits",
        f"relay waits ({AGAIN_SECONDS - 1:.0f} times more since it was shown last)",
    ]


def test_other_lines_are_shown(lines: pytest.LogCaptureFixture) -> None:
    for number in range(2 * KEPT_LINES):
        bus.warning("%s waits", number)
    logging.getLogger("vefa.clock").warning("0 waits")
    assert len(lines.messages) == 2 * KEPT_LINES + 1
