"""The quick path between logs. NATS carries what a service said to the others; the publisher's log stays the true path.

A message says where it stands in its publisher's log (position, previous, after). A consumer that finds something
missing - a lost message, a wiped stream, a service with no past - reads it from the publisher's log and goes on."""

import asyncio
import contextlib

import orjson

from shared.base.tasks import end
from shared.runtime.clock import Clock
from shared.runtime.ordering import Gap, Stopped
from shared.runtime.outbox import RELAY
from shared.runtime.service import Service

from . import log_reader as reading
from .epochs import Epochs
from .heads import Heads
from .listener import Listener
from .relay import Relay
from .transport import TROUBLES, Handler, Transport


class Bus:
    """One service on the bus. What others ask is answered in every process; only the leader relays, listens and
    announces."""

    def __init__(
        self, service: Service, transport: Transport, clock: Clock, told: Handler,
        *, head_every: float = 5.0, look_every: float = 5.0, silent_after: float = 10.0,
    ):  # fmt: skip
        """Seconds: ``head_every`` its head is announced; ``look_every`` it is asked whether messages wait, once none
        came for ``silent_after``."""
        self.service, self.transport = service, transport
        self.troubles: dict[str, str] = {}
        """What does not go at the moment, by part of the bus; readiness is red until it goes again."""
        self.relay = Relay(service, transport, self.troubles)
        self.heads = Heads(service, transport, head_every)
        self.listener = Listener(
            service, transport, clock, self.heads, self.troubles, look_every=look_every, silent_after=silent_after
        )
        self.tasks: list[asyncio.Task[None]] = []
        transport.serve(sorted(service.sources), read=self.on_read, told=told, head=self.on_head, heard=self.on_heard)

    # the leader -----------------------------------------------------------------------------------------------------
    async def act(self) -> None:
        """Start to fetch, relay and compare heads."""
        self.service.outbox.relayed = (await self.service.log.trackings()).get(RELAY, 0)
        runs = (self.relay.run(), self.heads.run(), *self.listener.runs())
        self.tasks = [asyncio.create_task(run) for run in runs]

    async def rest(self) -> None:
        """Be the leader no more."""
        await end(*self.tasks)
        self.tasks = []
        self.troubles.clear()
        await self.listener.rest()

    # how it goes ----------------------------------------------------------------------------------------------------
    @property
    def problem(self) -> str | None:
        """Why the leader is not ready; None when nothing stands in its way."""
        if not self.transport.connected:
            return "NATS cannot be reached"
        if trouble := self.epochs.problem:
            return trouble
        if not self.listening:
            return "reads what it has not heard yet"
        return next(iter(self.troubles.values()), None)

    @property
    def epochs(self) -> Epochs:
        return self.listener.epochs

    @property
    def listening(self) -> bool:
        """What others say from now on is fetched."""
        return self.listener.listening

    @property
    def relayed(self) -> int:
        """The position up to which the bus has what was said."""
        return self.service.outbox.relayed

    def lag(self) -> dict[str, int]:
        """Positions announced by each source and not heard yet."""
        return self.heads.lag()

    # what others ask and tell ---------------------------------------------------------------------------------------
    async def on_read(self, question: bytes) -> bytes:
        """Another service, or an auditor, reads what this log said."""
        return await reading.answer(self.service.log, self.service.name, question)

    async def on_head(self, source: str, announced: bytes) -> None:
        """What was announced the time before must have been heard by now; and who announces may have heard more of this
        log than it holds."""
        head = orjson.loads(announced)
        self.epochs.on_heard(head.get("heard", {}).get(self.service.name, 0))
        if source not in self.service.sources:
            return
        position = int(head["position"])
        before = self.heads.note(source, position)
        if self.service.leads and self.listening:
            with contextlib.suppress(*TROUBLES, LookupError, Gap, Stopped):
                await self.epochs.on_source(source, position, int(head["epoch"]))
                await self.listener.backfill(source, before)

    async def on_heard(self, source: str) -> bytes:
        """A log asks who heard how much of it."""
        return orjson.dumps({"service": self.service.name, "heard": self.service.tracked.get(source, 0)})
