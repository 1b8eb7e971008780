"""Read models as row operations. ``project`` maps a message to Put, Add and Drop; the same fold runs live, in a
rebuild and in a unit test. A column of type ``personal`` holds sealed text only: no table ever holds personal data in
plain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .message import Message

TYPES = {
    "text": "text", "bigint": "bigint", "bool": "boolean", "timestamptz": "timestamptz", "float": "double precision",
    "json": "jsonb", "personal": "jsonb",
}  # fmt: skip


# Row operations are not frozen: a frozen one sets its fields through `object.__setattr__`, which takes four times as
# long, and a rebuild makes millions of them.
@dataclass(slots=True)
class Put:
    """Insert the row, or overwrite the given columns of it."""

    table: str
    key: str
    columns: Mapping[str, Any]


@dataclass(slots=True)
class Add:
    """Insert the row, or add to the given number columns of it."""

    table: str
    key: str
    columns: Mapping[str, int]


@dataclass(slots=True)
class Drop:
    """Remove the row; nothing happens when there is none."""

    table: str
    key: str


RowOp = Put | Add | Drop
Project = Callable[[Message], Iterable[RowOp]]


@dataclass(frozen=True, slots=True)
class Index:
    """What a list is filtered by, then what it is ordered by: a page of it is read from one place on, without sorting.

    With ``where``, the name of a column, it holds only rows that have a value there: the others cost nothing."""

    columns: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True)
class Table:
    """``columns`` maps names to types (see TYPES); a primary key ``key text`` is implied. A ``resident`` table is
    mirrored in memory for the rules, holds open things only and no personal column. ``indexes`` are columns looked up
    by equality, or an Index: of a resident table its first column is."""

    columns: Mapping[str, str]
    resident: bool = False
    indexes: tuple[str | Index, ...] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.columns.values()) - TYPES.keys():
            raise ValueError(f"unknown column type {sorted(unknown)}; known are {sorted(TYPES)}")
        if self.resident and "personal" in self.columns.values():
            raise ValueError("a resident table cannot have a personal column: rules take texts from the event at hand")
        named = {c for index in self.all_indexes() for c in (*index.columns, index.where) if c}
        if unknown := named - {"key", *self.columns}:
            raise ValueError(f"an index of no column {sorted(unknown)}; known are key and {sorted(self.columns)}")

    def all_indexes(self) -> Iterator[Index]:
        return (Index((index,)) if isinstance(index, str) else index for index in self.indexes)


def arm(message: Message, key: str, stream: str, kind: str, due: datetime) -> Put:
    """Arm (or move) the deadline ``key``: at ``due`` the service hears ``deadline-reached {key, stream, kind, due}``,
    once."""
    return Put("deadlines", key, {"stream": stream, "kind": kind, "due": due, "armed_by": str(message.id)})


def disarm(key: str) -> Drop:
    return Drop("deadlines", key)


def attempt(
    message: Message,
    key: str,
    kind: str,
    recipient: str,
    next_attempt: datetime,
    not_after: datetime,
    tried: int = 0,
    row: int = 0,
) -> Put:
    """Open an outside effect: the sender ``kind`` gets the event of ``row`` (default: this message) when due; ``key``
    is its id."""
    return Put(
        "effects", key,
        {"kind": kind, "recipient": recipient, "row": row or message.row, "attempt": tried,
         "next_attempt": next_attempt,
         "not_after": not_after},
    )  # fmt: skip


def retry(key: str, next_attempt: datetime, tried: int) -> Put:
    """Keep the effect open and try it again at ``next_attempt``."""
    return Put("effects", key, {"next_attempt": next_attempt, "attempt": tried})


def settled(key: str) -> Drop:
    return Drop("effects", key)


Tables = dict[str, dict[str, dict[str, Any]]]


def fold(rows: Tables, ops: Iterable[RowOp]) -> None:
    """Apply operations to tables in memory, {table: {key: {column: value}}}: the whole meaning of a view."""
    for op in ops:
        table = rows.setdefault(op.table, {})
        match op:
            case Put():
                table.setdefault(op.key, {}).update(op.columns)
            case Add():
                row = table.setdefault(op.key, {})
                for column, amount in op.columns.items():
                    row[column] = (row.get(column) or 0) + amount
            case Drop():
                table.pop(op.key, None)
