"""Between an event and its bytes: eventsourcing's Mapper with personal fields sealed per data subject, rows of a log,
and CloudEvents 1.0 in structured JSON mode, as they travel on the bus."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from eventsourcing.utils import resolve_topic
from pydantic import BaseModel

from shared.base.tracing import heard_trace, traceparent
from shared.core.event import Event
from shared.core.instants import utc
from shared.core.message import NOBODY, Actor, Message
from shared.core.personal import FROM_LOG, Personal, personal_fields, personal_values
from shared.privacy.sealing import Key, seal, unseal

from .rows import Recorded

MAX_BYTES = 256 * 1024
KEY = re.compile(rb'"k":"([0-9a-f-]{36})"')
"""Where an encoded event names a key; within a text the quotes would be escaped."""
Keys = Mapping[str, Key | None]


class EventMapper(Mapper[str]):
    """eventsourcing's Mapper for our events: a topic and JSON bytes. Upcasting is its own (``class_version``,
    ``upcast_vN_vM``)."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())

    def encode(self, event: Event, event_id: UUID, keys: Mapping[str, Key]) -> bytes:
        """JSON with every Personal sealed under its subject's key from ``keys``; the sealed form is noted in the
        event's own Personal values, where projections find it. Raises TypeError or ValueError when it cannot be
        written: a number beyond 64 bits, too many bytes."""
        data = event.model_dump(mode="json")
        for name in event.PERSONAL:
            value = getattr(event, name)
            if value is None:
                continue
            for path, text in personal_values(value, name):
                bound = f"{event_id}|{event.TOPIC}|{path}"
                if text.sealed is None:
                    text.sealed = {**seal(keys[event.subject_of(name)], text, bound), "a": bound}
            data[name] = _sealed(value, data[name], f"{event_id}|{event.TOPIC}|{name}")
        if version := getattr(type(event), "class_version", None):
            data["class_version"] = version
        content = orjson.dumps(data)
        if len(content) > MAX_BYTES:
            raise ValueError(f"{event.TOPIC} takes {len(content)} bytes; an event has at most {MAX_BYTES}")
        return content

    def decode(self, topic: str, event_id: UUID, state: bytes, keys: Keys | None = None) -> Event:
        """The event; its Personal fields are opened with ``keys``, and read '' where the key is destroyed or not
        given."""
        cls: type[Event] = resolve_topic(topic)
        data = orjson.loads(state)
        version, current = data.pop("class_version", 1), getattr(cls, "class_version", 1)
        while version < current:
            getattr(cls, f"upcast_v{version}_v{version + 1}")(data)
            version += 1
        for name in cls.PERSONAL:
            if data.get(name) is not None:
                data[name] = _opened(data[name], f"{event_id}|{topic}|{name}", keys or {})
        return cls.model_validate(data, context=FROM_LOG)

    def to_domain_event(self, stored_event: StoredEvent) -> Event:  # type: ignore[override]
        """eventsourcing's name for ``decode`` without keys, for a row of our log."""
        assert isinstance(stored_event, Recorded)
        return self.decode(stored_event.topic, stored_event.event_id, stored_event.state)


