"""The cases worth a look, and the journey of one of them as a reader follows it."""

from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from deploy.vefa.base import console
from deploy.vefa.history import history_in
from shared.audit.history import Happening, texts_of
from shared.audit.wording import told

from .agenda import ISTANBUL

LEFT_OUT = frozenset({
    "kernel.deadline-reached.v1", "router.case-weighed.v1", "notification.notice-queued.v1", "intake.mail-seen.v1",
})  # fmt: skip
"""What only keeps the works going. Commands, outside messages and results of effects too: what came of them is told."""
TEXT = 100


async def tell(folder: Path, shown: dict[str, tuple[str, str]]) -> None:
    """``shown``: why a case is worth a look -> (the case, words)."""
    if not shown:
        return
    console.print("\nWorth a look:")
    for why, (_, words) in sorted(shown.items()):
        console.print(f"  {why:18} {words}", highlight=False)
    case, _ = shown.get("mail answer", next(iter(shown.values())))
    console.print("\nOne case from its first message on, without what only keeps the works going:")
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("at", "service", "event"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for happening in await history_in(folder, case):
        if worth_telling(happening):
            table.add_row(*(Text(word) for word in line(happening)))
    console.print(table)
    console.print()


def worth_telling(happening: Happening) -> bool:
    topic = happening.home.row.topic
    return not topic.startswith(("to.", "outside.")) and topic not in LEFT_OUT


def line(happening: Happening) -> tuple[str, str, str, str]:
    """(when, service, event, what): ``Mon 12:15``, ``sla``, ``clock paused``, ..."""
    seen = happening.home
    service, event, _ = seen.row.topic.split(".")
    what = told(seen.row.topic, seen.content, _at) or ", ".join(f"{n} {v}" for n, v in happening.why.items())
    quoted = [f"“{t if len(t) <= TEXT else f'{t[: TEXT - 3]}...'}”" for t in texts_of(seen)]
    return f"  {_at(seen.row.recorded_at)}", service, event.replace("-", " "), " ".join(filter(None, (what, *quoted)))


def _at(instant: str | datetime) -> str:
    when = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{when.astimezone(ISTANBUL):%a %H:%M}"
