"""The way to PostgreSQL back after an outage."""

import pytest
from psycopg_pool import pool_async

import shared.base.database
from shared.base.database import reason, until_it_answers


def test_a_lost_connection_is_tried_again_every_second_however_long_the_server_is_away() -> None:
    assert shared.base.database
    attempt, now = pool_async.AttemptWithBackoff(timeout=300), 0.0
    for _ in range(200):
        attempt.update_delay(now)
        assert attempt.delay < 1.2
        now += attempt.delay


def test_the_reason_is_the_first_line_of_what_was_said_or_the_kind_of_error() -> None:
    assert reason(OSError("no route.\nDETAIL: none")) == "no route"
    assert reason(TimeoutError()) == "TimeoutError"


async def test_a_url_that_is_none_ends_the_service_and_is_not_repeated() -> None:
    with pytest.raises(SystemExit, match="VEFA_DATABASE_URL") as ended:
        await until_it_answers("postgres//vefa:secret@db/vefa", "sla")
    assert "secret" not in str(ended.value)
