"""The way to PostgreSQL back after an outage."""

from psycopg_pool import pool_async

import shared.database
from shared.database import reason


def test_a_lost_connection_is_tried_again_every_second_however_long_the_server_is_away() -> None:
    assert shared.database
    attempt, now = pool_async.AttemptWithBackoff(timeout=300), 0.0
    for _ in range(200):
        attempt.update_delay(now)
        assert attempt.delay < 1.2
        now += attempt.delay


def test_the_reason_is_the_first_line_of_what_was_said_or_the_kind_of_error() -> None:
    assert reason(OSError("no route.\nDETAIL: none")) == "no route"
    assert reason(TimeoutError()) == "TimeoutError"
