"""A log read once more, from its bytes: what a fold does not look at is not made."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from eventsourcing.utils import resolve_topic

from shared.base.tasks import end
from shared.core.event import Event
from shared.core.instants import utc
from shared.core.message import Message

from .codec import EventMapper, from_row
from .event_log import EventLog
from .rows import Recorded

PAGE = 2000
ROWS = (
    "select notification_id, topic, state, event_id, metadata, recorded_at from {s}.stored_events"
    " where notification_id > %s and notification_id <= %s and topic = any(%s) order by notification_id limit %s"
)
PARKED = b'"parked":"'
"""Stands in the envelope of a parked row, and hardly ever in another one."""


class Bytes(NamedTuple):
    """A row as the log has it."""

    position: int
    topic: str
    state: bytes
    event_id: UUID
    metadata: bytes
    recorded_at: datetime


def _of_envelope(name: str) -> Any:
    return property(lambda self: getattr(self._whole(), name))


class Replayed(Message):
    """A message of a row. Its envelope is parsed when a fold asks for it: most look at the event and the row alone."""

    __slots__ = ("_bytes", "_made", "_occurred_at")
    _bytes: Bytes
    _made: Message | None
    _occurred_at: datetime | None

    def __init__(self, event: Event, row: Bytes):
        _set_event(self, event)
        _set_row(self, row.position)
        _set_bytes(self, row)
        _set_made(self, None)
        _set_occurred_at(self, None)

    @property
    def id(self) -> UUID:
        return self._bytes.event_id

    @property
    def heard_at(self) -> datetime:
        return self._bytes.recorded_at.astimezone(UTC)

    @property
    def occurred_at(self) -> datetime:
        if self._occurred_at is None:
            _set_occurred_at(self, utc(orjson.loads(self._bytes.metadata)["at"]))
        assert self._occurred_at is not None
        return self._occurred_at

    actor = _of_envelope("actor")
    source = _of_envelope("source")
    position = _of_envelope("position")
    previous = _of_envelope("previous")
    after = _of_envelope("after")
    epoch = _of_envelope("epoch")
    hash = _of_envelope("hash")
    correlation = _of_envelope("correlation")
    causation = _of_envelope("causation")
    depth = _of_envelope("depth")
    command = _of_envelope("command")
    resent = _of_envelope("resent")
    late = _of_envelope("late")
    retry_of = _of_envelope("retry_of")
    parked_in = _of_envelope("parked_in")
    recovered = _of_envelope("recovered")
    trace = _of_envelope("trace")

    def _whole(self) -> Message:
        if self._made is None:
            _set_made(self, from_row(_recorded(self._bytes), self.event)[0])
        assert self._made is not None
        return self._made


# A frozen class lets nothing be set in another way, and `object.__setattr__` looks each name up.
_set_event, _set_row = (Message.__dict__[name].__set__ for name in ("event", "row"))
_set_bytes, _set_made, _set_occurred_at = (
    Replayed.__dict__[name].__set__ for name in ("_bytes", "_made", "_occurred_at")
)


async def pages(log: EventLog, after: int, upto: int, topics: Sequence[str]) -> AsyncIterator[list[Replayed]]:
    """The messages of these topics that were taken in (parked ones are not), page by page in order, without personal
    text. The next page is fetched while one is folded."""
    decode = Decoder()
    fetching = asyncio.create_task(_page(log, after, upto, topics))
    try:
        while rows := await fetching:
            fetching = asyncio.create_task(_page(log, rows[-1].position, upto, topics))
            yield [Replayed(decode(row), row) for row in rows if not _parked(row)]
    finally:
        await end(fetching)


async def _page(log: EventLog, after: int, upto: int, topics: Sequence[str]) -> list[Bytes]:
    async with log.pool.connection() as conn:
        cursor = await conn.execute(log.sql(ROWS), (after, upto, list(topics), PAGE), binary=True)
        return [Bytes._make(row) for row in await cursor.fetchall()]


def _parked(row: Bytes) -> bool:
    return PARKED in row.metadata and bool(from_row(_recorded(row), None)[1].parked)


def _recorded(row: Bytes) -> Recorded:
    return Recorded(
        originator_id="", originator_version=0, topic=row.topic, state=row.state, id=row.position,
        event_id=row.event_id, metadata=row.metadata, recorded_at=row.recorded_at.astimezone(UTC),
    )  # fmt: skip


class Decoder:
    """Events from their bytes without keys, of each topic in the shortest way; equal to ``EventMapper.decode``."""

    def __init__(self) -> None:
        self._ways: dict[str, Callable[[Bytes], Event]] = {}
        self._mapper = EventMapper()

    def __call__(self, row: Bytes) -> Event:
        way = self._ways.get(row.topic)
        if way is None:
            way = self._ways[row.topic] = self._way(row.topic)
        return way(row)

    def _way(self, topic: str) -> Callable[[Bytes], Event]:
        cls: type[Event] = resolve_topic(topic)
        if cls.PERSONAL or hasattr(cls, "class_version"):
            return lambda row: self._mapper.decode(row.topic, row.event_id, row.state)
        validate = cls.__pydantic_validator__.validate_json

        def directly(row: Bytes) -> Event:
            event: Event = validate(row.state)
            return event

        return directly
