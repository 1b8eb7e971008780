"""``vefa explain``: why the clocks of a case say what they say."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from shared.audit.wording import span

from .base import DATA, AsJson, Data, cell, console, print_json, print_table
from .calls import every
from .lookup import case_id

app = typer.Typer()


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="Number or id of a case")], data: Data = DATA, as_json: AsJson = False
) -> None:
    """Why each clock of a case says what it says: policy, condition, calendar, every counted and paused interval, the
    sum, due and result."""
    its = quote(asyncio.run(case_id(data, case)), safe="")
    clocks: list[dict[str, Any]] = every(data, "sla", f"/v1/cases/{its}/clocks/explain")
    if as_json:
        print_json(clocks)
        return
    for clock in clocks:
        for line in head(clock):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        print_table("", ("since", "from", "to", "counts", "open in it", "business time"), map(row, clock["intervals"]))
        console.print(f"Sum: {span(clock['used'])} of {span(clock['target'])}.\n", highlight=False)


def head(clock: dict[str, Any]) -> list[str]:
    """The clock and its result, and what it was measured by."""
    name = clock["metric"].replace("_", " ") + (f" {clock['cycle']}" if clock["cycle"] > 1 else "")
    ends = {n.removesuffix("_at"): clock[n] for n in ("breached_at", "detected_at", "retracted_at", "ended_at")}
    dates = {"due": clock["due"] or "never, it stands still" if not clock["ended_at"] else clock["due"], **ends}
    condition = "any case" if clock["condition"] == "otherwise" else clock["condition"]
    when = "".join(f", {what} {_at(at)}" for what, at in dates.items() if at)
    return [
        f"{name}: {clock['result']}{when}",
        f"  {span(clock['target'])} by policy {clock['policy']}, row {clock['rule']}, for {condition};"
        f" priority {clock['priority']}, calendar {clock['calendar']} {clock['calendar_version']}",
    ]


def row(part: dict[str, Any]) -> tuple[str, ...]:
    """From one change of a clock to the next; the calendar's open time in it is what is counted."""
    since = part["since"] + (f": {part['category']}" if part["category"] else "")
    windows = "\n".join(f"{_at(w['start'])} to {_at(w['end'])}" for w in part["windows"])
    counts = f"by {part['calendar']} {part['calendar_version']}" if part["counts"] else "no"
    before = f" after {span(part['carried'])}" if part["carried"] else ""
    return since, _at(part["start"]), _at(part["end"]), counts, windows, f"{span(part['seconds'])}{before}"


def _at(instant: str) -> str:
    return cell(datetime.fromisoformat(instant)) if instant[:4].isdecimal() else instant
