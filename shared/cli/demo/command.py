"""``vefa demo``: the platform in a data folder of its own, a play on it, its figures, and the proof of the result."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.cli.base import opened
from shared.cli.history import _history, _short, _texts, _words
from shared.cli.platform import Platform
from shared.cli.services import app_of, names
from shared.cli.verifying import verify
from shared.events import Role
from shared.rebuild import check

from .cast import complaints, foreign, people
from .play import END, ISTANBUL, START, Play
from .stage import Sink, Stage

app = typer.Typer()
console = Console()


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same play")] = 1,
    data: Annotated[Path | None, typer.Option(help="Folder for the data; a temporary one otherwise")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end")] = False,
    source: Annotated[Path | None, typer.Option("--from", help="A CSV file with complaints of your own")] = None,
    text: Annotated[str, typer.Option(help="The column of that file that holds the text")] = "text",
    limit: Annotated[int, typer.Option(help="At most so many complaints", min=1)] = 300,
) -> None:
    """Play five days of a service desk and prove the result."""
    texts = (foreign(source, text) if source else complaints())[:limit]
    folder = data.absolute() if data else Path(tempfile.mkdtemp(prefix="vefa-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not data:
        folder.chmod(0o711)
    if (folder / "postgres").exists():
        raise LookupError(f"{folder} holds a platform already; give the demo an empty folder")
    sink = Sink()
    began = time.monotonic()
    platform = Platform.start(
        folder, {name: app_of(name) for name in names()}, clock="stepped", clock_start=START,
        mail_port=sink.port, public_per_minute=1_000_000,
    )  # fmt: skip
    try:
        sink.start()
        console.print(
            f"Vefa is up after {time.monotonic() - began:.1f} s; the clock stands at Monday 08:30 in Istanbul."
        )
        whole = asyncio.run(_play(platform, sink, folder, texts, seed))
        if keep:
            console.print("Everything runs on; Ctrl-C ends it. Addresses:")
            for name, addresses in platform.addresses.items():
                console.print(f"  {name:13}", *addresses.values())
            platform.wait()
    finally:
        platform.stop()
        sink.stop()
        if not data and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if not whole:
        raise typer.Exit(1)


async def _play(platform: Platform, sink: Sink, folder: Path, texts: Any, seed: int) -> bool:
    assert platform.backing is not None
    nats_url = platform.backing.nats_url("ops")
    async with Stage(platform.addresses, nats_url, lambda r, n: platform.token(Role(r), n), START) as stage:
        play = Play(stage, sink, people(), texts, seed)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=(END - START).total_seconds())

            def progress(now: datetime) -> None:
                c = stage.counts
                words = (
                    f"{now.astimezone(ISTANBUL):%a %H:%M}  cases {c.get('intake.case-opened.v1', 0)}"
                    f"  assigned {c.get('router.case-assigned.v1', 0)}  replies {c.get('intake.reply-sent.v1', 0)}"
                    f"  resolved {c.get('intake.case-resolved.v1', 0)}"
                    f"  answers {c.get('feedback.survey-answered.v1', 0)}"
                )
                bar.update(task, completed=(now - START).total_seconds(), description=words)

            await play.run(progress)
        await _figures(stage, play)
        story = max(play.of_case, key=lambda case: (case in play.threaded, case), default="")
        return await _prove(folder, story)


async def _figures(stage: Stage, play: Play) -> None:
    counts = Counter(stage.counts)
    table = Table("what", "how many", title="Five days", title_justify="left")
    for channel, number in sorted(play.channels.items()):
        table.add_row(f"concerns by {channel}", str(number))
    for words, topic in (
        ("cases opened", "intake.case-opened.v1"), ("assigned", "router.case-assigned.v1"),
        ("public replies", "intake.reply-sent.v1"), ("clocks paused", "sla.clock-paused.v1"),
        ("warnings", "sla.target-warned.v1"), ("breaches", "sla.target-breached.v1"),
        ("escalations", "sla.case-escalated.v1"), ("cases resolved", "intake.case-resolved.v1"),
        ("surveys sent", "feedback.survey-invited.v1"), ("surveys answered", "feedback.survey-answered.v1"),
        ("recoveries opened", "feedback.recovery-opened.v1"), ("notices sent", "notification.notice-sent.v1"),
        ("points earned (lots)", "loyalty.points-earned.v1"), ("tier changes", "loyalty.tier-changed.v1"),
    ):  # fmt: skip
        table.add_row(words, str(counts[topic]))
    table.add_row("mail answers threaded by token", str(len(play.threaded)))
    console.print(table)
    for service, path in (
        ("sla", "/v1/compliance?from=2026-10-26&to=2026-11-01"),
        ("feedback", "/v1/scores?kind=csat"),
        ("loyalty", "/v1/programme"),
    ):
        answer = await stage.call(service, "GET", path, role="supervisor", name="demo")
        console.print(f"{service} GET {path}", answer, soft_wrap=True)


async def _prove(folder: Path, story: str) -> bool:
    whole = True
    if story:
        console.print(f"\nOne case from its first message (vefa history {story} --data {folder}):")
        for happening in await _history(folder, story):
            h, at = happening, happening.home.row.recorded_at.astimezone(ISTANBUL)
            line = f"  {at:%a %H:%M}  {h.home.log:12} {_short(h.home):24} {_words(h.why)} {_texts(h.home)}"
            console.print(line[:240], soft_wrap=True, highlight=False, markup=False)
    table = Table("service", "rows", "chain", "tables rebuilt", title="Proof", title_justify="left")
    async with opened(folder) as logs:
        for name in names():
            verdict = await verify(logs, name)
            tables = await check(logs[name], app_of(name).views, f"{name}_views")
            differ = [t for t, (_, _, equal) in tables.items() if not equal]
            whole = whole and verdict.whole and not differ
            chain = "whole" if verdict.whole else "; ".join(verdict.problems)
            table.add_row(name, str(verdict.rows), chain, "equal" if not differ else f"differ: {', '.join(differ)}")
    console.print(table)
    return whole
