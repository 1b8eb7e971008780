"""A new service in a copy of the project: it works before anybody has changed a line, and everything knows it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.vefa import scaffold

from .conftest import run

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # whole tests of a service run in some of these
ROOT = Path(__file__).parents[2]
NAME = "spare_parts"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".vefa", ".hypothesis", ".*_cache", "__pycache__", "secrets", "findings"
)
LISTS = {
    "README.md", "README.tr.md", "contracts/asyncapi.json", "deploy/nats/server.conf", "docker-compose.yml",
    "docs/roles.md",
}  # fmt: skip
HEARS = f"""
import sys
from pathlib import Path
import httpx
from deploy.vefa import services
from tests.running import until_true, up

with up(Path(sys.argv[1])) as platform:
    token = platform.vefa("token", "create", "--role", "agent", "--subject", "ece")
    case = {{"contact": {{"kind": "mail", "address": "ada@example.com"}}, "text": "Kargom gelmedi."}}
    opened = httpx.post(platform.address("intake") + "/v1/cases", json=case, timeout=30).json()["case"]
    items, me = platform.address("{NAME}") + "/v1/{NAME}/items", {{"Authorization": f"Bearer {{token}}"}}
    until_true(lambda: httpx.get(f"{{items}}/{{opened}}", headers=me).status_code == 200, "the case was not heard of")
    assert platform.ready()
"""
"""Brings the platform up, as a newcomer does; its service hears of a case."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    return copy


@pytest.fixture(scope="module")
def project(empty: Path) -> Path:
    """A copy of the project, with a service made in it."""
    assert run("new-service", NAME, "--into", str(empty)) == 0
    return empty


def contents(project: Path) -> dict[str, bytes]:
    """Every file of the copy but those that Python keeps for itself."""
    kept = (path for path in project.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(project)): path.read_bytes() for path in kept if ".pytest_cache" not in path.parts}


def tool(project: Path, *arguments: str) -> str:
    """Run Python in the copy; its output when it fails."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=project, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def made_files(name: str) -> tuple[str, ...]:
    return f"services/{name}", f"contracts/{name}.py", f"tests/{name}"


def test_it_names_each_file_that_it_made_or_changed(
    empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(empty, tmp_path / "project", ignore=LEFT_OUT)
    before = contents(copy)
    capsys.readouterr()
    assert run("new-service", "refunds", "--into", str(copy), "--json") == 0
    told, after = json.loads(capsys.readouterr().out), contents(copy)
    assert told["made"] == sorted(after.keys() - before.keys())
    assert told["changed"] == sorted(path for path in before if after[path] != before[path])
    assert set(told["changed"]) == LISTS
    assert {"docs/refunds.md", "tests/refunds/test_api.py", "services/refunds/schemas.py"} <= set(told["made"])


@pytest.mark.servers
def test_its_own_tests_pass(project: Path) -> None:
    assert tool(project, "-m", "pytest", f"tests/{NAME}") == ""


def test_what_looks_at_every_service_is_content(project: Path) -> None:
    looks = [f"tests/architecture/test_{which}.py" for which in ("layers", "roles_page", "ways_in")]
    looks += ["tests/contracts/test_contracts.py", "tests/deploy/test_containers.py"]
    assert tool(project, "-m", "pytest", *looks) == ""


@pytest.mark.servers
def test_vefa_up_brings_it_up_and_it_hears_of_a_case(project: Path, open_folder: Path) -> None:
    assert tool(project, "-c", HEARS, str(open_folder / "scaffold")) == ""


def test_it_is_clean_for_ruff_and_mypy(project: Path) -> None:
    assert tool(project, "-m", "ruff", "check", ".") == ""
    assert tool(project, "-m", "ruff", "format", "--check", ".") == ""
    assert tool(project, "-m", "mypy", *made_files(NAME)) == ""


def test_its_container_has_a_port_and_secrets_of_its_own(project: Path) -> None:
    compose = yaml.safe_load((project / "docker-compose.yml").read_text())
    [port] = compose["services"][NAME]["ports"]
    assert [c["ports"] for c in compose["services"].values() if "ports" in c].count([port]) == 1
    assert {f"{NAME}.database", f"{NAME}.nats"} <= compose["secrets"].keys()
    subprocess.run([project / "deploy" / "make-secrets.sh"], check=True)
    assert all((project / secret["file"]).is_file() for secret in compose["secrets"].values())
    assert f"password_{NAME}:" in (project / "deploy/secrets/nats.passwords").read_text()


def test_the_shortest_and_the_longest_name_are_clean_too(project: Path) -> None:
    for name in ("hr", "abcdefghij_klmnopqrst_uvwxyz12"):
        assert run("new-service", name, "--into", str(project)) == 0
        assert tool(project, "-m", "ruff", "check", *made_files(name)) == ""
        assert tool(project, "-m", "ruff", "format", "--check", *made_files(name)) == ""


@pytest.mark.parametrize(
    "name",
    ["Spare", "7up", "a", "spare-parts", "../evil", "class", "kernel", "pg_parts", "spare_", "x" * 31, "", "postgres"],
)
def test_a_name_that_cannot_be_one_is_refused(project: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(project)
    assert run("new-service", name, "--into", str(project)) == 2
    assert "NAME" in capsys.readouterr().err
    assert contents(project) == before


@pytest.mark.parametrize("name", [NAME, "intake", "backup", "simulation"])
def test_a_name_that_is_taken_is_refused(project: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(project)
    assert run("new-service", name, "--into", str(project)) == 2
    assert "is there already" in capsys.readouterr().err.replace("\n", " ")
    assert contents(project) == before


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new-service", "spare", "--into", str(tmp_path)) == 2
    assert "run this at the root of the repository" in capsys.readouterr().err


def test_a_list_without_a_place_for_it_is_named_and_nothing_changes(
    empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(empty, tmp_path / "project", ignore=LEFT_OUT)
    compose = copy / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("# The vefa command beside", "# Commands for"))
    before = contents(copy)
    assert run("new-service", "spare", "--into", str(copy)) == 2
    assert "docker-compose.yml has no place" in capsys.readouterr().err
    assert contents(copy) == before


def test_what_fails_half_way_leaves_everything_as_it_was(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(empty, tmp_path / "project", ignore=LEFT_OUT)
    monkeypatch.setattr(scaffold, "GENERATORS", {**scaffold.GENERATORS, "tests.nowhere": ("docs", "*.json")})
    before = contents(copy)
    assert run("new-service", "spare", "--into", str(copy)) == 2
    assert "tests.nowhere failed" in capsys.readouterr().err
    assert contents(copy) == before
    assert not (copy / "services" / "spare").exists()
