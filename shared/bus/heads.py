"""How far logs go, announced every few seconds: who knows more, or less, notices."""

import asyncio
import contextlib

import orjson

from shared.runtime.service import Service

from .transport import TROUBLES, Transport


class Heads:
    """This log's head and those of the logs that it hears."""

    def __init__(self, service: Service, transport: Transport, every: float):
        """``every``: seconds between two announcements."""
        self._service, self._transport, self._every = service, transport, every
        self._known: dict[str, int] = {}
        self.announced = set[str]()
        """Who has told its head since this process began to listen."""

    async def run(self) -> None:
        while True:
            with contextlib.suppress(*TROUBLES):
                await self.announce()
            await asyncio.sleep(self._every)

    async def announce(self) -> None:
        """Say where this log ends and how far it has heard others."""
        service = self._service
        heard = {source: service.tracked.get(source, 0) for source in sorted(service.sources)}
        ends = max(service.said, 0 if service.silent else service.outbox.relayed)
        await self._transport.announce(orjson.dumps({"epoch": service.epoch, "position": ends, "heard": heard}))

    def note(self, source: str, position: int) -> int:
        """A source announces where its log ends; returns what it had announced the time before."""
        self.announced.add(source)
        before, self._known[source] = self._known.get(source, 0), position
        return before

    def lag(self) -> dict[str, int]:
        """Positions announced by each source and not heard yet."""
        service = self._service
        return {s: max(0, self._known.get(s, 0) - service.tracked.get(s, 0)) for s in sorted(service.sources)}
