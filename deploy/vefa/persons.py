"""``vefa erase`` and ``vefa export``: a customer's right to be forgotten and to know what is known."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from contracts.intake import CustomerErased
from shared.audit.history import in_order, merged
from shared.audit.logs import Logs, Seen
from shared.core.event import Event

from .base import DATA, AsJson, Data, Failed, confirm, console, opened, print_json, progress_console
from .calls import call
from .log_file import export_log
from .whom import Person, person

app = typer.Typer()
Subject = Annotated[str, typer.Argument(help="A mail address, a phone number, or an id of a customer")]
POLL = 0.2
OF_A_PERSON = frozenset({"contact", "member"})
OF_ONE_MATTER = frozenset({"notice", "survey", "recovery", "grant", "mail", "purchase", "parked"})
"""Kinds of streams that an event of a customer leads to: those of the person, and those of one matter of theirs."""


@app.command()
def erase(
    customer: Subject,
    regime: Annotated[str, typer.Option(help="Law or rule: kvkk, gdpr")] = "kvkk",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the certificate")] = 30,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of a customer's contact points, for ever; logs keep their hashes, counts stay as they were."""
    who = asyncio.run(_who(data, customer))
    customer = who.customer
    progress_console.print(f"{who}.", highlight=False, markup=False, soft_wrap=True)
    confirm("Erase this customer for ever?", yes)
    call(data, "intake", "POST", f"/v1/customers/{quote(customer, safe='')}/erase", {"regime": regime})
    if (erased := asyncio.run(_certificate(data, customer, wait))) is None:
        raise Failed(
            f"the erasure of {customer} is recorded but not done after {wait:g} s; see 'vefa lag', 'vefa parked list'"
        )
    if as_json:
        print_json(erased)
    else:
        console.print(
            f"Customer {customer} is erased; certificate {erased.certificate}. {erased.statement}", highlight=False
        )


async def _who(data: Path, asked: str) -> Person:
    async with opened(data, "intake") as logs:
        return await person(logs, data, asked)


async def _certificate(data: Path, customer: str, seconds: float) -> CustomerErased | None:
    until = time.monotonic() + seconds
    async with opened(data, "intake") as logs:
        while True:
            seen = await logs.open("intake", await logs["intake"].stream(f"customer:{customer}"))
            if found := next((s.event for s in seen if isinstance(s.event, CustomerErased)), None):
                return found
            if time.monotonic() > until:
                return None
            await asyncio.sleep(POLL)


@app.command()
def export(
    customer: Annotated[str, typer.Argument(help="As for 'erase', or the word 'log' for a log")],
    service: Annotated[str, typer.Argument(help="After 'log': whose log")] = "",
    to: Annotated[Path | None, typer.Option(help="New file for a log", dir_okay=False)] = None,
    data: Data = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="What is printed is JSON in any case")] = True,
) -> None:
    """Everything that all logs hold about one customer, as JSON, texts in plain, in time order.

    With the words 'log SERVICE --to FILE' instead the log of a service as it stands, personal texts as ciphertext, as a
    file that can be verified without this program: see docs/chain.md."""
    if customer == "log" and (service or to):
        export_log(data, service, to)
        return
    if service or to:
        raise typer.BadParameter("only for a log: vefa export log SERVICE --to FILE", param_hint="SERVICE, --to")

    async def collect() -> dict[str, Any]:
        async with opened(data) as logs:
            who = await person(logs, data, customer)
            progress_console.print(f"{who}.", highlight=False, markup=False, soft_wrap=True)
            streams, seen = await _about(logs, who.customer)
            happenings = in_order(merged(seen))
            return {"customer": who.customer, "streams": sorted(streams), "events": [h.as_data() for h in happenings]}

    found = asyncio.run(collect())
    if not found["events"]:
        raise LookupError(
            f"SUBJECT: no log knows a customer {customer!r}; give a customer id as in 'vefa history CASE --json'"
        )
    print_json(found)


async def _about(logs: Logs, customer: str) -> tuple[set[str], list[Seen]]:
    """The streams of a customer, found from their own on, and what is on them.

    An event that names another customer is left out and leads no further."""
    streams, looked, found = {f"customer:{customer}"}, set[str](), dict[tuple[str, int], Seen]()
    while more := streams - looked:
        for stream in sorted(more):
            for name, log in logs.by_name.items():
                for seen in await logs.open(name, await log.stream(stream)):
                    if getattr(seen.event, "customer", None) in (None, customer):
                        found[name, seen.row.id] = seen
                        streams |= _leads_to(seen.event)
        looked |= more
    there = {s for seen in found.values() for s in (seen.event.stream, *seen.event.also)}
    return streams & there, list(found.values())


def _leads_to(event: Event) -> set[str]:
    """From an event that names its customer also to the case and the person; a linked case may be somebody else's."""
    kinds, named = OF_ONE_MATTER, {event.stream, *event.also}
    if getattr(event, "customer", None):
        kinds = OF_ONE_MATTER | OF_A_PERSON
        named |= {f"contact:{contact}" for contact in [getattr(event, "contact", None)] if contact}
    found = {s for s in named if s.partition(":")[0] in kinds}
    if getattr(event, "customer", None) and (case := getattr(event, "case", None)):
        found.add(f"case:{case}")
    return found
