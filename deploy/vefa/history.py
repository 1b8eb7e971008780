"""``history`` and ``why``: what happened to a case, and what led to an event."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from shared.audit.history import Happening, causes_of, history_of, texts_of
from shared.audit.logs import Seen
from shared.audit.wording import says, told

from .base import DATA, AsJson, Data, cell, instant, opened, print_json, print_table
from .lookup import CASE_HELP, stream_of, unknown

app = typer.Typer()


@app.command()
def history(
    case: Annotated[str, typer.Argument(help=CASE_HELP)],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Everything that happened to a case, over all services' logs, in time order, with the reasons; texts in plain."""
    happenings = asyncio.run(history_in(data, case))
    if as_json:
        print_json([h.as_data() for h in happenings])
        return
    print_table(
        f"History of {case}", ("recorded at", "log", "event", "what and why", "texts"),
        (
            (h.home.row.recorded_at, f"{h.home.log} {h.home.row.id}", _short(h.home), _words(h), _texts(h.home))
            for h in happenings
        ),
    )  # fmt: skip


@app.command()
def why(
    event: Annotated[str, typer.Argument(help="Id of an event")], data: Data = DATA, as_json: AsJson = False
) -> None:
    """What an event is, by which rule, policy and facts it was said, and the chain of causes up to the first."""
    try:
        wanted = UUID(event)
    except ValueError:
        raise typer.BadParameter(
            f"{event!r} is not an event id; 'vefa history CASE --json' shows ids", param_hint="EVENT"
        ) from None
    chain = asyncio.run(_causes(data, wanted))
    if not chain:
        raise LookupError(f"EVENT: no log holds {event}; 'vefa history CASE --json' shows ids")
    if as_json:
        print_json([{"link": link, **h.as_data()} for link, h in chain])
        return
    first = chain[0][1].home
    print_table(
        f"{first.row.topic} on {first.row.originator_id}, said by {first.message.actor}" if first.row.said
        else f"{first.row.topic} on {first.row.originator_id}, heard from {first.message.actor}",
        ("field", "value"), first.content.items(),
    )  # fmt: skip
    print_table(
        "Because", ("link", "recorded at", "log", "event", "what and why", "id"),
        (
            (
                link, h.home.row.recorded_at, f"{h.home.log} {h.home.row.id}", _short(h.home), _words(h),
                h.home.row.event_id,
            )
            for link, h in chain
        ),
    )  # fmt: skip


async def history_in(data: Path, case: str) -> list[Happening]:
    """Everything that happened to a case or on a stream, in order. LookupError when that is nothing."""
    async with opened(data) as logs:
        if not (found := await history_of(logs, await stream_of(logs, case))):
            raise await unknown(logs, case)
        return found


async def _causes(data: Path, wanted: UUID) -> list[tuple[str, Happening]]:
    async with opened(data) as logs:
        return await causes_of(logs, wanted)


def _short(seen: Seen) -> str:
    return f"{seen.row.topic}{f' (parked: {seen.notes.parked})' if seen.notes.parked else ''}"


def _words(h: Happening) -> str:
    """What it says in words, and the reasons that are not in them."""
    topic = h.home.row.topic
    what = told(topic, h.home.content, lambda text: cell(instant(text, "")))
    more = ", ".join(f"{name} {value}" for name, value in h.why.items() if not (what and says(topic, name)))
    return "; ".join(filter(None, (what, more)))


def _texts(seen: Seen) -> str:
    return " | ".join(t if len(t) <= 80 else f"{t[:77]}..." for t in texts_of(seen))
