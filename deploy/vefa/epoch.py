"""``vefa epoch`` and ``vefa reconcile``: what to do when a database was restored behind what others know of its log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from nats.aio.client import Client

from shared.audit.logs import Logs
from shared.bus.reconcile import LogHealth, health_of
from shared.bus.reconcile import begin as begin_epoch
from shared.bus.reconcile import reconcile as reconcile_log
from shared.core.facts import EpochBegan, EpochReconciled
from shared.core.instants import utc
from shared.core.world import Refused
from shared.runtime.service import Service

from . import reach
from .audit import states
from .base import AGAIN, DATA, AsJson, Data, Failed, app_of, console, known, opened, print_json, print_table
from .base import running as noted_by

app = typer.Typer(help="Epochs of logs: which log is behind what others know of it after a restore, and how it goes on")
alone = typer.Typer()
Which = Annotated[str, typer.Argument(help="Name of a service; all when left out", metavar="[SERVICE]")]


@app.callback(invoke_without_command=True)
def epoch(context: typer.Context, data: Data = DATA, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        show("", data, as_json)


@app.command()
def show(service: Which = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """The epoch of each log, who knows more of it than it holds, and what of it is lost. Status 1 when one is not
    whole."""

    async def look() -> list[LogHealth]:
        async with _met(data, service) as (logs, client, names):
            return [await health_of(logs.by_name, name, client) for name in names]

    found = asyncio.run(look())
    if as_json:
        print_json([{**asdict(s), "remedy": _remedy(s)} for s in found])
    else:
        columns = ("log", "epoch", "says up to", "state", "what to do")
        print_table("Epochs", columns, ((s.service, s.epoch, s.ends, _state(s), _remedy(s)) for s in found))
    if any(_remedy(s) for s in found):
        raise typer.Exit(1)


@app.command()
def new(service: Which = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Let a log that was restored behind others go on, above every position that anybody knows of it.

    A log that is not behind is left alone. What lies between is lost until it is reconciled."""

    async def begin() -> dict[str, EpochBegan | None]:
        async with _met(data, service) as (logs, client, names):
            found = {}
            for name in names:
                async with _runtime(logs, name) as runtime:
                    found[name] = await begin_epoch(runtime, logs.by_name, client, await _now(data, name))
            return found

    began = _carried_out(begin())
    if as_json:
        print_json({name: event and event.model_dump() for name, event in began.items()})
        return
    for name, event in began.items():
        if event is None:
            console.print(f"The log of {name} is not behind anybody: nothing to do.")
        else:
            console.print(
                f"The log of {name} goes on in epoch {event.epoch} at {event.lost_to + 1}. {event.lost_from} to"
                f" {event.lost_to} are lost; bring them back with: vefa reconcile {name}"
            )


@alone.command()
def reconcile(
    service: Which = "",
    give_up: Annotated[bool, typer.Option("--give-up", help="Bring nothing back; record that it is given up")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Bring back what a log lost in a restore, from the copies on the stream and in the logs of its listeners.

    Events keep their ids and get new positions. Then the service hears again, and deadlines and effects that waited
    go on. With --give-up nothing is brought back: what was said then may be said once more."""

    async def settle() -> dict[str, EpochReconciled | None]:
        async with _met(data, service) as (logs, client, names):
            if behind := [n for n in names if (await health_of(logs.by_name, n, client)).behind]:
                raise Failed(f"the log of {behind[0]} is behind others; first: vefa epoch new {behind[0]}")
            found = {}
            for name in names:
                async with _runtime(logs, name) as runtime:
                    now = await _now(data, name)
                    found[name] = await reconcile_log(runtime, logs.by_name, client, now, give_up=give_up)
            return found

    settled = _carried_out(settle())
    if as_json:
        print_json({name: event and event.model_dump() for name, event in settled.items()})
        return
    for name, event in settled.items():
        if event is None:
            console.print(f"The log of {name} has lost nothing: nothing to do.")
        else:
            console.print(f"{name}: {event.recovered} events were brought back, {event.given_up} are given up.")


@asynccontextmanager
async def _met(data: Path, service: str) -> AsyncIterator[tuple[Logs, Client, list[str]]]:
    """Every log, the bus, and the names of the services that are meant."""
    async with opened(data) as logs:
        names = [known(service, logs.by_name)] if service else list(logs.by_name)
        client = await reach.bus(noted_by(data)["nats"], f"--data {data}", AGAIN.format(data=data))
        try:
            yield logs, client, names
        finally:
            await client.close()


async def may_write(data: Path, logs: Logs, service: str) -> None:
    """Return when a command may write to a log by itself. Raises Failed with what is to be done first where the log is
    behind what others know of it, or has lost something that is not settled."""
    client = await reach.bus(noted_by(data)["nats"], f"--data {data}", AGAIN.format(data=data))
    try:
        found = await health_of(logs.by_name, service, client)
    finally:
        await client.close()
    if remedy := _remedy(found):
        raise Failed(f"the log of {service} was restored ({_state(found)}); first: {remedy}")


@asynccontextmanager
async def _runtime(logs: Logs, name: str) -> AsyncIterator[Service]:
    """The rules of a service over its log, beside the service that runs: the head row puts both in one order. Who
    else is at it is waited for: two that bring back the same count it differently."""
    runtime, lock = app_of(name).service_on(logs[name], logs.vault_of(name)), (f"epoch {name}",)
    async with logs[name].pool.connection() as conn:
        await conn.execute("select pg_advisory_lock(hashtext(%s))", lock)
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop()
            await conn.execute("select pg_advisory_unlock(hashtext(%s))", lock)


async def _now(data: Path, service: str) -> datetime:
    """By the platform's clock where the service answers."""
    told = (await states(data)).get(service, {})
    return utc(told["now"]) if "now" in told else datetime.now(UTC)


def _carried_out(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except Refused as e:
        raise Failed(f"{e.text}; {e.remedy}") from e


def _state(found: LogHealth) -> str:
    if found.known:
        return "behind: " + ", ".join(f"{who} knows {position}" for who, position in found.known.items())
    if not found.agrees:
        return "behind: it says something else at positions that others heard"
    if found.lost:
        held = ", ".join(f"{count} by {who}" for who, count in found.held.items()) or "none"
        return f"lost {found.lost[0]} to {found.lost[1]}; held: {held}"
    return "whole"


def _remedy(found: LogHealth) -> str:
    if found.behind:
        return f"vefa epoch new {found.service}"
    return f"vefa reconcile {found.service}" if found.lost else ""
