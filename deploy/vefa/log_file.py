"""A log as a file that can be verified without any of our code: ``docs/chain.md`` gives its bytes."""

import asyncio
import base64
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import typer

from shared.store.event_log import EventLog
from shared.store.rows import EPOCH, Recorded

from .audit import bar
from .base import Failed, console, opened

FORMAT, PAGE = "vefa-log", 500
HEADER = {
    "format": FORMAT,
    "version": 1,
    "service": "",
    "rows": "one JSON object a line, in the order of their positions; then a line with the key 'end'",
    "fields": {
        "position": "place in the log, from 1, without gaps but where an epoch begins",
        "stream": "the stream that the event belongs to",
        "version": "place of the row in its stream",
        "topic": "name of the event",
        "state": "base64 of the event's bytes: JSON, personal texts as ciphertext",
        "id": "id of the event",
        "metadata": "base64 of the envelope's bytes: JSON",
        "recorded_at": "microseconds since 1970-01-01T00:00:00Z",
        "said": "whether this service said it; false: it heard it",
        "hash": "SHA-256, hexadecimal, of the hash of the row before and all other fields",
    },
    "chain": "docs/chain.md; deploy/verify_log.py checks it",
}


def line_of(row: Recorded) -> bytes:
    """A row as it stands in the file."""
    micros = round((row.recorded_at - EPOCH).total_seconds() * 1_000_000)
    return _line({
        "position": row.id, "stream": str(row.originator_id), "version": row.originator_version, "topic": row.topic,
        "state": base64.b64encode(row.state).decode(), "id": str(row.event_id),
        "metadata": base64.b64encode(row.metadata).decode(), "recorded_at": micros, "said": row.said,
        "hash": row.hash.hex(),
    })  # fmt: skip


def header_of(service: str) -> bytes:
    return _line({**HEADER, "service": service})


def end_of(rows: int, position: int, head: bytes, digest: str) -> bytes:
    """The last line. ``digest``: SHA-256 of all lines before it."""
    return _line({"end": FORMAT, "rows": rows, "position": position, "hash": head.hex(), "sha256": digest})


def export_log(data: Path, service: str, file: Path | None) -> None:
    """Write the log of a service to a new file and say how to verify it."""
    if not service or file is None:
        raise typer.BadParameter("name both: vefa export log SERVICE --to FILE", param_hint="SERVICE, --to")

    async def export() -> tuple[int, int, str]:
        async with opened(data, service) as logs:
            with bar(f"export {service}", (await logs[service].head()).position) as advance:
                return await write(logs[service], file, advance)

    rows, position, head = asyncio.run(export())
    said = f"{rows} rows of {service} up to position {position} are in {file}; head {head}"
    console.print(said, highlight=False, markup=False, soft_wrap=True)
    console.print(f"Verify it with: python deploy/verify_log.py {file}", highlight=False, markup=False, soft_wrap=True)


async def write(log: EventLog, file: Path, progress: Callable[[int], None]) -> tuple[int, int, str]:
    """Write a log as it stands now to a new file, page by page; returns its rows, the last position and its hash. A
    file that was begun and could not be ended is removed. Raises Failed when there is one of that name."""
    position = (await log.head()).position
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Failed(f"--to: {file} is there already; choose another name") from None
    digest, count, after, last = sha256(), 0, 0, b""
    try:
        with os.fdopen(descriptor, "wb") as out:

            def put(line: bytes) -> None:
                digest.update(line)
                out.write(line)

            put(header_of(log.schema))
            while rows := await log.rows(after, PAGE, upto=position):
                for row in rows:
                    put(line_of(row))
                count, after, last = count + len(rows), rows[-1].id, rows[-1].hash
                progress(count)
            out.write(end_of(count, after, last, digest.hexdigest()))
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        await asyncio.to_thread(file.unlink, missing_ok=True)
        raise
    return count, after, last.hex()


def _line(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
