"""``vefa parked``: facts that a rule could not take in, what stopped them, and hearing them again."""

import asyncio
from typing import Annotated, Any

import typer
from psycopg import sql

from shared.audit.logs import Logs
from shared.core.facts import EventParked, EventUnparked
from shared.runtime.parking import retry_parked
from shared.store.event_log import EventLog

from .base import DATA, AsJson, Data, app_of, console, known, opened, print_json, print_table
from .epoch import may_write

app = typer.Typer(no_args_is_help=True, help="Facts on which a rule failed: they wait to be tried again")
Service = Annotated[str, typer.Argument(help="Name of a service")]
Stream = Annotated[str, typer.Argument(help="A stream such as case:ID")]


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """Every stream of every service in which something is parked."""

    async def find() -> list[dict[str, Any]]:
        async with opened(data) as logs:
            return [
                {"service": name, "stream": stream, **await _why(logs, name, stream)}
                for name, log in logs.by_name.items()
                for stream in await _streams(log)
            ]

    found = asyncio.run(find())
    if as_json:
        print_json(found)
    elif not found:
        console.print("Nothing is parked.")
    else:
        columns = ("service", "stream", "parked", "topic", "error", "where", "remedy")
        print_table("Parked", columns, ([f[c] for c in columns] for f in found))


@app.command()
def show(service: Service, stream: Stream, data: Data = DATA, as_json: AsJson = False) -> None:
    """What is parked in a stream, in order, with the reason; texts in plain."""

    async def find() -> list[dict[str, Any]]:
        async with opened(data, service) as logs:
            await _demand(logs, service, stream)
            said = {e.parked: e for e in await _parkings(logs, service, stream)}
            rows = await logs.open(service, await logs[service].stream(stream))
            return [
                {"why": said[str(s.row.event_id)].model_dump(mode="json"), **s.as_data()}
                for s in rows
                if str(s.row.event_id) in said
            ]

    found = asyncio.run(find())
    if as_json:
        print_json(found)
        return
    print_table(
        f"Parked in {stream} of {service}", ("position", "event", "reason", "error", "where", "content"),
        (
            (f["position"], f["topic"], f["why"]["reason"], f["why"]["error"], f["why"]["where"], f["event"])
            for f in found
        ),
    )  # fmt: skip


@app.command()
def retry(service: Service, stream: Stream, data: Data = DATA, as_json: AsJson = False) -> None:
    """Hear the parked events of a stream again, in order, until one raises again; status 1 when one does."""

    async def heard_again() -> list[tuple[str, str]]:
        app_ = app_of(service)
        async with opened(data) as logs:
            await _demand(logs, known(service, logs.by_name), stream)
            await may_write(data, logs, service)
            runtime = app_.service_on(logs[service], logs.vault_of(service))
            await runtime.start()
            try:
                return await retry_parked(runtime, stream)
            finally:
                await runtime.stop()

    results = asyncio.run(heard_again())
    if as_json:
        print_json([{"event": event, "result": result} for event, result in results])
    else:
        print_table(f"Heard again by {service}", ("event", "result"), results)
    if any(result != "heard" for _, result in results):
        raise typer.Exit(1)


async def _streams(log: EventLog) -> list[str]:
    query = sql.SQL("select key from {} where count > 0 order by key").format(
        sql.Identifier(f"{log.schema}_views", "parked")
    )
    async with log.pool.connection() as conn:
        return [str(key) for (key,) in await (await conn.execute(query)).fetchall()]


async def _demand(logs: Logs, service: str, stream: str) -> None:
    there = await _streams(logs[service])
    if stream not in there:
        raise LookupError(
            f"STREAM: nothing is parked in {stream!r} of {service}; parked are {', '.join(there) or 'none'}"
        )


async def _parkings(logs: Logs, service: str, stream: str) -> list[EventParked]:
    """What is parked and was not heard again, in order."""
    rows = await logs.open(service, await logs[service].stream(f"parked:{stream}"))
    events = [s.event for s in rows]
    through = {e.parked for e in events if isinstance(e, EventUnparked)}
    return [e for e in events if isinstance(e, EventParked) and e.parked not in through]


async def _why(logs: Logs, service: str, stream: str) -> dict[str, Any]:
    waiting = await _parkings(logs, service, stream)
    first = waiting[0]
    return {
        "parked": len(waiting), "topic": first.parked_topic, "reason": first.reason, "error": first.error,
        "where": first.where, "remedy": first.remedy,
    }  # fmt: skip
