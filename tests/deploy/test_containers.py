"""What docker-compose.yml and its files promise: nothing more may be done, seen or reached than is needed. Read from
the files; deploy/smoke.py looks at running containers."""

import os
import re
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.vefa.containers import server_config
from deploy.vefa.local.nats_server import INTEGRATOR, OPS, wheel
from deploy.vefa.local.postgres import SETTINGS
from deploy.vefa.services import names
from shared.edge.tokens import public_key

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = {name: CONTAINERS[name] for name in names()}
SERVERS = {"postgres": "postgres:17", "nats": "nats:2"}
KEYS = {"index.key", "link.key", "token.pub"}
each_container = pytest.mark.parametrize("name", CONTAINERS)
each_service = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    make_secrets(folder)
    return folder


def make_secrets(folder: Path) -> None:
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", folder], check=True)


def mounted(name: str) -> Iterator[tuple[str, str]]:
    """Each secret of a container, and the file's name or path in it."""
    for secret in CONTAINERS[name].get("secrets", ()):
        yield (secret, secret) if isinstance(secret, str) else (secret["source"], secret["target"])


@each_container
def test_a_container_can_do_nothing_that_it_need_not(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert not container.get("privileged")
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["user"] not in ("root", "0", "0:0")
    assert container["mem_limit"]
    assert container["pids_limit"]


@each_container
def test_images_are_ours_or_the_two_servers(name: str) -> None:
    container = CONTAINERS[name]
    assert container["image"] == SERVERS.get(name, "vefa")
    assert ("build" in container) == (name not in SERVERS)


@each_container
def test_no_secret_stands_in_the_environment(name: str) -> None:
    for variable, value in CONTAINERS[name].get("environment", {}).items():
        assert not re.search("PASSWORD|SECRET|TOKEN|KEY", variable) or variable.endswith("_FILE")
        assert "@" not in value or variable == "VEFA_MAIL_FROM"


@each_container
def test_whatever_is_mounted_is_a_secret_a_volume_or_a_file_here(name: str) -> None:
    for mount in CONTAINERS[name].get("volumes", ()):
        source, _, rest = mount.partition(":")
        assert source in COMPOSE["volumes"] or ((ROOT / source).is_file() and rest.endswith(":ro"))


def test_only_who_makes_or_exchanges_the_master_key_may_write_it() -> None:
    writes = {
        name: not mount.endswith(":ro")
        for name, container in CONTAINERS.items()
        for mount in container.get("volumes", ())
        if mount.startswith("master:")
    }
    assert writes == dict.fromkeys([*names(), "vefa"], False) | {"provide": True, "intake": True}
    assert not any("master" in name for name in COMPOSE["secrets"])


def test_every_service_of_ours_has_a_container() -> None:
    assert CONTAINERS.keys() == {*names(), *SERVERS, "rooms", "provide", "vefa"}


@each_service
def test_a_service_waits_for_what_it_needs_and_is_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["depends_on"] == {"provide": {"condition": "service_completed_successfully"}}
    assert service["healthcheck"]["test"][-1] == "/app/health.py"
    assert service["environment"]["VEFA_SERVICE"] == name
    assert service["environment"]["VEFA_LOG_FORMAT"] == "json"
    assert service["stop_grace_period"]
    assert service["restart"] == "unless-stopped"


@each_service
def test_a_service_has_its_own_role_and_user_and_no_other(name: str) -> None:
    own = {f"{name}.database": "vefa_database_url", f"{name}.nats": "vefa_nats_url"}
    assert dict(mounted(name)) == own | {key: key for key in KEYS}


def test_only_services_are_reached_and_only_from_this_machine() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name, container in CONTAINERS.items():
        if name in SERVICES:
            assert all(port.startswith("127.0.0.1:") for port in container["ports"])
        else:
            assert "ports" not in container
            assert container.get("networks", ["inside"]) == ["inside"]
    ports = [port.rsplit(":", 1)[0] for service in SERVICES.values() for port in service["ports"]]
    assert len(ports) == len(set(ports)) == len(SERVICES) + 1


def test_postgres_loses_no_commit_and_logs_no_personal_data() -> None:
    given = dict(re.findall(r"-c (\w+)=(\S+)", CONTAINERS["postgres"]["command"]))
    embedded = dict(re.findall(r"^(\w+) = '?([^'\n]+)'?$", SETTINGS, re.MULTILINE))
    for own in ("max_connections", "log_line_prefix"):
        embedded.pop(own)
    assert given.items() >= embedded.items()


def test_nats_has_the_rights_of_the_embedded_one() -> None:
    made = server_config(list(names()))
    assert (ROOT / "deploy/nats/server.conf").read_text() == made, made.splitlines()[0]


def test_nats_server_accepts_its_configuration(tmp_path: Path, secrets: Path) -> None:
    shutil.copy(ROOT / "deploy/nats/server.conf", tmp_path / "server.conf")
    shutil.copy(secrets / "nats.passwords", tmp_path / "passwords.conf")
    command = [str(wheel()[1]), "--config", str(tmp_path / "server.conf"), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_secret_is_made_once(secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    files = {Path(secret["file"]) for secret in COMPOSE["secrets"].values()}
    assert {ROOT / file for file in files} == {ROOT / "deploy/secrets" / name for name in COMPOSE["secrets"]}
    assert before.keys() == COMPOSE["secrets"].keys() | {f"{INTEGRATOR}.nats"}
    assert before["token.pub"] == public_key(before["token.key"])
    assert {len(before[name]) for name in before if name.endswith(".key")} == {32}
    words = [content.split(b"@")[0].split(b":")[-1] for name, content in before.items() if b"://" in content]
    assert len(words) == len(set(words)) == len(names()) * 2 + len(("admin", OPS, INTEGRATOR))
    make_secrets(secrets)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_others_cannot_read_secrets(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        user = {int(number) for number in CONTAINERS["intake"]["user"].split(":")}
        for path in secrets.iterdir():
            found = path.stat()
            assert {found.st_uid, found.st_gid} == user
            assert stat.S_IMODE(found.st_mode) == (0o640 if path.name == "postgres.password" else 0o600)


def test_only_what_runs_comes_into_the_image() -> None:
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    assert not lines[0].startswith("# syntax")
    assert "ARG PYTHON_IMAGE=python:3.11-slim" in lines
    assert [line for line in lines if line.startswith("USER")] == [f"USER {CONTAINERS['intake']['user']}"]
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {word for words in copies for word in words} == allowed


def test_the_image_holds_every_folder_of_the_wheel_and_may_copy_it() -> None:
    carried = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = re.findall(r"^COPY (\S+) /app/(\S+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    let_through = (ROOT / ".dockerignore").read_text().splitlines()
    for folder in carried["only-include"]:
        assert (folder, folder) in copied
        assert f"!{folder}" in let_through
