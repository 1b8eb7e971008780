"""What a commit is to write, before it is written: rows at the next positions, how far others were heard, and what the
rows mean for views."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql

from shared.core.projection import RowOp, Table

from .rows import COLUMNS, GENESIS, TRACK, Head, Recorded, chain
from .view_sql import Statement, statements

ROWS = (
    "insert into {s}.stored_events ({columns}) select * from unnest(%b::bigint[], %b::text[], %b::bigint[],"
    " %b::text[], %b::bytea[], %b::uuid[], %b::bytea[], %b::timestamptz[], %b::boolean[], %b::bytea[])"
)
LINKS = "insert into {s}.links select * from unnest(%b::text[], %b::bigint[])"
SET_HEAD = "update {s}.head set notification_id = %s, hash = %s, epoch = %s, said = %s, after = %s"
FENCE = " where notification_id = %s and hash = %s and epoch = %s and after = %s"
WITHOUT_PAST = (
    " and not exists (select from {s}.stored_events where originator_id = any(%b::text[]))"
    " and not exists (select from {s}.links where stream = any(%b::text[]))"
)
IF_MOVED = "exists (select from moved)"


@dataclass(slots=True)
class Draft:
    """``head`` is the end of the log, moved on by each row that is recorded."""

    head: Head = field(default_factory=lambda: Head(0, GENESIS, 1, 0, {}))
    rows: list[Recorded] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)
    trackings: dict[str, int] = field(default_factory=dict)
    folded: tuple[str, Mapping[str, Table], Sequence[RowOp]] = ("", {}, ())
    durable: bool = True
    """Whether the commit waits for the disk: False when nothing is recorded that an answer would rest on."""

    def record(
        self, stream: str, version: int, topic: str, state: bytes, event_id: UUID, metadata: bytes, at: datetime,
        *, said: bool, also: Iterable[str] = (),
    ) -> Recorded:  # fmt: skip
        """Add a row at the next position; nothing is written yet."""
        head = self.head
        head.position += 1
        row = Recorded(
            originator_id=stream, originator_version=version, topic=topic, state=state, id=head.position,
            event_id=event_id, metadata=metadata, recorded_at=at, said=said,
        )  # fmt: skip
        head.hash = chain(head.hash, row)
        object.__setattr__(row, "hash", head.hash)
        if said:
            head.said = row.id
        self.rows.append(row)
        self.links += [(other, row.id) for other in also if other != stream]
        return row

    def fold(self, views: str, tables: Mapping[str, Table], ops: Sequence[RowOp]) -> None:
        """What the rows mean for the tables of a views schema. Whoever writes it raises TypeError for what they cannot
        hold."""
        self.folded = (views, tables, ops)

    def of_views(self, only_if: str = "") -> list[Statement]:
        """What changes the tables of the views."""
        return statements(*self.folded, only_if)

    def set_head(self) -> tuple[Any, ...]:
        """The parameters of SET_HEAD."""
        head = self.head
        return head.position, head.hash, head.epoch, head.said, past(head)

    def of_rows(self) -> tuple[list[Any], ...]:
        """The parameters of ROWS."""
        rows = self.rows
        return (
            [r.id for r in rows], [r.originator_id for r in rows], [r.originator_version for r in rows],
            [r.topic for r in rows], [r.state for r in rows], [r.event_id for r in rows], [r.metadata for r in rows],
            [r.recorded_at for r in rows], [r.said for r in rows], [r.hash for r in rows],
        )  # fmt: skip

    def of_links(self) -> tuple[list[Any], ...]:
        """The parameters of LINKS."""
        return [stream for stream, _ in self.links], [position for _, position in self.links]

    def of_trackings(self) -> tuple[list[Any], ...]:
        """The parameters of TRACK."""
        return list(self.trackings), list(self.trackings.values())

    def in_one(self, schema: str, expected: Head, new: Sequence[str] = ()) -> Statement:
        """All of it as one statement, which does nothing and finds no row unless the log still ends as ``expected`` and
        has no row of the streams that are ``new``.

        The head comes first: whoever changes the tables of the views keeps writers away from it before."""
        has = (bool(self.rows), bool(self.links), bool(self.trackings))
        params = [*self.set_head(), expected.position, expected.hash, expected.epoch, past(expected)]
        params += (list(new), list(new)) if new else ()
        for there, more in zip(has, (self.of_rows, self.of_links, self.of_trackings), strict=True):
            params += more() if there else ()
        views = self.of_views(IF_MOVED)
        for _, columns in views:
            params += columns
        return _in_one(schema, bool(new), has, tuple(statement for statement, _ in views)), tuple(params)


def past(head: Head) -> str:
    """The causal past as the head row holds it."""
    return orjson.dumps(head.after).decode()


@lru_cache(maxsize=512)
def _in_one(schema: str, new: bool, has: tuple[bool, bool, bool], views: tuple[bytes, ...]) -> bytes:
    track, on_conflict, update = TRACK.partition(" on conflict")
    only = f" where {IF_MOVED}"
    texts = (ROWS + only, LINKS + only, track + only + on_conflict + update)
    parts = [_named(text, schema) for text, there in zip(texts, has, strict=True) if there]
    more = b"".join(b", part%d as (%s)" % (n, part) for n, part in enumerate((*parts, *views)))
    head = SET_HEAD + FENCE + (WITHOUT_PAST if new else "") + " returning true"
    return b"with moved as (" + _named(head, schema) + b")" + more + b" select from moved"


def _named(text: str, schema: str) -> bytes:
    return sql.SQL(text).format(s=sql.Identifier(schema), columns=sql.SQL(COLUMNS)).as_bytes(None)
