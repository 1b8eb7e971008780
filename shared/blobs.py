"""Large content (attachments, raw mail): cut into pieces, encrypted under its subject's key, named by the digest of
its ciphertext."""

from hashlib import sha256

import filetype

from contracts.common import Blob

from .log import EventLog
from .privacy import Vault, seal, unseal

PIECE = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024


class Blobs:
    """The blob table of one service."""

    def __init__(self, log: EventLog, vault: Vault):
        self._log, self._vault = log, vault

    async def put(self, content: bytes, name: str, subject: str) -> Blob:
        """Store and describe; ValueError above 64 MiB. The same content of the same subject is stored once."""
        if len(content) > MAX_BYTES:
            raise ValueError(f"{len(content)} bytes; at most {MAX_BYTES} can be kept")
        key = (await self._vault.keys_for([subject]))[subject]
        pieces = [content[i : i + PIECE] for i in range(0, len(content), PIECE)] or [b""]
        sealed = [seal(key, p.decode("latin-1"), f"blob|{subject}|{i}")["c"].encode() for i, p in enumerate(pieces)]
        digest = sha256(key.id.encode() + b"".join(sealed)).hexdigest()
        rows = [key.id.encode(), *sealed]
        async with self._log.pool.connection() as conn:
            await conn.execute(
                self._log.sql(
                    "insert into {s}.blobs select * from unnest(%b::text[], %b::bigint[], %b::bytea[])"
                    " on conflict do nothing"
                ),
                ([digest] * len(rows), list(range(len(rows))), rows),
            )
        kind = filetype.guess(content[:8192])
        return Blob(digest=digest, size=len(content), type=kind.mime if kind else "application/octet-stream", name=name)

    async def get(self, digest: str, subject: str) -> bytes | None:
        """The content; None when there is none or its key is destroyed."""
        async with self._log.pool.connection() as conn:
            query = self._log.sql("select content from {s}.blobs where digest = %s order by piece")
            rows = await (await conn.execute(query, (digest,), binary=True)).fetchall()
        if not rows:
            return None
        key_id = bytes(rows[0][0]).decode()
        key = (await self._vault.keys([key_id]))[key_id]
        if key is None:
            return None
        parts = [unseal(key, bytes(c).decode(), f"blob|{subject}|{i}") for i, (c,) in enumerate(rows[1:])]
        return "".join(parts).encode("latin-1")
