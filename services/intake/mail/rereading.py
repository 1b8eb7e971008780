"""Mails that are read again for whoever looks at them: each in a worker of its own, of which there are few at a time.

Who comes when too many wait already is refused at once, before their mail is fetched: a worker takes 256 MiB and
5 s."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from shared.core.world import Refused
from shared.edge.edge import Edge
from shared.runtime.service import Service

from .parse import Facts
from .worker import MailReader

WORKERS: Final = 2
WAITING: Final = 8
KEPT: Final = 16
KEPT_TEXT: Final = 64 * 1024
"""Characters of a mail that is kept; a longer one is read each time."""
SECONDS: Final = 30.0
"""So long what was read is kept: the same few are looked at again and again, and an erasure must not wait for long."""


class Rereading:
    """Workers, who waits for one, and what was read a moment ago, of one process."""

    def __init__(
        self, reader: Callable[[], MailReader] = MailReader, workers: int = WORKERS, waiting: int = WAITING,
        seconds: float = SECONDS,
    ):  # fmt: skip
        self._reader, self._turns, self._seconds = reader, asyncio.Semaphore(workers), seconds
        self._room, self._inside = workers + waiting, 0
        self._kept: dict[str, Facts] = {}
        self._under_way: dict[str, asyncio.Task[Facts | None]] = {}

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[MailReader]:
        """A reader for one mail. Refused 503 when too many wait."""
        if self._inside >= self._room:
            raise Refused("busy", "item", "too many mails are being read at the moment", "try again in a moment", 503)
        self._inside += 1
        try:
            async with self._turns:
                reader = self._reader()
                try:
                    yield reader
                finally:
                    await reader.stop()
        finally:
            self._inside -= 1

    async def shown(self, name: str, read: Callable[[MailReader], Awaitable[Facts | None]]) -> Facts | None:
        """What ``read`` finds; for all who ask for the same name meanwhile, or a moment later, it is called once."""
        if name in self._kept:
            return self._kept[name]
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(self._read(name, read))
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return await asyncio.shield(task)

    async def _read(self, name: str, read: Callable[[MailReader], Awaitable[Facts | None]]) -> Facts | None:
        async with self.worker() as reader:
            found = await read(reader)
        if found is not None and _length(found) <= KEPT_TEXT:
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = found
            asyncio.get_running_loop().call_later(self._seconds, self._kept.pop, name, None)
        return found


def _length(found: Facts) -> int:
    return sum(len(one["text"]) for one in (found, *found["parts"]))


_of_service = WeakKeyDictionary[Service, Rereading]()


def of(edge: Edge) -> Rereading:
    """That of the process which this edge belongs to."""
    return _of_service.setdefault(edge.service, Rereading())
