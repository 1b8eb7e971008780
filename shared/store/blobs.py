"""Large content (attachments, raw mail): cut into pieces, encrypted under its subject's key, named by the digest of
its ciphertext."""

from collections.abc import Sequence
from hashlib import sha256

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.core.media import media_type
from shared.core.parts import Blob
from shared.privacy.sealing import seal_bytes, unseal_bytes
from shared.privacy.vault import Vault

from .event_log import EventLog

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
        sealed = [seal_bytes(key, piece, f"blob|{subject}|{i}") for i, piece in enumerate(pieces)]
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
        return Blob(digest=digest, size=len(content), type=media_type(content), name=name)

    async def get(self, digest: str, subject: str) -> bytes | None:
        """The content; None when there is none or its key is destroyed."""
        async with self._log.pool.connection() as conn:
            query = self._log.sql("select content from {s}.blobs where digest = %s order by piece")
            rows = await (await conn.execute(query, (digest,), binary=True)).fetchall()
        return await self.open([bytes(content) for (content,) in rows], subject)

    async def opens(self, digest: str) -> bool:
        """Whether it is there and its key is not destroyed."""
        async with self._log.pool.connection() as conn:
            query = self._log.sql("select content from {s}.blobs where digest = %s and piece = 0")
            found = await (await conn.execute(query, (digest,), binary=True)).fetchone()
        if found is None:
            return False
        key_id = bytes(found[0]).decode()
        return (await self._vault.keys([key_id]))[key_id] is not None

    async def on_asked(self, message: Msg) -> None:
        """Another service asks for a row of a blob, ``{"digest", "row"}``: the id of its key under 0, its sealed pieces
        from 1 on; the answer is empty where there is no more, or when it asks for nothing of the kind."""
        try:
            ask = orjson.loads(message.data)
            wanted = str(ask["digest"]).replace("\x00", ""), int(ask["row"])
        except (ValueError, KeyError, TypeError):
            await message.respond(b"")
            return
        async with self._log.pool.connection() as conn:
            query = self._log.sql("select content from {s}.blobs where digest = %s and piece = %s::numeric")
            found = await (await conn.execute(query, wanted, binary=True)).fetchone()
        await message.respond(bytes(found[0]) if found else b"")

    async def get_from(self, client: Client, service: str, digest: str, subject: str) -> bytes | None:
        """The content of a blob of another service; None when there is none or its key is destroyed."""
        rows: list[bytes] = []
        while True:
            ask = orjson.dumps({"digest": digest, "row": len(rows)})
            answer = await client.request(f"vefa.blob.{service}", ask, timeout=10)
            if not answer.data:
                return await self.open(rows, subject)
            rows.append(answer.data)

    async def open(self, rows: Sequence[bytes], subject: str) -> bytes | None:
        """The content of all its rows, of this service or of another; ValueError when they were changed."""
        if not rows:
            return None
        key_id = rows[0].decode()
        key = (await self._vault.keys([key_id]))[key_id]
        if key is None:
            return None
        return b"".join(unseal_bytes(key, piece, f"blob|{subject}|{i}") for i, piece in enumerate(rows[1:]))
