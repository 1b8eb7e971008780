"""Out: what a log said goes to the bus in order, from where it stopped."""

import asyncio
import contextlib
import logging

from shared.runtime.service import Service
from shared.store.event_log import EPOCH_BEGAN
from shared.store.rows import Recorded

from .log_reader import PAGE_ROWS
from .transport import TROUBLES, StreamLost, Transport

LOOK_SECONDS = 1.0
"""How often it is asked whether another process has written."""
log = logging.getLogger("vefa.bus")


class Relay:
    """Publishes at least once, with the event id as message id. ``troubles``: where it notes that it cannot."""

    def __init__(self, service: Service, transport: Transport, troubles: dict[str, str]):
        self._service, self._transport, self._troubles = service, transport, troubles
        self.woken = service.changes.wakes()
        self._looked = 0.0

    async def run(self) -> None:
        outbox, loop = self._service.outbox, asyncio.get_running_loop()
        while True:
            self.woken.clear()
            try:
                rows = outbox.after(outbox.relayed, PAGE_ROWS)
                idle = loop.time() - self._looked
                if not rows and self._service.said <= outbox.relayed and idle < LOOK_SECONDS:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_SECONDS - idle):
                            await self.woken.wait()
                    continue
                if rows := rows or await self._look():
                    await self._publish(rows)
                self._troubles.pop("relay", None)
            except StreamLost as error:
                await declare_again(self._transport, self._service.name)
                await self._cannot(error)
            except Exception as error:  # infrastructure: tried again for ever
                log.warning(
                    "%s cannot publish what it said (%s); tried again", self._service.name, type(error).__name__
                )
                await self._cannot(error)

    async def _look(self) -> list[Recorded]:
        """What another process said, or what memory has not: from the log."""
        service, relayed = self._service, self._service.outbox.relayed
        self._looked = asyncio.get_running_loop().time()
        await service.look()
        if service.said > relayed:
            return await service.log.rows(relayed, PAGE_ROWS, said=True)
        await service.note_relayed()
        return []

    async def _publish(self, rows: list[Recorded]) -> None:
        if any(row.topic == EPOCH_BEGAN for row in rows):
            await self._service.handle_each()  # somebody else said that: be in this epoch before it is known
        await self._transport.publish(rows)
        self._service.outbox.relayed = rows[-1].id

    async def _cannot(self, error: Exception) -> None:
        self._troubles["relay"] = f"cannot publish what it said ({type(error).__name__})"
        await asyncio.sleep(0.5)


async def declare_again(transport: Transport, name: str) -> None:
    """Make the stream again that is gone."""
    log.warning("%s: nobody at NATS keeps what it says; a stream that is gone is made again", name)
    with contextlib.suppress(*TROUBLES):
        await transport.declare()
