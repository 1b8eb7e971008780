"""``vefa mail``: what intake would make of raw mails; needs no running platform."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from shared.base.settings import Settings

from .base import AsJson, Failed, print_json

Reading = Literal["assumed", "first", "answers"]
app = typer.Typer(no_args_is_help=True, help="Raw mails: what intake would make of them")
OUTCOMES = {"new-case": "new case", "appended": "would be appended", "set-aside": "set aside", "not-read": "not read"}
OWN: str = Settings.model_fields["mail_from"].default


@app.callback()
def group() -> None:
    """Raw mails: what intake would make of them."""


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A raw mail, an mbox, or a folder of them", metavar="PATH")],
    own: Annotated[str, typer.Option(envvar="VEFA_MAIL_FROM", help="The address that our own mails come from")] = OWN,
    first: Annotated[bool, typer.Option("--first", help="Read every mail as a first one")] = False,
    answers: Annotated[bool, typer.Option("--answers", help="Read every mail as an answer to a mail of ours")] = False,
    as_json: AsJson = False,
) -> None:
    """What would become of each mail: outcome and reason, the text kept, what is cut from it, the files. Without keys
    no reply token can be checked: who names another mail is assumed to answer one of ours; the output says so."""
    if first and answers:
        raise typer.BadParameter("a mail is read in one way; leave one of the two out", param_hint="--first, --answers")
    read_as: Reading = "first" if first else "answers" if answers else "assumed"
    found = asyncio.run(_checked(path, own.strip(), read_as))
    if as_json:
        print_json(found)
        return
    for mail in found:
        print("\n".join(_told(mail)), end="\n\n")
    counts = Counter(OUTCOMES[mail["outcome"]] for mail in found)
    print(f"{len(found)} mails: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common()))


async def _checked(path: Path, own: str, read_as: Reading) -> list[dict[str, Any]]:
    from services.intake.mail import check as mailcheck  # parsers of mail, HTML and files: for this command alone

    try:
        return [mail async for mail in mailcheck.check(path, own, read_as)]
    except OSError as e:
        raise Failed(f"PATH: {path} cannot be read: {e.strerror}; give a raw mail or a folder of them") from e


def _told(mail: dict[str, Any]) -> list[str]:
    """A mail in lines."""
    reason = f" ({mail['reason']})" if mail["reason"] else ""
    lines = [f"{mail['file']}: {OUTCOMES[mail['outcome']]}{reason}"]
    if "text" not in mail:
        return lines
    who = mail["from"]
    lines += [f"  from     {who['name']} <{who['address']}>".replace("  <", " <"), f"  subject  {mail['subject']}"]
    if mail["written_by"].lower() != who["address"].lower():
        lines.append(f"  written  by {mail['written_by']}, who names that address in Reply-To")
    if mail["copies"]:
        lines.append(f"  copies   {', '.join(mail['copies'])}")
    if mail["answers"] != "no":
        lines.append(
            f"  answers  {'a mail of ours, as is assumed' if mail['answers'] == 'assumed' else 'a mail of ours'}"
        )
    if mail["silent"]:
        lines.append(f"  silent   {mail['silent']}: nothing automatic answers it")
    if mail["returned"]:
        lines.append(f"  returned from {', '.join(mail['returned']['recipients']) or 'an address that is not named'}")
    lines += _block("text", mail["text"])
    for part in mail["parts"]:
        stays = mail["text"][part["at"] : part["at"] + part["length"]]
        lines += _block(
            f"{part['kind']}, {'stays' if part['length'] else 'cut'} at {part['at']}", part["text"] or stays
        )
    for file in mail["files"]:
        inside = f", in {file['inside']}" if file.get("inside") else ""
        lines.append(f"  file     {file['name']} ({file['type']}, {file['size']} bytes{inside})")
    if mail["files_left_out"]:
        lines.append(f"  left out {len(mail['files_left_out'])} more files: only in the mail as it came")
    return lines


def _block(title: str, text: str) -> list[str]:
    return [f"  {title}", *(f"    | {line}" for line in text.split("\n"))] if text else [f"  {title}: none"]
