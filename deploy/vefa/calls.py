"""Calls of the HTTP interface of a running service, as an administrator of this data folder."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from deploy.vefa.local import secret
from shared.core.message import Role
from shared.edge.tokens import create

from .base import Failed, known, running


def call(
    data: Path, service: str, method: str, path: str, body: dict[str, Any] | None = None, by: str = "admin"
) -> Any:
    """The answer of a route. Raises Failed with the service's own words and remedy when it refuses or is not there."""
    return _asked(data, service, method, path, body, by)[0]


def every(data: Path, service: str, path: str) -> list[Any]:
    """All rows of a list, however many pages it has."""
    rows: list[Any] = []
    while True:
        page, following = _asked(data, service, "GET", path, None, "admin")
        rows.extend(page)
        path = f"{path.partition('?')[0]}{following}"
        if not following:
            return rows


def _asked(data: Path, service: str, method: str, path: str, body: dict[str, Any] | None, by: str) -> tuple[Any, str]:
    """The answer, and the query of the following page."""
    addresses: dict[str, dict[str, str]] = running(data)["services"]
    address = addresses[known(service, addresses)]["http"]
    token = create(secret(data, "token.key"), Role.admin, by)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    try:
        reply = httpx.request(method, f"{address}{path}", json=body, headers=headers, timeout=30)
    except httpx.HTTPError as e:
        raise Failed(f"{service} does not answer at {address} ({type(e).__name__}); is the platform up?") from e
    content = reply.json() if "json" in reply.headers.get("content-type", "") else {}
    if reply.is_success:
        return content, reply.links.get("next", {}).get("url", "")
    fields = "; ".join(f"{f['field']}: {f['text']}" for f in content.get("fields", []))
    where = f"{content['field']}: " if content.get("field") else ""
    detail = fields or content.get("detail") or f"status {reply.status_code}"
    raise Failed(f"{where}{detail}; {content.get('remedy') or f'see {address}/docs'}")
