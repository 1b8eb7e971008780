"""Every view of every service after a play of the demo: filled live, folded in memory and built again it has the same
rows."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from deploy.vefa.base import learn_topics
from deploy.vefa.local import Servers
from deploy.vefa.services import ORDER, app_of, names
from shared.base.database import Pool, connect
from shared.core.builtin import project_kernel
from shared.core.projection import Tables, fold
from shared.core.views import Views
from shared.store.codec import EventMapper, from_row
from shared.store.event_log import EventLog
from shared.store.rebuild import check, rebuild
from shared.store.view_sql import dump
from tests.running import ROOT

pytestmark = [pytest.mark.long, pytest.mark.servers]
CONCERNS = 12
Rows = dict[str, dict[str, dict[str, Any]]]
"""{table: {key: {column: value}}}"""


@pytest.fixture(scope="module")
def played(open_folder: Path) -> Iterator[Servers]:
    """The servers of a demo that is over: each table as its service left it."""
    folder = open_folder / "played"
    command = [sys.executable, "-m", "deploy.vefa", "demo", "--json", "--limit", str(CONCERNS), "--data", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    learn_topics()
    with Servers.start(folder, names()) as servers:
        yield servers


async def stored(pool: Pool, views: Views, schema: str) -> Rows:
    """What the tables of a schema hold."""
    found: Rows = {}
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        for table in views.all_tables():
            await cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, table)))
            found[table] = {row.pop("key"): row for row in await cursor.fetchall()}
    return found


async def folded(log: EventLog, views: Views) -> Rows:
    """The tables that the rows of a log make in memory, each value as its column would hold it; each row is read whole
    here, unlike in a rebuild."""
    tables, mapper = Tables(), EventMapper()
    for row in await log.rows(0, 1_000_000):
        message, notes = from_row(row, mapper.decode(row.topic, row.event_id, row.state))
        if not notes.parked:
            fold(tables, (*project_kernel(message), *views.rows_of(message)))
    return {
        name: {key: kept(table.columns, row) for key, row in tables.get(name, {}).items()}
        for name, table in views.all_tables().items()
    }


def kept(columns: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    values = {column: dump(kind, row.get(column)) for column, kind in columns.items()}
    sealed = {c: orjson.loads(v) for c, v in values.items() if v is not None and columns[c] in ("json", "personal")}
    return values | sealed


@pytest.mark.parametrize("service", names())
async def test_a_view_has_the_same_rows_live_in_memory_and_rebuilt(played: Servers, service: str) -> None:
    views, schema = app_of(service).views, f"{service}_views"
    async with connect(played.postgres_dsn(service)) as pool:
        log = EventLog(pool, service)
        live, in_memory = await stored(pool, views, schema), await folded(log, views)
        compared = await check(log, views, schema)
        await rebuild(log, views, schema)
        rebuilt = await stored(pool, views, schema)
    assert service not in ORDER or any(live[table] for table in views.tables), "the play has rows of every service"
    for table in views.all_tables():
        assert in_memory[table] == live[table], f"{table}: in memory, live"
        assert rebuilt[table] == live[table], f"{table}: rebuilt, live"
        assert compared[table].equal, f"{table}: checked"
        assert compared[table].live.rows == len(live[table])
