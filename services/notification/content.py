"""What a notice says: the words of its template about its cause, and what the views know of recipient and case."""

from dataclasses import dataclass, replace
from datetime import timedelta

from contracts.feedback import SurveyInvited
from contracts.intake import CaseOpened, CaseResolved
from shared.core.event import Event
from shared.core.message import Message
from shared.edge.edge import Edge

from .policy import Rule, Templates, Word
from .thread import thread_subject
from .wording import Mail, render, values


@dataclass(frozen=True)
class Reader:
    """Whom a notice goes to, as known when it is sent."""

    contact: str
    kind: str
    """mail, another kind of address, or erased."""
    address: str
    name: str | None
    zone: str | None = None
    """Time zone that they chose."""

    @property
    def staff(self) -> bool:
        return self.contact.startswith("agent:")


async def reader(edge: Edge, contact: str) -> Reader | None:
    """None when nothing is known of the contact yet."""
    row = await edge.row(
        "select c.kind, c.address, c.name, p.zone from {views}.contacts c"
        " left join {views}.preferences p on p.key = c.key where c.key = %s", contact,
    )  # fmt: skip
    return Reader(contact, row["kind"], row["address"] or "", row["name"] or None, row["zone"]) if row else None


async def cause_of(edge: Edge, row: int) -> Message:
    """The event of a position in the log, in plain as far as its keys exist."""
    [recorded] = await edge.service.log.at([row])
    [message] = await edge.service.open([recorded])
    return message


async def write(
    edge: Edge, policy: Templates, rule: Rule, language: Word, event: Event, to: Reader, *,
    opened: CaseOpened | None = None, real: bool = True,
) -> Mail:  # fmt: skip
    """The mail about ``event``; ``opened`` is the opening of its case, where that was a mail; ``real`` False signs no
    link, for a preview. Raises ValueError, also where nothing would stand in it."""
    text, case = rule.texts[language], getattr(event, "case", None)
    number = getattr(event, "number", None)
    if case and not number:
        row = await edge.row("select number from {views}.cases where key = %s", case)
        number = row["number"] if row else None
    link = link_of(edge, policy, event, real)
    common = {"company": policy.company, "name": to.name, "number": number or "", "link": link}
    given = values(event, _zone(policy, language, to), **common)
    mail = render(text.subject, text.text, given, link)
    if not mail.text.strip():
        raise ValueError("nothing to say")
    subject = _answers(rule, event, opened, number or "") or mail.subject
    return replace(mail, subject=subject or " ".join(filter(None, (policy.company, number and f"[{number}]"))))


def _answers(rule: Rule, event: Event, opened: CaseOpened | None, number: str) -> str:
    """The subject of an answer to the customer's own mail; '' where it is none, or where nobody knows yet whether the
    address is theirs who wrote it."""
    if not rule.in_thread or opened is None or opened.channel != "email" or opened.by is not None:
        return ""
    if isinstance(event, CaseOpened) and not event.verified:
        return ""
    return thread_subject(opened.subject, number)


def _zone(policy: Templates, language: Word, to: Reader) -> str:
    return policy.staff.zone if to.staff else policy.zone(language, to.zone)


def link_of(edge: Edge, policy: Templates, event: Event, real: bool) -> str:
    """Where an invitation or a resolution asks its reader: signed when it is sent, never written into an event."""
    match event:
        case SurveyInvited() as e:
            token = edge.links.sign("survey", e.survey, e.expires_at) if real else "preview"
            return f"{edge.settings.public('feedback')}/v1/surveys/answer/{token}"
        case CaseResolved() as e:
            until = (e.closes_at or edge.now) + timedelta(days=policy.reply_days)
            token = edge.links.sign("confirm", f"{e.case}~{e.contact}", until) if real else "preview"
            return f"{edge.settings.public('intake')}/v1/cases/confirm/{token}"
    return ""
