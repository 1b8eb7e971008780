"""Hearing in order: what must come before a message is read from its publisher's log first."""

from collections.abc import Iterator, Sequence

from shared.core.facts import EpochBegan
from shared.runtime.ordering import Gap, Stopped, UsedTwice
from shared.runtime.service import Service
from shared.store.codec import Envelope


class Hearer:
    """A service that hears what other logs say; where these are read is for ``read`` to say."""

    def __init__(self, service: Service):
        self.service = service

    async def read(
        self, source: str, after: int, upto: int | None = None, topics: Sequence[str] = (), late: bool = False
    ) -> tuple[list[Envelope], int]:
        """A page of what ``source`` said above ``after``, and how far that page looked."""
        raise NotImplementedError

    async def holds(self, envelope: Envelope) -> bool:
        """Whether this is not to be heard for now."""
        return False

    async def settle(self, envelopes: Sequence[Envelope]) -> None:
        """Hear these, and first whatever must come before them. Raises Stopped when some of them are held back, after
        the others were heard."""
        stopped: Stopped | None = None
        for part in _epochs(envelopes):
            free = []
            for envelope in part:
                if await self.holds(envelope):
                    stopped = Stopped(envelope.message.source)
                else:
                    free.append(envelope)
            if trouble := await self._settle(free):
                stopped = stopped if isinstance(stopped, UsedTwice) else trouble
        if stopped:
            raise stopped

    async def _settle(self, envelopes: Sequence[Envelope]) -> Stopped | None:
        waiting, stopped = list(envelopes), None
        while waiting:
            results = await self.service.handle_each(*waiting)
            failed = [(e, r) for e, r in zip(waiting, results, strict=True) if isinstance(r, Exception)]
            if hard := next((r for _, r in failed if not isinstance(r, Gap | Stopped)), None):
                raise hard
            found = sorted((r for _, r in failed if isinstance(r, Stopped)), key=lambda r: not isinstance(r, UsedTwice))
            stopped = next(iter(found), stopped)
            gaps = [(e, r) for e, r in failed if isinstance(r, Gap)]
            if gaps:
                gap = gaps[0][1]
                await self.backfill(gap.source, gap.upto)
            waiting = [e for e, _ in gaps]
        return stopped

    async def backfill(self, source: str, upto: int) -> None:
        """Read from the publisher's log what lies between the last heard position and ``upto``."""
        while (after := self.service.tracked.get(source, 0)) < upto:
            envelopes, looked = await self.read(source, after, upto)
            if not envelopes and looked >= upto:  # it was lost there; what follows says so
                envelopes, _ = await self.read(source, after)
            await self.settle(envelopes)
            if self.service.tracked.get(source, 0) <= after:
                raise LookupError(f"the log of {source} ends at {looked}, position {upto} was announced")


def _epochs(envelopes: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
    """Cut after each beginning of an epoch: whether what follows may be heard is known once that is recorded."""
    start = 0
    for index, envelope in enumerate(envelopes, 1):
        if envelope.topic == EpochBegan.TOPIC or index == len(envelopes):
            yield envelopes[start:index]
            start = index
