"""``vefa state-at``: what each service knew of a case, a customer, an agent or a policy at an instant.

It is a fold of the log like everything else: of the state that the rules read where they keep one of such streams,
otherwise of the rows of tables that stand for it. Neither holds what a person wrote; a table's sealed columns are
shown as ``[personal]``."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from shared.audit.logs import Seen
from shared.core.facts import PolicyPublished
from shared.core.personal import Personal
from shared.core.projection import Tables, fold
from shared.host.app import App

from .base import DATA, AsJson, Data, app_of, console, instant, opened, print_json, print_table
from .lookup import stream_of, unknown

PERSONAL = "[personal]"
app = typer.Typer()


@app.command("state-at")
def state_at(
    case: Annotated[
        str, typer.Argument(help="Number or id of a case, or a stream: agent:ID, customer:ID, policy:SERVICE/NAME")
    ],
    time: Annotated[str, typer.Argument(help="An instant such as 2026-10-26T09:00+03:00")],
    corrected: Annotated[
        bool, typer.Option("--corrected", help="By when things happened, not by when they became known")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """What each service knew of a case at an instant (as recorded by then), or as is known today (--corrected)."""
    answer = asyncio.run(_known(data, case, instant(time, "TIME"), corrected))
    found = answer["services"]
    if as_json:
        print_json(answer)
        return
    if not found:
        console.print(f"Nothing was known of {case} at {answer['at']}.", highlight=False, markup=False)
    for name, held in found.items():
        state = held["state"]
        rows = (
            state.items() if isinstance(state, dict) else state.model_dump(mode="json", exclude_defaults=True).items()
        )
        print_table(f"{name}, after {held['events']} events, last {held['last']}", ("field", "value"), rows)


async def _known(data: Path, case: str, at: datetime, corrected: bool) -> dict[str, Any]:
    found, ever = {}, False
    async with opened(data) as logs:
        stream = await stream_of(logs, case)
        for name, log in logs.by_name.items():
            seen = await logs.open(name, await log.stream(stream))
            ever = ever or bool(seen)
            taken = [s for s in seen if not s.notes.parked]
            if corrected:
                taken = sorted(
                    (s for s in taken if s.message.occurred_at <= at), key=lambda s: (s.message.occurred_at, s.row.id)
                )
            else:
                taken = [s for s in taken if s.row.recorded_at <= at]
            if taken and (state := _state(app_of(name), stream, taken)):
                found[name] = {"events": len(taken), "last": taken[-1].row.topic, "state": state}
        if not ever:
            raise await unknown(logs, case)
    return {"stream": stream, "at": at, "corrected": corrected, "services": found}


def _state(app_: App, stream: str, taken: Sequence[Seen]) -> Any:
    """What the events of a stream make of it, None when nothing."""
    state = app_.decider.initial(stream)
    if state is not None:
        for one in taken:
            state = app_.decider.evolve(state, one.message)
        return state
    published = [s for s in taken if isinstance(s.event, PolicyPublished)]
    return _policy(published[-1]) if published else _rows(app_, stream, taken)


def _policy(seen: Seen) -> dict[str, Any]:
    e: Any = seen.event
    return {
        "name": e.name, "version": e.version, "published_at": seen.message.occurred_at, "by": e.by,
        "document": orjson.loads(e.document),
    }  # fmt: skip


def _rows(app_: App, stream: str, taken: Sequence[Seen]) -> dict[str, Any] | None:
    """{column: value} of the rows that stand for the stream itself, and {table: {key: row}} of what is open with it."""
    tables = Tables()
    for one in taken:
        fold(tables, app_.views.rows_of(one.message))
    (kind, _, name), found = stream.partition(":"), dict[str, Any]()
    for table, rows in sorted(tables.items()):
        declared = app_.views.tables.get(table)
        if declared is None:
            continue
        if name in rows:
            found |= _plain(rows[name])
        elif declared.resident and kind in declared.columns:
            its = {key: _plain(row) for key, row in sorted(rows.items()) if row.get(kind) == name}
            found |= {table: its} if its else {}
    return found or None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {column: PERSONAL if isinstance(value, Personal) else value for column, value in row.items()}
