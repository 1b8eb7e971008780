"""What other systems say to a service on ``vefa.hear.<service>``: a CloudEvent in, an answer after the commit."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid5

import orjson
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.base.errors import raised_at
from shared.base.tracing import parent
from shared.core.event import Event
from shared.core.instants import utc
from shared.core.message import NAMESPACE, Actor
from shared.core.world import Refused
from shared.runtime.ordering import Overloaded, Silent

from .edge import Edge

log = logging.getLogger("vefa.told")
NAMED = r"^[^\x00-\x1f\x7f]*$"
"""Without control characters."""
REMEDY = "send a CloudEvents 1.0 event in structured JSON mode: specversion, id, source, type and data"


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("write an instant such as 2026-10-26T09:00:00+03:00")
    return utc(value)


class CloudEvent(BaseModel):
    """The envelope; other attributes are let pass."""

    model_config = ConfigDict(extra="ignore", strict=True)

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=1000, pattern=NAMED)]
    """With the source it names what is said: a repeat is answered the same."""
    source: Annotated[str, Field(min_length=1, max_length=1000, pattern=NAMED)]
    type: str
    time: Annotated[datetime | None, BeforeValidator(_instant)] = None
    """When it happened; now when left out."""
    data: dict[str, Any]
    traceparent: str = ""


async def told(edge: Edge, classes: Iterable[type[Event]], body: bytes) -> bytes:
    """Hear it as said by role service; the answer is ``{"position", "said"}`` or a problem with its remedy."""
    asked: CloudEvent | None = None
    try:
        asked = CloudEvent.model_validate(orjson.loads(body))
        event = _event(edge, {cls.TOPIC: cls for cls in classes}, asked)
        event_id = uuid5(NAMESPACE, f"nats|{asked.source}|{asked.id}")
        speaker = edge.of(Actor("service", asked.source.removeprefix("/")[:64] or "/"), trace=parent(asked.traceparent))
        outcome = await speaker.send(event, id=event_id, occurred_at=asked.time)
    except orjson.JSONDecodeError as e:
        return _problem(422, "unreadable", text=f"no JSON: {e}", remedy=REMEDY)
    except ValidationError as e:
        wrong = e.errors(include_url=False, include_input=False, include_context=False)
        fields = [{"field": ".".join(map(str, x["loc"])) or "event", "text": x["msg"]} for x in wrong]
        remedy = REMEDY if e.title == CloudEvent.__name__ else "correct the named fields of data"
        return _problem(422, "invalid", fields=fields, remedy=remedy)
    except Refused as e:
        field = "id" if e.field == "Idempotency-Key" else e.field
        return _problem(e.status, e.code, field=field, text=e.text, remedy=e.remedy)
    except Silent as e:
        return _problem(503, "busy", text=str(e), remedy=e.remedy)
    except (Overloaded, OperationalError, PoolTimeout):
        return _problem(503, "busy", text="the service cannot record at the moment", remedy="repeat it with its id")
    except Exception as e:  # whatever it is, the caller is told; the log gets its place and not its words
        log.error("%s: %s at %s", asked.type if asked else "told", type(e).__name__, raised_at(e))
        text = "the service failed at this; nothing was recorded for it"
        return _problem(500, "unforeseen", text=text, remedy="tell your administrator if it fails again")
    said = [{"id": str(m.id), "type": m.event.TOPIC, "subject": m.event.stream} for m in outcome.said]
    return orjson.dumps({"position": outcome.position, "said": said})


def _event(edge: Edge, classes: Mapping[str, type[Event]], asked: CloudEvent) -> Event:
    """The event that is meant; the contact point of an address is found here, nobody else can name it."""
    cls = classes.get(asked.type)
    if cls is None:
        remedy = f"it hears {', '.join(sorted(classes)) or 'nothing'}"
        raise Refused("unknown-type", "type", f"this service does not hear {asked.type!r}", remedy, 422)
    content = dict(asked.data)
    if content.get("address") is not None:
        kind = content.get("contact_kind", "mail")
        contact, content["address"] = edge.contact(str(kind), str(content["address"]))
        if content.setdefault("contact", contact) != contact:
            raise Refused("wrong-contact", "contact", "is not that of the address", "leave it out", 422)
    return cls.model_validate(content)


def _problem(status: int, problem: str, **more: Any) -> bytes:
    return orjson.dumps({"problem": problem, "status": status, **more})
