"""Hearing again what was parked, once the code that could not take it in was mended."""

import base64
from dataclasses import replace
from uuid import uuid5

from shared.core.event import Event
from shared.core.facts import EventUnparked, Unreadable
from shared.core.message import Message
from shared.store.codec import from_row, key_ids

from .ordering import while_lost
from .outcome import Outcome, RetryFailed
from .service import Service


async def retry_parked(service: Service, stream: str) -> list[tuple[str, str]]:
    """Hear the parked rows of a stream again, in order, until one raises again; returns (event id, result) for each.
    What was unreadable is in no order: each of it is tried."""
    if service.lost:
        raise while_lost(service.name, str(service.lost))
    unparked = [row for row in await service.log.stream(f"parked:{stream}") if row.topic == EventUnparked.TOPIC]
    through = {message.event.parked for message in await service.open(unparked)}
    results = list[tuple[str, str]]()
    for row in await service.log.stream(stream):
        parked = from_row(row, None)[1].parked
        if not parked or str(row.event_id) in through or str(row.originator_id) != stream:
            continue
        [opened] = await service.open([row])
        result: Outcome | Exception
        try:
            event = await _read(service, opened) if isinstance(opened.event, Unreadable) else opened.event
            again = replace(
                opened, event=event, id=uuid5(row.event_id, "1"), retry_of=row.event_id, parked_in=stream, source="",
                position=0, row=0, causation=opened.id,
            )  # fmt: skip
            [result] = await service.handle_each(again)
        except RetryFailed as error:
            result = error
        if isinstance(result, Exception):
            results.append((str(row.event_id), str(result)))
            if parked != "unreadable":
                break
        else:
            results.append((str(row.event_id), "heard" if result.position else "nothing was recorded"))
    return results


async def _read(service: Service, kept: Message) -> Event:
    """The event that could not be read when it came. Raises RetryFailed when it still cannot."""
    content = base64.b64decode(kept.event.content)
    if not content:
        raise RetryFailed("its bytes are destroyed: they are kept until 30 days after their month")
    keys = await service.vault.keys(key_ids([content]))
    try:
        return service.rules.mapper.decode(kept.event.claimed, kept.id, content, keys)
    except Exception as error:  # whatever is wrong with the bytes
        raise RetryFailed(
            f"it cannot be read ({type(error).__name__}): correct what reads {kept.event.claimed or 'it'}, or let"
            " its sender say it again"
        ) from error
