"""Which customer is meant by a mail address, a phone number, a handle or an id, and who that is.

It is looked up in intake's log with the index key of the data folder, as intake itself finds them: no address is sent
anywhere, so none comes into a line of a server's log."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.common import ContactKind
from contracts.intake import ContactForgotten, CustomerErased, CustomerKnown
from shared.audit.logs import ERASED, Logs, Seen
from shared.core.addresses import normalise
from shared.core.world import Refused
from shared.privacy.sealing import contact_id

from .base import Failed

KINDS: tuple[ContactKind, ...] = ("mail", "phone", "handle", "number")
REGION_VARIABLE = "VEFA_REGION"


@dataclass
class Person:
    """A customer as intake knows them, texts in plain; without ``points`` nothing is known but the id."""

    customer: str
    name: str = ""
    points: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Contact point -> (kind, address)."""
    erased: bool = False

    def __str__(self) -> str:
        if not self.points:
            return f"customer {self.customer}, of whom intake knows no contact point"
        addresses = ", ".join(f"{kind} {address}" for kind, address in self.points.values())
        again = "; erased before" if self.erased else ""
        return f"customer {self.customer}: {self.name or 'no name'}; {addresses}{again}"


async def person(logs: Logs, data: Path, asked: str) -> Person:
    """Who is meant. Raises LookupError for an address that no customer has; an id that is not known is a person
    without contact points."""
    found = await _known(logs, asked)
    if found.points or ":" in asked:
        return found
    for stream in (f"contact:{asked}", f"account:{asked}", *_contacts(data, asked)):
        if customer := await _owner(logs, stream):
            return await _known(logs, customer)
    if _is_address(asked):
        raise LookupError(
            f"CUSTOMER: no customer has {asked}; they may have been erased, or have written from another"
            " address; give that, or a customer id as in 'vefa history CASE --json'"
        )
    return found


def _is_address(asked: str) -> bool:
    return "@" in asked or (asked.lstrip("+").replace(" ", "").isdigit() and len(asked) >= 7)


def _contacts(data: Path, asked: str) -> Iterable[str]:
    """Streams of the contact points that this may be the address of."""
    try:
        key = (data / "secrets" / "index.key").read_bytes()
    except OSError as e:
        if not _is_address(asked):
            return
        raise Failed(f"--data: without {data / 'secrets' / 'index.key'} ({e.strerror}) give the customer's id") from e
    for kind in KINDS:
        try:
            normal = normalise(kind, asked, os.environ.get(REGION_VARIABLE, "TR"))
        except Refused:
            continue
        yield f"contact:{contact_id(key, kind, normal)}"


async def _owner(logs: Logs, stream: str) -> str:
    """Whose a contact point or an id in another system is by now; '' when nobody's."""
    owner = ""
    for seen in await _rows(logs, stream):
        match seen.event:
            case CustomerKnown() as e:
                owner = e.customer
            case ContactForgotten():
                owner = ""
    return owner


async def _known(logs: Logs, customer: str) -> Person:
    found = Person(customer)
    for seen in await _rows(logs, f"customer:{customer}"):
        match seen.event:
            case CustomerKnown():
                content: dict[str, Any] = seen.content
                found.points[content["contact"]] = (content["kind"], content["address"] or ERASED)
                found.name = content.get("name") or found.name
            case CustomerErased():
                found.erased = True
    return found


async def _rows(logs: Logs, stream: str) -> list[Seen]:
    return [s for s in await logs.open("intake", await logs["intake"].stream(stream)) if not s.notes.parked]
