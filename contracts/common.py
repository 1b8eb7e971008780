"""Words and parts that the contracts of several services share."""

from typing import Annotated, Literal

from pydantic import Field

from shared.core.event import Code, Event, Id, Part
from shared.core.personal import Personal

ContactKind = Literal["mail", "phone", "handle", "number"]
Money = Annotated[int, Field(ge=0, le=10**12)]
"""Minor units of a currency: kuruş, cent; up to ten thousand million liras."""
Count = Annotated[int, Field(ge=1, le=10**9)]
"""A place in a row, from 1 on: a version, an attempt."""


class TextPart(Part):
    """A part of a message that is not its sender's own new word: kept beside the text and shown folded at its place."""

    kind: Literal["quoted", "signature", "forwarded"]
    """What it is."""
    at: Annotated[int, Field(ge=0, le=10**9)]
    """Where: characters of the message's text before it."""
    length: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Characters of the message's text that it covers: what was forwarded stays in the text; 0: it was cut out."""
    text: Personal = Field(default_factory=Personal)
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
