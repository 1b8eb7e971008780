"""One service's rules over one log."""

import asyncio
from collections.abc import Mapping, Sequence

from shared.base.meters import Meters
from shared.base.tasks import end
from shared.base.tracing import Tracer
from shared.core.message import Message
from shared.core.views import Views
from shared.privacy.vault import Vault
from shared.store.event_log import EventLog
from shared.store.rows import Recorded

from .changes import Changes
from .commit import Committer
from .decoding import Arrived
from .inbox import Inbox
from .losses import Loss, own_loss
from .memory import Memory
from .ordering import Silent
from .outbox import Outbox
from .outcome import Outcome
from .rules import Rules


class Service:
    """What everybody else has of the way of a message: it is handed to the inbox and goes from there into the log. Any
    number of processes may run a service; the head row puts their commits in one order."""

    def __init__(
        self, rules: Rules, log: EventLog, vault: Vault,
        *, batch: int = 500, streams: int = 50_000, tracer: Tracer | None = None,
    ):  # fmt: skip
        """``batch``: how many messages a commit takes; ``streams``: how many stay in memory."""
        self.rules, self.log, self.vault, self.tracer = rules, log, vault, tracer
        self.committer = Committer(rules, log, vault, streams=streams, tracer=tracer)
        self.inbox = Inbox(self.committer, batch)
        self._task: asyncio.Task[None] | None = None

    # life ---------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read what the rules keep in memory; the log and the views must exist (see ``rebuild.prepare``)."""
        await self.load_resident()
        self._task = asyncio.create_task(self.inbox.run(), name=f"{self.name} commits")

    async def stop(self) -> None:
        if self._task:
            await end(self._task)
        await self.log.rest()
        if self.tracer:
            await asyncio.to_thread(self.tracer.close)

    async def load_resident(self) -> None:
        """Resident tables, head and trackings as of one instant of the log."""
        await self.committer.load()

    async def read_again(self) -> None:
        """Read anew, between two commits, what the rules keep in memory: the views were made again, or another process
        wrote for long."""
        self.inbox.outdated = True
        await self.handle_each()

    # messages -------------------------------------------------------------------------------------------------------
    async def handle(self, *messages: Arrived) -> list[Outcome]:
        """Returns when all of them are recorded (or were before). Raises the first Refused, Gap or Overloaded among
        them."""
        results = await self.handle_each(*messages)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return [r for r in results if isinstance(r, Outcome)]

    async def handle_each(self, *messages: Arrived) -> list[Outcome | Exception]:
        """Like ``handle``, with an outcome or an exception for each message."""
        return await self.inbox.put(messages)

    async def open(self, rows: Sequence[Recorded]) -> list[Message]:
        """Rows as messages, with personal text in plain where its key exists."""
        return await self.committer.decoder.open(rows)

    # what is known of the log ---------------------------------------------------------------------------------------
    async def look(self) -> None:
        """Take over what another process has written."""
        if (await self.log.head()).position != self.position:
            await self.handle_each()

    async def note_relayed(self) -> None:
        """Note in the log how far the bus has what was said, unless a commit did."""
        await self.committer.note_relayed()

    @property
    def position(self) -> int:
        """Of the last row."""
        return self.committer.position.head.position

    @property
    def said(self) -> int:
        """The position of the last row that was said."""
        return self.committer.position.head.said

    @property
    def epoch(self) -> int:
        return self.committer.position.head.epoch

    @property
    def tracked(self) -> Mapping[str, int]:
        """How far others were heard, {log: position}."""
        return self.committer.tracked

    @property
    def lost(self) -> Loss | None:
        """What a restore cost this log, while it is neither brought back nor given up."""
        return own_loss(self.memory)

    # its parts ------------------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        return self.rules.name

    @property
    def sources(self) -> frozenset[str]:
        """The logs that it hears."""
        return self.rules.sources

    @property
    def views_schema(self) -> str:
        return self.rules.views_schema

    @property
    def views(self) -> Views:
        return self.rules.views

    @property
    def memory(self) -> Memory:
        return self.committer.memory

    @property
    def changes(self) -> Changes:
        return self.committer.changes

    @property
    def outbox(self) -> Outbox:
        return self.committer.outbox

    @property
    def meters(self) -> Meters:
        return self.committer.meters

    @property
    def waiting(self) -> int:
        """Messages that wait for a commit."""
        return self.inbox.waiting

    @property
    def silent(self) -> Silent | None:
        """Why nothing may be recorded."""
        return self.inbox.silent

    @silent.setter
    def silent(self, why: Silent | None) -> None:
        self.inbox.silent = why

    @property
    def leads(self) -> bool:
        """Whether this process is the leader."""
        return self.committer.leads

    @leads.setter
    def leads(self, leads: bool) -> None:
        self.committer.leads = leads
