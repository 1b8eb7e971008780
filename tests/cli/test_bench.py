"""``vefa bench``: each figure runs on servers of its own and stands beside its floor. How quick it is, is no test."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.vefa.bench.beside import Pair, add, other_build
from deploy.vefa.bench.command import FIGURES
from deploy.vefa.bench.processes import cpu, listener
from deploy.vefa.bench.spent import Spent

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TINY = ("--events", "200", "--cases", "20", "--seconds", "0.3", "--rounds", "1")


@pytest.mark.servers
@pytest.mark.timeout(300)  # `whole` waits for PostgreSQL to tell its counts, ten seconds a part
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_has_its_floor(figure: str) -> None:
    command = [sys.executable, "-m", "deploy.vefa", "bench", figure, "--json", *TINY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found
    for one in found:
        assert one["value"] > 0
        assert one["floor"] > 0
        assert one["ratio"] > 0
        assert one["floor_is"]
        assert len(one["runs"]) == len(one["floors"]) == 1


@pytest.mark.servers
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="clones a revision of this checkout")
def test_a_revision_stands_beside_this_build() -> None:
    command = [sys.executable, "-m", "deploy.vefa", "bench", "beside", "HEAD", "rebuild", "--json", *TINY]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {one["figure"]: one for one in json.loads(done.stdout)}
    assert {"rebuild", "rebuild: CPU"} <= found.keys()
    assert all(one["other"] > 0 and one["this"] > 0 and len(one["these"]) == 1 for one in found.values())


def test_the_ratio_is_the_median_of_turns_and_what_one_build_lacks_is_left_out() -> None:
    pairs: dict[str, Pair] = {}
    for other, this in ((10, 20), (100, 100), (1, 5)):
        known = {"figure": "events", "unit": "heard/s", "cpu_us": None, "seen": {"rows": other}}
        new = {"figure": "whole", "unit": "ms", "cpu_us": 1, "value": 1, "seen": {}}
        add(pairs, [known | {"value": other}], [known | {"value": this, "seen": {"rows": this, "late": 1}}, new])
    assert pairs["events"].as_data("events")["ratio"] == 2
    assert pairs.keys() == {"events", "events: rows"}


def test_a_revision_that_there_is_not_is_named() -> None:
    with pytest.raises(LookupError, match="'no-such-revision'"), other_build("no-such-revision"):
        pass


def test_an_unknown_figure_names_those_that_there_are() -> None:
    command = [sys.executable, "-m", "deploy.vefa", "bench", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "submissions" in done.stderr


def test_what_an_idle_platform_spends_is_taken_off_for_the_time_of_each_count() -> None:
    idle = Spent({"sla": 0.5, "postgres": 1.0}, 40, {"sla": 0}, {"sla": 0}, cpu_seconds=10, commit_seconds=20)
    spent = Spent({"sla": 1.5, "postgres": 2.0}, 100, {"sla": 8}, {"sla": 6}, cpu_seconds=20, commit_seconds=30)
    seen = spent.without(idle).seen(cases=4)
    assert seen == {"sla_ms": 125, "postgres_ms": 0, "transactions": 10, "rows": 2, "heard": 1.5}


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel")
def test_who_listens_on_a_port_is_found_among_processes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert listener(listening.getsockname()[1], [os.getpid()]) == os.getpid()
        with pytest.raises(LookupError):
            listener(listening.getsockname()[1], [])


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel")
def test_cpu_of_children_counts_while_they_run_and_when_they_ended() -> None:
    before, busy = cpu(os.getpid()), "while __import__('time').process_time() < 0.3: pass\nprint(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert cpu(os.getpid()) - before >= 0.3
        child.communicate(b"\n")
    assert cpu(os.getpid()) - before >= 0.29
