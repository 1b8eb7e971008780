"""Made-up pasts: cases that intake opened, as messages, and lives of closed cases, as rows of sla's log by COPY."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql

from contracts.intake import CaseClosed, CaseOpened, CaseResolved, ReplySent
from shared.core.event import Event
from shared.core.message import Message, fresh
from shared.core.personal import Personal
from shared.privacy.vault import Vault
from shared.runtime.batch import subjects
from shared.runtime.service import Service
from shared.store.codec import EventMapper, RowNotes, Wire, to_metadata, to_wire
from shared.store.event_log import EventLog
from shared.store.rows import COLUMNS, Recorded, chain

from .concerns import CUSTOMERS, TEXTS

OWN = "ffffffff-0000-7000-8000-"
"""Begins each id of the pattern's case; in a copy its number stands there instead."""


def case_opened(number: int, ids: str) -> CaseOpened:
    return CaseOpened(
        case=f"{ids}00000000000c", customer=f"k{number % CUSTOMERS}", contact=f"p{number % CUSTOMERS}",
        number=f"V-2026-{number:06}", channel="web", subject=Personal("?"), text=Personal(TEXTS[number % len(TEXTS)]),
    )  # fmt: skip


async def opened(vault: Vault, count: int, at: datetime) -> list[Wire]:
    """So many cases as intake would publish them, the first thing it ever says."""
    mapper, wires = EventMapper(), []
    events = [case_opened(n, _ids(n)) for n in range(count)]
    keys = await vault.keys_for(subjects(events))
    for position, event in enumerate(events, start=1):
        event_id = UUID(f"{_ids(position)}000000000001")
        message = Message(
            event=event, id=event_id, occurred_at=at, heard_at=at, previous=position - 1, correlation=event_id
        )
        row = Recorded(
            originator_id=event.stream, originator_version=1, topic=event.TOPIC, id=position, event_id=event_id,
            state=mapper.encode(event, event_id, keys), metadata=to_metadata(message, RowNotes()), recorded_at=at,
            said=True,
        )  # fmt: skip
        wires.append(to_wire("intake", row))
    return wires


@dataclass(frozen=True)
class Pattern:
    """The life of one case: its rows in the log, its links, and its rows in the views as COPY has them."""

    rows: list[Recorded]
    links: list[tuple[str, int]]
    views: dict[str, bytes]


async def live(service: Service, at: datetime) -> Pattern:
    """Let sla hear one case from its opening to its end, and take what is there of it then."""
    began = service.position
    for number, (minutes, event) in enumerate(_life(at)):
        moment = at + timedelta(minutes=minutes)
        await service.handle(fresh(event, moment, id=UUID(f"{OWN}{number:012x}")))
    rows = await service.log.rows(began, 1000)
    names = {r.event_id.hex: UUID(f"{OWN}{0x100 + n:012x}").hex for n, r in enumerate(rows)}
    async with service.log.pool.connection() as conn:
        query = service.log.sql("select stream, notification_id from {s}.links where notification_id > %s")
        links = [(str(s), int(p) - began) for s, p in await (await conn.execute(query, (began,))).fetchall()]
        views = {table: await _lines(conn, service.views_schema, table) for table in service.rules.tables}
    return Pattern([_renamed(r, names) for r in rows], links, {t: lines for t, lines in views.items() if lines})


def _life(at: datetime) -> Iterator[tuple[int, Event]]:
    who = {"case": f"{OWN}00000000000c", "customer": f"{OWN}00000000000d", "contact": f"{OWN}00000000000e"}
    yield 0, case_opened(0, OWN).model_copy(update=who)
    yield 20, ReplySent(
        **who, message=f"{OWN}00000000000f", number="V-2026-000001", by="a1", channel="web",
        text=Personal("We have sent it again."), first=True,
    )  # fmt: skip
    yield 40, CaseResolved(
        **who, number="V-2026-000001", by="a1", channel="web", kind="complaint", topic=None, language="tr",
        opened_at=at, first_response_at=at + timedelta(minutes=20), team=None, agent="a1", outcome="solved",
    )  # fmt: skip
    yield 60, CaseClosed(**who, how="quiet", by="rule", outcome="solved")


async def write(log: EventLog, views_schema: str, pattern: Pattern, cases: int) -> int:
    """Copy the pattern so often behind what the log holds, with positions and chain; returns the number of rows."""
    head = await log.head()
    position, previous, said = head.position, head.hash, head.said
    async with log.pool.connection() as conn:
        async with conn.transaction(), conn.cursor() as cursor:
            into = log.sql("copy {s}.stored_events ({columns}) from stdin (format binary)")
            async with cursor.copy(into) as copy:
                copy.set_types(
                    ["int8", "text", "int8", "text", "bytea", "uuid", "bytea", "timestamptz", "bool", "bytea"]
                )
                for n in range(cases):
                    for row in pattern.rows:
                        position += 1
                        row = _copied(row, n, position, said)
                        previous = chain(previous, row)
                        said = position if row.said else said
                        await copy.write_row((*_columns(row), previous))
            async with cursor.copy(log.sql("copy {s}.links from stdin")) as copy:
                for n, first in enumerate(range(head.position, position, len(pattern.rows))):
                    for stream, at in pattern.links:
                        await copy.write_row((stream.replace(OWN, _ids(n)), first + at))
            for table, lines in pattern.views.items():
                target = sql.SQL("copy {} from stdin").format(sql.Identifier(views_schema, table))
                async with cursor.copy(target) as copy:
                    for n in range(cases):
                        await copy.write(lines.replace(OWN.encode(), _ids(n).encode()))
            query = log.sql("update {s}.head set notification_id = %s, hash = %s, said = %s")
            await cursor.execute(query, (position, previous, said))
        await conn.execute("vacuum analyze")
    return position - head.position


def _ids(number: int) -> str:
    return f"{number:08x}{OWN[8:]}"


def _renamed(row: Recorded, names: dict[str, str]) -> Recorded:
    metadata = orjson.loads(row.metadata)
    metadata = {k: names.get(v, v) if isinstance(v, str) else v for k, v in metadata.items()}
    return _with(row, metadata=orjson.dumps(metadata), event_id=UUID(names[row.event_id.hex]))


def _copied(row: Recorded, number: int, position: int, said: int) -> Recorded:
    old, new = OWN, _ids(number)
    hexes = old.replace("-", ""), new.replace("-", "")
    metadata = row.metadata.replace(hexes[0].encode(), hexes[1].encode())
    if row.said and said:
        metadata = orjson.dumps({**orjson.loads(metadata), "previous": said})
    return _with(
        row, id=position, originator_id=str(row.originator_id).replace(old, new), metadata=metadata,
        state=row.state.replace(old.encode(), new.encode()), event_id=UUID(row.event_id.hex.replace(*hexes)),
    )  # fmt: skip


def _with(row: Recorded, **changes: Any) -> Recorded:
    return Recorded(**{**row.__dict__, **changes})


def _columns(row: Recorded) -> tuple[Any, ...]:
    return tuple(getattr(row, _FIELDS.get(name, name)) for name in COLUMNS.split(", ")[:-1])


_FIELDS = {"notification_id": "id"}


async def _lines(conn: Any, schema: str, table: str) -> bytes:
    """The rows of the pattern's case, as text."""
    query = sql.SQL("copy (select * from {} t where t::text like {}) to stdout")
    async with conn.cursor() as cursor, cursor.copy(
        query.format(sql.Identifier(schema, table), sql.Literal(f"%{OWN}%"))
    ) as copy:  # fmt: skip
        return b"".join([bytes(part) async for part in copy])
