"""What the README tells a reader to type does what it says."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Running, run_vefa, up

pytestmark = [pytest.mark.long, pytest.mark.servers]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def platform(open_folder: Path) -> Iterator[Running]:
    with up(open_folder / "reader" / ".vefa") as running:
        yield running


def blocks(language: str, holding: str, readme: str = "README.md") -> str:
    """The one code block of a language that holds a text."""
    found = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / readme).read_text(), re.DOTALL | re.MULTILINE)
    [block] = [one for one in found if holding in one]
    return str(block)


def python(platform: Running, source: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-u", "-c", source], cwd=platform.data.parent, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("readme", ["README.md", "README.tr.md"])
def test_a_case_is_sent_with_curl(platform: Running, readme: str) -> None:
    port = platform.address("intake").rpartition(":")[2]
    done = subprocess.run(
        ["sh", "-c", blocks("sh", "curl", readme).replace("PORT", port)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["number"].startswith("V-")


def test_a_case_is_sent_with_python(platform: Running) -> None:
    with python(platform, blocks("python", "urllib")) as process:
        assert process.stdout
        assert "V-" in process.stdout.read()


def test_a_case_is_sent_over_nats_and_everything_is_heard(platform: Running) -> None:
    with python(platform, blocks("python", "nats.connect")) as process:
        assert process.stdout
        answer = process.stdout.readline()
        heard = next(line for line in process.stdout if line.startswith("classifier."))
        process.kill()
    assert "intake.case-opened.v1" in answer
    assert heard == "classifier.case-classified.v1\n"


def test_the_commands_that_look_back_exist(platform: Running) -> None:
    for line in blocks("sh", "vefa history").splitlines():
        command = line.split()[1]
        assert f" {command} [OPTIONS]" in run_vefa(command, "--help").stdout
    assert platform.vefa("verify")


def test_every_link_leads_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
