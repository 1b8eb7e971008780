"""Where our mail stands in the customer's mailbox: below their own, by the subject and the ids of the mails before it.

Ids and subject are read from notification's own log when a mail is sent; states hold only their positions."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Literal

from contracts.intake import CaseOpened, MessageReceived
from contracts.notification import NoticeQueued
from shared.core.message import Message
from shared.edge.edge import Edge
from shared.privacy.reply_token import PURPOSE

from .wording import one_line

LONGEST_ID, LONGEST_SUBJECT = 250, 200
_ID = re.compile(r"(?:(<)|)([!-;=?A-~]+@[!-;=?A-~]+)(?(1)>)")
"""A Message-ID (RFC 5322, 3.6.4) of printable ASCII: no space, no line end, no further bracket."""
_ANSWER = re.compile(
    r"(?:re|ynt|yanıt|aw|antw|sv|vs|odp|res|rif|отв|απ|回复|答复|返信)"
    r"(?:\s?[\[(]\d{1,3}[\])]|\^?\d{1,3})?\s?[:：]",
    re.IGNORECASE,
)
"""How mail programs of several languages begin the subject of an answer."""


@dataclass(frozen=True)
class Thread:
    """The mails that a next one follows."""

    opened: CaseOpened | None = None
    """The opening of the case, where that was a mail."""
    answers: str | None = None
    """Message-ID of the customer's last mail."""
    references: tuple[str, ...] = ()
    """Message-IDs up to that one, oldest first; of all mails where the customer wrote none."""


async def thread_of(edge: Edge, queued: NoticeQueued) -> Thread:
    """The thread of a notice, as far as it can still be read: an erased customer's ids are gone with their keys."""
    opened, answers = None, None
    ids, answered = list[str](), list[str]()
    rows = await edge.service.log.at(queued.thread) if queued.thread else []
    for message in await edge.service.open(rows):
        match message.event:
            case CaseOpened(case=case) as e if case == queued.case:
                opened, known = e, valid_id(e.message_id or "")
            case MessageReceived(case=case) as e if case == queued.case:
                known = valid_id(e.message_id or "")
            case NoticeQueued(case=case) if case == queued.case:
                ids.append(message_id(edge, message))
                continue
            case _:
                continue
        if known:
            answers = known
            ids = [one for one in ids if one != known] + [known]
            answered = list(ids)
    return Thread(opened, answers, tuple(answered if answers else ids))


def message_id(edge: Edge, queued: Message) -> str:
    """Our Message-ID of a queued notice, the same at each try; one to a customer carries the token by which their
    answer finds its case."""
    notice: NoticeQueued = queued.event
    domain = edge.settings.mail_from.rpartition("@")[2]
    if not notice.case or notice.contact.startswith("agent:"):
        return f"<{notice.notice}@{domain}>"
    policy = edge.service.memory.policy("templates", notice.template_version).document
    expires_at = queued.occurred_at + timedelta(days=policy.reply_days)
    return f"<{edge.links.sign(PURPOSE, notice.case, expires_at)}.{notice.notice}@{domain}>"


def valid_id(text: str) -> str | None:
    """A foreign Message-ID as it may stand in a header of ours; None for what is none, or too long."""
    found = _ID.fullmatch(text.strip())
    return f"<{found[2]}>" if found and len(found[2]) <= LONGEST_ID - 2 else None


def thread_subject(subject: str, number: str) -> str:
    """``Re: <subject> [V-2026-000123]``: answered once, the number in it once and never cut off; '' for no subject."""
    base = one_line(subject)
    if number and number not in base:
        shape = re.sub(r"\d+", r"\\d+", re.escape(number))
        base = one_line(re.sub(rf"\[{shape}\]", "", base))  # of an older case of theirs
    if not base or _ANSWER.fullmatch(base):
        return ""
    line = base if _ANSWER.match(base) else f"Re: {base}"
    mark = f" [{number}]" if number and number not in line[: LONGEST_SUBJECT - 2] else ""
    room = LONGEST_SUBJECT - len(mark)
    return (line if len(line) <= room else f"{line[: room - 2].rstrip()} …") + mark


class MessageIds:
    """Header of Message-IDs, one a line: the email package would encode an id that is longer than a line."""

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self: Any, *, policy: Any) -> str:
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + str(policy.linesep)
