"""The page ``/docs``: the description of an API to read and try, with nothing that comes from another host.

The files are those of Swagger UI (Apache-2.0) as the package ``fastapi-offline`` ships them."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
START = """
window.onload = () => SwaggerUIBundle({
  url: "openapi.json", dom_id: "#here", deepLinking: true, validatorUrl: null, syntaxHighlight: false,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
})
"""
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    '<link rel="icon" href="docs/favicon.png"><link rel="stylesheet" href="docs/swagger-ui.css"></head>'
    '<body><div id="here"></div><script src="docs/swagger-ui-bundle.js"></script><script>{start}</script></body></html>'
)
POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{start}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
).replace("{start}", b64encode(sha256(START.encode()).digest()).decode())
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def show(app: FastAPI) -> None:
    """Serve the page of an application's description, and the files that it needs."""

    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE.replace("{title}", app.title).replace("{start}", START), headers=HEADERS)

    app.add_api_route("/docs", page, include_in_schema=False)
    for name, kind in FILES.items():
        app.add_api_route(f"/docs/{name}", _file(name, kind), include_in_schema=False)


def _file(name: str, kind: str) -> Callable[[], Awaitable[Response]]:
    async def file() -> Response:
        content = (files("fastapi_offline") / "static" / name).read_bytes()
        return Response(content, media_type=kind, headers={**HEADERS, "Cache-Control": "max-age=86400"})

    return file
