"""A batch of a log that was restored: it is in an epoch after the first, or begins one, or gets back what it had said
before the restore."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from shared.core.facts import EpochBegan
from shared.core.message import Message
from shared.core.world import Refused
from shared.store.append import answer_to
from shared.store.codec import RowNotes

from .batch import Batch
from .losses import own_loss, says_itself
from .ordering import while_lost
from .outcome import KNOWN, NOTHING, Outcome, Result
from .planned import Decided, PlannedRow


@dataclass(frozen=True)
class Copies:
    """What a log had said before a restore, as others hold it, while it comes back: by the id of its cause, and its
    bytes by its own id."""

    by_cause: Mapping[UUID, Sequence[Message]] = field(default_factory=dict)
    states: Mapping[UUID, bytes] = field(default_factory=dict)


class Reconciling(Batch):
    """Says again what was said before the restore, in the place of what the rules would say now."""

    def __init__(self, *batch: Any, copies: Copies, answered: Mapping[UUID, Sequence[int]]):
        """``answered``: positions of what was brought back before, by the id of its cause; see ``Batch`` for the
        rest."""
        super().__init__(*batch)
        self._copies, self._answered_before, self._answered = copies, answered, dict(answered)

    async def take(self, index: int) -> Result:
        message, result = self.messages[index], await super().take(index)
        if message.command and message.id in self._answered_before:
            return KNOWN  # what came of it before the restore is its answer
        return result

    def _guard(self, message: Message) -> Result | None:
        return self._recorded(message) or self._while_lost(message) or super()._guard(message)

    def _while_lost(self, message: Message) -> Result | None:
        if message.refusable and (loss := own_loss(self.memory)) and not says_itself(message):
            return while_lost(self.rules.name, str(loss))
        return None

    def _decide(self, message: Message) -> Decided:
        return self._say_itself(message) if says_itself(message) else super()._decide(message)

    def _say_itself(self, message: Message) -> Decided:
        """A row that nothing heard led to: an epoch, or what an earlier one had said."""
        event, head = message.event, self.draft.head
        if message.causation in self.seen and message.causation not in self._answered:
            return Decided(NOTHING, [], [])  # its cause was heard again, and it was said anew
        version, position, epoch = self._next_version(event.stream), self.position, head.epoch
        if isinstance(event, EpochBegan):
            if event.lost_to < head.position or event.epoch <= head.epoch or self.planned:
                text = f"the log ends at {head.position} in epoch {head.epoch}"
                raise Refused("not-behind", "lost_to", text, "look again: vefa epoch show")
            position, epoch = event.lost_to, event.epoch
        row = replace(message, row=position + 1, epoch=epoch, command=False)
        return Decided(Outcome(row.row, (row,)), [PlannedRow(row, RowNotes(), True, version)], self.memory.apply(row))

    def _follows(self, heard: Message) -> Iterator[Message]:
        if heard.id in self._answered:
            return
        if copies := self._copies.by_cause.get(heard.id):
            epoch = self.draft.head.epoch
            yield from (replace(c, row=heard.row + n, epoch=epoch, command=False) for n, c in enumerate(copies, 1))
            return
        yield from super()._follows(heard)

    def _keep(self, message: Message, decided: Decided) -> Outcome:
        for row in decided.rows:
            if row.said and isinstance(row.message.event, EpochBegan):  # positions go on above all that was lost
                head, event = self.draft.head, row.message.event
                head.epoch, head.position, self.position = event.epoch, event.lost_to, event.lost_to
        for said in (m for m in decided.outcome.said if m.recovered):
            self._answered[said.causation] = [*self._answered.get(said.causation, ()), said.row]
        return super()._keep(message, decided)

    def _also(self, message: Message) -> Sequence[str]:
        also = super()._also(message)
        return (*also, answer_to(message.causation)) if message.recovered else also

    def _bytes_of(self, message: Message) -> bytes | None:
        return self._copies.states.get(message.id) if message.recovered else super()._bytes_of(message)
