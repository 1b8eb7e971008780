"""Two builds side by side: this one and another revision run the same figures by turns, so that both meet the same
load of the machine; their ratios mean more than their values."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from deploy.vefa.base import progress_console

from . import demo, whole
from .build import Build
from .frame import Figure, Options

Found = list[dict[str, Any]]
FROM_OUTSIDE: dict[str, Callable[[Build, Options], list[Figure]]] = {
    "whole": whole.measure_build, "demo": demo.measure_build,
}  # fmt: skip
"""Measured by us through the command of a build, which need not know the figure itself."""


@dataclass
class Pair:
    """Values of one figure in turns: of the other build and of this one."""

    unit: str
    other: list[float] = field(default_factory=list)
    this: list[float] = field(default_factory=list)

    def as_data(self, name: str) -> dict[str, Any]:
        """The ratio is the median over the turns: this one by the other."""
        ratios = [b / a for a, b in zip(self.other, self.this, strict=True) if a]
        return {
            "figure": name, "unit": self.unit, "other": round(median(self.other), 3),
            "this": round(median(self.this), 3), "ratio": round(median(ratios), 3) if ratios else None,
            "others": self.other, "these": self.this,
        }  # fmt: skip


def compare(revision: str, figures: list[str], options: Options) -> Found:
    """Both builds by turns, ``options.rounds`` times each figure. ``revision``: of git, or a folder that holds a build
    with its ``.venv``. LookupError when it is neither."""
    pairs: dict[str, Pair] = {}
    with other_build(revision) as other:
        for name in figures:
            for turn in range(options.rounds):
                progress_console.print(f"{name}, turn {turn + 1} of {options.rounds} ...", highlight=False)
                there, here = (measured(build, name, options) for build in (other, Build.here()))
                add(pairs, there, here)
    return [pair.as_data(name) for name, pair in pairs.items()]


def measured(build: Build, name: str, options: Options) -> Found:
    """One turn of one figure of a build."""
    once = Options(options.events, options.cases, options.seconds, 1)
    if name in FROM_OUTSIDE:
        return [f.as_data() for f in FROM_OUTSIDE[name](build, once)]
    command = build.command("bench", name, "--json", *once.words())
    done = subprocess.run(  # noqa: S603
        command, cwd=build.folder, env=build.environment, stdout=subprocess.PIPE, check=False
    )  # fmt: skip
    if done.returncode:
        raise ChildProcessError(f"{build.folder}: {name} could not be measured; its message stands above")
    found: Found = orjson.loads(done.stdout)
    return found


def add(pairs: dict[str, Pair], there: Found, here: Found) -> None:
    """What both builds know of a turn; what only one has is left out."""
    before = {f["figure"]: f for f in there}
    for f in here:
        if f["figure"] not in before:
            continue
        for label, unit, other, this in _lines(before[f["figure"]], f):
            pair = pairs.setdefault(label, Pair(unit))
            pair.other.append(other)
            pair.this.append(this)


def _lines(there: dict[str, Any], here: dict[str, Any]) -> Iterator[tuple[str, str, float, float]]:
    name = here["figure"]
    yield name, here["unit"], there["value"], here["value"]
    if there["cpu_us"] and here["cpu_us"]:
        yield f"{name}: CPU", "us", there["cpu_us"], here["cpu_us"]
    for seen, value in here["seen"].items():
        if seen in there["seen"]:
            yield f"{name}: {seen.replace('_', ' ')}", "", there["seen"][seen], value


@contextmanager
def other_build(revision: str) -> Iterator[Build]:
    """The build of a revision in a folder of its own, with packages of its own unless it locks the same."""
    here = Build.here()
    if (at := Path(revision)).is_dir():
        yield Build(at.absolute(), at.absolute() / ".venv/bin/python")
        return
    with tempfile.TemporaryDirectory(prefix="vefa-beside-") as made:
        clone = Path(made) / "build"
        clone.parent.chmod(0o711)  # the servers' account enters
        _git(here.folder, "clone", "--quiet", "--shared", ".", str(clone))
        _git(clone, "checkout", "--quiet", "--detach", _commit(here.folder, revision))
        if all((clone / f).read_bytes() == (here.folder / f).read_bytes() for f in ("uv.lock", "pyproject.toml")):
            yield Build(clone, here.python)
            return
        progress_console.print(f"packages of {revision} ...", highlight=False)
        subprocess.run(["./just", "--list"], cwd=clone, check=True, stdout=subprocess.DEVNULL)
        yield Build(clone, clone / ".venv/bin/python")


def _commit(folder: Path, revision: str) -> str:
    try:
        return _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError as e:
        raise LookupError(f"REV: {revision!r} is no revision here and no folder; `git log --oneline` lists them") from e


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603, S607
    return done.stdout.strip()
