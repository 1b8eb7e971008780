"""Words and parts that the contracts of several services share."""

from typing import Annotated, Literal

from shared.events import Code, Event, Id, Open, Part, Personal

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


class Blob(Part):
    """Large content kept encrypted in the blob table of the service that says so; others read it by ``vefa.blob``."""

    digest: Digest
    """SHA-256 of the ciphertext, hex; its name."""
    size: int
    """Bytes of the plain content."""
    type: Annotated[str, Open("a media type detected from the content, such as image/png")]
    """Media type."""
    name: Personal
    """File name as it was sent."""


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
