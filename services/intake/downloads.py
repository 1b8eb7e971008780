"""Raw mails and files by HTTP: always saved, never shown in place, never guessed at, and by themselves even if they
were."""

import re
from typing import Final
from urllib.parse import quote

from fastapi import Response

from shared.core.event import Id
from shared.core.world import Refused
from shared.edge.http import Api, Call

from .access import READERS, is_customer, visible_case

MAIL: Final = "message/rfc822"
BYTES: Final = "application/octet-stream"
ACTIVE: Final = re.compile(r"html|svg|xml|script|x-shockwave|x-msdownload|hta", re.IGNORECASE)
"""Types that a browser might run: they are sent as bytes of no type."""
SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
DOCUMENTED: Final = {200: {"description": "The bytes, to be saved", "content": {BYTES: {"schema": {"type": "string"}}}}}
api = Api()


@api.get("/v1/cases/{case}/messages/{message}/raw", access=READERS, response_class=Response, responses={
    200: {"description": "The mail as it came", "content": {MAIL: {"schema": {"type": "string"}}}}
})  # fmt: skip
async def raw_message(case: Id, message: Id, call: Call) -> Response:
    """The mail that a message came by, as it came; a customer reads their own."""
    row = await visible_case(case, call)
    found = await call.row(
        'select m.contact, m.raw, m.at, c.customer from {views}.messages m left join {views}.contacts c'
        ' on c.key = m.contact where m.key = %s and m."case" = %s and m.raw is not null', message, row["case"],
    )  # fmt: skip
    if found is None or (is_customer(call) and found["customer"] != row["customer"]):
        raise Refused("unknown-message", "message", "no mail of this case", "see 'raw' of its messages", 404)
    content = await contents(call, found["raw"], found["contact"])
    return saved(content, f"{row['number']} {found['at']:%Y-%m-%d %H%M}.eml", MAIL)


@api.get("/v1/cases/{case}/messages/{message}/attachments/{digest}", access=READERS, response_class=Response,
         responses=DOCUMENTED)  # fmt: skip
async def attachment(case: Id, message: Id, digest: Id, call: Call) -> Response:
    """A file of a message, to be saved."""
    row = await visible_case(case, call)
    found = await call.row(
        'select f.contact, f.type, f.name, c.customer from {views}.files f left join {views}.contacts c'
        ' on c.key = f.contact where f.message = %s and f."case" = %s and f.digest = %s order by f.number limit 1',
        message, row["case"], digest,
    )  # fmt: skip
    if found is None or (is_customer(call) and found["customer"] != row["customer"]):
        raise Refused("unknown-file", "digest", "no file of this message", "see 'attachments' of the case", 404)
    content = await contents(call, digest, found["contact"])
    return saved(content, found["name"] or "file", found["type"])


async def contents(call: Call, digest: str, contact: str) -> bytes:
    """The bytes of a blob; Refused 410 once its key is destroyed."""
    content = await call.blobs.get(digest, contact)
    if content is None:
        text = "it cannot be read any more: whom it came from was erased"
        raise Refused("erased", "contact", text, "nothing is left to be done", 410)
    return content


def saved(content: bytes, name: str, type_: str) -> Response:
    """An answer that a browser saves under this name (RFC 6266), whatever is in it."""
    kind = BYTES if ACTIVE.search(type_) or not re.fullmatch(r"[\w.+-]+/[\w.+-]+", type_) else type_
    return Response(content, media_type=kind, headers={**SAFE, "Content-Disposition": disposition(name)})


def disposition(name: str) -> str:
    """``attachment`` with the name in ASCII and, where that is not all of it, in UTF-8."""
    plain = re.sub(r"[\x00-\x1f\x7f/\\]+", "_", name).encode("utf-8", "replace").decode()
    ascii_ = re.sub(r'[^ -~]|["%;]', "_", plain)
    extended = f"; filename*=UTF-8''{quote(plain, safe='')}" if ascii_ != plain else ""
    return f'attachment; filename="{ascii_}"{extended}'