def _sealed(value: Any, dumped: Any, bound: str) -> Any:
    """A value as it was dumped, with the sealed forms of its texts; what a text is bound to is kept where that is not
    its own place (heard again)."""
    if isinstance(value, Personal):
        assert value.sealed is not None
        return {k: v for k, v in value.sealed.items() if k != "a" or v != bound}
    if isinstance(value, BaseModel):
        for name in personal_fields(type(value)):
            dumped[name] = _sealed(getattr(value, name), dumped[name], f"{bound}.{name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            dumped[key] = _sealed(item, dumped[key], f"{bound}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            dumped[index] = _sealed(item, dumped[index], f"{bound}.{index}")
    return dumped


def _opened(node: Any, bound: str, keys: Keys) -> Any:
    if isinstance(node, dict):
        if "k" in node and "c" in node:
            bound = node.get("a", bound)
            key = keys.get(node["k"])
            return Personal(unseal(key, node["c"], bound) if key else "", {**node, "a": bound})
        return {k: _opened(v, f"{bound}.{k}", keys) if isinstance(v, dict | list) else v for k, v in node.items()}
    if isinstance(node, list):
        return [_opened(v, f"{bound}.{i}", keys) if isinstance(v, dict | list) else v for i, v in enumerate(node)]
    return node


def key_ids(states: Iterable[bytes]) -> set[str]:
    """Ids of every key that sealed something in these encoded events; an id that is no key's does no harm."""
    return {found.decode() for state in states for found in KEY.findall(state)}


# the envelope in a row ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class RowNotes:
    """What a row says about itself beside its envelope."""

    said: int = 0
    """How many events were said because of this heard one; they follow it directly."""
    parked: str = ""
    """Why it is parked; '' when it is not."""


def to_metadata(m: Message, notes: RowNotes) -> bytes:
    """The envelope as JSON bytes; what is empty is left out."""
    data: dict[str, Any] = {
        "at": m.occurred_at, "actor": str(m.actor), "correlation": m.correlation.hex, "epoch": m.epoch,
        "source": m.source, "position": m.position, "previous": m.previous, "hash": m.hash,
        "after": dict(m.after), "causation": m.causation.hex if m.causation != NOBODY else "", "depth": m.depth,
        "command": m.command, "late": m.late, "retry_of": m.retry_of.hex if m.retry_of else "", "trace": m.trace,
        "recovered": m.recovered, "said": notes.said, "parked": notes.parked,
    }  # fmt: skip
    return orjson.dumps({k: v for k, v in data.items() if v or k == "epoch"})


def from_row(row: Recorded, event: Event | None) -> tuple[Message, RowNotes]:
    data = orjson.loads(row.metadata)
    message = Message(
        event=event, id=row.event_id, occurred_at=utc(data["at"]), heard_at=row.recorded_at,
        actor=Actor.parse(data["actor"]),
        source=data.get("source", ""), position=data.get("position", 0), previous=data.get("previous", 0),
        after=data.get("after", {}), epoch=data.get("epoch", 1), hash=data.get("hash", ""),
        correlation=UUID(data["correlation"]), causation=UUID(data["causation"]) if "causation" in data else NOBODY,
        depth=data.get("depth", 0), command=data.get("command", False), late=data.get("late", False),
        retry_of=UUID(data["retry_of"]) if "retry_of" in data else None, recovered=data.get("recovered", 0),
        trace=data.get("trace", ""), row=row.id,
    )  # fmt: skip
    return message, RowNotes(data.get("said", 0), data.get("parked", ""))


# the envelope on the wire ---------------------------------------------------------------------------------------------
class Wire(NamedTuple):
    """A said row as it travels: a CloudEvent, and the headers of NATS beside it."""

    body: bytes
    headers: dict[str, str]


def to_wire(log: str, row: Recorded) -> Wire:
    """``after`` is a JSON string: extension values are scalars. ``traceparent`` is CloudEvents' own extension."""
    data = orjson.loads(row.metadata)
    trace = traceparent(data.get("trace", ""), UUID(data["correlation"]), row.event_id)
    envelope = {
        "specversion": "1.0", "id": str(row.event_id), "source": f"/vefa/{log}", "type": row.topic,
        "subject": row.originator_id, "time": data["at"], "datacontenttype": "application/json", "position": row.id,
        "previous": data.get("previous", 0), "after": orjson.dumps(data.get("after", {})).decode(),
        "epoch": data["epoch"],
        "hash": row.hash.hex(), "correlation": data["correlation"], "causation": data.get("causation", ""),
        "depth": data.get("depth", 0), "actor": data["actor"], "traceparent": trace,
    }  # fmt: skip
    name = str(row.event_id)
    if before := data.get("recovered"):
        envelope["recovered"] = before
        name += f".{row.id}"  # the stream may still hold it under the id alone, at its old position
    body = orjson.dumps(envelope)[:-1] + b',"data":' + row.state + b"}"
    return Wire(body, {"Nats-Msg-Id": name, "traceparent": trace})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A CloudEvent whose data is not decoded yet (that needs keys)."""

    topic: str
    state: bytes
    message: Message

    @classmethod
    def parse(cls, wire: bytes, heard_at: datetime, *, late: bool = False) -> "Envelope":
        """Raises ValueError, KeyError or TypeError for what is not a CloudEvent of ours."""
        data = orjson.loads(wire)
        source = str(data["source"])
        event_id, correlation = UUID(data["id"]), UUID(data["correlation"])
        message = Message(
            event=None, id=event_id, occurred_at=utc(data["time"]), heard_at=heard_at,
            actor=Actor.parse(str(data["actor"])),
            source=source.removeprefix("/vefa/"), position=int(data["position"]), previous=int(data["previous"]),
            after=orjson.loads(data["after"]), epoch=int(data["epoch"]), hash=str(data["hash"]),
            correlation=correlation, causation=UUID(data["causation"]) if data["causation"] else NOBODY,
            depth=int(data["depth"]), late=late, trace=heard_trace(str(data.get("traceparent", "")), correlation),
        )  # fmt: skip
        return cls(str(data["type"]), orjson.dumps(data["data"]), message)
