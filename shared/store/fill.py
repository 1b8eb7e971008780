"""Tables filled from a fold: rows are gathered in memory and written in portions, so that memory stays bounded."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from psycopg import AsyncConnection, sql

from shared.core.personal import Personal
from shared.core.projection import RowOp, Table

from .view_sql import Nets, dump, gather, write

PORTION = 50_000
"""Rows of tables in memory; at 2 KiB each about 100 MiB."""
PLAIN = frozenset({str, type(None)})
KNOWN = "select key from {} where key = any(%b::text[])"


class Filler:
    """``take`` operations in order, ``end`` writes what is left. With ``empty`` the tables have no rows yet and no
    other writer: what is new goes by COPY, which a connection in pipeline mode cannot do."""

    def __init__(self, conn: AsyncConnection[Any], schema: str, tables: Mapping[str, Table], *, empty: bool):
        self._conn, self._schema, self._tables, self._empty = conn, schema, tables, empty
        self._nets: Nets = {}
        self._filled = set[str]()

    async def take(self, ops: Iterable[RowOp]) -> None:
        gather(self._nets, ops)
        if sum(map(len, self._nets.values())) >= PORTION:
            await self.end()

    async def end(self) -> None:
        nets, self._nets = self._nets, {}
        if self._empty:
            for name, rows in nets.items():
                known = await self._known(name, rows)
                await self._copy(name, {key: row for key, row in rows.items() if key not in known})
                nets[name] = {key: rows[key] for key in known}
                self._filled.add(name)
        for statement, params in write(self._schema, self._tables, nets):
            await self._conn.execute(statement, params)

    async def _known(self, name: str, rows: Mapping[str, Any]) -> set[str]:
        """Which of these keys an earlier portion wrote."""
        if name not in self._filled:
            return set()
        query = sql.SQL(KNOWN).format(sql.Identifier(self._schema, name))
        return {key for (key,) in await (await self._conn.execute(query, (list(rows),))).fetchall()}

    async def _copy(self, name: str, rows: Mapping[str, Any]) -> None:
        columns = self._tables[name].columns
        into = sql.SQL("copy {} ({}) from stdin").format(
            sql.Identifier(self._schema, name), sql.SQL(", ").join(map(sql.Identifier, ("key", *columns)))
        )
        line_of = _lines(columns)
        async with self._conn.cursor() as cursor, cursor.copy(into) as copy:
            for key, row in rows.items():
                if row.put or row.add:
                    await copy.write_row(line_of(key, {**row.put, **row.add} if row.add else row.put))


def _lines(columns: Mapping[str, str]) -> Callable[[str, Mapping[str, Any]], list[Any]]:
    """Makes the values of a row as COPY takes them: those that ``dump`` would leave alone are not shown to it."""
    names, kinds = tuple(columns), ("text", *columns.values())
    dumped = [(n, kind) for n, kind in enumerate(kinds) if kind in ("json", "personal")]
    texts = [n for n, kind in enumerate(kinds) if kind == "text"]

    def line_of(key: str, row: Mapping[str, Any]) -> list[Any]:
        line = [key, *map(row.get, names)]
        if Personal in map(type, line) or (texts and not PLAIN.issuperset(map(type, map(line.__getitem__, texts)))):
            return [dump(kind, value) for kind, value in zip(kinds, line, strict=True)]
        for n, kind in dumped:
            line[n] = dump(kind, line[n])
        return line

    return line_of
