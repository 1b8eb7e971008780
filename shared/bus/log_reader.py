"""A log that others read: a question over NATS, a page of what the log said, and how far that page looked."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import BaseModel, Field, ValidationError

from shared.store.codec import Envelope, to_wire
from shared.store.event_log import EventLog

PAGE_BYTES = 512 * 1024
PAGE_ROWS = 1000
REMEDY = 'ask as {"after": 0}; docs/operate.md says more'
log = logging.getLogger("vefa.reading")
Position = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


class Ask(BaseModel):
    """A question to a log: what it said above a position."""

    after: Position
    upto: Position | None = None
    """The last position to look at; the end of the log when left out."""
    topics: Sequence[Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9.-]*$")]] = Field(
        default=(), max_length=100
    )
    """Only these; all when left out."""


async def answer(event_log: EventLog, name: str, body: bytes) -> bytes:
    """``{"events": [CloudEvent, ...], "looked": position}``, cut by bytes; a problem when it cannot be asked so."""
    try:
        return await _page(event_log, name, Ask.model_validate_json(body))
    except ValidationError as e:
        wrong = e.errors(include_url=False, include_input=False, include_context=False)
        fields = [{"field": ".".join(map(str, x["loc"])) or "question", "text": x["msg"]} for x in wrong]
        return orjson.dumps({"problem": "invalid", "status": 422, "fields": fields, "remedy": REMEDY})
    except Exception as error:  # a question without an answer would wait for its time-out
        log.warning("the log of %s cannot be read now (%s); who asked asks again", name, type(error).__name__)
        return orjson.dumps({"problem": "busy", "status": 503, "remedy": "ask again"})


async def _page(event_log: EventLog, name: str, question: Ask) -> bytes:
    end = (await event_log.head()).position
    upto = end if question.upto is None else min(question.upto, end)
    rows = await event_log.rows(question.after, PAGE_ROWS, upto=upto, said=True, topics=question.topics)
    looked, page, size = rows[-1].id if len(rows) == PAGE_ROWS else upto, list[bytes](), 0
    for index, row in enumerate(rows):
        page.append(to_wire(name, row).body)
        size += len(page[-1])
        if size > PAGE_BYTES and index + 1 < len(rows):
            looked = row.id
            break
    return b'{"events":[' + b",".join(page) + b'],"looked":%d}' % looked


def read(source: str, answered: bytes, now: datetime, late: bool = False) -> tuple[list[Envelope], int]:
    """What ``source`` said in a page, and how far that looked. Raises LookupError when the log cannot be read."""
    page = orjson.loads(answered)
    if "problem" in page:
        raise LookupError(f"the log of {source} cannot be read: {page['problem']}")
    return [Envelope.parse(orjson.dumps(e), now, late=late) for e in page["events"]], int(page["looked"])
