"""The data folder: secrets that only we may read, a master key that fits, room on the disk."""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.vefa.backup.note import noted
from deploy.vefa.backup.secrets import NEEDED, WISHED
from deploy.vefa.base import master_folder
from shared.base.database import Pool
from shared.privacy.master_key import id_of

from .finding import Finding, judged

LITTLE, SCARCE = 2**30, 5 * 2**30
"""Bytes: below the first nothing goes on for long, below the second somebody should know."""

BACKUP_EVERY = timedelta(days=2)
LASTING = {name: lost for name, lost in {**NEEDED, **WISHED}.items() if name != "master.key"}
"""Secrets that every data folder has, and what is lost without; the master key is looked at by itself."""


def disk(data: Path) -> Finding:
    free = shutil.disk_usage(data).free
    text = f"{free / 2**30:.1f} GiB free"
    if free < LITTLE:
        return Finding("disk", "bad", text, f"make room below {data}")
    return judged("disk", text, f"make room below {data}", good=free >= SCARCE, otherwise="look")


def secrets(data: Path) -> Iterator[Finding]:
    for path in sorted((data / "secrets").glob("*.key")):
        mode = stat.S_IMODE(path.stat().st_mode)
        yield judged(f"secret {path.name}", f"mode {mode:o}", f"chmod 600 {path}", good=not mode & 0o077)
    if _embedded(data):
        for name, lost in LASTING.items():
            if not (path := data / "secrets" / name).exists():
                fix = f"put back the copy of 'vefa keys save' before a start makes a new one: with that {lost}"
                yield Finding(f"secret {name}", "bad", f"{path} is not here", fix)


def _embedded(data: Path) -> bool:
    return (data / "servers.lock").exists()


async def master(data: Path, pool: Pool) -> Finding:
    """Whether master.key is the one that wraps the vault; else every personal text is lost."""
    async with pool.connection() as conn:
        [wanted] = await (await conn.execute("select id from vault.master")).fetchone() or ("none",)
    here = {id_of(p.read_bytes()) for n in ("master.key", "master.next") if (p := master_folder(data) / n).exists()}
    fix = "restore master.key of this installation: without it no personal text can be read"
    return judged(
        "master key", "fits the vault" if wanted in here else f"{wanted} is not here", fix, good=wanted in here
    )


async def backup(data: Path, pool: Pool) -> list[Finding]:
    """Whether the embedded database was backed up lately, and under the master key of today."""
    if not _embedded(data):
        return []  # servers of the user's own, backed up by their own tools
    async with pool.connection() as conn:
        [master] = await (await conn.execute("select id from vault.master")).fetchone() or ("none",)
    made = noted(data)
    since = made.made_at if made else datetime.fromtimestamp((data / "servers.lock").stat().st_mtime, UTC)
    late = datetime.now(UTC) - since > BACKUP_EVERY
    text = f"{made.file} of {made.made_at:%Y-%m-%d %H:%M}" if made else "none yet"
    if made and made.master != master:
        fix = "vefa backup, vefa keys save: the last one opens with the master key of its time only"
        return [Finding("backup", "look", f"{text}; the master key was exchanged since", fix)]
    return [judged("backup", text, "vefa backup, vefa keys save", good=not late, otherwise="look")]


async def erasures(pool: Pool) -> Finding:
    """Erasures that an old backup could still undo."""
    async with pool.connection() as conn:
        [count] = await (
            await conn.execute(
                "select count(*) from vault.destroyed d, vault.master m where d.destroyed_at > m.made_at"
            )
        ).fetchone() or (0,)
    text = f"{count} destroyed keys since the master key was made"
    return judged("erasures", text, "vefa keys rotate", good=count == 0, otherwise="look")
