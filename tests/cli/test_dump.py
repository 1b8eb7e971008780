"""A dump beside a rebuild: views that are swapped meanwhile are dumped whole."""

import io
import subprocess
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.vefa.backup.archive import Writer
from deploy.vefa.backup.dump import dump, load
from deploy.vefa.base import Failed
from deploy.vefa.local import postgres
from shared.store import roles
from shared.store.rebuild import lock_of
from tests.waiting import until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]
LOCK = "select pg_advisory_lock(hashtext(%s))"
WAITS = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


@pytest.fixture
def filled(database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The administrator of a database with a log and a view of one row."""
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("create role vefa_dumped")
        roles.provide(database, {"intake": "vefa_dumped"}, ())
        admin.execute("insert into vault.master values (true, 'abc', now())")
        admin.execute("create schema intake_views create table cases (key text)")
        admin.execute("insert into intake_views.cases values ('before')")
        yield admin
        admin.execute("drop owned by vefa_dumped; drop role vefa_dumped")


def swap(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """What a rebuild does at its end."""
    admin.execute("create schema intake_views_next create table cases (key text)")
    admin.execute("insert into intake_views_next.cases values ('rebuilt')")
    admin.execute("alter schema intake_views rename to intake_views_old")
    admin.execute("alter schema intake_views_next rename to intake_views")


def dumped_rows(admin: psycopg.Connection[tuple[object, ...]], database: str, content: bytes) -> list[object]:
    """The rows of the view after loading a dump elsewhere."""
    name = f"{admin.info.dbname}_again"
    admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        load(make_conninfo(database, dbname=name), [content])
        with psycopg.connect(database, dbname=name) as conn:
            return [key for (key,) in conn.execute("select key from intake_views.cases").fetchall()]
    finally:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_a_dump_waits_for_the_end_of_a_rebuild(filled: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    out = io.BytesIO()
    writer = Writer(out)
    filled.execute(LOCK, (lock_of("intake_views"),))
    working = threading.Thread(target=dump, args=(database, writer, {}))
    working.start()
    until_true(lambda: filled.execute(WAITS).fetchone() == (1,), "it does not wait")
    swap(filled)
    filled.execute("select pg_advisory_unlock_all()")
    working.join()
    assert dumped_rows(filled, database, out.getvalue()[512:]) == ["rebuilt"]


def test_control_a_dump_whose_views_are_swapped_under_it_finds_them_empty(
    filled: psycopg.Connection[tuple[object, ...]], database: str
) -> None:
    _, folders = postgres.wheel()
    with psycopg.connect(database) as conn:
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        [snapshot] = conn.execute("select pg_export_snapshot()").fetchone() or ("",)
        swap(filled)
        command = [folders[0] / "pginstall/bin/pg_dump", "--format=custom", f"--snapshot={snapshot}", database]
        content = subprocess.run([*command], capture_output=True, check=True).stdout
    assert dumped_rows(filled, database, content) == []


def test_a_database_without_a_log_is_no_platform(database: str) -> None:
    with pytest.raises(Failed, match="holds no log yet"):
        dump(database, Writer(io.BytesIO()), {})


def test_what_pg_restore_complains_of_is_told(database: str) -> None:
    with pytest.raises(Failed, match="pg_restore did not end well: pg_restore: error: "):
        load(database, [b"no dump"] * 100_000)


def test_a_password_stands_on_no_command_line(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    start = subprocess.Popen

    def started(command: list[str], **options: object) -> object:
        seen.extend(command)
        return start(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", started)
    with pytest.raises(Failed):
        load(database, [b"no dump"])
    assert any("passfile" in word for word in seen)
    assert not any(str(conninfo_to_dict(database)["password"]) in word for word in seen)
