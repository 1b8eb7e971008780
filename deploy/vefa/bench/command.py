"""``vefa bench``: each figure in a process of its own, a table or JSON at the end."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import orjson
import typer

from deploy.vefa.base import AsJson, console, print_json, print_table, progress_console

from .beside import compare
from .frame import Figure, Options

app = typer.Typer()
FIGURES = (
    "submissions", "events", "latency", "overdue", "rebuild", "verify", "memory", "start", "whole", "demo",
)  # fmt: skip
Measure = Callable[[Options], list[Figure]]


@app.command()
def bench(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIGURE | beside REV [FIGURE]]",
            help=f"One of {', '.join(FIGURES)}, all when left out; `beside`: this build and a revision of git, or a "
            "folder that holds one, by turns",
        ),
    ] = None,
    events: Annotated[int, typer.Option(min=50, help="Rows of the generated log; a concern for 50 of them")] = 100_000,
    cases: Annotated[int, typer.Option(min=20, help="Closed cases of the long log; the short has 1/10")] = 100_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of each run under load")] = 5.0,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Runs of each figure, medians are shown; 3, beside a revision 5")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how much the platform does, on servers of its own; each figure beside a floor of the same minute."""
    revision, figure = _asked(what or [])
    if revision:
        compared = compare(revision, [figure] if figure else [*FIGURES], Options(events, cases, seconds, rounds or 5))
        _show_compared(revision, compared, as_json)
        return
    options = Options(events, cases, seconds, rounds or 3)
    found = _alone(figure, options) if figure else [f for name in FIGURES for f in _apart(name, options)]
    if as_json:
        print_json(found)
        return
    columns = ("figure", "unit", "measured", "floor", "ratio", "CPU us", "floor's", "goal", "also seen")
    print_table("Measured by turns with their floors, medians", columns, (_row(f) for f in found))
    for text in dict.fromkeys(f"{f['figure'].partition(',')[0]}: the floor is {f['floor_is']}." for f in found):
        console.print(text, highlight=False)


def _asked(words: list[str]) -> tuple[str, str]:
    """The revision to stand beside, and the figure; each may be ''."""
    revision, figures = (words[1], words[2:]) if words[:1] == ["beside"] and len(words) > 1 else ("", words)
    if len(figures) > 1:
        raise typer.BadParameter("one figure at a time, or none for all", param_hint="FIGURE")
    if figures and figures[0] not in FIGURES:
        raise typer.BadParameter(f"no figure {figures[0]!r}; there are {', '.join(FIGURES)}", param_hint="FIGURE")
    return revision, figures[0] if figures else ""


def _show_compared(revision: str, compared: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(compared)
        return
    rows = ((f["figure"], f["unit"], f"{f['other']:,}", f"{f['this']:,}", f["ratio"] or "") for f in compared)
    print_table("By turns, medians", ("figure", "unit", revision, "this build", "ratio"), rows)


def _alone(name: str, options: Options) -> list[dict[str, Any]]:
    measure: Measure = import_module(f"deploy.vefa.bench.{name}").measure
    return [f.as_data() for f in measure(options)]


def _apart(name: str, options: Options) -> list[dict[str, Any]]:
    """In a process of its own: no figure is measured with the memory of another."""
    progress_console.print(f"{name} ...", highlight=False)
    command = [sys.executable, "-m", "deploy.vefa", "bench", name, "--json", *options.words()]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if done.returncode:
        raise ChildProcessError(f"{name} could not be measured; its message stands above")
    found: list[dict[str, Any]] = orjson.loads(done.stdout)
    return found


def _row(f: dict[str, Any]) -> tuple[Any, ...]:
    seen = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in f["seen"].items())
    return (
        f["figure"], f["unit"], f"{f['value']:,}", f"{f['floor']:,}", f"{f['ratio']:.2f}", f["cpu_us"] or "",
        f["floor_cpu_us"] or "", f["goal"], seen,
    )  # fmt: skip
