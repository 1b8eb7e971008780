"""What may be sent to intake over HTTP, and what comes back."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from contracts.common import ContactKind, Count
from shared.core.event import Code, Id
from shared.core.instants import Instant
from shared.core.vocabulary import Channel, Kind, Language
from shared.core.vocabulary import Outcome as Ending
from shared.edge.bodies import WHOLE

FILES, FILE_BYTES = 10, 10 * 1024 * 1024
"""Files of one request, and their bytes together."""
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Body):
    kind: ContactKind = "mail"
    address: Annotated[str, Field(min_length=1, max_length=320, examples=["ayse@example.com"])]


class File(Body):
    name: Annotated[str, Field(min_length=1, max_length=150)]
    content: Annotated[str, Field(max_length=FILE_BYTES * 4 // 3 + 4)]
    """base64"""


Files = Annotated[tuple[File, ...], Field(max_length=FILES)]


class Concern(Body):
    contact: Address
    name: Annotated[str, Field(max_length=200)] | None = None
    channel: Channel = "web"
    form: Code | None = None
    """The form that was filled; without one nothing is said about what kind of concern it is."""
    kind: Kind | None = None
    language: Language | None = None
    topic: Code | None = None
    subject: Annotated[str, Field(max_length=300)] = ""
    text: Text
    fields: dict[str, Annotated[str, Field(max_length=4000)]] = {}
    files: Files = ()
    organisation: Id | None = None
    external_id: Id | None = None
    occurred_at: Instant | None = None
    """When it was said, where another system knows it; now when left out."""


class Writing(Body):
    text: Text
    channel: Channel = "web"
    contact: Address | None = None
    """Who wrote, when staff or another system passes it on; a customer's own is known."""
    files: Files = ()
    occurred_at: Instant | None = None
    """When it was said, where another system knows it; now when left out."""


class Answer(Body):
    text: Text
    template: Code | None = None
    expected_version: Annotated[Count, WHOLE] | None = None
    status: Code | None = None


class Noted(Body):
    text: Text


class Status(Body):
    status: Code
    reason: Annotated[str, Field(max_length=1000)] | None = None


class Resolution(Body):
    outcome: Ending
    cause: Code | None = None
    action: Code | None = None
    expected_version: Annotated[Count, WHOLE] | None = None


class Confirmation(Body):
    solved: StrictBool
    text: Text | None = None
    token: Annotated[str, Field(max_length=300)] | None = None
    """Of the signed link; not needed with a customer's own token."""


class Closing(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    outcome: Ending | None = None


class Link(Body):
    other: Id


class Customer(Body):
    contact: Address
    name: Annotated[str, Field(max_length=200)] | None = None
    language: Language | None = None
    tier: Code | None = None
    tags: tuple[Code, ...] = ()
    external_id: Id | None = None


class Consent(Body):
    channel: Channel
    given: StrictBool
    origin: Code = "call"
    contact: Id | None = None


class Erasure(Body):
    regime: Code = "kvkk"


class MessageErasure(Erasure):
    together: bool = False
    """Also the other mails that are kept under the same key: all of a sender who is no customer."""


class Opened(BaseModel):
    case: str
    number: str
    customer: str


class Recorded(BaseModel):
    """What became of a command: the case, its status category and version now, the message that was recorded."""

    case: str
    category: str
    version: int
    message: str | None = None
    opened: str | None = None
    """Another case, when the message opened one instead."""
