"""What to type after the demo: only what works, in words that can be pasted."""

import os
import shlex
import sys
from pathlib import Path


def how_to_go_on(folder: Path, cases: dict[str, str], *, runs: bool, stays: bool) -> list[str]:
    """Lines for a platform that ``runs`` on, or whose data ``stays``; ``cases``: why one is worth a look -> its id."""
    if not stays:
        return ["The folder is removed now. With --keep everything runs on, with --data FOLDER the data stays."]
    vefa, on = here(), f"--data {shlex.quote(str(folder))}"
    return [
        "Look further while it runs:" if runs else f"Look further: '{vefa} up {on}' starts it again; beside it:",
        *(f"  {vefa} history {case} {on}  # {why}" for why, case in sorted(cases.items())),
        *(f"  {vefa} {command} {on}" for command in ("verify", "lag", "parked list", "rebuild router --check")),
        f"  {vefa} policy show sla targets {on} > targets.yaml",
        f"  {vefa} what-if sla --name targets --policy targets.yaml {on}  # after you changed it",
    ]


def here() -> str:
    """How this command is typed here: ``.venv/bin/vefa`` in a clone of the repository."""
    beside = Path(sys.executable).with_name("vefa")
    if not beside.exists():
        return "python -m deploy.vefa"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)
