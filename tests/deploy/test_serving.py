"""``vefa provide`` and ``vefa serve`` as containers run them: settings from files, one process, ready and stopped."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from deploy.vefa import reach
from deploy.vefa.base import Failed
from deploy.vefa.containers import provide, reachable
from deploy.vefa.local import Servers
from deploy.vefa.local.process import free_port
from shared.edge.tokens import public_key
from tests.running import ROOT
from tests.waiting import PATIENCE, until_true

pytestmark = [pytest.mark.long, pytest.mark.servers]


@pytest.fixture
def secrets(servers: Servers, database: str, tmp_path: Path) -> Iterator[Path]:
    """Those that the containers of intake, of ``provide`` and of the command would be given."""
    for key in ("index.key", "link.key", "token.key"):
        (tmp_path / key).write_bytes(os.urandom(32))
    (tmp_path / "token.pub").write_bytes(public_key((tmp_path / "token.key").read_bytes()))
    (tmp_path / "vefa_database_url").write_text(f"{database}\n")
    (tmp_path / "vefa_nats_url").write_text(f"{servers.nats_url('ops')}\n")
    let_in(tmp_path, "first")
    yield tmp_path
    with psycopg.connect(database, autocommit=True) as admin:
        if admin.execute("select 1 from pg_roles where rolname = 'own_intake'").fetchone():
            admin.execute("drop owned by own_intake; drop role own_intake")


def let_in(secrets: Path, password: str) -> str:
    """The URL of intake's role with a password."""
    admin = (secrets / "vefa_database_url").read_text().strip()
    server = admin.partition("@")[2]
    url = f"postgresql://own_intake:{password}@{server}"
    (secrets / "intake.database").write_text(f"{url}\n")
    return url


@contextmanager
def serving(secrets: Path) -> Iterator[dict[str, str]]:
    """intake as in its container; its environment."""
    environment = {"VEFA_SECRETS": str(secrets), "VEFA_SERVICE": "intake", "VEFA_HTTP_PORT": str(free_port())}
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.vefa", "serve"], cwd=ROOT, env=os.environ | environment
    ) as process:
        try:
            yield environment
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def healthy(environment: dict[str, str]) -> bool:
    command = [sys.executable, "-I", "-S", ROOT / "deploy" / "health.py"]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def test_a_service_is_provided_for_and_serves_until_it_is_told_to_stop(servers: Servers, secrets: Path) -> None:
    provide(secrets)
    own = secrets / "intake.database"
    own.replace(secrets / "vefa_database_url")
    (secrets / "vefa_nats_url").write_text(servers.nats_url("intake"))
    with serving(secrets) as environment:
        until_true(lambda: healthy(environment), "intake is not ready")
    assert not healthy(environment)


def test_a_master_key_is_made_for_a_new_vault_only(database: str, secrets: Path) -> None:
    provide(secrets)
    first = (secrets / "master.key").read_bytes()
    provide(secrets)
    assert (secrets / "master.key").read_bytes() == first
    with psycopg.connect(database) as conn:
        conn.execute("insert into vault.master (id, made_at) values ('abc', now())")
    (secrets / "master.key").unlink()
    provide(secrets)
    assert not (secrets / "master.key").exists()


def test_a_changed_password_is_taken_over_and_the_log_stays_closed(secrets: Path) -> None:
    provide(secrets)
    before, after = let_in(secrets, "first"), let_in(secrets, "second")
    provide(secrets)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(before)
    with psycopg.connect(after) as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute("update intake.stored_events set topic = topic")


def test_the_command_finds_every_service_by_its_secrets(secrets: Path) -> None:
    found = reachable(secrets)
    assert found
    assert found["services"] == {"intake": {"http": "http://intake:8000"}}
    assert found["databases"] == {"intake": (secrets / "intake.database").read_text().strip()}
    assert found["nats"] == (secrets / "vefa_nats_url").read_text().strip()


def test_missing_secrets_are_named_with_what_makes_them(secrets: Path) -> None:
    (secrets / "intake.database").unlink()
    with pytest.raises(Failed, match=r"no file SERVICE\.database; deploy/make-secrets\.sh"):
        provide(secrets)
    assert reachable(secrets) is None


def test_a_nats_that_refuses_is_told_with_the_setting_to_mend(
    servers: Servers, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "CLUSTER_SECONDS", 1)
    (secrets / "vefa_nats_replicas").write_text("3")
    with pytest.raises(Failed, match="VEFA_NATS_REPLICAS: NATS does not keep the stream on 3 servers"):
        provide(secrets)
    (secrets / "vefa_nats_url").write_text(f"nats://ops:wrong@127.0.0.1:{servers.ports['nats']}")
    with pytest.raises(Failed, match="VEFA_NATS_URL: NATS does not let us in"):
        provide(secrets)


async def test_a_nats_that_comes_up_later_is_waited_for(servers: Servers) -> None:
    """First nobody listens at the address; then it leads to the server."""
    port = free_port()
    url = servers.nats_url("ops").replace(str(servers.ports["nats"]), str(port))
    with pytest.raises(Failed, match="VEFA_NATS_URL"):
        await reach.stream(url, 1, "start it")
    waiting = asyncio.create_task(reach.stream(url, 1, "start it", PATIENCE))
    await asyncio.sleep(1)
    assert not waiting.done()
    async with passing(port, servers.ports["nats"]):
        await waiting


@asynccontextmanager
async def passing(port: int, to: int) -> AsyncIterator[None]:
    """Whoever connects to a port is led to another; returns once all of them have gone."""
    gone = list[asyncio.Event]()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()
        await writer.wait_closed()

    async def led(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone.append(asyncio.Event())
        mine = gone[-1]
        there, away = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(copy(reader, away), copy(there, writer), return_exceptions=True)
        mine.set()

    async with await asyncio.start_server(led, "127.0.0.1", port):
        yield
        async with asyncio.timeout(PATIENCE):
            for one in gone:
                await one.wait()


def complaining(secrets: Path, about: str) -> "subprocess.Popen[str]":
    """intake in its container, once it has said this."""
    environment = {"VEFA_SECRETS": str(secrets), "VEFA_SERVICE": "intake"}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.vefa", "serve"], cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr
    assert any(about in line for line in process.stderr)
    return process


@pytest.mark.parametrize(
    ("secret", "url", "away"),
    [("vefa_nats_url", "nats://a:b@127.0.0.1:1", "NATS is away"),
     ("vefa_database_url", "postgresql://a:b@127.0.0.1:1/x", "PostgreSQL is away")],
)  # fmt: skip
def test_a_service_whose_server_is_away_waits_for_it_and_stops_when_told(
    secrets: Path, secret: str, url: str, away: str
) -> None:
    provide(secrets)
    (secrets / secret).write_text(url)
    with complaining(secrets, away) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_service_that_nats_does_not_know_says_which_setting_is_wrong(servers: Servers, secrets: Path) -> None:
    provide(secrets)
    (secrets / "vefa_nats_url").write_text(f"nats://intake:wrong@127.0.0.1:{servers.ports['nats']}")
    with complaining(secrets, "Authorization Violation") as process:
        _, rest = process.communicate(timeout=PATIENCE)
        assert rest == "NATS does not let us in: are user and password in VEFA_NATS_URL right?\n"
        assert process.returncode == 1
