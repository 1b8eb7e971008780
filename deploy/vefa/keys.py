"""``vefa keys``: the master key that wraps the keys of all data subjects, and a copy of it."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from contracts.intake import MasterKeyRotated, RotationTried

from .backup import secrets
from .base import DATA, AsJson, Data, Failed, console, opened, print_json
from .calls import call

app = typer.Typer(help="The master key and the other secrets", no_args_is_help=True)
WAIT, POLL = 60.0, 0.2


@app.command()
def rotate(data: Data = DATA, as_json: AsJson = False) -> None:
    """Exchange the master key: old copies of the vault open nothing any more that was erased before."""
    before = asyncio.run(_position(data))
    call(data, "intake", "POST", "/v1/keys/rotate", {})
    result = asyncio.run(_tried(data, before))
    if result is None:
        raise Failed(f"the exchange is recorded but not done after {WAIT:g} s; see 'vefa lag', 'vefa parked list'")
    if isinstance(result, RotationTried):
        raise Failed(
            f"intake could not exchange it ({result.problem}): may it write in its folder of secrets? It tries again"
        )
    if as_json:
        print_json(result)
    else:
        console.print(f"The master key was exchanged at {result.rotated_at:%Y-%m-%d %H:%M:%S} UTC; the old is gone")


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="New file, for us alone", dir_okay=False)],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Copy the secrets into one file, to be kept apart from the backups: who has both can read every text.

    Each exchange of the master key makes older copies useless for newer backups: copy them again with each backup."""
    names = secrets.save(data, file)
    if as_json:
        print_json({"file": str(file), "secrets": names, "master": secrets.ids(data)["master.key"]})
    else:
        console.print(
            f"{', '.join(names)} are in {file}; keep it apart from the backups.", highlight=False, markup=False
        )


async def _position(data: Path) -> int:
    async with opened(data, "intake") as logs:
        return (await logs["intake"].head()).position


async def _tried(data: Path, after: int) -> MasterKeyRotated | RotationTried | None:
    until = time.monotonic() + WAIT
    async with opened(data, "intake") as logs:
        while time.monotonic() < until:
            for seen in await logs.open("intake", await logs["intake"].rows(after, 1000)):
                match seen.event:
                    case MasterKeyRotated() | RotationTried(rotated_at=None) as result:
                        return result
            await asyncio.sleep(POLL)
    return None
