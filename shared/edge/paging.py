"""Lists that are answered as a bare array: how many rows at once, and a header that tells where the list goes on."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response

from shared.core.event import Id
from shared.core.world import Refused

MOST: Final = 1000
Limit = Annotated[int, Query(ge=1, le=MOST)]
After = Annotated[Id | None, Query(description="where the page begins: as the Link of the page before has it")]
Place = Annotated[int, Query(ge=0, le=2**62)]
USUAL: Final = 200
"""Rows of a page for whoever does not say how many."""
LINKED: Final[Mapping[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "Link": {
                "description": '`<?...>; rel="next"`: the query of the following page (RFC 8288); not on the last one',
                "schema": {"type": "string"},
            }
        }
    }
}
"""``responses`` of such a route."""
Row = dict[str, Any]


def known(place: Row | None, name: str = "after", row: str = "row of this list") -> Row:
    """The row that a page follows; Refused where there is none: an empty page would say that this is all."""
    if place is None:
        text, remedy = f"no {row}", "take 'next', or the Link, of the page before as it was given"
        raise Refused("unknown-place", name, text, remedy, 404)
    return place


class Page:
    """The page of a list that a request asks for."""

    def __init__(self, request: Request, response: Response):
        self._request, self._response = request, response

    def of(self, rows: list[Row], limit: int, place: Callable[[Row], object], name: str = "after") -> list[Row]:
        """The first ``limit`` rows; where there is one more, the query parameter ``name`` of the following page is the
        ``place`` of the last row."""
        if len(rows) > limit:
            query = dict(self._request.query_params.items()) | {"limit": limit, name: place(rows[limit - 1])}
            self._response.headers["Link"] = f'<?{urlencode(query)}>; rel="next"'
        return rows[:limit]


Paged = Annotated[Page, Depends(Page)]
