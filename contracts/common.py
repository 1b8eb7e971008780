"""Words and parts that the contracts of several services share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from shared.core.events import Code, Event, Id, Open, OutOfCalendar, Part, Personal, utc

Kind = Literal["complaint", "request", "question", "praise", "product_feedback", "order", "lead", "privacy_request"]
Channel = Literal["web", "email", "phone", "chat", "social", "sms", "api"]
Language = Literal["tr", "en", "other"]
Category = Literal["new", "open", "waiting_customer", "waiting_third_party", "resolved", "closed", "merged", "spam"]
Outcome = Literal["solved", "in_part", "not_solved", "rejected", "withdrawn", "customer_lost"]
Sentiment = Literal["negative", "neutral", "positive"]
Priority = Literal["low", "normal", "high", "urgent"]
ContactKind = Literal["mail", "phone", "handle", "number"]
Words = Annotated[str, Open("words of a policy document or of our own code: conditions, reasons, arithmetic")]
Digest = Annotated[str, Open("a hash, keyed or of ciphertext; nothing can be read from it")]
Money = Annotated[int, Field(ge=0, le=10**12)]
"""Minor units of a currency: kuruş, cent; up to ten thousand million liras."""
Count = Annotated[int, Field(ge=1, le=10**9)]
"""A place in a row, from 1 on: a version, an attempt."""
AHEAD: Final = timedelta(minutes=5)
"""So far the clock of who says something may be ahead of ours."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from outside lie in between: ids count their milliseconds from 1970 (UUIDv7), calendars end with 2199, and
every policy can add its longest time to them."""


def _instant(value: Any) -> datetime:
    if not isinstance(value, str | datetime):
        raise ValueError("write an instant such as 2026-10-26T09:00:00+03:00")
    try:
        at = utc(value if isinstance(value, str) else value.isoformat())
        known = FIRST <= at < LAST
    except OutOfCalendar:
        known = False
    if not known:
        raise ValueError(f"lies outside of {FIRST.year} to {LAST.year - 1}; check the clock or the date it came from")
    return at


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An instant that somebody else says, UTC: with an offset, and within the years that can be counted with."""


class Blob(Part):
    """Large content kept encrypted in the blob table of the service that says so; others read it by ``vefa.blob``."""

    digest: Digest
    """SHA-256 of the ciphertext, hex; its name."""
    size: Annotated[int, Field(ge=0, le=2**40)]
    """Bytes of the plain content."""
    type: Annotated[str, Open("a media type detected from the content, such as image/png")]
    """Media type."""
    name: Personal
    """File name as it was sent."""


class TextPart(Part):
    """A part of a message that is not its sender's own new word: kept beside the text and shown folded at its place."""

    kind: Literal["quoted", "signature", "forwarded"]
    """What it is."""
    at: Annotated[int, Field(ge=0, le=10**9)]
    """Where: characters of the message's text before it."""
    length: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Characters of the message's text that it covers: what was forwarded stays in the text; 0: it was cut out."""
    text: Personal = Personal()
    """What was cut out; '' where it stays in the text."""


class FormField(Part):
    """One filled field of a category form."""

    name: Code
    """Name of the field in the form's definition."""
    value: Personal
    """What was filled in."""


class CaseFact(Event, stream="case:{case}"):
    """A fact about one case."""

    case: Id
    """The case; UUIDv7 made by intake."""


class CustomerCaseFact(CaseFact):
    """A fact about one case that names its customer and the contact point it is talked about with."""

    customer: Id
    """The customer; made by intake when a contact point is first known."""
    contact: Id
    """The contact point: keyed hash of its normalised address; data subject of the texts."""
