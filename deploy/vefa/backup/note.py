"""What the data folder knows of its last backup: when, where, under which master key."""

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel

from deploy.vefa.local.home import write_private

from .archive import Manifest


class Note(BaseModel):
    made_at: datetime
    file: Path
    master: str
    """Id of the master key that wraps the keys in it."""


def note(data: Path, file: Path, manifest: Manifest) -> None:
    found = Note(made_at=manifest.made_at, file=file.absolute(), master=manifest.secrets["master.key"])
    write_private(data / "backup.json", found.model_dump_json().encode())


def noted(data: Path) -> Note | None:
    """The last backup; None when there was none, or nobody knows any more."""
    try:
        return Note.model_validate_json((data / "backup.json").read_bytes())
    except (OSError, ValueError):
        return None
