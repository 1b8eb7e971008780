"""What intake would make of raw mails, without a server: for a company that tries its own corpus.

Without keys no token can be checked: a mail that names another one, or carries what looks like a token of ours, is
taken for an answer to us, and ``answers`` says that this is assumed."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from shared.core.addresses import normalise
from shared.core.media import media_type
from shared.core.world import Refused

from .parse import Facts
from .people import Person, copies, is_ours
from .worker import MailReader

As = Literal["assumed", "first", "answers"]
"""How mails are read: as each looks, all as first mails, all as answers to mails of ours."""


async def check(path: Path, own: str, read_as: As = "assumed", seconds: float = 5.0) -> AsyncIterator[dict[str, Any]]:
    """What would become of each mail at ``path``: a raw mail, an mbox, or a folder of such. Raises OSError when the
    path cannot be read; of a file within a folder that cannot, the row says so."""
    reader = MailReader(seconds)
    try:
        for name, raw in mails(path):
            if isinstance(raw, OSError):
                yield {"file": name, "outcome": "not-read", "reason": raw.strerror or "cannot be read"}
            else:
                yield {"file": name} | verdict(await reader.read(raw, None, own), own, read_as)
    finally:
        await reader.stop()


def mails(path: Path) -> Iterator[tuple[str, bytes | OSError]]:
    """(name, bytes) of every mail at a path, in the order of names. Raises OSError for the path itself."""
    if not path.is_dir():
        yield from _in_file(path.name, path.read_bytes())
        return
    next(path.iterdir(), None)  # whether it can be listed
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        name = str(file.relative_to(path))
        try:
            content = file.read_bytes()
        except OSError as e:
            yield name, e
            continue
        yield from _in_file(name, content)


def _in_file(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """One mail, or those of an mbox, numbered."""
    starts = [0, *_begins(content)] if content.startswith(b"From ") else []
    if len(starts) < 2:
        yield name, content.partition(b"\n")[2] if content.startswith(b"From ") else content
        return
    for number, (start, end) in enumerate(zip(starts, (*starts[1:], len(content)), strict=True), 1):
        lines = content[start:end].partition(b"\n")[2]
        yield f"{name}#{number}", lines.replace(b"\n>From ", b"\nFrom ").rstrip(b"\r\n") + b"\n"


def _begins(content: bytes) -> Iterator[int]:
    at = 0
    while (at := content.find(b"\n\nFrom ", at)) >= 0 or (at := content.find(b"\n\r\nFrom ", max(at, 0))) >= 0:
        at = content.index(b"From ", at)
        yield at


def verdict(facts: Facts, own: str, read_as: As) -> dict[str, Any]:
    """What would become of a mail, and what is known of it, as plain values."""
    if "text" not in facts:
        return {"outcome": "set-aside", "reason": facts["reason"]}
    answers = read_as == "answers" or (read_as == "assumed" and bool(facts["references"] or facts["tokens"]))
    found = facts | facts["answer"] if answers else facts
    outcome, reason = _outcome(found, own, answers)
    people = [Person(name, address) for name, address in (*found["beside"], *found["copies"])]
    return {
        "outcome": outcome, "reason": reason, "silent": found["silent"],
        "answers": ("assumed" if read_as == "assumed" else "yes") if answers else "no",
        "from": {"name": found["name"], "address": found["address"]}, "written_by": found["written"],
        "copies": [one.address for one in copies(people, own, (found["address"],))],
        "subject": found["subject"], "message_id": found["message_id"], "references": found["references"],
        "text": found["text"], "parts": found["parts"], "files": [_file(one) for one in found["files"]],
        "files_left_out": found["left"], "returned": found["returned"],
    }  # fmt: skip


def _outcome(found: Facts, own: str, answers: bool) -> tuple[str, str | None]:
    """(what it ends as, by which sign or for which reason); no reason for what a person wrote."""
    if "reason" in found:
        return "set-aside", found["reason"]
    if is_ours(found["address"], own):
        return "set-aside", "own-id"
    if found["automatic"]:
        return "set-aside", found["automatic"]
    with suppress(Refused):
        normalise("mail", found["address"], "TR")
        return ("appended" if answers else "new-case"), None
    return "set-aside", "no-sender"


def _file(file: dict[str, str]) -> dict[str, Any]:
    content = base64.b64decode(file["content"])
    known = {"name": file["name"], "type": media_type(content), "size": len(content)}
    return known | {key: file[key] for key in ("inside", "cid") if file[key]}
