"""Where messages wait for their commit: all that came while the last one was written go into the next one together."""

import asyncio
from collections.abc import Sequence

from psycopg import DataError

from shared.core.message import Message

from .commit import Committer
from .decoding import Arrived
from .ordering import Overloaded, Silent, WentBack
from .outcome import Outcome, RetryFailed

WAITING = 10_000
"""So many messages may wait; whoever comes with more is told to come again."""
WRITING = (DataError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""Raised when what follows from a message cannot be written: the message is wrong, or a rule, not the database."""
Results = list[Outcome | Exception]


class Inbox:
    """The queue of one service. ``size``: how many messages a commit takes, unless one sender brings more at once."""

    def __init__(self, committer: Committer, size: int):
        self._committer, self._name, self.size = committer, committer.rules.name, size
        self.silent: Silent | None = None
        """Why nothing may be recorded."""
        self.waiting = 0
        """Messages that wait for a commit, those included that are being written."""
        self.outdated = False
        """What the rules keep in memory is to be read anew before the next commit."""
        self._queue: asyncio.Queue[tuple[Sequence[Arrived], asyncio.Future[Results]]] = asyncio.Queue()

    async def put(self, messages: Sequence[Arrived]) -> Results:
        """Returns after the commit that takes these in, with an outcome or an exception for each."""
        if self.silent and messages:
            raise self.silent
        if self.waiting > WAITING:
            raise Overloaded(f"{self._name} has {self.waiting} messages waiting")
        done: asyncio.Future[Results] = asyncio.get_running_loop().create_future()
        self.waiting += len(messages)
        self._queue.put_nowait((messages, done))
        return await done

    async def run(self) -> None:
        """Group commit: whatever arrived while the last transaction ran goes into the next one."""
        while True:
            waiting = [await self._queue.get()]
            while sum(len(m) for m, _ in waiting) < self.size and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            flat = [m for messages, _ in waiting for m in messages]
            results = await self._commit(flat)
            self.waiting -= len(flat)
            at = 0
            for messages, done in waiting:
                if not done.done():
                    done.set_result(results[at : at + len(messages)])
                at += len(messages)

    async def _commit(self, batch: Sequence[Arrived]) -> Results:
        try:
            if self.outdated:
                await self._committer.load()
                self.outdated = False
            return await self._committer.commit(batch)
        except WRITING:
            return [await self._alone(m) for m in batch]
        except WentBack as e:
            self.silent = Silent(str(e))
            await self._committer.load()
            return [e] * len(batch)
        except Exception as e:  # nothing was recorded: every waiter hears why
            return [e] * len(batch)

    async def _alone(self, message: Arrived) -> Outcome | Exception:
        """Something of a batch could not be written: each of it alone, so that only the one that is wrong fails, as a
        command, or is parked, as a fact."""
        try:
            try:
                [result] = await self._committer.commit([message])
            except WRITING as e:
                if isinstance(message, Message) and message.command:
                    return e
                if isinstance(message, Message) and message.retry_of:
                    return RetryFailed(f"{type(e).__name__}: what follows from it cannot be written")
                [result] = await self._committer.commit([message], unwritable=e)
            return result
        except Exception as e:
            return e
