"""A message that was recorded before gets the answer that it got then."""

from shared.core.message import Message
from shared.core.world import Refused
from shared.privacy.vault import Vault
from shared.store.codec import from_row, key_ids
from shared.store.event_log import EventLog

from .batch import subjects
from .decoding import Decoder
from .outcome import NOTHING, Outcome
from .rules import Rules


class Answers:
    """Outcomes, rebuilt from the rows of a log."""

    def __init__(self, rules: Rules, log: EventLog, vault: Vault, decoder: Decoder):
        self._rules, self._log, self._vault, self._decoder = rules, log, vault, decoder

    async def of(self, message: Message, epoch: int) -> Outcome | Exception:
        """What came of a message that is in the log; ``epoch`` is that of the log now. A fact from another log needs no
        answer. Refused when the same id had other content, or when a text of it is destroyed."""
        row = await self._log.by_id(message.id)
        if row is None or message.source or message.event is None or message.recovered:
            return NOTHING
        held = await self._vault.keys(key_ids([row.state]))
        if any(key is None for key in held.values()):
            text = "the person behind this request was erased"
            return Refused("erased", "Idempotency-Key", text, "send a new one", 410)
        keys = await self._vault.keys_for(subjects([message.event]))
        if self._rules.mapper.encode(message.event, message.id, keys) != row.state:
            text = "this key was used for a request with other content"
            return Refused("key-reused", "Idempotency-Key", text, "use a new key for a new request", 422)
        _, notes = from_row(row, None)
        rows = await self._log.rows(row.id, notes.said) if notes.said else []
        if epoch > 1 and not rows:
            rows = await self._log.answers(message.id)
        return Outcome(row.id, tuple(await self._decoder.open(rows)))
