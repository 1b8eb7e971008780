"""Erased stays erased: when the vault is restored from before an erasure, or a customer-erased is recovered that this
log had lost, the keys that it names are destroyed again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import uuid5

from contracts.intake import RotateMasterKey
from shared.edge import NAMESPACE, Edge
from shared.tasks import end

LOOK_SECONDS = 2.0
PAGE = 10_000
log = logging.getLogger("vefa.restored")


class ErasedAgain:
    """Looks once before this process answers anybody, then at every customer-erased that comes."""

    def __init__(self, edge: Edge):
        self._edge, self._looked = edge, (0, "")
        self._came_back: list[str] = []
        """Keys that were destroyed again, and for which the exchange of the master key is not asked yet."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> dict[str, str]:
        await self.look()
        self._task = asyncio.create_task(self._follow())
        return {}

    async def stop(self) -> None:
        if self._task:
            await end(self._task)

    async def look(self) -> None:
        """Destroy every key that the log calls destroyed and that the vault has."""
        query = 'select "row", key from {views}.destroyed where ("row", key) > (%s, %s) order by "row", key limit %s'
        while rows := await self._edge.rows(query, *self._looked, PAGE):
            gone = await self._edge.vault.destroy_again([row["key"] for row in rows], self._edge.now)
            if gone:
                log.warning("%d keys of erased customers had come back and were destroyed again", len(gone))
            self._came_back += gone
            self._looked = (rows[-1]["row"], rows[-1]["key"])

    async def _follow(self) -> None:
        while True:
            await self._try(self._ask)
            await asyncio.sleep(LOOK_SECONDS)
            await self._try(self.look)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Exception as error:  # whatever it is: who looks no more would let the next one stand
            log.warning("what came back of the erased waits: %s", type(error).__name__)

    async def _ask(self) -> None:
        """The copy of the vault that the keys came from opens until the master key that wraps it is exchanged."""
        if self._came_back:
            id = uuid5(NAMESPACE, f"intake/rotate/restored/{self._edge.now.isoformat()}/{self._came_back[0]}")
            await self._edge.hear(RotateMasterKey(by="restored"), id=id)
            self._came_back.clear()
