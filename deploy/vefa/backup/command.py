"""``vefa backup`` and ``vefa restore``, of the embedded PostgreSQL."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from psycopg import OperationalError
from psycopg.conninfo import make_conninfo

from deploy.vefa import containers, platform, reach
from deploy.vefa.base import AGAIN, DATA, AsJson, Data, Failed, console, print_json, print_table
from deploy.vefa.local import external
from deploy.vefa.local.home import Home, password
from deploy.vefa.local.postgres import DATABASE, SUPERUSER, Postgres
from deploy.vefa.local.process import free_port
from deploy.vefa.local.servers import DATABASE_VARIABLE
from shared.base.database import reason

from . import secrets
from .archive import Manifest, Writer, private_file
from .dump import dump
from .note import note

app = typer.Typer()
HOLDS = ("all logs", "all views", "the vault: keys of data subjects, wrapped by master.key", "revoked tokens")
HOLDS_NOT = (
    "master.key and the other secrets: 'vefa keys save FILE' copies them",
    "what NATS holds: it is in the logs",
)
SECRETS = Annotated[
    Path | None,
    typer.Option("--secrets", dir_okay=False, help="Secrets that 'vefa keys save' copied, if not in --data"),
]


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="New file; default: vefa-<instant>.backup", dir_okay=False)
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for it, made if need be", file_okay=False)] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write everything that the embedded PostgreSQL holds, as of one instant, into one file; the platform may run.

    The secrets are not in it: keep them elsewhere, see 'vefa keys save'."""
    if file and to:
        raise Failed("FILE, --to: give one of them")
    target = file or (to or Path()) / f"vefa-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
    known = secrets.ids(data)
    try:
        with stopped_by_term(), _database(data) as dsn:
            if to:
                _made(to)
            with private_file(target, "FILE" if file else "--to") as out:
                writer = Writer(out)
                manifest = writer.finish(dump(dsn, writer, known))
    except OperationalError as e:  # it ended while we read
        raise Failed(f"--data {data}: PostgreSQL: {reason(e)}; {AGAIN.format(data=data)}") from e
    note(data, target, manifest)
    told = {"file": str(target), "size": target.stat().st_size, "holds": HOLDS, "holds_not": HOLDS_NOT}
    if as_json:
        print_json({**told, **manifest.model_dump()})
    else:
        _show(
            f"Backup {target}, {target.stat().st_size / 1e6:.1f} MB, as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC",
            manifest,
        )
        for title, parts in (("In it", HOLDS), ("Not in it", HOLDS_NOT)):
            console.print(f"{title}: {'; '.join(parts)}.", highlight=False)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise Failed(f"--to: {folder} cannot be made: {e.strerror}; choose another place") from e


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file of 'vefa backup'", dir_okay=False)],
    only_check: Annotated[bool, typer.Option("--check", help="Look whether it is whole, and change nothing")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Keep the database that is there aside")] = False,
    given: SECRETS = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the embedded PostgreSQL's data: all of it or nothing. The platform must not run.

    It is loaded beside what is there, and each log verified; when one is wrong, status 1 and nothing is changed.
    --check goes no further, in a PostgreSQL of its own."""
    from . import restoring

    _embedded(data)
    found = secrets.saved(given) if given else {}
    with stopped_by_term():
        if only_check:
            looked = restoring.check(file, data, found)
        else:
            looked = restoring.restore(file, data, found, replace=replace)
    problems = [problem for verdict in looked.verdicts for problem in verdict.problems]
    told: dict[str, Any] = {
        "file": str(file), "made_at": looked.manifest.made_at, "logs": looked.manifest.logs, "keys": looked.keys,
        "problems": problems, "warnings": looked.warnings,
    }  # fmt: skip
    if isinstance(looked, restoring.Restored):
        told |= {"data": data, "kept": looked.kept, "destroyed_again": looked.carried, "nats": looked.nats}
    if as_json:
        print_json(told)
    else:
        what = "is whole" if only_check else f"restored to {data}"
        if problems:
            what = "is not whole; nothing was changed, take another one"
        _show(f"Backup of {looked.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC {what}", looked.manifest)
        for line in _lines(told):
            console.print(line, highlight=False, markup=False)
    if problems:
        raise typer.Exit(1)


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['keys']} keys of data subjects open with the master key."
    if told.get("destroyed_again"):
        yield f"{told['destroyed_again']} keys that were destroyed since are destroyed again: vefa keys rotate"
    if told.get("kept"):
        yield f"The database that was here is kept in {told['kept']}, remove it when nothing is missed;"
        yield f"secrets that were replaced are kept beside the new ones, as NAME.{told['kept'].name}."
    if told.get("nats"):
        yield "What NATS holds was left: it knows what was said since. After 'vefa up', see what is lost: vefa epoch"
    for warning in told["warnings"]:
        yield f"Look: {warning}"
    for problem in told["problems"]:
        yield f"Wrong in the backup: {problem}"


def _show(title: str, manifest: Manifest) -> None:
    rows = ((name, end.epoch, end.position, end.hash[:16]) for name, end in manifest.logs.items())
    console.print(title, highlight=False, markup=False, soft_wrap=True)
    print_table("", ("log", "epoch", "position", "hash"), rows)


def _embedded(data: Path) -> None:
    """Raises Failed when the platform of this folder runs on servers of the user's own."""
    if external() or containers.reachable(data / "secrets"):
        raise Failed(f"{DATABASE_VARIABLE}: a PostgreSQL of your own is backed up by its own tools, see docs/backup.md")


@contextmanager
def stopped_by_term() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: what is half made is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _database(data: Path) -> Iterator[str]:
    """The DSN of the embedded PostgreSQL's administrator, while it runs or while we start it."""
    _embedded(data)
    try:
        noted = platform.running(data)
    except LookupError:
        with _alone(data) as dsn:
            yield dsn
        return
    place = urlsplit(next(iter(noted["databases"].values())))
    if place.username == SUPERUSER or not (place.username or "").startswith("vefa_"):
        raise Failed("--data: this platform runs on a PostgreSQL of your own, see docs/backup.md")
    yield _checked(data, place.port or 5432)


def _checked(data: Path, port: int) -> str:
    word = password(data, "postgres", SUPERUSER)
    dsn = make_conninfo(host="127.0.0.1", port=port, user=SUPERUSER, dbname=DATABASE, password=word)
    reach.postgres(dsn, f"--data {data}", AGAIN.format(data=data))
    return dsn


@contextmanager
def _alone(data: Path) -> Iterator[str]:
    """PostgreSQL without the rest, where the platform does not run."""
    note = data / "room"
    room = Path(note.read_text().strip()) if note.exists() else data
    if not (room / "postgres").exists():
        raise Failed(f"--data: {data} holds no database; start the platform once: vefa up --data {data}")
    with Home(data) as home:
        server = Postgres(home, free_port())
        server.start()
        try:
            server.wait_ready()
            yield _checked(data, server.port)
        finally:
            server.stop()
