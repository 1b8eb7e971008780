"""``verify``, ``rebuild``, ``replay`` and ``lag``: whether logs are whole, views true, and everybody up to date."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from nats.errors import Error as NatsError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.audit.logs import Seen

from . import reach
from .base import (
    AGAIN,
    DATA,
    AsJson,
    Data,
    app_of,
    cell,
    console,
    instant,
    known,
    opened,
    print_json,
    print_table,
    progress_console,
    running,
)

app = typer.Typer()
Service = Annotated[str, typer.Argument(help="Name of a service")]
PAGE = 1000


@app.command()
def verify(
    service: Annotated[str, typer.Argument(help="Name of a service; all when left out")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Check hash chain, positions and gaps of logs, and what each heard with what was said. Status 1 when
    something does not fit."""
    from shared.audit.verify import Verdict
    from shared.audit.verify import verify as look

    async def verdicts() -> list[Verdict]:
        async with opened(data) as logs:
            wanted = [known(service, logs.by_name)] if service else list(logs.by_name)
            found = []
            for name in wanted:
                with bar(f"verify {name}", (await logs[name].head()).position) as advance:
                    found.append(await look(logs, name, advance))
            return found

    found = asyncio.run(verdicts())
    if as_json:
        print_json([{**asdict(v), "whole": v.whole} for v in found])
    else:
        rows = (
            (v.service, v.rows, v.compared, "whole" if v.whole else "; ".join(v.problems), v.position, v.head)
            for v in found
        )
        print_table("Logs", ("log", "rows", "compared with their publisher", "result", "head at", "head"), rows)
    if not all(v.whole for v in found):
        raise typer.Exit(1)


@app.command()
def rebuild(
    service: Service,
    check: Annotated[bool, typer.Option("--check", help="Only compare; change nothing")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Build a service's views again from its log, beside the live ones, and swap them in while it runs.

    With --check only compare, table by table, by hashes over all rows; status 1 when one differs."""
    from shared.store import rebuild as views

    app_ = app_of(service)
    schema = f"{service}_views"

    async def build() -> tuple[int, dict[str, views.Compared]]:
        async with opened(data, service) as logs:
            log = logs[service]
            with bar(f"{'check' if check else 'rebuild'} {service}", (await log.head()).position) as advance:
                if check:
                    return 0, await views.check(log, app_.views, schema, advance)
                return await views.rebuild(log, app_.views, schema, advance), {}

    position, tables = asyncio.run(build())
    if check:
        if as_json:
            print_json({
                name: {"live": t.live._asdict(), "rebuilt": t.rebuilt._asdict(), "equal": t.equal}
                for name, t in tables.items()
            })  # fmt: skip
        else:
            columns = ("table", "rows", "hash", "rows rebuilt", "hash rebuilt", "")
            rows = ((name, *t.live, *t.rebuilt, "equal" if t.equal else "DIFFERENT") for name, t in tables.items())
            print_table(f"Views of {service} against its log", columns, rows)
        if not all(table.equal for table in tables.values()):
            raise typer.Exit(1)
    elif as_json:
        print_json({"service": service, "position": position})
    else:
        console.print(f"The views of {service} were built again and stand at position {position}.")


@app.command()
def replay(
    service: Service,
    since: Annotated[str, typer.Option("--from", help="First position, or an instant (as recorded)")] = "1",
    until: Annotated[str, typer.Option("--to", help="Last position, or an instant (as recorded)")] = "",
    data: Data = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line")] = False,
) -> None:
    """Print what a log holds between two positions or instants, in order, texts in plain."""
    first, last = _bound(since, "--from"), _bound(until, "--to") if until else None
    if isinstance(first, int) and isinstance(last, int) and last < first:
        raise typer.BadParameter(f"{last} lies before --from {first}; give a later position", param_hint="--to")

    async def show() -> None:
        async for seen in _between(data, service, first, last):
            if as_json:
                print(orjson.dumps(seen.as_data(), default=str, option=orjson.OPT_UTC_Z).decode())
            else:
                way = "says " if seen.row.said else "hears"
                console.print(
                    f"{seen.row.id:>8} {cell(seen.row.recorded_at)} {way} {seen.row.topic} {cell(seen.content)}",
                    soft_wrap=True, highlight=False,
                )  # fmt: skip

    asyncio.run(show())


Bound = int | datetime


def _bound(text: str, name: str) -> Bound:
    return int(text) if text.isdecimal() else instant(text, name)


async def _between(data: Path, service: str, first: Bound, last: Bound | None) -> AsyncIterator[Seen]:
    async with opened(data, service) as logs:
        after = first - 1 if isinstance(first, int) else 0
        upto = last if isinstance(last, int) else None
        while rows := await logs[service].rows(after, PAGE, upto=upto):
            for seen in await logs.open(service, rows):
                at = seen.row.recorded_at
                if not (isinstance(first, datetime) and at < first) and not (isinstance(last, datetime) and at > last):
                    yield seen
            after = rows[-1].id


@app.command()
def lag(data: Data = DATA, as_json: AsJson = False) -> None:
    """How far each service is behind those it hears, how much it has still to publish, and what is due next."""
    told = asyncio.run(states(data))
    behind = {
        name: {
            "heard": {
                s: max(0, told[s]["said"] - state["heard"].get(s, 0))
                for s in state["sources"] if s in told and "said" in told[s]
            },
            "unpublished": max(0, state["said"] - state["relayed"]),
            **{k: state[k] for k in ("not_ready", "epoch", "leader", "position", "waiting", "effects", "next_due")},
        }
        if "said" in state
        else state
        for name, state in told.items()
    }  # fmt: skip
    if as_json:
        print_json(behind)
        return
    print_table(
        "Lag",
        ("service", "position", "not heard yet", "not published yet", "waiting", "open effects", "next deadline",
         "not ready"),
        (
            (
                name, b["position"], ", ".join(f"{s} {n}" for s, n in b["heard"].items() if n) or "nothing",
                b["unpublished"], b["waiting"], b["effects"], b["next_due"],
                b["not_ready"],
            )
            if "heard" in b else (name, b["problem"])
            for name, b in behind.items()
        ),
    )  # fmt: skip


async def states(data: Path) -> dict[str, dict[str, Any]]:
    """What each service says of itself on vefa.status.<service>, or ``problem``."""
    noted = running(data)
    client = await reach.bus(noted["nats"], f"--data {data}", AGAIN.format(data=data))

    async def ask(name: str) -> tuple[str, dict[str, Any]]:
        try:
            reply = await client.request(f"vefa.status.{name}", b"", timeout=5)
            return name, orjson.loads(reply.data)
        except NatsError as e:
            return name, {"problem": f"does not answer ({type(e).__name__})"}

    try:
        return dict(await asyncio.gather(*(ask(name) for name in noted["databases"])))
    finally:
        await client.close()


@contextmanager
def bar(title: str, total: int) -> Iterator[Any]:
    """A progress bar on the error output; what is yielded takes how many rows are done."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(
        *columns, console=progress_console, transient=True, disable=not progress_console.is_terminal
    ) as shown:
        task = shown.add_task(title, total=total)
        yield lambda done: shown.update(task, completed=done)
