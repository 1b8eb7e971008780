"""A backup back into a data folder: loaded beside what is there, looked at, then taken in one step or not at all."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from deploy.vefa.base import Failed, learn_topics, usable
from deploy.vefa.local import LocalServerError, postgres
from deploy.vefa.local.home import Home
from deploy.vefa.local.postgres import DATA, RESTORED, SUPERUSER, Postgres
from deploy.vefa.local.process import free_port
from shared.audit.logs import Logs
from shared.audit.verify import Verdict, verify
from shared.base.database import connect
from shared.privacy.master_key import MasterKey
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog

from . import secrets
from .archive import Archive, Manifest
from .dump import ends, load

FRESH = "restoring"


@dataclass
class Looked:
    """What a backup holds, as seen after it was loaded."""

    manifest: Manifest
    verdicts: list[Verdict] = field(default_factory=list)
    keys: int = 0
    """Keys of data subjects that open with the master key."""
    warnings: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return all(verdict.whole for verdict in self.verdicts)


@dataclass
class Restored(Looked):
    """What was done to a data folder."""

    kept: Path | None = None
    """Where the database that was there before lies now."""
    carried: int = 0
    """Keys that the database before knew to be destroyed since the backup, and that are destroyed again."""
    nats: Path | None = None
    """What NATS holds, which was left as it is."""


def check(file: Path, data: Path, given: Mapping[str, bytes]) -> Looked:
    """Load a backup into a PostgreSQL of its own in a temporary folder and look at all of it. Raises Failed when the
    file is not whole."""
    archive = Archive(file)
    archive.verify()
    looked = Looked(archive.manifest)
    master: MasterKey | None = None
    try:
        put, looked.warnings = secrets.chosen(archive.manifest.secrets, data, given)
        master = secrets.master_of(archive.manifest.secrets["master.key"], data, put)
    except Failed as e:
        looked.warnings = [str(e)]
    folder = Path(tempfile.mkdtemp(prefix="vefa-check-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # as root the server is somebody else
    try:
        with Home(folder / "data") as home:
            room = home.room
            try:
                with _loaded(home, archive) as server:
                    looked.keys, looked.verdicts = _examined(server, archive.manifest, master)
            finally:
                shutil.rmtree(room)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return looked


def restore(file: Path, data: Path, given: Mapping[str, bytes], *, replace: bool) -> Looked:
    """All or nothing: Restored, or what was found where a log does not verify and so nothing was replaced. Raises
    Failed or LocalServerError with the remedy when the file is not whole, a platform runs on the folder, a secret is
    missing, or there is a database already that shall not be replaced."""
    archive = Archive(file)
    archive.verify()
    _is_for_us(data)
    wanted, done = archive.manifest.secrets, Restored(archive.manifest)
    with Home(usable(data)) as home:
        put, done.warnings = secrets.chosen(wanted, data, given)
        own = home.folder("postgres")
        postgres.finish_restore(own, secrets.folder(data))
        there = (own / DATA).exists()
        if there and not replace:
            raise Failed(f"--data: {data} holds a database already; with --replace it is kept aside, or choose another")
        with _loaded(home, archive) as server:
            done.keys, done.verdicts = _examined(
                server, archive.manifest, secrets.master_of(wanted["master.key"], data, put)
            )
            if not done.whole:
                return Looked(archive.manifest, done.verdicts, done.keys, done.warnings)
            if there:
                done.carried = _carry_over(home, server, done.warnings)
            server.stop()
            server.sync()
            aside = f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
            taken = own / (aside if there else DATA)
            with secrets.installed(put, data, aside, taken.exists):
                try:
                    server.swap(aside)
                except BaseException:
                    postgres.finish_restore(own, secrets.folder(data))
                    raise
            done.kept = own / aside if there else None
        nats = home.room / "nats" / "jetstream"
        done.nats = nats if nats.exists() else None
    return done


def _is_for_us(data: Path) -> None:
    """A folder that somebody else uses gets no database."""
    if data.is_dir() and not (data / "lock").exists() and (others := {p.name for p in data.iterdir()} - {"secrets"}):
        raise Failed(f"--data: {data} holds other things ({min(others)}); choose a folder of its own")


@contextmanager
def _loaded(home: Home, archive: Archive) -> Iterator[Postgres]:
    """A PostgreSQL beside that of the platform, filled from a backup. What was not swapped in is gone afterwards."""
    own = home.folder("postgres")
    for left_behind in (FRESH, RESTORED):
        shutil.rmtree(own / left_behind, ignore_errors=True)
    manifest = archive.manifest
    server = Postgres(home, free_port(), FRESH)
    try:
        _up(server)
        ours = [role for role in manifest.roles if role.startswith("vefa_")]
        server.provide(ours)
        with psycopg.connect(server.dsn(SUPERUSER), autocommit=True) as admin:
            for role in manifest.roles:
                if role not in ours:  # a role of somebody's own: its rights come back, its password is not known here
                    admin.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        load(server.dsn(SUPERUSER), archive.chunks())
        with psycopg.connect(server.dsn(SUPERUSER)) as admin:
            if ends(admin) != dict(manifest.logs):
                raise Failed(f"FILE: {archive.path} does not hold what its manifest says; take another one")
        yield server
    finally:
        server.stop()
        shutil.rmtree(own / FRESH, ignore_errors=True)


def _up(server: Postgres) -> None:
    server.start()
    server.wait_ready()


def _examined(server: Postgres, manifest: Manifest, master: MasterKey | None) -> tuple[int, list[Verdict]]:
    """How many keys of data subjects open, and what verifying each log found. Raises Failed when one does not open."""

    async def look() -> tuple[int, list[Verdict]]:
        learn_topics()
        async with connect(server.dsn(SUPERUSER), size=3) as pool:
            vault = Vault(pool, master or MasterKey(b""))
            logs = Logs({name: EventLog(pool, name) for name in manifest.logs}, vault, vault.master)
            keys = await vault.open_all() if master else 0
            return keys, [await verify(logs, name) for name in manifest.logs]

    try:
        return asyncio.run(look())
    except PermissionError as e:
        raise Failed(f"master.key does not open the vault of the backup: {e}") from e


def _carry_over(home: Home, fresh: Postgres, warnings: list[str]) -> int:
    """Destroy the keys again that were destroyed since the backup, and revoke the tokens again, as far as the database
    that is replaced can tell; returns how many keys that were."""
    before = Postgres(home, free_port())
    try:
        _up(before)
        with psycopg.connect(before.dsn(SUPERUSER)) as conn:
            destroyed = conn.execute("select subject, destroyed_at, key_id from vault.destroyed order by n").fetchall()
            revoked = conn.execute("select token, revoked_at, by from vault.revoked").fetchall()
    except (LocalServerError, psycopg.Error) as e:
        warnings.append(
            f"the database that was here cannot be asked ({type(e).__name__}): what was erased and which tokens were"
            " revoked since the backup must be said again: vefa erase, vefa token revoke"
        )
        return 0
    finally:
        before.stop()
    with psycopg.connect(fresh.dsn(SUPERUSER)) as conn:
        return _applied(conn, destroyed, revoked)


def _applied(
    conn: psycopg.Connection[Any], destroyed: Sequence[tuple[Any, ...]], revoked: Sequence[tuple[Any, ...]]
) -> int:
    gone = conn.execute(
        "delete from vault.keys where key_id = any(%s)", ([key_id for *_, key_id in destroyed],)
    ).rowcount
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into vault.destroyed (subject, destroyed_at, key_id) values (%s, %s, %s) on conflict do nothing",
            destroyed,
        )
        cursor.executemany(
            "insert into vault.revoked values (%s, %s, %s) on conflict (token) do update"
            " set revoked_at = greatest(vault.revoked.revoked_at, excluded.revoked_at)",
            revoked,
        )
    return gone
