"""Parts and bounds of events that the kernel uses, too."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from .events import Open, Part, Personal

Words = Annotated[str, Open("words of a policy document or of our own code: conditions, reasons, arithmetic")]
Digest = Annotated[str, Open("a hash, keyed or of ciphertext; nothing can be read from it")]
AHEAD: Final = timedelta(minutes=5)
"""So far the clock of who says something may be ahead of ours."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from outside lie in between: ids count their milliseconds from 1970 (UUIDv7), calendars end with 2199, and
every policy can add its longest time to them."""


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
