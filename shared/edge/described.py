"""The description of an API (OpenAPI) as true as its routes: every status that comes, with its type and its headers.

What a route answers follows from its method, its way in and its parameters; ``also`` of a route adds what only the
route itself knows."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response

from .problems import PROBLEM, Problem

REF = "#/components/schemas/Problem"
LATER: Mapping[str, Any] = {
    "Retry-After": {"description": "seconds until it is worth trying again", "required": True,
                    "schema": {"type": "integer", "minimum": 1}}
}  # fmt: skip
TOKEN: Mapping[str, Any] = {
    "WWW-Authenticate": {"description": "Bearer", "required": True, "schema": {"type": "string"}}
}
HEADERS: Mapping[int, Mapping[str, Any]] = {401: TOKEN, 429: LATER, 503: LATER}
WHY: Mapping[int, str] = {
    400: "The body is no JSON that can be read",
    401: "No token, or one that is not ours",
    403: "Not for this role, or not for this caller",
    404: "There is no such thing, or none that the caller may see",
    409: "It does not go with what is already so",
    410: "A link that is not one of ours, was changed or is out of date; or a person who was erased",
    413: "Too large",
    415: "A body of this type is not read",
    422: "Something of the request cannot be taken; the fields are named",
    429: "Too many requests of this address, or too many wrong tokens",
    503: "It cannot be recorded or read at the moment; repeat it with its key",
}
KEY: Mapping[str, Any] = {
    "name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 200},
    "description": "makes a repeat of this request the same request: it gets the first answer",
}  # fmt: skip


class Described(Protocol):
    """What is told of a route."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def access(self) -> Any: ...
    @property
    def also(self) -> tuple[int, ...]: ...
    @property
    def page(self) -> bool: ...
    @property
    def options(self) -> dict[str, Any]: ...


def statuses(route: Described) -> set[int]:
    """Of every refusal that can come from a route."""
    if route.access.kind == "open":
        return {422}
    found = {401, 422, 429, 503, *route.also}
    if route.access.kind == "roles":
        found.add(403)
    if "{" in route.path and "{token}" not in route.path:
        found.add(404)
    if route.method != "GET":
        found |= {400, 404, 409, 410, 413, 415}  # 410: a repeat of what an erased person had sent
    return found


def responses(route: Described) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route as OpenAPI has them. A page for people says what is wrong in a page."""
    page = {"text/html": {"schema": {"type": "string"}}} if is_page(route) else {}
    return {
        status: {
            "description": WHY.get(status, HTTPStatus(status).phrase), "headers": dict(HEADERS.get(status, {})),
            "content": {PROBLEM: {"schema": {"$ref": REF}}, **page},
        }
        for status in sorted(statuses(route))
    }  # fmt: skip


def is_page(route: Described) -> bool:
    kind = route.options.get("response_class", Response)
    return route.page or (isinstance(kind, type) and issubclass(kind, HTMLResponse))


def spoken(route: Described) -> dict[str, Any]:
    """What else is told of a route: its way in, how it is proven, the key of a repeat."""
    more: dict[str, Any] = {"x-way-in": route.access.kind, "x-roles": list(route.access.roles)}
    if route.access.kind == "roles":
        more["security"] = [{"token": []}]
    elif route.access.kind != "open":
        more["security"] = [{}, {"token": []}]
    if route.method != "GET":
        more["parameters"] = [dict(KEY)]
    return {**more, **route.options.get("openapi_extra", {})}


def describe(app: FastAPI) -> None:
    """Give the application a description that holds the form of a problem and how a caller proves who they are."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            told = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            parts = told.setdefault("components", {})
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            parts.setdefault("schemas", {}).update({**schema.pop("$defs", {}), "Problem": schema})
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
            app.openapi_schema = told
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
