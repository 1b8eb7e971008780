"""Bytes that become messages: what other logs said, and the rows of this one."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.core.event import Event
from shared.core.facts import Unreadable
from shared.core.message import Message
from shared.core.personal import Personal
from shared.privacy.vault import Vault
from shared.store.codec import MAX_BYTES, Envelope, RowNotes, from_row, key_ids
from shared.store.rows import Recorded

from .rules import Rules

Arrived = Message | Envelope
"""As the edge makes it, or as it came from another log."""


class Decoder:
    """Personal texts come out in plain where their key exists: of what is heard only where the rules read them."""

    def __init__(self, rules: Rules, vault: Vault):
        self._rules, self._vault = rules, vault

    async def heard(self, batch: Sequence[Arrived]) -> list[Message]:
        """Messages as the rules get them; without an event where nobody listens to it."""
        read = [m.state for m in batch if isinstance(m, Envelope) and m.topic in self._rules.opens]
        keys = await self._vault.keys(key_ids(read)) if read else {}
        return [m if isinstance(m, Message) else self._decoded(m, keys) for m in batch]

    def _decoded(self, envelope: Envelope, keys: Mapping[str, Any]) -> Message:
        message, rules = envelope.message, self._rules
        if (message.source, envelope.topic) not in rules.hears:
            return message
        try:
            opened = keys if envelope.topic in rules.opens else {}
            event: Event = rules.mapper.decode(envelope.topic, message.id, envelope.state, opened)
        except Exception:  # whatever is wrong with the bytes: they are kept, sealed, and the log goes on
            event = unreadable(message.source, envelope.topic, envelope.state, message.heard_at)
        return replace(message, event=event)

    async def open(self, rows: Sequence[Recorded]) -> list[Message]:
        """Rows of this log, with all their texts."""
        keys = await self._vault.keys(key_ids(row.state for row in rows))
        return [from_row(r, self._rules.mapper.decode(r.topic, r.event_id, r.state, keys))[0] for r in rows]

    def sealed(self, row: Recorded) -> tuple[Message, RowNotes]:
        """A row of this log without its texts, as a fold needs it."""
        return from_row(row, self._rules.mapper.decode(row.topic, row.event_id, row.state))


def unreadable(source: str, topic: str, content: bytes, at: datetime) -> Unreadable:
    """What could not be parsed, to be kept sealed under the quarantine key of its month."""
    claimed = "".join(c for c in topic[:128] if c.isascii() and (c.isalnum() or c in ".-"))
    return Unreadable(
        source=source or "outside", claimed=claimed, quarantine=f"quarantine:{at:%Y-%m}",
        content=Personal(base64.b64encode(content[: MAX_BYTES // 2]).decode()),
    )  # fmt: skip
