"""What was set aside and a person has looked at: released into a case, dismissed, or erased. None is done twice; what
was dismissed can still be released, for that may have been a mistake."""

from collections.abc import Iterator

from contracts.intake import (
    DismissMessage,
    EraseMessage,
    MailSeen,
    MessageDismissed,
    MessageErased,
    MessageKeyDestroyed,
    MessageReleased,
    ReleaseMessage,
)
from shared.core.event import Event
from shared.core.message import Message
from shared.core.world import Refused, World

from .customers import check_regime, know
from .lifecycle import Writing, receive, wrote
from .mailbox import answered, thread
from .state import COPY, Contact, SetAside
from .threads import copied_in, takes_part

SILENT = "released"
"""Why nothing automatic answers what was released."""


def release(world: World, message: Message, e: ReleaseMessage) -> Iterator[Event]:
    """As if a person's mail had come in now; clocks count from when it came."""
    aside = known(world, e.item)
    if aside.state == "released":
        raise Refused("released", "item", "it is released already", f"see case {aside.case}")
    if aside.state == "erased":
        raise erased()
    writing = Writing(
        e.contact, "email", e.text, e.subject, "mail", e.address, e.name, e.attachments, e.parts, e.message_id, e.raw,
        silent=SILENT, received_at=aside.at, verified=e.case is not None,
    )  # fmt: skip
    about = thread(world, e) or (aside.case if aside.reason != COPY else None)
    if e.into is not None:
        case = e.into
        if not world[f"case:{case}"].number:
            raise Refused("unknown-case", "case", "there is no such case", "look the id up", 404)
        yield from know(world, message, e.contact, "mail", e.address, name=e.name)
        yield from receive(world, message, case, writing)
    else:
        case = yield from wrote(world, message, about, writing)
    if takes_part(world, case, e.contact):
        yield from copied_in(world, message, case, e.copies)
    seen = MailSeen(
        message=aside.message, case=case, contact=e.contact, content=e.content, answers=answered(about, e)
    )  # fmt: skip
    yield seen
    yield MessageReleased(item=e.item, message=aside.message, contact=e.contact, case=case, by=e.by)


def dismiss(world: World, e: DismissMessage) -> Iterator[Event]:
    aside = known(world, e.item)
    if aside.state == "erased":
        raise erased()
    if aside.state != "waiting":
        remedy = f"see case {aside.case}" if aside.state == "released" else "release it if that was a mistake"
        raise Refused(aside.state, "item", f"it is {aside.state} already", remedy)
    if not e.reason.strip():
        raise Refused("required", "reason", "is empty", "say why", 422)
    yield MessageDismissed(item=e.item, message=aside.message, by=e.by, reason=e.reason)


def check_erasure(world: World, e: EraseMessage) -> Iterator[Event]:
    """Nothing is said yet: the projection opens the effect ``erase-message``, and its result is heard as
    message-key-destroyed."""
    check_regime(world, e.regime)
    aside = known(world, e.item)
    if aside.state == "erased":
        raise erased()
    if aside.state == "released":
        remedy = f"erase the customer of case {aside.case}"
        raise Refused("released", "item", "it is part of a case", remedy)
    sender: Contact = world[f"contact:{aside.contact}"]
    if sender.customer is not None:
        raise Refused("a-customers", "item", "a customer wrote it", f"erase the customer {sender.customer}")
    return iter(())


def certify(world: World, e: MessageKeyDestroyed) -> Iterator[Event]:
    """Say what was destroyed; a repeat says nothing."""
    for item in e.items:
        aside = known(world, item)
        if aside.state not in ("released", "erased"):
            yield MessageErased(
                item=item, message=aside.message, contact=aside.contact, by=e.by, regime=e.regime,
                destroyed_at=e.destroyed_at, rotation_outstanding=e.rotation_outstanding, rotated_at=e.rotated_at,
                keys=e.keys,
            )  # fmt: skip


def erased() -> Refused:
    return Refused("erased", "item", "it was erased", "nothing is left to be done", 410)


def known(world: World, item: str) -> SetAside:
    state: SetAside = world[f"set-aside:{item}"]
    if not state.contact:
        raise Refused("unknown-item", "item", "nothing is set aside by this name", "look it up in /v1/set-aside", 404)
    return state
