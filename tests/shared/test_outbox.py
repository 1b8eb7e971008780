"""What was said and is kept in memory for the relay: only what follows without a gap on what was relayed."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.runtime.outbox import MAX_BYTES, Outbox
from shared.store.rows import Recorded


def row(position: int, *, said: bool = True, size: int = 2) -> Recorded:
    return Recorded(
        id=position, originator_id="s:1", originator_version=position, topic="t.x.v1", state=b"x" * size,
        event_id=uuid4(), metadata=b"{}", recorded_at=datetime(2026, 10, 26, tzinfo=UTC), said=said,
    )  # fmt: skip


def positions(rows: list[Recorded]) -> list[int]:
    return [row.id for row in rows]


def test_said_rows_follow_on_what_was_relayed_and_are_given_until_they_were() -> None:
    outbox = Outbox()
    outbox.add(0, [row(1, said=False), row(2), row(3)])
    outbox.add(3, [row(4, said=False), row(5)])
    assert positions(outbox.after(0, 10)) == [2, 3, 5]
    assert positions(outbox.after(0, 2)) == [2, 3], "what could not be relayed is given again"
    assert positions(outbox.after(3, 10)) == [5]
    assert outbox.after(5, 10) == []


def test_rows_behind_what_another_process_said_are_given_once_that_was_relayed() -> None:
    outbox = Outbox()
    outbox.add(0, [row(1)])
    outbox.add(7, [row(9)])
    assert positions(outbox.after(0, 10)) == [1]
    assert outbox.after(1, 10) == [], "the log has what stands between"
    assert positions(outbox.after(7, 10)) == [9]


def test_it_forgets_everything_rather_than_grow() -> None:
    outbox = Outbox()
    outbox.add(0, [row(1, size=MAX_BYTES // 2), row(2, size=MAX_BYTES // 2)])
    assert outbox.after(0, 10) == []
    outbox.add(2, [row(3)])
    assert outbox.after(0, 10) == []
    assert positions(outbox.after(2, 10)) == [3]
    outbox.clear()
    assert outbox.after(2, 10) == []
