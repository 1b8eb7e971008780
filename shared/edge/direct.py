"""A short way for the requests that come most: the body is validated once, from its bytes, and the route is called with
it. What is not as it should be goes the framework's way, which says what is wrong with it as everywhere else."""

from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any, get_type_hints

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

Handle = Callable[[Request], Awaitable[Response]]
JSON = "application/json"


def body_of(endpoint: Callable[..., Any]) -> type[BaseModel]:
    """The model of ``body`` of a route that takes ``body`` and ``call`` and nothing else; TypeError for another one."""
    body = get_type_hints(endpoint).get("body")
    if [*signature(endpoint).parameters] != ["body", "call"] or not (
        isinstance(body, type) and issubclass(body, BaseModel)
    ):
        raise TypeError(f"{endpoint.__name__} cannot be called directly: it must take `body`, a model, and `call`")
    return body


def directly(endpoint: Callable[..., Any], status: int, otherwise: Handle) -> Handle:
    """Answers with ``status`` and what the route returns, a model or a response."""
    validate = body_of(endpoint).__pydantic_validator__.validate_json

    async def answer(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            return await otherwise(request)
        try:
            body = validate(await request.body())
        except ValidationError:
            return await otherwise(request)
        found = await endpoint(body=body, call=request.state.edge)
        if isinstance(found, Response):
            return found
        return Response(found.model_dump_json(), status, media_type=JSON)

    return answer
