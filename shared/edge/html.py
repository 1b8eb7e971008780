"""Web pages behind links in mails, in Turkish and English, without JavaScript. A page asks by GET and records by POST:
mail scanners follow links."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Literal
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse

from shared.core.world import Refused

PageLanguage = Literal["tr", "en"]
LARGEST = 64 * 1024
"""Bytes of what is posted."""
STYLE = """
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
fieldset{border:0;padding:0;margin:0 0 1.5rem}legend{font-weight:600;margin-bottom:.75rem}
.scale{display:flex;flex-wrap:wrap;gap:.5rem}
.scale label{border:1px solid #767676;border-radius:.4rem;padding:.5rem .8rem}
.ends{display:flex;justify-content:space-between;font-size:.9rem;color:#4a4a4a;margin-top:.4rem}
textarea{width:100%;box-sizing:border-box;min-height:6rem;font:inherit;margin:.4rem 0 1rem}
button{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.4rem;background:#0b57a4;color:#fff}
.error{border-left:.3rem solid #b00020;padding:.2rem .8rem}
"""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'sha256-" + b64encode(sha256(STYLE.encode()).digest()).decode() + "'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def language_of(known: str | None, request: Request) -> PageLanguage:
    """The person's language where it is known, otherwise the browser's first of the two, otherwise Turkish."""
    accepted = request.headers.get("accept-language", "").split(",")
    for code in (known or "", *(part.partition(";")[0].strip()[:2].lower() for part in accepted)):
        if code == "tr":
            return "tr"
        if code == "en":
            return "en"
    return "tr"


def page(language: PageLanguage, title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page around a body that is HTML already."""
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>",
        status, headers=dict(HEADERS),
    )  # fmt: skip


def warning(text: str) -> str:
    """What went wrong, as HTML."""
    return f'<p class="error" role="alert">{escape(text)}</p>'


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
