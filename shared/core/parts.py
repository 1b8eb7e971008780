"""Parts of events that the kernel uses too."""

from typing import Annotated

from pydantic import Field

from .event import Part
from .personal import Open, Personal

Words = Annotated[str, Open("words of a policy document or of our own code: conditions, reasons, arithmetic")]
Digest = Annotated[str, Open("a hash, keyed or of ciphertext; nothing can be read from it")]


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
