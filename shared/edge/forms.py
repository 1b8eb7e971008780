"""What a page posts: the fields of a form, and plain texts of them."""

from typing import Final
from urllib.parse import parse_qs

from fastapi import Request

from shared.core.world import Refused

LARGEST: Final = 64 * 1024
"""Bytes of what is posted."""


async def posted(request: Request) -> bytes:
    """The body of a request; Refused 413 beyond LARGEST."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise Refused("too-large", "body", f"more than {LARGEST} bytes", "shorten the comment", 413)
    return bytes(body)


def fields(body: bytes) -> dict[str, str]:
    """The fields of a posted form, the last of each name; ValueError for what is none."""
    return {name: values[-1] for name, values in parse_qs(body.decode(), max_num_fields=20).items()}


def plain(text: str) -> str:
    """A typed text without what no database takes."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip()
