"""Row operations as SQL: few statements with array parameters for a whole batch."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from psycopg import sql
from pydantic import BaseModel

from shared.core.personal import Personal, personal_values
from shared.core.projection import TYPES, Add, Drop, Index, Put, RowOp, Table


def create(tables: Mapping[str, Table], schema: str) -> Iterator[sql.Composed]:
    """The statements that make every table in ``schema``, with its indexes."""
    yield from create_tables(tables, schema)
    yield from create_indexes(tables, schema)


def create_tables(tables: Mapping[str, Table], schema: str) -> Iterator[sql.Composed]:
    """Without indexes: they are made in a moment when the rows are there, and row by row before."""
    for name, table in tables.items():
        columns = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(TYPES[t])) for c, t in table.columns.items()]
        yield sql.SQL('create table {} (key text collate "C" primary key, {})').format(
            sql.Identifier(schema, name), sql.SQL(", ").join(columns)
        )


def create_indexes(tables: Mapping[str, Table], schema: str) -> Iterator[sql.Composed]:
    for name, table in tables.items():
        for index in table.all_indexes():
            on = sql.SQL(", ").join(map(sql.Identifier, index.columns))
            yield sql.SQL("create index on {} ({}){}").format(sql.Identifier(schema, name), on, _only(index))


def _only(index: Index) -> sql.Composable:
    return sql.SQL(" where {} is not null").format(sql.Identifier(index.where)) if index.where else sql.SQL("")


@dataclass(slots=True)
class Net:
    """The net effect of many operations on one row."""

    dropped: bool = False
    put: dict[str, Any] = field(default_factory=dict)
    add: dict[str, int] = field(default_factory=dict)


Nets = dict[str, dict[str, Net]]
"""{table: {key: net effect}}"""


def gather(nets: Nets, ops: Iterable[RowOp]) -> None:
    """Add the effect of operations that come after what is there."""
    for op in ops:
        rows = nets.get(op.table)
        if rows is None:
            rows = nets[op.table] = {}
        row = rows.get(op.key)
        if row is None:
            row = rows[op.key] = Net()
        match op:
            case Put():
                row.put.update(op.columns)
                if row.add:
                    for column in op.columns:
                        row.add.pop(column, None)
            case Add():
                for column, amount in op.columns.items():
                    into = row.put if column in row.put or row.dropped else row.add
                    into[column] = (into.get(column) or 0) + amount
            case Drop():
                row.dropped, row.put, row.add = True, {}, {}


Statement = tuple[bytes, tuple[list[Any], ...]]


def statements(schema: str, tables: Mapping[str, Table], ops: Iterable[RowOp], only_if: str = "") -> list[Statement]:
    """A batch of operations as few statements with array parameters: one for each set of columns that rows share. No
    row is touched by two of them, so that they may run at once. ``only_if``: an SQL condition of all of them."""
    nets: Nets = {}
    gather(nets, ops)
    return write(schema, tables, nets, only_if)


def write(schema: str, tables: Mapping[str, Table], nets: Nets, only_if: str = "") -> list[Statement]:
    """The statements of these net effects."""
    drops: dict[str, list[str]] = {}
    upserts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for table, rows in nets.items():
        types = tables[table].columns
        for key, row in rows.items():
            if not (row.put or row.add):
                if row.dropped:
                    drops.setdefault(table, []).append(key)
                continue
            # what is put after it was dropped keeps nothing of what it was
            put = {**dict.fromkeys(types), **row.put} if row.dropped else row.put
            values = (dump(types[c], v) for c, v in put.items())
            columns = (table, tuple(put), tuple(row.add))
            upserts.setdefault(columns, []).append((key, *values, *row.add.values()))
    result: list[Statement] = [(_delete(schema, t, only_if), (keys,)) for t, keys in drops.items()]
    for (table, names, add), lines in upserts.items():
        kinds = tuple(tables[table].columns[c] for c in (*names, *add))
        arrays = tuple(list(column) for column in zip(*lines, strict=True))
        result.append((_upsert(schema, table, names, add, kinds, only_if), arrays))
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
def _delete(schema: str, table: str, only_if: str) -> bytes:
    query = sql.SQL("delete from {} where key = any(%b::text[]){}")
    return query.format(sql.Identifier(schema, table), _more(" and", only_if)).as_bytes(None)


def _more(word: str, only_if: str) -> sql.Composable:
    return sql.SQL(f"{word} {only_if}" if only_if else "")


@cache
def _upsert(
    schema: str, table: str, put: tuple[str, ...], add: tuple[str, ...], types: tuple[str, ...], only_if: str
) -> bytes:
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
        sql.SQL("insert into {t} ({c}) select {p} from unnest({a}) as rows ({c}){w} on conflict (key) do {s}")
        .format(
            t=sql.Identifier(schema, table),
            c=sql.SQL(", ").join(columns),
            p=sql.SQL(", ").join(picks),
            a=sql.SQL(", ").join(arrays),
            w=_more(" where", only_if),
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
