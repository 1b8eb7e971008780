"""What every log must pass, the real one and the simulated one: eventsourcing's own recorder suite, and positions."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from eventsourcing.persistence import Notification, ProcessRecorder, StoredEvent, Tracking
from eventsourcing.tests.persistence import (
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
)

from shared.core.projection import Add, Drop, Put, RowOp, Table
from shared.core.views import Views
from shared.store.draft import Draft
from shared.store.event_log import EventLog
from shared.store.rows import Head

RECORDERS = (ProcessRecorderTestCase, NonInterleavingNotificationIDsBaseCase, ApplicationRecorderTestCase)
Opens = Callable[[], AbstractAsyncContextManager[EventLog]]
del ProcessRecorderTestCase, NonInterleavingNotificationIDsBaseCase, ApplicationRecorderTestCase


class Face(ProcessRecorder):
    """Our log behind eventsourcing's synchronous interface, on an event loop of its own."""

    def __init__(self, opens: Opens):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._context = opens()
        self.log = self._run(self._context.__aenter__())
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
        found: int | None = self._run(self.log.max_notification_id())
        return found

    def insert_tracking(self, tracking: Tracking) -> None:
        self._run(self.log.insert_tracking(tracking))

    def max_tracking_id(self, application_name: str) -> int | None:
        found: int | None = self._run(self.log.max_tracking_id(application_name))
        return found

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Any:
        raise NotImplementedError("a log is followed over the bus")


class Suite:
    """Mixed into eventsourcing's cases."""

    def opens(self) -> AbstractAsyncContextManager[EventLog]:
        raise NotImplementedError

    def create_recorder(self) -> Face:
        face = Face(self.opens)
        self.addCleanup(face.close)  # type: ignore[attr-defined]
        return face

    def new_originator_id(self) -> uuid.UUID:
        return uuid.uuid4()


async def fill(log: EventLog, count: int, name: str = "s") -> None:
    for n in range(count):
        async with log.append() as tx:
            await tx.read()
            at = datetime.now(UTC)
            tx.record(f"{name}:{n}", 1, "t.x.v1", b"{}", uuid.uuid4(), b"{}", at, said=True, also=(f"also:{name}",))


async def positions_are_gap_free_in_commit_order_whatever_rolls_back(log: EventLog) -> None:
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


async def a_stream_is_found_by_its_further_names(log: EventLog) -> None:
    await fill(log, 3)
    assert [r.id for r in await log.stream("also:s")] == [1, 2, 3]


NOON = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
VIEWS = Views({"held": Table({"count": "bigint", "what": "json", "at": "timestamptz"}, resident=True)}, lambda _: ())
SCHEMA = "standing_views"


async def what_stands_beside_the_rows_is_found(log: EventLog) -> None:
    """``log`` is called standing, and has the tables of VIEWS."""
    ids, after = [uuid.uuid4(), uuid.uuid4()], {"shop": 7}
    async with log.append() as tx:
        await tx.read()
        for n, event_id in enumerate(ids):
            tx.record(f"s:{n}", 1, "t.x.v1", b"{}", event_id, b"{}", NOON, said=True)
        tx.trackings = dict(after)
        tx.fold(SCHEMA, VIEWS.all_tables(), list(_ops()))
    async with log.append() as tx:
        read = await tx.read([ids[0], uuid.uuid4()], ["s:1"], "code", 1, (SCHEMA, ["b", "gone", "never"]))
    assert (read.seen, [row.event_id for row in read.tail], read.tracked) == ({ids[0]}, [ids[1]], after)
    assert (read.armed, [row.event_id for row in read.loaded.rows]) == ({"b": "id-b"}, [ids[1]])

    tables = VIEWS.all_tables()
    stand = await log.stand(SCHEMA, {"held": tables["held"], "parked": tables["parked"]})
    assert (stand.head, stand.tracked) == (await log.head(), after)
    assert (stand.head.position, stand.head.said, stand.head.epoch) == (2, 2, 1)
    rows = {name: dict(found) for name, found in stand.resident.items()}
    assert rows == {
        "parked": {}, "held": {"x": {"count": 5, "what": {"a": [1, None]}, "at": NOON},
                               "y": {"count": 1, "what": None, "at": None}},
    }  # fmt: skip

    assert await log.next_due(SCHEMA, "deadlines", "due") == (NOON - HOUR, 2)
    assert await log.next_due(SCHEMA, "effects", "next_attempt", ["mail"]) == (NOON, 2)
    assert await log.next_due(SCHEMA, "effects", "next_attempt", ["fax"]) == (None, 0)
    due = await log.due_deadlines(SCHEMA, NOON, 10)
    assert [(d.key, d.stream, d.due) for d in due] == [("b", "s:b", NOON - HOUR)], "those of the first instant"
    assert await log.due_deadlines(SCHEMA, NOON - HOUR, 10) == due
    assert await log.due_deadlines(SCHEMA, NOON - 2 * HOUR, 10) == []
    effects = await log.due_effects(SCHEMA, NOON, ["mail"], [], 10)
    assert [(e.key, e.recipient, e.row, e.attempt) for e in effects] == [("m", "ada", 1, 0), ("n", "ada", 2, 1)]
    assert [e.key for e in await log.due_effects(SCHEMA, NOON, ["mail"], [("m", 1, 0)], 10)] == ["n"]

    await log.keep_snapshots(2, "code", [("s:1", 1, b"{}")])
    async with log.append() as tx:
        loaded = (await tx.read(streams=["s:1"], fingerprint="code")).loaded
        assert (loaded.rows, dict(loaded.snapshots)) == ([], {"s:1": (1, 2, b"{}")})
        assert (await tx.load(["s:1"], "other code")).rows[0].event_id == ids[1]
    await log.listen("shop", "t.x.v1", 7)
    await log.listen("shop", "t.x.v1", 9)
    assert await log.listened() == {("shop", "t.x.v1")}


