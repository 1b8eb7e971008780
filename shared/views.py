"""Read models as row operations. ``project`` maps a message to Put, Add and Drop; the same fold runs live, in a
rebuild and in a unit test. A column of type ``personal`` holds sealed text only: no table ever holds personal data in
plain."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from psycopg import sql
from pydantic import BaseModel

from .events import Event, Message, Personal, personal_values, topics_of

TYPES = {
    "text": "text", "bigint": "bigint", "bool": "boolean", "timestamptz": "timestamptz", "float": "double precision",
    "json": "jsonb", "personal": "jsonb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Put:
    """Insert the row, or overwrite the given columns of it."""

    table: str
    key: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Add:
    """Insert the row, or add to the given number columns of it."""

    table: str
    key: str
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
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


KERNEL_TABLES = {
    "policies": Table(
        {"name": "text", "version": "bigint", "document": "text", "published_at": "timestamptz"}, resident=True
    ),
    "parked": Table({"stream": "text", "count": "bigint"}, resident=True),
    "deadlines": Table({"stream": "text", "kind": "text", "due": "timestamptz", "armed_by": "text"}, indexes=("due",)),
    "effects": Table(
        {"kind": "text", "recipient": "text", "row": "bigint", "attempt": "bigint", "next_attempt": "timestamptz",
         "not_after": "timestamptz"},
        indexes=("next_attempt",),
    ),
    "losses": Table(
        {"source": "text", "epoch": "bigint", "restored_to": "bigint", "lost_to": "bigint", "began": "bigint",
         "settled": "bool"},
        resident=True,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Views:
    """The tables of one service and the fold that fills them; the kernel's own tables are added to them.

    ``reads``: what the fold looks at; nothing else is shown to it, and a rebuild does not even decode it."""

    tables: Mapping[str, Table]
    project: Project
    reads: tuple[type[Event], ...] = (Event,)

    def rows_of(self, message: Message) -> Iterable[RowOp]:
        """The row operations of one message."""
        return self.project(message) if isinstance(message.event, self.reads) else ()

    def topics(self) -> set[str]:
        """Of everything that the fold looks at."""
        return {topic for read in self.reads for topic in topics_of(read)}

    def all_tables(self) -> dict[str, Table]:
        return {**KERNEL_TABLES, **self.tables}

    def create(self, schema: str) -> Iterator[sql.Composed]:
        """The statements that make every table in ``schema``."""
        for name, table in self.all_tables().items():
            columns = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(TYPES[t])) for c, t in table.columns.items()]
            yield sql.SQL('create table {} (key text collate "C" primary key, {})').format(
                sql.Identifier(schema, name), sql.SQL(", ").join(columns)
            )
            for index in table.all_indexes():
                on = sql.SQL(", ").join(map(sql.Identifier, index.columns))
                yield sql.SQL("create index on {} ({}){}").format(sql.Identifier(schema, name), on, _only(index))


def _only(index: Index) -> sql.Composable:
    return sql.SQL(" where {} is not null").format(sql.Identifier(index.where)) if index.where else sql.SQL("")


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


@dataclass(slots=True)
class Net:
    """The net effect of many operations on one row."""

    dropped: bool = False
    put: dict[str, Any] = field(default_factory=dict)
    add: dict[str, int] = field(default_factory=dict)

    def then(self, op: RowOp) -> None:
        match op:
            case Put():
                self.put.update(op.columns)
                for column in op.columns:
                    self.add.pop(column, None)
            case Add():
                for column, amount in op.columns.items():
                    into = self.put if column in self.put or self.dropped else self.add
                    into[column] = (into.get(column) or 0) + amount
            case Drop():
                self.dropped, self.put, self.add = True, {}, {}


def net(ops: Iterable[RowOp]) -> dict[tuple[str, str], Net]:
    """One Net for each (table, key) that the operations touch."""
    touched: dict[tuple[str, str], Net] = {}
    for op in ops:
        touched.setdefault((op.table, op.key), Net()).then(op)
    return touched


Statement = tuple[bytes, tuple[list[Any], ...]]


def statements(schema: str, tables: Mapping[str, Table], ops: Iterable[RowOp]) -> list[Statement]:
    """A batch of operations as few statements with array parameters: one for each set of columns that rows share."""
    drops: dict[str, list[str]] = {}
    upserts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for (table, key), row in net(ops).items():
        types = tables[table].columns
        if row.dropped:
            drops.setdefault(table, []).append(key)
        if row.put or row.add:
            values = (dump(types[c], v) for c, v in row.put.items())
            upserts.setdefault((table, tuple(row.put), tuple(row.add)), []).append((key, *values, *row.add.values()))
    result: list[Statement] = [(_delete(schema, t), (keys,)) for t, keys in drops.items()]
    for (table, put, add), rows in upserts.items():
        kinds = tuple(tables[table].columns[c] for c in (*put, *add))
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        result.append((_upsert(schema, table, put, add, kinds), columns))
    return result


def dump(kind: str, value: Any) -> Any:
    """A value as its column type wants it: JSON as text, personal text as its sealed form."""
    if value is None:
        return None
    if kind == "personal":
        return _sealed(value)
    if kind == "json":
        return _json(value)
    if kind == "text" and not isinstance(value, str):
        return str(value)
    if isinstance(value, Personal):
        raise TypeError("personal text in a plain column; declare the column as 'personal'")
    return value


def _sealed(value: Any) -> str:
    if not isinstance(value, Personal) or value.sealed is None:
        raise TypeError("a personal column takes the Personal field of the event at hand, unchanged")
    return _json(dict(value.sealed))


JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS
"""Subclasses are passed on: orjson would write personal text, a kind of ``str``, in plain."""


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=_plain_json, option=JSON).decode()
    except orjson.JSONEncodeError as e:
        raise TypeError(str(e.__cause__ or e)) from e


def _plain_json(value: Any) -> Any:
    if isinstance(value, Personal):
        raise TypeError("personal text in a JSON column; declare a column of its own as 'personal'")
    if isinstance(value, BaseModel):
        if next(personal_values(value), None):
            raise TypeError(f"personal text within {type(value).__name__} in a JSON column; take its plain parts")
        return value.model_dump(mode="json")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


@cache
def _delete(schema: str, table: str) -> bytes:
    return sql.SQL("delete from {} where key = any(%b::text[])").format(sql.Identifier(schema, table)).as_bytes(None)


@cache
def _upsert(schema: str, table: str, put: tuple[str, ...], add: tuple[str, ...], types: tuple[str, ...]) -> bytes:
    names = [sql.Identifier(c) for c in (*put, *add)]
    arrays = [sql.SQL(f"{_form(t)}::{_wire(t)}[]") for t in ("text", *types)]
    picks = [sql.SQL("key")] + [
        sql.SQL("{}::jsonb").format(n) if _wire(t) != TYPES[t] else n for n, t in zip(names, types, strict=True)
    ]
    sets = [sql.SQL("{c} = excluded.{c}").format(c=sql.Identifier(c)) for c in put]
    sets += [
        sql.SQL("{c} = coalesce({t}.{c}, 0) + excluded.{c}").format(c=sql.Identifier(c), t=sql.Identifier(table))
        for c in add
    ]
    columns = [sql.Identifier("key"), *names]
    return (
        sql.SQL("insert into {t} ({c}) select {p} from unnest({a}) as rows ({c}) on conflict (key) do {s}")
        .format(
            t=sql.Identifier(schema, table),
            c=sql.SQL(", ").join(columns),
            p=sql.SQL(", ").join(picks),
            a=sql.SQL(", ").join(arrays),
            s=sql.SQL("update set {}").format(sql.SQL(", ").join(sets)),
        )
        .as_bytes(None)
    )


def _form(kind: str) -> str:
    """Texts and instants go in binary: in text each would be searched for what must be escaped. Numbers stay text, so
    that one with a fraction is refused by a column of whole ones and not rounded."""
    return "%b" if _wire(kind) in ("text", "timestamptz") else "%s"


def _wire(kind: str) -> str:
    """jsonb arrays are slow to send (15,000 rows/s): texts are sent and cast by the server."""
    return "text" if TYPES[kind] == "jsonb" else TYPES[kind]
