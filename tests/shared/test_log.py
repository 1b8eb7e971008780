"""The log: eventsourcing's own recorder suite, positions in commit order without gaps, and a chain that shows every
change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import IntegrityError

from shared.base.database import connect
from shared.store.event_log import EventLog
from shared.store.rebuild import prepare

from . import log_suite
from .log_suite import Suite, fill

pytestmark = pytest.mark.servers
PROCESS, ORDER, APPLICATION = log_suite.RECORDERS


@pytest.fixture
def dsn(database: str, request: pytest.FixtureRequest) -> None:
    request.cls.dsn = database


class _Real(Suite):
    dsn: str

    @asynccontextmanager
    async def opens(self) -> AsyncIterator[EventLog]:
        async with connect(self.dsn) as pool:
            yield EventLog(pool, f"suite_{uuid4().hex[:8]}")


@pytest.mark.usefixtures("dsn")
class TestProcessRecorder(_Real, PROCESS):  # type: ignore[misc, valid-type]
    pass


@pytest.mark.usefixtures("dsn")
class TestNonInterleaving(_Real, ORDER):  # type: ignore[misc, valid-type]
    pass


@pytest.mark.usefixtures("dsn")
class TestApplicationRecorder(_Real, APPLICATION):  # type: ignore[misc, valid-type]
    pass


del PROCESS, ORDER, APPLICATION


async def test_positions_are_gap_free_in_commit_order_whatever_rolls_back(pool: Any) -> None:
    log = EventLog(pool, "gapfree")
    await log.create()
    await log_suite.positions_are_gap_free_in_commit_order_whatever_rolls_back(log)


@pytest.mark.parametrize(
    "tamper",
    [
        "update {s}.stored_events set state = 'x' where notification_id = 5",
        "update {s}.stored_events set metadata = 'x' where notification_id = 5",
        "update {s}.stored_events set recorded_at = recorded_at + interval '1 second' where notification_id = 5",
        "update {s}.stored_events set said = false where notification_id = 5",
        "delete from {s}.stored_events where notification_id = 5",
        "delete from {s}.stored_events where notification_id = 10",
        "update {s}.head set hash = 'x'",
    ],
)
async def test_a_changed_or_missing_row_breaks_the_chain(pool: Any, tamper: str) -> None:
    log = EventLog(pool, "chained")
    await log.create()
    await fill(log, 10)
    assert await log.verify() == 10
    async with pool.connection() as conn:
        await conn.execute(log.sql(tamper))
    with pytest.raises(IntegrityError):
        await log.verify()


async def test_a_stream_is_found_by_its_further_names(pool: Any) -> None:
    log = EventLog(pool, "linked")
    await log.create()
    await log_suite.a_stream_is_found_by_its_further_names(log)


async def test_a_draft_is_written_whole_where_the_log_ends_as_expected_and_not_at_all_elsewhere(pool: Any) -> None:
    log = EventLog(pool, "standing")
    await prepare(log, log_suite.VIEWS, log_suite.SCHEMA)
    await log_suite.a_draft_is_written_whole_where_the_log_ends_as_expected_and_not_at_all_elsewhere(log)
    assert await log.verify() == 3
    await log.rest()


async def test_what_stands_beside_the_rows_is_found(pool: Any) -> None:
    log = EventLog(pool, "standing")
    await prepare(log, log_suite.VIEWS, log_suite.SCHEMA)
    await log_suite.what_stands_beside_the_rows_is_found(log)


async def test_the_last_rows_that_it_wrote_are_the_ones_that_stand_in_it(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(pool, "recent", recent=150)
    await log.create()
    for n in range(1, 5):
        head = await log.head()
        draft = log.draft(head)
        draft.record("s:1", n, "t.x.v1", b"x" * 48, uuid4(), b"{}", datetime.now(UTC), said=True)
        assert await log.put(draft, head)
    rows = await log.rows(0, 10)
    assert await log.at([4, 1, 2, 3]) == rows
    await log.rest()
    monkeypatch.setattr(pool, "connection", None)
    assert await log.at([4, 2, 3]) == rows[1:], "three of them are within 150 bytes"
    with pytest.raises(TypeError):
        await log.at([1])
    monkeypatch.undo()
    await log.stand("recent", {})
    monkeypatch.setattr(pool, "connection", None)
    with pytest.raises(TypeError):
        await log.at([4])


async def test_a_cursor_that_is_moved_beside_commits_only_rises(pool: Any) -> None:
    log = EventLog(pool, "moved")
    await log.create()
    for position in (7, 5, 9):
        await log.track("relay", position)
        assert await log.trackings() == {"relay": max(7, position)}
