"""``vefa policy``: what is in force, whether a file would be accepted, putting it in force, who changed it and why."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from contracts.kernel import PolicyPublished

from .base import DATA, AsJson, Data, app_of, console, opened, print_json, print_table, running
from .calls import call
from .documents import Document, read

app = typer.Typer(no_args_is_help=True, help="Policy documents: the rules of the company as versioned data")
Service = Annotated[str, typer.Argument(help="Name of a service")]
File = Annotated[Path, typer.Argument(help="The document, YAML or JSON")]
Name = Annotated[str, typer.Option("--name", help="Its name, such as calendar/tr; needed when the service has several")]


@app.command()
def show(
    service: Service,
    name: Annotated[str, typer.Argument(help="Name of a policy; a list of all when left out")] = "",
    version: Annotated[int | None, typer.Option(min=1, help="A version; the one in force when left out")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """The policies in force, or the document of one, as YAML."""

    async def rows() -> list[dict[str, Any]]:
        query = sql.SQL("select * from {} where key = case when %s = '' then name else %s end order by key")
        async with opened(data, service) as logs, logs[service].pool.connection() as conn:
            cursor = conn.cursor(row_factory=dict_row)
            key = f"{name}@{version}" if version else name
            await cursor.execute(query.format(sql.Identifier(f"{service}_views", "policies")), (name, key))
            return await cursor.fetchall()

    found = asyncio.run(rows())
    if not name:
        listed = [{k: row[k] for k in ("name", "version", "published_at")} for row in found]
        if as_json:
            print_json(listed)
        else:
            print_table(
                f"Policies of {service}", ("name", "version", "in force since"), (list(r.values()) for r in listed)
            )
        return
    if not found:
        which = f" in version {version}" if version else ""
        raise LookupError(f"NAME: {service} has no policy {name!r}{which}; 'vefa policy show {service}' lists them")
    document = json.loads(found[0]["document"])
    if as_json:
        print_json({k: found[0][k] for k in ("name", "version", "published_at")} | {"document": document})
    else:
        print(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), end="")


@app.command()
def check(service: Service, file: File, name: Name = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Whether a file would be accepted; needs no running platform. Where one runs, what of it cannot work there."""
    found = read(app_of(service), file, name)
    doubts = asyncio.run(_doubts(data, service, found))
    if as_json:
        print_json({"service": service, "name": found.name, "valid": True, "doubts": doubts})
        return
    console.print(f"{file} is a valid {found.name} of {service}.")
    for doubt in doubts or ():
        console.print(f"But {doubt}", highlight=False, markup=False, soft_wrap=True)


async def _doubts(data: Path, service: str, found: Document) -> list[str] | None:
    """What of a document cannot work as things stand; None where nothing stands or nothing is doubted."""
    app_ = app_of(service)
    doubts = app_.doubts.get(found.name.partition("/")[0])
    try:
        if not doubts or service not in running(data)["databases"]:
            return None
    except LookupError:
        return None
    async with opened(data, service) as logs:
        runtime = app_.service_on(logs[service], logs.vault_of(service))
        await runtime.load_resident()
        return list(doubts(runtime.memory, found.document))


@app.command()
def publish(
    service: Service,
    file: File,
    reason: Annotated[str, typer.Option(help="Why, for those who come after")],
    name: Name = "",
    by: Annotated[str, typer.Option(help="Agent id of the author")] = "admin",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Put a file in force as the next version; what was decided before keeps its version."""
    found = read(app_of(service), file, name)
    body = {"document": json.loads(found.text), "reason": reason}
    said = call(data, service, "PUT", f"/{service}/policies/{quote(found.name)}", body, by)
    if as_json:
        print_json(said)
    else:
        console.print(f"{said['name']} of {service} is in force in version {said['version']}.")


@app.command()
def history(
    service: Service,
    name: Annotated[str, typer.Argument(help="Name of a policy")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Every version of a policy: when, by whom and why."""

    async def versions() -> list[dict[str, Any]]:
        async with opened(data, service) as logs:
            seen = await logs.open(service, await logs[service].stream(f"policy:{service}/{name}"))
            return [
                {"at": s.row.recorded_at, "id": s.row.event_id, **s.content}
                for s in seen
                if isinstance(s.event, PolicyPublished)
            ]

    found = asyncio.run(versions())
    if not found:
        raise LookupError(f"NAME: {service} has no policy {name!r}; 'vefa policy show {service}' lists them")
    if as_json:
        print_json([{**v, "document": json.loads(v["document"])} for v in found])
    else:
        rows = ((v["version"], v["at"], v["by"], v["reason"]) for v in found)
        print_table(f"{name} of {service}", ("version", "since", "by", "why"), rows)