HOUR = timedelta(hours=1)


async def a_draft_is_written_whole_where_the_log_ends_as_expected_and_not_at_all_elsewhere(log: EventLog) -> None:
    """``log`` is called standing, and has the tables of VIEWS."""

    def draft(expected: Head, *, stream: str = "s:1", event_id: uuid.UUID | None = None, count: int = 1) -> Draft:
        made = log.draft(expected)
        made.head.after = {**expected.after, "shop": 7}
        for n in range(count):
            new = event_id or uuid.uuid4()
            made.record(stream, n + 1, "t.x.v1", b"{}", new, b"{}", NOON, said=True, also=("also:s",))
        made.trackings = {"shop": 7}
        made.fold(SCHEMA, VIEWS.all_tables(), list(_ops()))
        return made

    empty = await log.head()
    first = draft(empty, count=2)
    assert await log.put(first, empty)
    [one, two] = await log.rows(0, 10)
    assert [one.event_id, two.event_id] == [row.event_id for row in first.rows]
    head = await log.head()
    assert (head.position, head.hash, head.said, head.after) == (2, two.hash, 2, {"shop": 7})
    assert head == first.head
    assert await log.trackings() == {"shop": 7}
    assert [row.id for row in await log.stream("also:s")] == [1, 2]
    kept = dict((await log.stand(SCHEMA, {"held": VIEWS.all_tables()["held"]})).resident["held"])
    assert {key: row["count"] for key, row in kept.items()} == {"x": 5, "y": 1}
    assert await log.next_due(SCHEMA, "deadlines", "due") == (NOON - HOUR, 2)

    stale = Head(2, b"another", 1, 2, dict(head.after))
    earlier = Head(2, head.hash, 1, 2, {})
    assert not await log.put(draft(empty, stream="s:2"), empty), "the log goes on"
    assert not await log.put(draft(stale, stream="s:2"), stale), "it ends with something else: it was restored"
    assert not await log.put(draft(earlier, stream="s:2"), earlier), "somebody else has heard more"
    assert not await log.put(draft(head, stream="s:2", event_id=one.event_id), head), "the event is there already"
    assert not await log.put(draft(head, stream="s:1"), head), "the stream has a past"
    assert [row.id for row in await log.rows(0, 10)] == [1, 2]
    assert await log.head() == head
    again = dict((await log.stand(SCHEMA, {"held": VIEWS.all_tables()["held"]})).resident["held"])
    assert again == kept, "a draft that is not written leaves nothing in the views"
    assert await log.put(draft(head, stream="s:2"), head)
    again = dict((await log.stand(SCHEMA, {"held": VIEWS.all_tables()["held"]})).resident["held"])
    assert {key: row["count"] for key, row in again.items()} == {"x": 5, "y": 2}


def _ops() -> Iterator[RowOp]:
    yield Put("held", "x", {"count": 3, "what": {"a": [1, None]}})
    yield Add("held", "x", {"count": 2})
    yield Put("held", "x", {"at": NOON})
    yield Add("held", "y", {"count": 1})
    yield Put("held", "z", {"count": 1})
    yield Drop("held", "z")
    for key, due in (("a", NOON), ("b", NOON - HOUR), ("gone", NOON)):
        yield Put("deadlines", key, {"stream": f"s:{key}", "kind": "k", "due": due, "armed_by": f"id-{key}"})
    yield Drop("deadlines", "gone")
    for key, kind, row in (("m", "mail", 1), ("n", "mail", 2), ("o", "sms", 2)):
        yield Put("effects", key, {
            "kind": kind, "recipient": "ada", "row": row, "attempt": row - 1, "next_attempt": NOON,
            "not_after": NOON + HOUR,
        })  # fmt: skip
