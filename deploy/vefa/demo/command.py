"""``vefa demo``: the platform in a data folder of its own, a play on it, its figures, and the proof of the result."""

import asyncio
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.vefa.base import AsJson, Failed, console, opened, print_json, usable
from deploy.vefa.local.mail_sink import MailSink
from deploy.vefa.platform import Platform
from deploy.vefa.services import app_of, names
from shared.audit.verify import verify
from shared.core.message import Role
from shared.store.rebuild import check

from .agenda import END, ISTANBUL, START
from .cast import Complaint, complaints, foreign, people
from .ending import how_to_go_on
from .play import Play
from .stage import Stage
from .story import tell

app = typer.Typer()


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed plays the same days")] = 1,
    data: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the data; a temporary one otherwise")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running at the end")] = False,
    source: Annotated[Path | None, typer.Option("--from", help="A CSV file with complaints of your own")] = None,
    text: Annotated[str, typer.Option(help="The column of that file that holds the text")] = "text",
    limit: Annotated[int, typer.Option(help="At most so many complaints", min=1)] = 300,
    as_json: AsJson = False,
) -> None:
    """Play five days of a service desk and prove the result."""
    console.stderr = as_json
    texts = (foreign(source, text) if source else complaints())[:limit]
    folder = usable(data or Path(tempfile.mkdtemp(prefix="vefa-demo-")))
    if not data:
        folder.chmod(0o711)
    if (folder / "postgres").exists():
        raise Failed(f"--data: {folder} holds a platform already; give the demo an empty folder")
    sink = MailSink()
    began = time.monotonic()
    platform = Platform.start(
        folder, {name: app_of(name) for name in names()}, clock="stepped", clock_start=START,
        mail_port=sink.port, public_per_minute=1_000_000,
    )  # fmt: skip
    try:
        sink.start()
        console.print(
            f"Up after {time.monotonic() - began:.1f} s. Monday, 08:30 in Istanbul; {len(texts)} concerns will come."
        )
        result = asyncio.run(_play(platform, sink, folder, texts, seed))
        console.print(f"{time.monotonic() - began:.0f} s in all.")
        if as_json:
            print_json(result)
        for line in how_to_go_on(folder, result["cases"], runs=keep, stays=keep or data is not None):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if keep:
            console.print("Everything runs on; Ctrl-C ends it. Addresses (each has /docs):")
            for name, addresses in platform.addresses.items():
                console.print(f"  {name:13}", *addresses.values())
            console.print(f"  {'mails':13}", sink.page)
            platform.wait()
    finally:
        platform.stop()
        sink.stop()
        if not data and not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if not all(proof["chain"] == "whole" and not proof["differ"] for proof in result["proof"].values()):
        raise typer.Exit(1)


async def _play(platform: Platform, sink: MailSink, folder: Path, texts: list[Complaint], seed: int) -> dict[str, Any]:
    """{"figures": {what: number or parts}, "cases": {why worth a look: case}, "proof": {service: ...}}"""
    assert platform.backing is not None
    nats_url = platform.backing.nats_url("ops")
    async with Stage(platform.addresses, nats_url, lambda r, n: platform.token(Role(r), n), START) as stage:
        play = Play(stage, sink, people(), texts, seed)
        with Progress(TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task("", total=(END - START).total_seconds())

            def progress(now: datetime) -> None:
                counts = play.tally.counts
                words = (
                    f"{now.astimezone(ISTANBUL):%a %H:%M}  cases {counts['intake.case-opened.v1']:3}"
                    f"  resolved {counts['intake.case-resolved.v1']:3}"
                    f"  answers {counts['feedback.survey-answered.v1']:2}"
                )
                bar.update(task, completed=(now - START).total_seconds(), description=words)

            await play.run(progress)
        table = Table("what", "how much", title="Five days", title_justify="left")
        figures = await play.tally.figures(stage, play.customers.channels, len(play.agents.threaded))
        for figure in figures:
            table.add_row(figure.what, figure.words)
        console.print(table)
    shown = play.tally.shown
    if play.agents.threaded:
        number, case = min((number, case) for case, number in play.agents.threaded.items())
        shown["mail answer"] = case, f"{number}: its clocks stood still until the customer wrote back"
    await tell(folder, shown)
    cases = {why: case for why, (case, _) in shown.items()}
    return {"figures": {f.what: f.value for f in figures}, "cases": cases, "proof": await _prove(folder)}


async def _prove(folder: Path) -> dict[str, Any]:
    """Whether each service's chain is whole and its tables, built again, equal the live ones by row hash."""
    proof = {}
    table = Table("service", "rows", "chain", "tables", "rebuilt", title="Proof", title_justify="left")
    async with opened(folder) as logs:
        for name in names():
            verdict = await verify(logs, name)
            tables = await check(logs[name], app_of(name).views, f"{name}_views")
            differ = [name for name, table in tables.items() if not table.equal]
            chain = "whole" if verdict.whole else "; ".join(verdict.problems)
            same = "equal" if not differ else f"differ: {', '.join(differ)}"
            table.add_row(name, str(verdict.rows), chain, str(len(tables)), same)
            proof[name] = {"rows": verdict.rows, "chain": chain, "tables": len(tables), "differ": differ}
    console.print(table)
    return proof
