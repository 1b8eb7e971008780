"""``vefa set-aside``: mails that became no case; reading, releasing, dismissing, erasing them."""

import time
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from .base import DATA, AsJson, Data, Failed, confirm, console, print_json, print_table
from .calls import call

app = typer.Typer(help="Mails that became no case: a machine's, copies, and what nothing could read")
Item = Annotated[str, typer.Argument(help="An item of the list")]
POLL = 0.2
SHOWN = ("item", "group", "reason", "state", "at", "address", "subject", "case")


@app.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    group: Annotated[str | None, typer.Option(help="quarantined or noted")] = None,
    reason: Annotated[str | None, typer.Option(help="such as auto-submitted, bounce, copy, unreadable")] = None,
    state: Annotated[str, typer.Option(help="waiting, released, dismissed, erased or all")] = "waiting",
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many are listed at most")] = 50,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """What is set aside, newest first."""
    if context.invoked_subcommand:
        return
    asked = {"group": group, "reason": reason, "state": None if state == "all" else state, "limit": limit}
    found = call(data, "intake", "GET", f"/v1/set-aside?{urlencode({n: v for n, v in asked.items() if v is not None})}")
    if as_json:
        print_json(found)
    elif not found["items"]:
        console.print("Nothing of that kind is set aside.")
    else:
        rows = ([row["item"], row["reason"], row["at"][:16], row["address"], row["subject"]] for row in found["items"])
        print_table(_title(found), ("item", "reason", "came (UTC)", "sender", "subject"), rows)


def _title(found: dict[str, Any]) -> str:
    waiting = found["waiting"]
    since = f", the oldest since {waiting['since'][:16]}Z" if waiting["since"] else ""
    more = "; more than are listed here" if found["next"] else ""
    return f"Set aside: {waiting['count']} wait{since}{more}"


@app.command()
def show(item: Item, data: Data = DATA, as_json: AsJson = False) -> None:
    """One of them: its text, files and headers as they are read out of the mail."""
    found = call(data, "intake", "GET", _path(item))
    if as_json:
        print_json(found)
        return
    for name in (*SHOWN, "why", "by"):
        if found.get(name):
            console.print(f"{name}: {found[name]}", markup=False, highlight=False)
    for header in found["headers"]:
        console.print(f"{header['name']}: {header['value']}", markup=False, highlight=False)
    for file in found["attachments"]:
        console.print(f"file: {file['name']}, {file['type']}, {file['size']} bytes", markup=False, highlight=False)
    console.print("", found["text"], sep="\n", markup=False, highlight=False)


@app.command()
def release(
    item: Item,
    case: Annotated[str | None, typer.Option(help="Append it to this case, by number or id")] = None,
    sender: Annotated[str | None, typer.Option(help="Mail address of who wrote it, where the mail says it not")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Make it a case or part of one, as if it had come in now; nothing automatic answers it."""
    released = call(data, "intake", "POST", f"{_path(item)}/release", {"case": case, "sender": sender})
    if as_json:
        print_json(released)
    else:
        console.print(f"Released into case {released['case']}; vefa history {released['case']} shows it.")


@app.command()
def dismiss(
    item: Item,
    reason: Annotated[str, typer.Option(help="Why it stays aside")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """It was looked at and stays aside; it is kept."""
    dismissed = call(data, "intake", "POST", f"{_path(item)}/dismiss", {"reason": reason})
    if as_json:
        print_json(dismissed)
    else:
        console.print(f"{item} is dismissed.")


@app.command()
def erase(
    item: Item,
    regime: Annotated[str, typer.Option(help="Law or rule: kvkk, gdpr")] = "kvkk",
    together: Annotated[bool, typer.Option("--together", help="Also the others under the same key")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until it is done")] = 30,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Destroy the key of a mail that names nobody, or whose sender is no customer, for ever."""
    confirm(f"Erase {item} for ever?", yes)
    call(data, "intake", "POST", f"{_path(item)}/erase", {"regime": regime, "together": together})
    until = time.monotonic() + wait
    while (found := call(data, "intake", "GET", _path(item)))["state"] != "erased":
        if time.monotonic() > until:
            raise Failed(f"the erasure of {item} is recorded but not done after {wait:g} s; see 'vefa lag'")
        time.sleep(POLL)
    if as_json:
        print_json({name: found[name] for name in ("item", "state", "by", "decided_at")})
    else:
        console.print(f"{item} is erased; nothing can read it any more.")


def _path(item: str) -> str:
    return f"/v1/set-aside/{quote(item, safe='')}"
