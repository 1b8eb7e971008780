"""The database out to a file and back, by PostgreSQL's own pg_dump and pg_restore."""

import importlib.metadata
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.vefa.base import Failed
from deploy.vefa.local import postgres
from shared.store.rebuild import lock_of

from .archive import CHUNK, LogEnd, Manifest, Writer

UNFINISHED = ("_next", "_old", "_check")
"""What a rebuild makes beside the views, and drops again."""


def dump(dsn: str, out: Writer, secrets: Mapping[str, str]) -> Manifest:
    """Everything that the database holds as of one instant, while others go on writing. ``secrets``: see Manifest."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        logs = _logs(conn)
        for schema in logs:  # no view is swapped meanwhile: its new rows would not be in our snapshot
            conn.execute("select pg_advisory_lock_shared(hashtext(%s))", (lock_of(f"{schema}_views"),))
        conn.execute("set idle_in_transaction_session_timeout = 0")
        conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
        with conn.transaction():
            [snapshot] = conn.execute("select pg_export_snapshot()").fetchone() or ("",)
            manifest = _described(conn, logs, secrets)
            left_out = [f"--exclude-schema={schema}_views{end}" for schema in logs for end in UNFINISHED]
            options = ["--format=custom", "--compress=gzip:1", "--no-unlogged-table-data", f"--snapshot={snapshot}"]
            with _running("pg_dump", dsn, [*options, *left_out]) as pipe:
                while chunk := pipe.read(CHUNK):
                    out.write(chunk)
    return manifest


def load(dsn: str, chunks: Iterable[bytes]) -> None:
    """Fill an empty database, in one transaction. Its roles must be there."""
    with _running("pg_restore", dsn, ["--single-transaction"], takes=True) as pipe:
        for chunk in chunks:
            pipe.write(chunk)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("analyze")


def ends(conn: psycopg.Connection[Any]) -> dict[str, LogEnd]:
    """The end of every log of a database."""
    query = sql.SQL("select epoch, notification_id, said, encode(hash, 'hex') from {}")
    found = {}
    for schema in _logs(conn):
        row = conn.execute(query.format(sql.Identifier(schema, "head"))).fetchone()
        assert row is not None
        found[schema] = LogEnd(epoch=row[0], position=row[1], said=row[2], hash=row[3])
    return found


def _logs(conn: psycopg.Connection[Any]) -> list[str]:
    tables = conn.execute("select schemaname from pg_tables where tablename = 'stored_events' order by 1")
    return [str(schema) for (schema,) in tables]


def _described(conn: psycopg.Connection[Any], logs: Iterable[str], secrets: Mapping[str, str]) -> Manifest:
    if not logs or not conn.execute("select to_regclass('vault.master')").fetchone() == ("vault.master",):
        raise Failed("--data: the database holds no log yet; start the platform once: vefa up")
    [master] = conn.execute("select id from vault.master").fetchone() or ("",)
    [keys] = conn.execute("select count(*) from vault.keys").fetchone() or (0,)
    roles = conn.execute("select rolname from pg_roles where rolname !~ '^pg_' and rolname <> current_user order by 1")
    return Manifest(
        made_at=datetime.now(UTC), vefa=importlib.metadata.version("vefa"),
        postgresql=conn.execute("show server_version").fetchone()[0],  # type: ignore[index]
        roles=tuple(name for (name,) in roles), logs=ends(conn), keys=keys,
        secrets={**secrets, "master.key": master},
    )  # fmt: skip


@contextmanager
def _running(program: str, dsn: str, options: list[str], *, takes: bool = False) -> Iterator[IO[bytes]]:
    """A program of PostgreSQL and the pipe that it gives to, or takes from; Failed with its complaint when it does not
    end well. The password goes by a file: a command line is open to everybody."""
    known = conninfo_to_dict(dsn)
    _, folders = postgres.wheel()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        secret, place = Path(folder) / "password", {name: str(value) for name, value in known.items()}
        secret.touch(0o600)
        secret.write_text(f"*:*:*:*:{place.pop('password')}\n")
        target = make_conninfo("", **place, passfile=str(secret))
        command = [str(folders[0] / "pginstall" / "bin" / program), f"--dbname={target}", *options]
        end, none = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(  # noqa: S603
            command,
            stdin=end if takes else none,
            stdout=none if takes else end,
            stderr=said,
            env={"LC_ALL": "C", "PATH": os.defpath},
        ) as process:
            stream = process.stdin if takes else process.stdout
            assert stream is not None
            broken = None
            try:
                yield stream
                stream.close()
            except BrokenPipeError as e:  # it gave up before it had taken all
                broken = e
                with suppress(BrokenPipeError):
                    stream.close()
            except BaseException:
                process.kill()
                raise
        if process.returncode or broken:
            said.seek(0)
            complaint = said.read().decode("utf-8", "replace").strip().splitlines() or [f"status {process.returncode}"]
            raise Failed(f"{program} did not end well: {complaint[0]}")
