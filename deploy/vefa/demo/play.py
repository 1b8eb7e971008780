"""The play: five days of a service desk in stepped time, by the public interfaces only. The same seed plays the same
acts: chances depend on what is decided, not on when it is asked, and acts of one instant happen in a fixed order."""

from collections.abc import Callable
from datetime import datetime

from deploy.vefa.local.mail_sink import MailSink

from .agenda import END, START, Agenda, ceil
from .agents import Agents
from .cast import Complaint, Person
from .customers import Customers
from .figures import Tally
from .stage import Stage


class Play:
    """``run`` plays until the end; ``progress(now)`` is called after every step. ``complaints`` are by case."""

    def __init__(self, stage: Stage, sink: MailSink, cast: list[Person], texts: list[Complaint], seed: int):
        self._stage, self._sink, self._agenda = stage, sink, Agenda(seed)
        self.complaints: dict[str, Complaint] = {}
        self.agents = Agents(self._agenda, stage, [p for p in cast if p.role != "customer"], self.complaints)
        people = [p for p in cast if p.role == "customer"]
        self.customers = Customers(self._agenda, stage, people, self.complaints, self.agents)
        self.tally, self._texts = Tally(), texts

    async def run(self, progress: Callable[[datetime], None]) -> None:
        await self.agents.open_desk()
        await self.customers.join()
        self.customers.plan(self._texts)
        due = await self._step(START)
        while following := min((t for t in (due, self._agenda.next()) if t), default=None):
            if following > END:
                return
            due = await self._step(ceil(max(following, self._agenda.now)))
            while acts := self._agenda.take():
                for act in acts:
                    await act()
                due = await self._stage.quiet()
                self._listen()
            progress(self._agenda.now)

    async def _step(self, to: datetime) -> datetime | None:
        """Move every clock; returns when something is due next."""
        self._agenda.now = to
        due = await self._stage.step(to)
        self._listen()
        return due

    def _listen(self) -> None:
        """Everybody hears what was said and reads the mail that came."""
        for said in self._stage.take():
            self.tally.handle(said)
            self.customers.handle(said)
            self.agents.handle(said)
        for mail in self._sink.take():
            self.tally.counts["mails that came"] += 1
            self.customers.read(mail)
