"""What becomes of a mail: a machine's, a copy and what nothing could read are set aside; the rest is part of a case.

Nothing that protects from floods drops what came in: it stops what would be sent automatically."""

from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from contracts.intake import (
    AutomaticNoted,
    LoopSuspected,
    MailReceived,
    MailSeen,
    MailUnreadable,
    MessageQuarantined,
    ReleaseMessage,
)
from shared.core.event import Event
from shared.core.message import Message
from shared.core.world import World

from .customers import bounced, policy
from .lifecycle import Writing, copied, wrote
from .state import Contact, Content, Mail
from .threads import copied_in, takes_part

NAMESPACE: Final = UUID("5b8f6e8c-3f0e-5a53-8d0b-7468726561d0")
REFERENCES = 10
"""How many of the ids that a mail answers are looked up, nearest first."""


def received(world: World, message: Message, e: MailReceived) -> Iterator[Event]:
    """Ends as exactly one of: nothing new, set aside, appended, new case."""
    mail: Mail = world[f"mail:{e.message}"]
    if e.contact in mail.cases and e.content in mail.contents:
        return
    about = thread(world, e)
    if e.automatic is not None:
        yield AutomaticNoted(
            message=e.message, contact=e.contact, case=about, sign=e.automatic, item=str(message.id),
            address=e.address, subject=e.subject, raw=copied((e.raw,))[0] if e.raw else None,
        )  # fmt: skip
        if e.bounced is not None and about is not None and takes_part(world, about, e.bounced):
            yield from bounced(world, e.bounced, about, e.returned)
        return
    answers = answered(about, e)
    if (again := repeats(world, message, e, answers)) is not None:
        yield MailSeen(
            message=e.message, case=again, contact=e.contact, content=e.content, answers=answers, repeat=True,
            item=str(message.id), address=e.address, subject=e.subject, raw=copied((e.raw,))[0] if e.raw else None,
        )  # fmt: skip
        return
    suspected = yield from suspect_loop(world, message, e)
    writing = Writing(
        e.contact, "email", e.text, e.subject, "mail", e.address, e.name, e.attachments, e.parts, e.message_id, e.raw,
        silent="loop" if suspected else e.silent, verified=e.case is not None,
    )  # fmt: skip
    case = yield from wrote(world, message, about, writing)
    if takes_part(world, case, e.contact):
        yield from copied_in(world, message, case, e.copies)
    yield MailSeen(message=e.message, case=case, contact=e.contact, content=e.content, answers=answers)


def unreadable(world: World, message: Message, e: MailUnreadable) -> Iterator[Event]:
    if not world[f"mail:{e.message}"].cases:
        yield MessageQuarantined(
            message=e.message, contact=e.contact, reason=e.reason, raw=copied((e.raw,))[0] if e.raw else None,
            item=str(message.id), address=e.address, subject=e.subject,
        )  # fmt: skip


def answered(about: str | None, e: MailReceived | ReleaseMessage) -> str:
    """What a mail answers, in one digest: the case, and the nearest mail. The same words to another question are said
    to that one."""
    return str(uuid5(NAMESPACE, f"{about or ''}|{next(iter(e.references), '')}"))


def repeats(world: World, message: Message, e: MailReceived, answers: str) -> str | None:
    """The case that the same sender, body and files, answering the same, became part of a short time ago, under
    whatever Message-ID; None also when its customer was erased since."""
    content: Content = world[f"content:{e.content}"]
    seen = content.seen.get(answers)
    if seen is None or world[f"customer:{world[f'case:{seen.case}'].customer}"].erased:
        return None
    within = timedelta(seconds=policy(world).mail.repeat_within)
    return seen.case if abs(message.occurred_at - seen.at) <= within else None


def thread(world: World, e: MailReceived | ReleaseMessage) -> str | None:
    """The case that a mail is about: by its reply token, then by the mails that it answers; never by its subject."""
    if e.case is not None and world[f"case:{e.case}"].number:
        return e.case
    for reference in e.references[:REFERENCES]:
        answered: Mail = world[f"mail:{reference}"]
        cases = [answered.cases.get(e.contact), *answered.cases.values()]
        if (case := next(filter(None, cases), None)) is not None:
            return case
    return None


def suspect_loop(world: World, message: Message, e: MailReceived) -> Generator[Event, None, bool]:
    """Whether the sender is suspected of a loop; says so once in a window. The mail at hand is counted."""
    rules = policy(world).mail
    window = timedelta(seconds=rules.loop_window)
    point: Contact = world[f"contact:{e.contact}"]
    count = sum(abs(message.occurred_at - at) <= window for at in point.mails)
    if count <= rules.loop_count:
        return False
    if point.loop_at is None or message.occurred_at - point.loop_at > window:
        yield LoopSuspected(contact=e.contact, count=count, window=rules.loop_window)
    return True
