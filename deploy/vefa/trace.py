"""``vefa trace``: what one message set going, through all services, as a waterfall or as spans."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from shared.audit.history import OF_A_CASE
from shared.audit.logs import Logs
from shared.audit.trace import Line, Step, Trace, ids_of_trace, traces_of
from shared.audit.wording import span
from shared.base.tracing import PARENT
from shared.core.views import Views
from shared.store.codec import EventMapper

from .base import DATA, AsJson, Data, app_of, cell, console, opened, print_json, print_table
from .lookup import stream_of, unknown

WIDTH = 24
"""Characters of a bar that lasts as long as its trace."""
IN_MILLISECONDS = timedelta(seconds=10)
"""What lasts longer is told in seconds, minutes and hours."""
MORE = ", an event id or a trace id"
SUMMARY = ("begun at", "trace", "begins with", "events", "services", "took", "not as usual")
COLUMNS = ("service", "event", "at", "after cause", "since start", "from cause to event", "heard by", "not as usual")
app = typer.Typer()


@app.command()
def trace(
    case: Annotated[
        str, typer.Argument(help="Number or id of a case, another stream such as customer:ID, an event or a trace id")
    ],
    one: Annotated[str, typer.Option("--trace", help="Only this one of them; its first digits are enough")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Through which services each message of a case went, what followed from what, and how long each step took."""
    traces = [t for t in asyncio.run(_traces(data, case)) if t.id.startswith(one.lower())]
    if not traces:
        raise LookupError(f"--trace: {case} has no trace {one}; without it all of them are shown")
    if as_json:
        print_json([t.as_data() for t in traces])
        return
    if len(traces) > 1:
        print_table(f"Traces of {case}", SUMMARY, map(_summary, traces))
    for found in traces:
        console.print(_title(found), highlight=False, markup=False, soft_wrap=True)
        print_table("", COLUMNS, (_row(found, line) for line in found.lines()))


def views_of(service: str) -> Views:
    return app_of(service).views


async def _traces(data: Path, case: str) -> list[Trace]:
    async with opened(data) as logs:
        if ids := await _of_stream(logs, await stream_of(logs, case)):
            return await traces_of(logs, ids, views_of)
        name = found[1] if (found := PARENT.fullmatch(case.lower())) else case.lower()
        try:
            wanted = UUID(name)
        except ValueError:
            raise await unknown(logs, case, MORE) from None
        if traces := await traces_of(logs, [wanted], views_of):
            return traces
        if traces := await traces_of(logs, await ids_of_trace(logs, wanted.hex), views_of):
            return traces
        raise await unknown(logs, case, MORE)


async def _of_stream(logs: Logs, stream: str) -> set[UUID]:
    """Ids of all that is on a stream, and on those of its notices, surveys and the like."""
    streams, looked, ids, mapper = {stream, f"parked:{stream}"}, set[str](), set[UUID](), EventMapper()
    while more := streams - looked:
        for log in logs.by_name.values():
            for row in [row for one in sorted(more) for row in await log.stream(one)]:
                ids.add(row.event_id)
                event = mapper.to_domain_event(row)
                streams |= {s for s in (event.stream, *event.also) if s.partition(":")[0] in OF_A_CASE}
        looked |= more
    return ids


def _title(found: Trace) -> str:
    first = found.steps[0]
    caller = PARENT.fullmatch(first.message.trace)
    of_whom = f"; goes on from its caller's span {caller[2]}" if caller and not first.message.causation.int else ""
    armed = f"; a deadline armed by {found.armed_by}" if found.armed_by else ""
    events, services = _count(len(found.homes), "event"), _count(len(found.services), "service")
    return f"Trace {found.id}: {events} in {services}, {_lasted(found.took)} from {cell(found.begun)}{of_whom}{armed}"


def _summary(found: Trace) -> Sequence[object]:
    first, marks = found.steps[0], dict.fromkeys(mark for step in found.steps for mark in step.marks)
    begins = f"{first.log}: {first.row.topic}"
    return found.begun, found.id, begins, len(found.homes), len(found.services), _lasted(found.took), ", ".join(marks)


def _row(found: Trace, line: Line) -> Sequence[object]:
    home = line.home
    since = max(timedelta(0), home.at - found.begun)
    day = "" if home.at.date() == found.begun.date() else f"{home.at:%Y-%m-%d} "
    heard = ", ".join(_heard(home, one) for one in line.hearings)
    return (
        home.log, f"{'  ' * line.depth}{home.row.topic}", f"{day}{home.at:%H:%M:%S}.{home.at.microsecond // 1000:03}",
        _lasted(line.waited) if line.cause else "", _lasted(since), _bar(found, since, line.waited), heard,
        ", ".join(home.marks),
    )  # fmt: skip


def _heard(home: Step, hearing: Step) -> str:
    marks = f" ({', '.join(hearing.marks)})" if hearing.marks else ""
    return f"{hearing.log} {_lasted(max(timedelta(0), hearing.at - home.at))}{marks}"


def _bar(found: Trace, since: timedelta, waited: timedelta) -> str:
    """From its cause to it, on a scale of the whole trace."""
    whole = found.took or timedelta(microseconds=1)
    start, end = (min(WIDTH, round(WIDTH * (at / whole))) for at in (since - min(waited, since), since))
    return f"{' ' * min(start, WIDTH - 1)}{'█' * max(1, end - start)}"


def _lasted(time: timedelta) -> str:
    whole = time.total_seconds()
    return f"{whole * 1000:.0f} ms" if time < IN_MILLISECONDS else span(round(whole))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"
