"""What becomes of a mail: repeats, robots and loops are noted; the rest is part of a case. Source: intake, Mail."""

from collections.abc import Generator, Iterator
from datetime import timedelta

from contracts.intake import AutomaticNoted, LoopSuspected, MailReceived, MailSeen, MailUnreadable, MessageQuarantined
from shared.events import Event, Message
from shared.world import World

from .customers import bounced, policy
from .life import copied, takes_part, wrote
from .states import Contact, Content, Mail

REFERENCES = 10
"""How many of the ids that a mail answers are looked up, nearest first."""


def received(world: World, message: Message, e: MailReceived) -> Iterator[Event]:
    """Ends as exactly one of: nothing new, noted, appended, new case."""
    mail: Mail = world[f"mail:{e.message}"]
    if e.contact in mail.cases:
        return
    case = thread(world, e)
    if e.automatic is not None:
        yield AutomaticNoted(message=e.message, contact=e.contact, case=case, sign=e.automatic)
        if e.bounced is not None and case is not None and takes_part(world, case, e.bounced):
            yield from bounced(world, e.bounced, case)
        return
    if (again := repeats(world, message, e)) is not None:
        yield MailSeen(message=e.message, case=again, contact=e.contact, content=e.content, repeat=True)
        return
    suspected = yield from suspect_loop(world, message, e)
    if suspected and case is None:
        yield AutomaticNoted(message=e.message, contact=e.contact, case=None, sign="loop")
        return
    case = yield from wrote(
        world, message, case, contact=e.contact, channel="email", text=e.text, attachments=e.attachments,
        sender=("mail", e.address, e.name), subject=e.subject, verified=e.case is not None,
    )  # fmt: skip
    yield MailSeen(message=e.message, case=case, contact=e.contact, content=e.content)


def unreadable(world: World, e: MailUnreadable) -> Iterator[Event]:
    if not world[f"mail:{e.message}"].cases:
        raw = copied((e.raw,))[0] if e.raw else None
        yield MessageQuarantined(message=e.message, contact=e.contact, reason=e.reason, raw=raw)


def repeats(world: World, message: Message, e: MailReceived) -> str | None:
    """The case that the same sender and body became part of a short time ago, under whatever Message-ID."""
    content: Content = world[f"content:{e.content}"]
    if content.at is None:
        return None
    within = timedelta(seconds=policy(world).mail.repeat_within)
    return content.case if abs(message.occurred_at - content.at) <= within else None


def thread(world: World, e: MailReceived) -> str | None:
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
