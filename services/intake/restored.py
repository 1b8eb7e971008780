"""Erased stays erased: when the vault is restored from before an erasure, or a customer-erased or message-erased is
recovered that this log had lost, the keys that it names are destroyed again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid5

from contracts.intake import RotateMasterKey
from shared.base.tasks import end
from shared.core.instants import FIRST
from shared.core.message import NAMESPACE
from shared.edge.edge import Edge

LOOK_SECONDS = 2.0
PAGE = 10_000
LATER = timedelta(microseconds=1)
"""So that it is after the erasure on a clock that stands still, too."""
log = logging.getLogger("vefa.restored")


class ErasedAgain:
    """Looks once before this process answers anybody, then at every erasure that comes."""

    def __init__(self, edge: Edge):
        self._edge, self._looked = edge, (0, "")
        self._asked = False
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
            gone = await self._edge.vault.destroy_again([row["key"] for row in rows], self._edge.now + LATER)
            if gone:
                self._asked = False
                log.warning("%d keys of erased customers had come back and were destroyed again", len(gone))
            self._looked = (rows[-1]["row"], rows[-1]["key"])

    async def _follow(self) -> None:
        while True:
            self._asked = self._asked or await self._try(self._ask)
            await asyncio.sleep(LOOK_SECONDS)
            await self._try(self.look)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
            return True
        except Exception as error:  # whatever it is: who looks no more would let the next one stand
            log.warning("what came back of the erased waits: %s", type(error).__name__)
            return False

    async def _ask(self) -> None:
        """The copy of the vault that keys came back with opens until the master key that wraps it is exchanged.

        Whether that is still wanted is read from the vault and the views: a process may have ended between destroying
        them and asking."""
        edge = self._edge
        rotated = await edge.row("select max(at) as at from {views}.rotations")
        destroyed = await edge.vault.destroyed_since((rotated and rotated["at"]) or FIRST)
        erased = await edge.rows("select key, at from {views}.destroyed where key = any(%s)", list(destroyed))
        again = [(destroyed[row["key"]], row["key"]) for row in erased if destroyed[row["key"]] > row["at"]]
        if again:
            at, key = max(again)
            id = uuid5(NAMESPACE, f"intake/rotate/restored/{at.isoformat()}/{key}")
            await edge.send(RotateMasterKey(by="restored"), id=id)
