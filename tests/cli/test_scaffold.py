"""A new service from the template: it works before anybody has changed a line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a new service stands on, with a service made in it."""
    copy = tmp_path_factory.mktemp("repository")
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("contracts", "shared"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignore)
    (copy / "services").mkdir()
    shutil.copytree(ROOT / "tests" / "contracts", copy / "tests" / "contracts", ignore=ignore)
    for file in ("pyproject.toml", "services/__init__.py", "tests/__init__.py", "tests/scene.py"):
        shutil.copy(ROOT / file, copy / file)
    assert run("new-service", "spare_parts", "--into", str(copy)) == 0
    return copy


def tool(repository: Path, *arguments: str) -> str:
    """Run a Python module in the copy; its output when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=repository, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_its_own_tests_pass(repository: Path) -> None:
    assert tool(repository, "pytest", "tests/spare_parts") == ""


def test_its_events_have_schemas_and_samples(repository: Path) -> None:
    assert tool(repository, "pytest", "tests/contracts") == ""


def test_it_is_clean_for_ruff_and_mypy(repository: Path) -> None:
    made = ("services/spare_parts", "contracts/spare_parts.py", "tests/spare_parts")
    assert tool(repository, "ruff", "check", *made) == ""
    assert tool(repository, "ruff", "format", "--check", *made) == ""
    assert tool(repository, "mypy", *made) == ""


def test_the_shortest_and_the_longest_name_are_clean_too(repository: Path) -> None:
    for name in ("hr", "abcdefghij_klmnopqrst_uvwxyz12"):
        assert run("new-service", name, "--into", str(repository)) == 0
        made = (f"services/{name}", f"contracts/{name}.py", f"tests/{name}")
        assert tool(repository, "ruff", "check", *made) == ""
        assert tool(repository, "ruff", "format", "--check", *made) == ""


def test_vefa_up_finds_it(repository: Path) -> None:
    program = "from deploy.vefa import services; assert services.app_of('spare_parts').shipped(), services.names()"
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    "name", ["Spare", "7up", "a", "spare-parts", "../evil", "class", "kernel", "spare_", "x" * 31, ""]
)
def test_a_name_that_cannot_be_one_is_refused(repository: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(repository.rglob("*.py"))
    assert run("new-service", name, "--into", str(repository)) == 2
    assert "NAME" in capsys.readouterr().err
    assert sorted(repository.rglob("*.py")) == before


def test_a_name_that_is_taken_is_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new-service", "spare_parts", "--into", str(repository)) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("new-service", "spare", "--into", str(tmp_path)) == 2
    assert "run this at the root of the repository" in capsys.readouterr().err
