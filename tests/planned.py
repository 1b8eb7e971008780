"""How PostgreSQL would answer what a route asks: its plans, without their times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from psycopg import sql

from shared.core.projection import Put
from shared.edge.edge import Edge
from shared.store.view_sql import statements

PAGE = 200


@dataclass(frozen=True)
class Plan:
    """Of one query: its nodes."""

    query: str
    nodes: tuple[dict[str, Any], ...]

    def of(self, table: str) -> list[dict[str, Any]]:
        return [node for node in self.nodes if node.get("Relation Name") == table]

    def whole(self, table: str) -> list[str]:
        """What goes through every row of a table, or puts more rows in order than a page has."""
        sorts = [n["Node Type"] for n in self.nodes if n["Node Type"] == "Sort" and n["Plan Rows"] > PAGE]
        return sorts + [n["Node Type"] for n in self.of(table) if n["Node Type"] == "Seq Scan"]

    def indexes(self, table: str) -> list[str]:
        """By which a table is read, also those that find places first and rows later."""
        named = (str(node.get("Index Name", "")) for node in self.nodes)
        return [name for name in named if name.startswith(f"{table}_")]


@dataclass
class Planned:
    """The plans of everything that was asked through an Edge since it was last cleared."""

    plans: list[Plan] = field(default_factory=list)

    def on(self, table: str) -> list[Plan]:
        return [plan for plan in self.plans if plan.of(table)]


def watch(monkeypatch: pytest.MonkeyPatch) -> Planned:
    """Each query of a route is explained before it is asked."""
    seen, asked = Planned(), Edge.rows

    async def rows(edge: Edge, query: str, *params: Any) -> list[dict[str, Any]]:
        explained = sql.SQL("explain (format json) " + query).format(views=sql.Identifier(edge.service.views_schema))
        async with edge.service.log.pool.connection() as conn:
            [[[told]]] = await (await conn.execute(explained, params)).fetchall()
        seen.plans.append(Plan(query, tuple(_nodes(told["Plan"]))))
        return await asked(edge, query, *params)

    monkeypatch.setattr(Edge, "rows", rows)
    return seen


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


async def fill(edge: Edge, table: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Put rows into a view as a commit does, and let PostgreSQL count what is in it."""
    schema = edge.service.views_schema
    tables = edge.service.views.all_tables()
    async with edge.service.log.pool.connection() as conn:
        for statement, params in statements(schema, tables, (Put(table, key, columns) for key, columns in rows)):
            await conn.execute(statement, params)
        await conn.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, table)))
