"""What docs/backup.md says to do on a PostgreSQL of one's own, with its own tools."""

import gzip
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.vefa.local import postgres
from shared.store import roles

pytestmark = [pytest.mark.long, pytest.mark.servers]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backup.md").read_text()
ROW, CARD = "zqvefaloggedrow", "zqvefapersonalcard"


def told(program: str) -> list[str]:
    """The options that the page gives to a program of PostgreSQL, without its comment."""
    found = re.search(rf"{program} (--[^#`]+)", PAGE.replace("\n", " "))
    assert found
    return [word for word in found[1].split() if word.startswith("--")]


def run(program: str, *options: str) -> None:
    _, folders = postgres.wheel()
    done = subprocess.run(
        [folders[0] / "pginstall/bin" / program, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def own(database: str) -> Iterator[str]:
    """A database as ``vefa provide`` leaves it, with a row in a log and a personal view."""
    with psycopg.connect(database, autocommit=True) as conn:
        conn.execute("create role vefa_own")
        roles.provide(database, {"intake": "vefa_own"}, ())
        conn.execute("insert into intake.hears values (%s, 'x', 0)", (ROW,))
        conn.execute("create schema intake_personal create unlogged table card (word text)")
        conn.execute("insert into intake_personal.card values (%s)", (CARD,))
        conn.execute("checkpoint")
        yield database
        conn.execute("drop owned by vefa_own; drop role vefa_own")


@pytest.fixture
def empty(own: str) -> Iterator[str]:
    """Another database, to restore to."""
    name = f"{conninfo_to_dict(own)['dbname']}_again"
    with psycopg.connect(own, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield make_conninfo(own, dbname=name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_a_dump_comes_back_with_its_rights_and_without_personal_views(own: str, empty: str, tmp_path: Path) -> None:
    values = {"--file=vefa.dump": f"--file={tmp_path / 'vefa.dump'}"}
    run("pg_dump", *(values.get(word, word) for word in told("pg_dump")), own)
    roles.provide(empty, {"intake": "vefa_own"}, ())
    options = [word for word in told("pg_restore") if not word.startswith("--dbname")]
    run("pg_restore", *options, f"--dbname={empty}", str(tmp_path / "vefa.dump"))
    with psycopg.connect(empty) as conn:
        assert conn.execute("select source from intake.hears").fetchall() == [(ROW,)]
        assert conn.execute("select word from intake_personal.card").fetchall() == []
        may = (
            "select has_table_privilege('vefa_own', 'intake.stored_events', p) from unnest(array['INSERT', 'DELETE']) p"
        )
        assert conn.execute(may).fetchall() == [(True,), (False,)]


def test_control_a_dump_without_the_option_holds_the_personal_view(own: str, tmp_path: Path) -> None:
    run("pg_dump", f"--file={tmp_path / 'with'}", own)
    run("pg_dump", f"--file={tmp_path / 'without'}", "--no-unlogged-table-data", own)
    found = [word in (tmp_path / name).read_text() for name in ("with", "without") for word in (ROW, CARD)]
    assert found == [True, True, True, False]


def test_a_base_backup_holds_no_personal_view(own: str, tmp_path: Path) -> None:
    values = {"--pgdata=BASE": f"--pgdata={tmp_path / 'base'}"}
    run("pg_basebackup", f"--dbname={own}", *(values.get(word, word) for word in told("pg_basebackup")))
    with gzip.open(tmp_path / "base" / "base.tar.gz") as packed, tarfile.open(fileobj=packed) as tar:
        parts = [content.read() for member in tar if (content := tar.extractfile(member))]
    found = [any(word.encode() in part for part in parts) for word in (ROW, CARD)]
    assert found == [True, False]
