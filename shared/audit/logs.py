"""The logs of a platform as a reader sees them: rows with their personal texts in plain, as far as a key is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core.event import Event
from shared.core.message import Message
from shared.privacy.master_key import MasterKey
from shared.privacy.sealing import Key
from shared.privacy.vault import Vault
from shared.store.codec import EventMapper, RowNotes, from_row, key_ids
from shared.store.event_log import EventLog
from shared.store.rows import Recorded

ERASED = "[erased]"


@dataclass(frozen=True)
class Seen:
    """A row of a log with its personal texts in plain; ``erased`` says that a key of one of them is destroyed."""

    log: str
    row: Recorded
    message: Message
    notes: RowNotes
    keys: Mapping[str, Key | None]

    @property
    def event(self) -> Event:
        event: Event = self.message.event
        return event

    @property
    def erased(self) -> bool:
        return any(self.keys.get(k) is None for k in key_ids([self.row.state]))

    @property
    def content(self) -> dict[str, Any]:
        """The event's fields as JSON values; ``[erased]`` stands where a text was destroyed."""
        data = self.event.model_dump(mode="json", exclude_none=True)
        return {n: _readable(v, self.keys) if n in self.event.PERSONAL else v for n, v in data.items()}

    def as_data(self) -> dict[str, Any]:
        m = self.message
        return {
            "id": m.id, "topic": self.row.topic, "log": self.log, "position": self.row.id, "said": self.row.said,
            "recorded_at": self.row.recorded_at, "occurred_at": m.occurred_at, "stream": self.row.originator_id,
            "actor": str(m.actor), "source": m.source, "causation": m.causation if m.causation.int else None,
            "correlation": m.correlation, "depth": m.depth, "retry_of": m.retry_of, "parked": self.notes.parked,
            "event": self.content,
        }  # fmt: skip


def _readable(value: Any, keys: Mapping[str, Key | None]) -> Any:
    if isinstance(value, dict):
        if {"k", "c"} <= value.keys():
            return ERASED if keys.get(value["k"]) is None else ""
        return {k: _readable(v, keys) for k, v in value.items()}
    return [_readable(v, keys) for v in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Logs:
    """The logs of a running platform by service, and the keys that open them."""

    by_name: Mapping[str, EventLog]
    vault: Vault
    master: MasterKey = field(repr=False)

    def __getitem__(self, service: str) -> EventLog:
        return self.by_name[service]

    def vault_of(self, service: str) -> Vault:
        """The vault by the database role of one service."""
        return Vault(self[service].pool, self.master)

    async def open(self, service: str, rows: Sequence[Recorded]) -> list[Seen]:
        """Rows of a service's log in plain."""
        keys = await self.vault.keys(key_ids(row.state for row in rows))
        mapper = EventMapper()
        return [Seen(service, r, *from_row(r, mapper.decode(r.topic, r.event_id, r.state, keys)), keys) for r in rows]
