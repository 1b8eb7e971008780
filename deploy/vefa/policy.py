"""``vefa policy``: what is in force, whether a file would be accepted, putting it in force, who changed it and why."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
import yaml
from psycopg import sql
from psycopg.rows import dict_row
from rich.console import Console

from shared.audit.logs import Logs
from shared.core.facts import PolicyPublished

from . import knowing, services
from .base import DATA, AsJson, Data, app_of, console, opened, print_json, print_table, progress_console, running
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
    """Whether a file would be accepted, and what in it nothing knows; needs no running platform.

    Names are compared with the documents that ship with the services, beside a running platform with those in force
    there."""
    found = read(app_of(service), file, name)
    warnings = asyncio.run(_warnings(data, service, found))
    if as_json:
        print_json({"service": service, "name": found.name, "valid": True, "warnings": warnings})
        return
    console.print(f"{file} is a valid {found.name} of {service}.")
    _tell(console, warnings)


def _tell(where: Console, warnings: list[str]) -> None:
    for warning in warnings:
        where.print(f"But {warning}", highlight=False, markup=False, soft_wrap=True)


async def _warnings(data: Path, service: str, found: Document) -> list[str]:
    """What of a document cannot work as things stand."""
    kind = found.name.partition("/")[0]
    try:
        there: Mapping[str, Any] = running(data)["databases"]
    except LookupError:
        there = {}
    shipped = _shipped()
    if service not in there:
        return list(knowing.warnings(kind, found.document, _known(found, shipped)))
    async with opened(data) as logs:
        known = _known(found, shipped, await _in_force(logs))
        known.pop("skill", None)  # which of them somebody has is known here
        warnings, app_ = list(knowing.warnings(kind, found.document, known)), app_of(service)
        if of_service := app_.warnings.get(kind):
            runtime = app_.service_on(logs[service], logs.vault_of(service))
            await runtime.load_resident()
            warnings += of_service(runtime.memory, found.document)
    return warnings


def _known(
    found: Document, shipped: Mapping[str, Any], in_force: Mapping[str, Any] | None = None
) -> dict[str, set[str]]:
    """All names that a document and the others make known; ``shipped`` and ``in_force``: documents by name."""
    known: dict[str, set[str]] = {}
    for name, document in shipped.items():
        for _, what, value in knowing.referred(name.partition("/")[0], document):
            if what == "tier":  # a customer's may also come from another system of the company
                known.setdefault(what, set()).add(value)
    for name, document in {**shipped, **(in_force or {}), found.name: found.document}.items():
        for what, value in knowing.defined(name.partition("/")[0], name, document):
            known.setdefault(what, set()).add(value)
    return known


def _shipped() -> dict[str, Any]:
    """The documents that ship with the services, by name."""
    found = dict[str, Any]()
    for service in services.names():
        with suppress(LookupError):  # it has no rules here
            app_ = app_of(service)
            parsers = app_.document_parsers()
            found |= {name: parsers[name.partition("/")[0]](text) for name, text in app_.shipped().items()}
    return found


async def _in_force(logs: Logs) -> dict[str, Any]:
    """The documents in force on a running platform, by name."""
    found = dict[str, Any]()
    for service, log in logs.by_name.items():
        parsers = app_of(service).document_parsers()
        query = sql.SQL("select name, document from {} where key = name")
        async with log.pool.connection() as conn:
            cursor = await conn.execute(query.format(sql.Identifier(f"{service}_views", "policies")))
            rows = await cursor.fetchall()
        found |= {name: parsers[name.partition("/")[0]](text) for name, text in rows}
    return found


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
    _tell(progress_console, asyncio.run(_warnings(data, service, found)))
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
