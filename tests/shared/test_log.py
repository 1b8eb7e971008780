"""The log: eventsourcing's own recorder suite, positions in commit order without gaps, and a chain that shows every
change."""

import asyncio
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from eventsourcing.persistence import (
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Tracking,
)
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
)

from shared.database import connect
from shared.log import EventLog

pytestmark = pytest.mark.servers


class Face(ProcessRecorder):
    """Our log behind eventsourcing's synchronous interface, on an event loop of its own."""

    def __init__(self, dsn: str):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._context = connect(dsn)
        self.pool = self._run(self._context.__aenter__())
        self.log = EventLog(self.pool, f"suite_{uuid.uuid4().hex[:8]}")
        self._run(self.log.create())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        self._run(self._context.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], tracking: Tracking | None = None, **_: Any
    ) -> Sequence[int] | None:
        return self._run(self.log.insert_events(stored_events, tracking)) or None

    def select_events(self, originator_id: Any, **bounds: Any) -> Sequence[StoredEvent]:
        rows = self._run(self.log.select_events(str(originator_id), **bounds))
        return [StoredEvent(originator_id, r.originator_version, r.topic, r.state) for r in rows]

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), **more: Any
    ) -> Sequence[Notification]:
        rows = self._run(self.log.select_notifications(start, limit, stop, topics, **more))
        return [Notification(uuid.UUID(r.originator_id), r.originator_version, r.topic, r.state, r.id) for r in rows]

    def max_notification_id(self) -> int | None:
        return self._run(self.log.max_notification_id())

    def insert_tracking(self, tracking: Tracking) -> None:
        self._run(self.log.insert_tracking(tracking))

    def max_tracking_id(self, application_name: str) -> int | None:
        return self._run(self.log.max_tracking_id(application_name))

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Any:
        raise NotImplementedError("a log is followed over the bus")


@pytest.fixture
def dsn(database: str, request: pytest.FixtureRequest) -> None:
    request.cls.dsn = database


class _Suite:
    dsn: str

    def create_recorder(self) -> Face:
        face = Face(self.dsn)
        self.addCleanup(face.close)  # type: ignore[attr-defined]
        return face

    def new_originator_id(self) -> uuid.UUID:
        return uuid.uuid4()


@pytest.mark.usefixtures("dsn")
class TestProcessRecorder(_Suite, ProcessRecorderTestCase):  # type: ignore[type-arg]
    pass


@pytest.mark.usefixtures("dsn")
class TestNonInterleaving(_Suite, NonInterleavingNotificationIDsBaseCase):  # type: ignore[type-arg]
    pass


@pytest.mark.usefixtures("dsn")
class TestApplicationRecorder(_Suite, ApplicationRecorderTestCase):  # type: ignore[type-arg]
    pass


del ProcessRecorderTestCase, NonInterleavingNotificationIDsBaseCase, ApplicationRecorderTestCase


async def fill(log: EventLog, count: int, name: str = "s") -> None:
    for n in range(count):
        async with log.append() as tx:
            await tx.read()
            at = datetime.now(UTC)
            tx.record(f"{name}:{n}", 1, "t.x.v1", b"{}", uuid.uuid4(), b"{}", at, said=True, also=(f"also:{name}",))


async def test_positions_are_gap_free_in_commit_order_whatever_rolls_back(pool: Any) -> None:
    log = EventLog(pool, "gapfree")
    await log.create()

    async def write(name: str) -> None:
        for n in range(20):
            try:
                async with log.append() as tx:
                    await tx.read()
                    tx.record(f"{name}:{n}", 1, "t.x.v1", b"{}", uuid.uuid4(), b"{}", datetime.now(UTC), said=True)
                    if n % 3 == 0:
                        raise RuntimeError("changed my mind")
            except RuntimeError:
                pass

    await asyncio.gather(*(write(f"w{i}") for i in range(4)))
    rows = await log.rows(0, 1000)
    assert [r.id for r in rows] == list(range(1, 4 * 13 + 1))
    assert await log.verify() == 52


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
    await fill(log, 3)
    assert [r.id for r in await log.stream("also:s")] == [1, 2, 3]
