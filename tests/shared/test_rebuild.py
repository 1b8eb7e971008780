"""Views built again from a log: in portions or at once the rows are the same, and a message that is read for it tells
what one tells that is read for a rule."""

from dataclasses import fields
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.catalogue import FOLDER, events
from shared.core.message import NOBODY, Actor, Message
from shared.core.personal import Personal
from shared.core.projection import Add, Drop, Put, RowOp, Table
from shared.privacy.vault import Vault
from shared.store import fill
from shared.store.codec import EventMapper, RowNotes, from_row, to_metadata
from shared.store.fill import Filler
from shared.store.rebuild import rebuild
from shared.store.replay import Bytes, Decoder, Replayed, _parked, _recorded
from shared.store.view_sql import create, statements

from .porters import bring, dumped, porter
from .trade import NOON, OrderStale

TABLES = {
    "things": Table(
        {"name": "text", "n": "bigint", "share": "float", "good": "bool", "at": "timestamptz", "more": "json",
         "words": "personal"},
        indexes=("name",),
    )
}  # fmt: skip
SEALED = Personal("", {"k": "k1", "c": "Y2lwaGVy", "a": "x"})
WHOLE = {"name": "a\tb\\n\nc\\N", "n": 7, "share": 0.1, "good": False, "at": NOON, "more": {"z": [1, None]}}
OPS: list[RowOp] = [
    Put("things", "a", {**WHOLE, "words": SEALED}),
    Put("things", "b", {"name": "", "more": None}),
    Add("things", "b", {"n": 2}),
    Add("things", "c", {"n": 5}),
    Put("things", "gone", {"name": "x"}),
    Add("things", "c", {"n": -1}),
    Put("things", "a", {"good": True, "at": None}),
    Drop("things", "gone"),
    Put("things", "again", {"name": "old", "n": 1}),
    Drop("things", "again"),
    Add("things", "again", {"n": 3}),
    Drop("things", "never"),
    Put("things", "empty", {}),
    Add("things", "a", {"n": 1}),
    Put("things", "b", {"n": 9}),
    Put("things", "nul", {"name": "\\N"}),
]


@pytest.mark.servers
@pytest.mark.parametrize("portion", [1, 2, 3, 5, 1000])
async def test_rows_are_the_same_in_portions_of_any_size_and_as_a_service_writes_them(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr(fill, "PORTION", portion)
    found = []
    async with vault.pool.connection() as conn:
        for schema in ("live", "filled"):
            await conn.execute(f"create schema {schema}".encode())
            for statement in create(TABLES, schema):
                await conn.execute(statement)
        for op in OPS:
            for statement, params in statements("live", TABLES, [op]):
                await conn.execute(statement, params)
        filler = Filler(conn, "filled", TABLES, empty=True)
        for op in OPS:
            await filler.take([op])
        await filler.end()
        for schema in ("live", "filled"):
            cursor = await conn.execute(f"select t::text from {schema}.things t order by key".encode())
            found.append(await cursor.fetchall())
    live, filled = found
    assert filled == live
    assert len(live) == 5


@pytest.mark.servers
async def test_a_rebuild_in_small_portions_has_the_bytes_of_the_live_views(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with porter(vault, "small") as service:
        await bring(service, range(20))
        live = await dumped(service)
        monkeypatch.setattr(fill, "PORTION", 7)
        await rebuild(service.log, service.views, service.views_schema)
        assert await dumped(service) == live


@pytest.mark.servers
async def test_a_rebuild_makes_the_indexes(vault: Vault) -> None:
    query = "select replace(indexdef, 'ON ', '') from pg_indexes where schemaname = %s order by indexname"
    async with porter(vault, "small") as service, vault.pool.connection() as conn:
        await bring(service, range(3))
        before = await (await conn.execute(query, (service.views_schema,))).fetchall()
        await rebuild(service.log, service.views, service.views_schema)
        assert await (await conn.execute(query, (service.views_schema,))).fetchall() == before
        assert len(before) > len(service.views.all_tables()), "more than the primary keys"


async def test_personal_text_does_not_get_into_a_plain_column_by_copy() -> None:
    line_of = fill._lines(TABLES["things"].columns)
    for column in ("name", "n", "share", "good", "at", "more"):
        with pytest.raises(TypeError, match="personal"):
            line_of("a", {column: Personal("Ayşe")})
    with pytest.raises(TypeError, match="personal column"):
        line_of("a", {"words": "Ayşe"})


def message() -> Message:
    """One in which no part of the envelope is empty."""
    return Message(
        event=OrderStale(order="o1"), id=UUID(int=7), occurred_at=NOON, heard_at=datetime(2026, 10, 27, tzinfo=UTC),
        actor=Actor("agent", "a1"), source="shop", position=5, previous=4, after={"sla": 3}, epoch=2, hash="ab",
        correlation=UUID(int=8), causation=UUID(int=9), depth=3, command=True, late=True, retry_of=UUID(int=10),
        recovered=6, trace="t", row=12,
    )  # fmt: skip


def as_bytes(of: Message, notes: RowNotes) -> Bytes:
    return Bytes(of.row, of.event.TOPIC, b'{"order":"o1"}', of.id, to_metadata(of, notes), of.heard_at)


def test_a_replayed_message_tells_what_the_message_of_its_row_tells() -> None:
    row = as_bytes(message(), RowNotes())
    replayed = Replayed(message().event, row)
    whole = from_row(_recorded(row), message().event)[0]
    assert {f.name: getattr(replayed, f.name) for f in fields(Message)} == {
        f.name: getattr(whole, f.name) for f in fields(Message)
    }
    assert whole.causation != NOBODY
    assert replayed.occurred_at == NOON


def test_a_parked_row_is_known_by_its_envelope_alone() -> None:
    assert _parked(as_bytes(message(), RowNotes(parked="ValueError")))
    assert not _parked(as_bytes(message(), RowNotes(said=2)))


@pytest.mark.parametrize("topic", events())
def test_each_event_is_read_for_a_rebuild_as_for_a_rule(topic: str) -> None:
    state = (FOLDER / "samples" / f"{topic}.json").read_bytes()
    row = Bytes(1, topic, state, UUID(int=1), b"{}", NOON)
    read, whole = Decoder()(row), EventMapper().decode(topic, UUID(int=1), state)
    assert read == whole
    assert {name: type(value) for name, value in read} == {name: type(value) for name, value in whole}
