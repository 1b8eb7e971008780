"""In: what other logs say is fetched from the bus, or read from these logs where the bus has lost it."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from shared.runtime.clock import Clock
from shared.runtime.ordering import Stopped, UsedTwice
from shared.runtime.service import Service
from shared.store.codec import Envelope

from . import log_reader as reading
from .catch_up import Hearer
from .epochs import Epochs
from .heads import Heads
from .relay import declare_again
from .transport import TROUBLES, Delivery, StreamLost, Transport

log = logging.getLogger("vefa.bus")


class Listener(Hearer):
    """What one service hears. ``troubles``: where it notes what does not go."""

    def __init__(
        self, service: Service, transport: Transport, clock: Clock, heads: Heads, troubles: dict[str, str],
        *, look_every: float, silent_after: float,
    ):  # fmt: skip
        """Seconds: ``look_every`` it is asked whether messages wait, once none came for ``silent_after``."""
        super().__init__(service)
        self._transport, self._clock, self._heads, self._troubles = transport, clock, heads, troubles
        self._look_every, self._silent_after = look_every, silent_after
        self.epochs = Epochs(service, transport, self, heads.announce)
        self.listening = False
        """What others say from now on is fetched."""
        self._consuming = False
        self._fetched_at = 0.0

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run while this process leads."""
        self._fetched_at = asyncio.get_running_loop().time()
        if self.service.sources:
            return [self._listen(), self._watch()]
        self.listening = True
        return []

    # from the start to the end --------------------------------------------------------------------------------------
    async def _listen(self) -> None:
        self._troubles["past"] = "hears what was said before it started"
        await self.epochs.settled()
        while True:
            try:
                await self._hear_new_topics()
                break
            except Exception as error:  # a publisher that does not answer yet, most of all
                log.warning("%s cannot read the past yet (%s); tried again", self.service.name, type(error).__name__)
                await asyncio.sleep(1)
        await self.start()
        self.listening = True
        await self._hear_the_past()
        del self._troubles["past"]

    async def _hear_new_topics(self) -> None:
        """A topic that is listened to from now on: its past is read from its publisher's log first, marked late."""
        for source, topic in sorted(self.service.rules.hears - await self.service.log.listened()):
            since = self.service.tracked.get(source, 0)
            after = 0
            while after < since:
                envelopes, looked = await self.read(source, after, since, [topic], late=True)
                await self.settle(envelopes)
                after = max(looked, after + 1)
            await self.service.log.listen(source, topic, since)

    async def _hear_the_past(self) -> None:
        """Returns when everything was heard that stood in the stream at the start, or that others announced since then:
        what NATS had delivered to a process that died it delivers again only after its time for an answer."""
        pause, last = 0.05, 0
        self._heads.announced.clear()
        while True:
            with contextlib.suppress(*TROUBLES):
                last = last or await self._transport.last()
                waiting = await self._transport.waiting()
                if not (waiting.undelivered or waiting.unanswered) or waiting.floor >= last:
                    return
                if self._heads.announced >= self.service.sources and not any(self._heads.lag().values()):
                    return
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 2)

    async def start(self) -> None:
        """Begin to fetch, as soon as the bus lets it."""
        while True:
            try:
                await self._transport.consume(sorted(self.service.sources), self.service.inbox.size, self.on_batch)
                self._consuming = True
                return
            except StreamLost:  # whoever speaks next would make it: that may be long
                await declare_again(self._transport, self.service.name)
            except TROUBLES as error:
                log.warning("%s cannot listen yet (%s); tried again", self.service.name, type(error).__name__)
            await asyncio.sleep(1)

    async def stop(self) -> None:
        """Fetch no more."""
        if self._consuming:
            self._consuming = False
            with contextlib.suppress(*TROUBLES):
                await self._transport.rest()

    async def rest(self) -> None:
        """Be the leader no more."""
        self.listening = False
        await self.stop()

    async def _watch(self) -> None:
        """A pull request can be lost on a reconnect: if messages wait and none is fetched, subscribe anew."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._look_every)
            if not self._consuming or loop.time() - self._fetched_at < self._silent_after:
                continue
            with contextlib.suppress(*TROUBLES):
                waiting = await self._transport.waiting()
                if not (waiting.undelivered or waiting.unanswered):  # heard from the log, or by another process
                    self._troubles.pop("hearing", None)
                    self._troubles.pop("silent", None)
                if waiting.undelivered:
                    if "silent" in self._troubles:
                        self._troubles["silent"] = (
                            "NATS delivers nothing although messages wait: see this service's log"
                        )
                    self._troubles.setdefault("silent", "messages wait at NATS; subscribing anew")
                    log.warning("%s: messages wait at NATS and none comes; subscribing anew", self.service.name)
                    await self.stop()
                    await self.start()
            self._fetched_at = loop.time()

    # what comes -----------------------------------------------------------------------------------------------------
    async def on_batch(self, batch: Sequence[Delivery]) -> None:
        """One fetch, one transaction, then one ack each; when this raises, the batch is delivered again."""
        self._fetched_at = asyncio.get_running_loop().time()
        self._troubles.pop("silent", None)
        now, envelopes = self._clock.now(), []
        for carried in batch:
            try:
                envelopes.append(Envelope.parse(carried.data, now))
            except (ValueError, KeyError, TypeError):
                log.error("a message on %s is no CloudEvent of ours; it is skipped: its log has it", carried.subject)
        try:
            await self.settle(envelopes)
        except UsedTwice as twice:
            self.epochs.distrust(twice)
            raise
        except Stopped as stopped:  # nothing is put back: it is read from the logs when they are whole again
            log.warning("%s: %s; no more of it is heard", self.service.name, stopped)
        except Exception as error:
            log.warning("%s cannot record what it hears (%s); tried again", self.service.name, type(error).__name__)
            self._troubles["hearing"] = f"cannot record what it hears ({type(error).__name__})"
            raise
        self._troubles.pop("hearing", None)

    async def holds(self, envelope: Envelope) -> bool:
        return await self.epochs.holds(envelope)

    async def read(
        self, source: str, after: int, upto: int | None = None, topics: Sequence[str] = (), late: bool = False
    ) -> tuple[list[Envelope], int]:
        """A page of what ``source`` said above ``after``, and how far that page looked."""
        question = reading.Ask(after=after, upto=upto, topics=topics)
        page = await self._transport.ask(source, question.model_dump_json().encode())
        return reading.read(source, page, self._clock.now(), late)
