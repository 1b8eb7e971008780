"""What a row of a log is, how it is read, and the chain over all of them."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import IntegrityError, Notification
from psycopg import AsyncCursor

GENESIS = b""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    "notification_id, originator_id, originator_version, topic, state, event_id, metadata, recorded_at, said, hash"
)
HEAD = "select notification_id, hash, epoch, said, after from {s}.head"
TRACKINGS = "select application_name, notification_id from {s}.notification_tracking"
TRACK = (
    "insert into {s}.notification_tracking as t select * from unnest(%s::text[], %s::bigint[])"
    " on conflict (application_name) do update set notification_id = excluded.notification_id"
    " where t.notification_id < excluded.notification_id"
)
STREAMS = """
with asked as (
    select a.stream, n.position, n.version, n.state from unnest(%(streams)s::text[]) as a (stream)
    left join {s}.snapshots n on n.stream = a.stream and n.fingerprint = %(fingerprint)s
), wanted as (
    select e.notification_id from asked a join {s}.stored_events e
        on e.originator_id = a.stream and e.notification_id > coalesce(a.position, 0)
    union
    select l.notification_id from asked a join {s}.links l
        on l.stream = a.stream and l.notification_id > coalesce(a.position, 0)
)
select {columns} from {s}.stored_events where notification_id in (select notification_id from wanted)
union all
select position, stream, version, '', state, '00000000-0000-0000-0000-000000000000', '', 'epoch', false, '' from asked
where position is not null
order by notification_id
"""
"""The rows of streams, and the snapshots that they go on from as rows without a topic."""


@dataclass(frozen=True, kw_only=True)
class Recorded(Notification):
    """A row of a log: eventsourcing's Notification with identity, envelope and chained hash.

    ``id`` is the position; ``metadata`` the envelope as JSON bytes; ``said`` tells own events from heard ones."""

    event_id: UUID
    metadata: bytes = b"{}"
    recorded_at: datetime
    said: bool = False
    hash: bytes = b""


@dataclass(slots=True)
class Head:
    """The end of a log: last position and hash, epoch, last said position, and the causal past {log: position}."""

    position: int
    hash: bytes
    epoch: int
    said: int
    after: dict[str, int]


def copied(head: Head) -> Head:
    """A head to move on from this one."""
    return Head(head.position, head.hash, head.epoch, head.said, dict(head.after))


def chain(previous: bytes, row: Recorded) -> bytes:
    """SHA-256 over the hash of the row before and every other column, length-prefixed, as stored: a changed, removed,
    inserted or reordered row breaks every later hash."""
    origin, topic = str(row.originator_id).encode(), row.topic.encode()
    micros = round((row.recorded_at - EPOCH).total_seconds() * 1_000_000)
    parts = (origin, topic, row.state, row.event_id.bytes, row.metadata)
    fixed = struct.pack(">qqq?", row.id, row.originator_version, micros, row.said)
    return sha256(previous + fixed + b"".join(struct.pack(">q", len(p)) + p for p in parts)).digest()


async def head_of(cursor: AsyncCursor[Any]) -> Head:
    row = await cursor.fetchone()
    if row is None:
        raise IntegrityError("the log has no head row: it was not created by Vefa, or was tampered with")
    position, hash_, epoch, said, after = row
    return Head(position, bytes(hash_), epoch, said, orjson.loads(after))


def rows_of(rows: Iterable[tuple[Any, ...]]) -> list[Recorded]:
    return [
        Recorded(
            id=position, originator_id=stream, originator_version=version, topic=topic, state=bytes(state),
            event_id=event_id, metadata=bytes(metadata), recorded_at=recorded_at.astimezone(UTC),
            said=said, hash=bytes(hash_),
        )
        for position, stream, version, topic, state, event_id, metadata, recorded_at, said, hash_ in rows
    ]  # fmt: skip
