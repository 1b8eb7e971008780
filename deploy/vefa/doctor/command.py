"""``vefa doctor``: looks at everything that a promise depends on, and says what to do."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import typer

from deploy.vefa import reach
from deploy.vefa.audit import states
from deploy.vefa.base import AGAIN, DATA, AsJson, Data, console, opened, print_json, print_table, running

from . import bus, database, folder, services
from .finding import Finding

app = typer.Typer()


@app.command()
def doctor(data: Data = DATA, as_json: AsJson = False) -> None:
    """Look at settings, rights, secrets, clocks, versions, lag and what is parked, and say what to do. Status 1 when
    something is bad."""
    findings = asyncio.run(examine(data))
    if as_json:
        print_json([vars(f) for f in findings])
    elif wrong := [f for f in findings if f.state != "ok"]:
        title = f"{len(findings) - len(wrong)} of {len(findings)} are well"
        rows = ((f.what, f.state, f.found, f.remedy) for f in wrong)
        print_table(title, ("what", "state", "found", "what to do"), rows)
    else:
        console.print(f"{len(findings)} things were looked at; all are well.")
    if any(f.state == "bad" for f in findings):
        raise typer.Exit(1)


async def examine(data: Path) -> list[Finding]:
    """Everything, in the order of what depends on what."""
    noted = running(data)
    names = list(noted["databases"])
    found = [folder.disk(data), *folder.secrets(data)]
    async with opened(data) as logs:
        first = logs[names[0]].pool
        found += [await folder.master(data, first), await folder.erasures(first), *await folder.backup(data, first)]
        found += await database.settings(first)
        for name in names:
            found += await database.rights(logs[name].pool, name, [n for n in names if n != name])
        found += await _bus(data, noted["nats"], names)
        found += bus.syncing(data, noted["nats"])
        told = await states(data)
        found += [f for f in [services.clock(next(iter(told.values()), {}))] if f]
        if "intake" in names:
            found.append(await services.set_aside(logs["intake"].pool))
        if "router" in logs.by_name:
            found.append(await services.owners(logs["router"].pool))
        for name, state in told.items():
            found += services.standing(name, state)
            found += [
                await services.ready(name, noted["services"][name]["http"]),
                await services.parked(logs[name].pool, name),
            ]
    return found


async def _bus(data: Path, url: str, names: Iterable[str]) -> list[Finding]:
    client = await reach.bus(url, f"--data {data}", AGAIN.format(data=data))
    try:
        return await bus.stream(client, names)
    finally:
        await client.close()
