"""Who may see and do what: staff everything, customers their own, other systems what they bring."""

from datetime import datetime
from typing import Any

from shared.core.message import Role
from shared.core.world import Refused
from shared.edge.http import Call, roles

STAFF = roles("agent", "supervisor")
READERS = roles("customer", "agent", "supervisor", "service")


async def visible_case(case: str, call: Call) -> dict[str, Any]:
    """The row of a case that the caller may see; a customer does not learn that another's case exists."""
    row = await call.row("select key as case, * from {views}.cases where key = %s", case)
    if row is None or (is_customer(call) and row["customer"] not in await own(call)):
        raise Refused("unknown-case", "case", "there is no such case", "look the id up", 404)
    return row


async def own(call: Call) -> list[str]:
    """The customers that a customer's token stands for."""
    name = call.actor.name
    rows = await call.rows("select customer from {views}.contacts where key = %s and customer is not null", name)
    return [name, *(row["customer"] for row in rows)]


async def own_contact(row: dict[str, Any], call: Call) -> str:
    """The contact point that a customer writes from: the one of the token, else that of the case."""
    found = await call.row("select key from {views}.contacts where key = %s", call.actor.name)
    return str(found["key"] if found else row["contact"])


async def owns(call: Call, contact: str) -> bool:
    """Whether the sender is known to own the address: another system says so, or it is the customer's own token's."""
    if not is_customer(call):
        return call.actor.role == Role.service
    if call.actor.name == "public":
        return False
    row = await call.row("select customer from {views}.contacts where key = %s", contact)
    return contact == call.actor.name or (row is not None and row["customer"] in await own(call))


def is_customer(call: Call) -> bool:
    return call.actor.role == Role.customer


def is_staff(call: Call) -> bool:
    return call.actor.role in (Role.agent, Role.supervisor, Role.admin)


def knows(call: Call) -> bool:
    """Whether the caller may say by which channel something came and what other systems call it."""
    return is_staff(call) or call.actor.role == Role.service


def when(occurred_at: datetime | None, call: Call) -> datetime | None:
    """The instant that another system gives for what it brings; nobody else may say when something happened."""
    if occurred_at is not None and call.actor.role != Role.service:
        text = f"not for role {call.actor.role}: it counts when it comes in"
        raise Refused("forbidden", "occurred_at", text, "leave it out, or send it as role service", 403)
    return occurred_at


def unknown_customer() -> Refused:
    return Refused("unknown-customer", "customer", "there is no such customer", "look the id up", 404)
