"""What happened is shown whole and in order, whatever the order of its rows."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.vefa.lookup import stream_of
from shared.audit.history import Happening, in_order
from shared.audit.logs import Logs
from shared.base.database import connect
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog

BEGIN = datetime(2026, 11, 25, tzinfo=UTC)


def happening(id: int, log: str, position: int, cause: int = 0, second: int = 0) -> Happening:
    row = SimpleNamespace(event_id=UUID(int=id), id=position, recorded_at=BEGIN + timedelta(seconds=second))
    message = SimpleNamespace(causation=UUID(int=cause), depth=0)
    return Happening(cast(Any, SimpleNamespace(log=log, row=row, message=message)))


def ids(found: list[Happening]) -> list[int]:
    return [h.home.row.event_id.int for h in found]


def test_a_command_repeated_after_its_consequences_were_brought_back_hides_nothing() -> None:
    opened = happening(2, "intake", 429, cause=1, second=5)
    queued = happening(3, "router", 442, cause=2, second=6)
    repeated = happening(1, "intake", 617, second=50)
    assert ids(in_order([repeated, queued, opened])) == [2, 3, 1]


@given(st.dictionaries(st.integers(1, 8), st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9))))
def test_each_is_shown_once_whatever_leads_to_what(rows: Mapping[int, tuple[str, int, int]]) -> None:
    found = [happening(i, log, i, cause, second) for i, (log, cause, second) in rows.items()]
    assert sorted(ids(in_order(found))) == sorted(rows)


def test_a_cause_comes_before_its_effect_where_a_clock_is_late() -> None:
    assert ids(in_order([happening(2, "router", 1, cause=1), happening(1, "intake", 1, second=9)])) == [1, 2]


async def test_a_number_that_a_restore_gave_twice_is_answered_with_the_ids(database: str) -> None:
    async with connect(database, size=2) as pool:
        async with pool.connection() as conn:
            await conn.execute("create schema intake_views")
            await conn.execute("create table intake_views.cases (key text, number text)")
            await conn.execute("insert into intake_views.cases values ('b', 'V-2026-000042'), ('a', 'V-2026-000042')")
        logs = Logs({"intake": EventLog(pool, "intake")}, Vault(pool, MasterKey(b"")), MasterKey(b""))
        with pytest.raises(LookupError, match="V-2026-000042 is the number of 2 cases; give an id: a, b"):
            await stream_of(logs, "V-2026-000042")
