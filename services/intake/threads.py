"""Who writes about which case: whose it is, who takes part beside the customer, and with which case a foreign sender's
mails go on."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from contracts.intake import Copied, ParticipantAdded
from shared.core.event import Event
from shared.core.message import Message
from shared.core.world import World

from .customers import know, policy
from .state import RECENT, Case

PARTICIPANTS = 20
"""Of one case, beside the customer."""


def takes_part(world: World, case: str, contact: str) -> bool:
    """Whether a contact point belongs to the customer of the case."""
    customer = world[f"case:{case}"].customer
    return bool(customer) and world[f"contact:{contact}"].customer == customer


def is_participant(world: World, case: str, contact: str) -> bool:
    return contact in world[f"case:{case}"].participants


def too_late(world: World, message: Message, case: str) -> bool:
    """Whether the follow-up window of a closed case is over."""
    closed_at = world[f"case:{case}"].closed_at
    return closed_at is not None and message.occurred_at > closed_at + timedelta(days=policy(world).follow_up_days)


def may_append(world: World, message: Message, case: str, contact: str) -> bool:
    """Whether what a contact point writes about the case becomes part of it: the customer's, and a participant's where
    the policy says ``join``; while it can be reopened."""
    joins = policy(world).mail.participants == "join" and is_participant(world, case, contact)
    return (joins or takes_part(world, case, contact)) and not too_late(world, message, case)


def goes_on(world: World, message: Message, case: str, contact: str) -> str:
    """The case that a contact point's words about ``case`` go on with: this one, where they become part of it; else
    the one that its earlier words about it opened, or a linked one of its own. Where there is none such: the last one
    that it came to, from which a new case goes on."""
    passed = [case]
    while not may_append(world, message, here := passed[-1], contact):
        state: Case = world[f"case:{here}"]
        linked = () if takes_part(world, here, contact) else reversed(state.linked[-RECENT:])
        own = (one for one in linked if may_append(world, message, one, contact))
        further = state.onward.get(contact) or next(own, None)
        if further is None or further in passed:
            break
        passed.append(further)
    return passed[-1]


def copied_in(world: World, message: Message, case: str, copies: Sequence[Copied]) -> Iterator[Event]:
    """Whom the customer's mail went to as well is known from now on, and takes part in the case."""
    for one in copies:
        state: Case = world[f"case:{case}"]
        if len(state.participants) >= PARTICIPANTS:
            return
        if one.contact in state.participants or takes_part(world, case, one.contact):
            continue
        yield from know(
            world, message, one.contact, "mail", one.address, name=one.name, seed=f"{message.id}|{one.contact}"
        )
        if not takes_part(world, case, one.contact):
            yield ParticipantAdded(case=case, contact=one.contact, how="copied")
