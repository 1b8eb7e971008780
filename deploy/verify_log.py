"""Verify a log that ``vefa export log SERVICE --to FILE`` wrote, with Python's standard library alone (docs/chain.md).

python verify_log.py FILE [HASH]      HASH: a head that ``vefa verify`` showed at some time; that row must be here
Status 0: it is whole. Status 1: it is not; the first line that does not fit is named."""

import base64
import json
import struct
import sys
from hashlib import sha256
from pathlib import Path
from uuid import UUID


def row_hash(previous: bytes, row: dict) -> bytes:
    fixed = struct.pack(">qqq?", row["position"], row["version"], row["recorded_at"], row["said"])
    state, metadata = (base64.b64decode(row[name], validate=True) for name in ("state", "metadata"))
    parts = (row["stream"].encode(), row["topic"].encode(), state, UUID(row["id"]).bytes, metadata)
    return sha256(previous + fixed + b"".join(struct.pack(">q", len(part)) + part for part in parts)).digest()


def begins_an_epoch(row: dict) -> bool:
    named = row["said"] and row["topic"] == "kernel.epoch-began.v1"
    return named and json.loads(base64.b64decode(row["state"]))["lost_to"] + 1 == row["position"]


def demand(fits: bool, otherwise: str) -> None:
    if not fits:
        raise ValueError(otherwise)


def verify(path: str, head: str = "") -> str:
    """What is whole, in words. Raises SystemExit that names the first line that does not fit."""
    number, position, rows, previous, met, digest = 1, 0, 0, b"", not head, sha256()
    try:
        with Path(path).open("rb") as file:
            line = file.readline()
            header = json.loads(line)
            demand((header["format"], header["version"]) == ("vefa-log", 1), "no log in a form that is known here")
            for following in file:
                digest.update(line)
                number, line, row = number + 1, following, json.loads(following)
                if "end" in row:
                    break
                follows = row["position"] == position + 1 or (row["position"] > position and begins_an_epoch(row))
                demand(follows, f"row {position + 1} is missing, or row {row['position']} is out of order")
                previous = row_hash(previous, row)
                demand(row["hash"] == previous.hex(), f"row {row['position']} changed, or one before it did")
                position, rows, met = row["position"], rows + 1, met or row["hash"] == head
            end = {"end": "vefa-log", "rows": rows, "position": position, "hash": previous.hex()}
            last = json.dumps({**end, "sha256": digest.hexdigest()}, separators=(",", ":")) + "\n"
            demand(line == last.encode(), "the last line is missing or does not fit what stands before it")
            demand(not file.read(1) and met, f"no row has the hash {head}: rows are cut off, or it is another log")
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise SystemExit(f"{path}, line {number}: {error}") from None
    return f"{path}: the log of {header['service']} is whole: {rows} rows up to {position}, head {previous.hex()}"


if __name__ == "__main__":
    sys.stdout.write(verify(*sys.argv[1:3]) + "\n")
