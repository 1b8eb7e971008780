"""How long the demo takes, from the command to its proof, beside only starting and stopping the platform."""

import resource
import subprocess
import time

from .build import Build, up
from .frame import Figure, Options, Run
from .room import folder

CONCERNS = 300
"""At most: as many as the demo has."""
FLOOR = "the same platform started and stopped, nothing played"


def measure(options: Options) -> list[Figure]:
    return measure_build(Build.here(), options)


def measure_build(build: Build, options: Options) -> list[Figure]:
    """The demo of the build in this folder."""
    figure = Figure("demo", "s", [], [], FLOOR, "60")
    for _ in range(options.rounds):
        figure.runs.append(_played(build, min(CONCERNS, options.cases)))
        figure.floors.append(_started(build))
    return [figure]


def _played(build: Build, concerns: int) -> Run:
    began, before = time.monotonic(), _used()
    command = build.command("demo", "--json", "--limit", str(concerns))
    subprocess.run(  # noqa: S603
        command, cwd=build.folder, env=build.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip
    return Run(time.monotonic() - began, None, {"cpu_seconds": _used() - before})


def _started(build: Build) -> Run:
    began = time.monotonic()
    with folder() as made, up(build, made / "data"):
        pass
    return Run(time.monotonic() - began)


def _used() -> float:
    """CPU seconds of everything that ended below this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
