"""A process that is told to stop, whatever is asked of it meanwhile."""

import asyncio

import httpx
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.waiting import PATIENCE

from .conftest import Platform

pytestmark = [pytest.mark.long, pytest.mark.servers]


async def test_it_stops_though_somebody_asks_on_over_a_connection_that_was_not_told(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when uvicorn tells its connections while this one is just being taken up."""
    told, tell = set[HttpToolsProtocol](), HttpToolsProtocol.shutdown

    def from_the_second_time_on(connection: HttpToolsProtocol) -> None:
        if connection in told:
            tell(connection)
        told.add(connection)

    monkeypatch.setattr(HttpToolsProtocol, "shutdown", from_the_second_time_on)
    address = f"{platform.address('intake')}/intake/health"
    async with httpx.AsyncClient(timeout=PATIENCE) as client, asyncio.timeout(PATIENCE):
        await client.get(address)
        platform.processes["intake"].stopping.set()
        with pytest.raises(httpx.TransportError):
            await _ask_for_ever(client, address)
    assert told


async def _ask_for_ever(client: httpx.AsyncClient, address: str) -> None:
    while True:
        await client.get(address)
        await asyncio.sleep(0.02)
