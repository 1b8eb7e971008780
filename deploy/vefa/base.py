"""What the commands share: the data folder, the logs of a running platform, rows in plain, output as table or JSON."""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from psycopg import OperationalError
from rich.console import Console
from rich.table import Column, Table

from deploy.vefa.local.home import make_data_dir
from shared.audit.logs import Logs
from shared.base.database import reason
from shared.core.instants import utc
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog

if TYPE_CHECKING:
    from shared.host.app import App

Data = Annotated[
    Path,
    typer.Option("--data", envvar="VEFA_DATA", file_okay=False, help="Folder with the data of the embedded servers"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")]
DATA = Path(".vefa")
AGAIN = "if the platform was killed, start it again with: vefa up --data {data}"
WIDE = 200
"""Columns where the output is no terminal: a file or a pipe cuts nothing off."""
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE)
progress_console = Console(stderr=True)


class Failed(Exception):
    """A command could not do what was asked; its text names what is wrong and what would help."""


@asynccontextmanager
async def opened(data: Path, *only: str) -> AsyncIterator[Logs]:
    """The logs of these services, or of all. Raises LookupError when no platform runs or a service is unknown, Failed
    when its database is not there."""
    from shared.base.database import connect

    from . import reach

    databases: dict[str, str] = running(data)["databases"]
    for name in only:
        known(name, databases)
    reach.postgres(databases[next(iter(only or databases))], f"--data {data}", AGAIN.format(data=data))
    learn_topics()
    async with AsyncExitStack() as stack:
        pools: dict[str, Any] = {}
        for url in (databases[name] for name in only or databases):
            if url not in pools:
                pools[url] = await stack.enter_async_context(connect(url, size=3))
        logs = {name: EventLog(pools[databases[name]], name) for name in only or databases}
        master = MasterKey.in_folder(master_folder(data))
        try:
            yield Logs(logs, Vault(next(iter(pools.values())), master), master)
        except OperationalError as e:  # it ended while we read
            raise Failed(f"--data {data}: PostgreSQL: {reason(e)}; {AGAIN.format(data=data)}") from e


def master_folder(data: Path) -> Path:
    """Where master.key lies: with the other secrets, or where a service is told to look for it."""
    return Path(os.environ.get("VEFA_MASTER", data / "secrets"))


def running(data: Path) -> dict[str, Any]:
    """What a running platform noted of itself, or what secrets in a container say of it; LookupError with the remedy
    when none runs."""
    from . import containers, platform

    return containers.reachable(data / "secrets") or platform.running(data)


def usable(data: Path) -> Path:
    """The absolute path of a data folder that is there, made if need be; Failed when it cannot be."""
    try:
        make_data_dir(data.absolute())
    except OSError as e:
        raise Failed(f"--data: {data} cannot be made: {e.strerror}; choose another folder") from e
    return data.absolute()


def confirm(question: str, yes: bool) -> None:
    """Asks before what cannot be undone, unless ``yes`` was said. Failed where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed("--yes: nobody can be asked here (no terminal); repeat it with --yes when that is the one")
    typer.confirm(question, abort=True, err=True)


def app_of(service: str) -> "App":
    """The declaration of a service; LookupError names those that there are."""
    from . import services

    return services.app_of(service)


def known(service: str, there: Iterable[str]) -> str:
    """The name itself; LookupError names what there is."""
    if service not in there:
        raise LookupError(f"SERVICE: {service!r} does not run here; there are {', '.join(there)}")
    return service


def learn_topics() -> None:
    """Import every contract, so that each topic in a log can be read."""
    import contracts

    for module in iter_modules(contracts.__path__):
        import_module(f"contracts.{module.name}")


def instant(text: str, name: str) -> datetime:
    """An instant from the command line; a wrong one is named with its argument."""
    try:
        return utc(text)
    except ValueError as e:
        raise typer.BadParameter(f"{e}; write an instant like 2026-10-26T09:00+03:00", param_hint=name) from None


def print_json(value: Any) -> None:
    print(orjson.dumps(value, default=_other, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())


def _other(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console.print(table)


def cell(value: Any) -> str:
    """A value in a table: an instant in UTC to the second, a structure as JSON."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    text = (
        json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else "" if value is None else str(value)
    )
    return text.replace("[", "\\[")
