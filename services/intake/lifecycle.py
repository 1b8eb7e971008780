"""The life of a case: how it opens, what a message does to it, how it comes back and when it goes quiet."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.classifier import CaseClassified
from contracts.common import ContactKind, TextPart
from contracts.feedback import RecoveryOpened
from contracts.intake import NO_FORM, CaseClosed, CaseOpened, CaseReopened, CasesLinked, MessageReceived, StatusChanged
from contracts.outside import CaseSubmitted, MessageSubmitted
from contracts.router import CaseAssigned
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message, uuid7
from shared.core.parts import Blob
from shared.core.personal import Personal
from shared.core.vocabulary import Channel
from shared.core.world import Refused, World

from .customers import know, policy
from .policy import near
from .state import Case, Contact, Customer
from .thanks import Courtesy, courtesy
from .threads import goes_on, is_participant, may_append

SUBJECT_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Writing:
    """What somebody wrote, however it came; the fields are those of the message or the case that it becomes."""

    contact: str
    channel: Channel
    text: Personal
    subject: str = ""
    kind: ContactKind | None = None
    """Of the contact point, where that is known."""
    address: Personal | None = None
    name: Personal | None = None
    attachments: Iterable[Blob] = ()
    parts: Iterable[TextPart] = ()
    message_id: Personal | None = None
    raw: Blob | None = None
    silent: str | None = None
    received_at: datetime | None = None
    verified: bool = False

    @property
    def kept(self) -> dict[str, Any]:
        """What a message and a case keep alike, made anew for the event that it goes into."""
        return {
            "text": self.text, "attachments": copied(self.attachments), "parts": copied(self.parts),
            "message_id": self.message_id, "raw": copied((self.raw,))[0] if self.raw else None, "silent": self.silent,
            "received_at": self.received_at,
        }  # fmt: skip


def opened(
    world: World, message: Message, *, customer: str, contact: str, channel: Channel, subject: str, text: Personal,
    **more: Any,
) -> CaseOpened:  # fmt: skip
    """The opening of a case with the next number of its year and the count of contacts before."""
    rules, at = policy(world), message.occurred_at
    year = rules.numbers.year(at)
    row = world.table("numbers").get(year)
    known: Customer = world[f"customer:{customer}"]
    window = timedelta(days=rules.repeat_days)
    case = str(uuid7(at, message.id))
    world.new(f"case:{case}")
    return CaseOpened(
        case=case, customer=customer, contact=contact, channel=channel,
        number=rules.numbers.number(year, (row["last"] if row else 0) + 1),
        contacts_before=sum(timedelta(0) <= at - before <= window for before in known.opened),
        subject=Personal(subject or first_line(text)), text=text, **more,
    )  # fmt: skip


def submitted(world: World, message: Message, e: CaseSubmitted) -> Iterator[Event]:
    """A concern from the outside becomes a case; one that its sender has named before is the case that it became."""
    if e.external_id and e.contact in world[f"external:{e.external_id}"].cases:
        return
    name = policy(world).form_of(e.form, bool(e.fields))
    form = policy(world).forms.get(name) if name else None
    if message.command and name:
        _check_form(world, name, e)
    customer = yield from know(
        world, message, e.contact, e.contact_kind, e.address, name=e.name, language=e.language, surely=e.by is not None
    )
    point: Contact = world[f"contact:{e.contact}"]
    yield opened(
        world, message, customer=customer, contact=e.contact, channel=e.channel, subject=e.subject, text=e.text,
        form=name or NO_FORM, kind=e.kind or (form.kind if form else None),
        topic=e.topic or (form.topic if form else None),
        language=e.language or point.language, fields=copied(e.fields), attachments=copied(e.attachments),
        organisation=e.organisation, by=e.by, verified=e.verified, external_id=e.external_id,
    )  # fmt: skip


def _check_form(world: World, name: str, e: CaseSubmitted) -> None:
    forms = policy(world).forms
    if name not in forms:
        remedy = near(name, forms) or f"use one of {', '.join(forms)}"
        raise Refused("unknown-form", "form", f"there is no form {name!r}", remedy, 422)
    for problem in forms[name].problems({f.name: str(f.value) for f in e.fields}):
        raise Refused("wrong-field", f"fields.{problem.field}", problem.text, problem.remedy, 422)


def message_submitted(world: World, message: Message, e: MessageSubmitted) -> Iterator[Event]:
    """A message for a case that does not exist is refused as a command; as a fact it opens a case."""
    case: Case = world[f"case:{e.case}"]
    if not case.number and message.command:
        raise Refused("unknown-case", "case", "there is no such case", "look the id up, or open a case", 404)
    writing = Writing(
        e.contact, e.channel, e.text, kind=e.contact_kind, address=e.address, attachments=e.attachments
    )  # fmt: skip
    yield from wrote(world, message, e.case if case.number else None, writing)


def wrote(world: World, message: Message, about: str | None, w: Writing) -> Generator[Event, None, str]:
    """Somebody wrote, about a case or about nothing that exists: appended, or a new case, linked where that may be.

    Returns the case that the message ended in. Source: spec intake, Life of a case; Mail, threading."""
    case = goes_on(world, message, about, w.contact) if about is not None else None
    appends = case is not None and may_append(world, message, case, w.contact)
    participant = about is not None and is_participant(world, about, w.contact)
    if about is not None and participant and not (appends and about == case):
        yield from answered(world, about, w)
    if case is not None and appends:
        yield from receive(world, message, case, w)
        return case
    customer = yield from know(world, message, w.contact, w.kind, w.address, name=w.name)
    mine = case is not None and world[f"case:{case}"].customer == customer
    point: Contact = world[f"contact:{w.contact}"]
    opening = opened(
        world, message, customer=customer, contact=w.contact, channel=w.channel, subject=w.subject,
        language=point.language, verified=w.verified and mine, follows=case if mine else None, **w.kept,
    )  # fmt: skip
    yield opening
    # A link to the case of somebody who was erased would say who wrote it.
    if case is not None and not world[f"customer:{world[f'case:{case}'].customer}"].erased:
        why: Any = "follow-up" if mine else "participant" if participant else "foreign-sender"
        yield CasesLinked(case=opening.case, other=case, why=why, contact=w.contact)
    return opening.case


def receive(world: World, message: Message, case_id: str, w: Writing) -> Iterator[Event]:
    """A customer's message on a case: it reopens and ends waiting for the customer, unless it says nothing but thanks,
    or assents to what nobody asks any more."""
    case: Case = world[f"case:{case_id}"]
    acknowledgement = is_acknowledgement(world, case, w)
    yield MessageReceived(
        case=case_id, customer=case.customer, contact=w.contact, channel=w.channel, acknowledgement=acknowledgement,
        message=str(uuid7(message.occurred_at, f"{message.id}|message")), **w.kept,
    )  # fmt: skip
    if acknowledgement:
        return
    if case.ended:
        yield reopened(case_id, case, "customer", "reply", w.contact)
    elif case.category == "waiting_customer":
        yield status_changed(world, case_id, case, "open", "customer")


def is_acknowledgement(world: World, case: Case, w: Writing) -> bool:
    """Whether it changes nothing. Assent is the answer while the case waits for the customer, and, where no thanks come
    with it, while the case is with us: who asked may not have said that they wait."""
    said = Courtesy() if tuple(w.attachments) else courtesy(policy(world), w.text, w.name, w.address)
    if not said.bare or not said.assent:
        return said.bare
    return case.ended or case.category == "waiting_third_party" or (case.category != "waiting_customer" and said.thanks)


def answered(world: World, case_id: str, w: Writing) -> Iterator[Event]:
    """A participant wrote about the case, which ends in a case of their own: this one no longer waits for an answer."""
    case: Case = world[f"case:{case_id}"]
    if case.category == "waiting_customer" and not is_acknowledgement(world, case, w):
        yield status_changed(world, case_id, case, "open", "rule")


def reopened(case_id: str, case: Case, by: str, cause: Any, contact: str = "") -> CaseReopened:
    return CaseReopened(
        case=case_id, customer=case.customer, contact=contact or case.contact, by=by, cause=cause,
        reopens=case.reopens + 1, resolved_at=case.resolved_at,
    )  # fmt: skip


def closed(case_id: str, case: Case, how: Any, by: str, **more: Any) -> CaseClosed:
    outcome = more.pop("outcome", None) or case.outcome or "not_solved"
    return CaseClosed(
        case=case_id, customer=case.customer, contact=case.contact, how=how, by=by, outcome=outcome, **more
    )


def status_changed(world: World, case_id: str, case: Case, category: Any, by: str) -> StatusChanged:
    """A change that a rule makes: to the company's first name for the category."""
    status = policy(world).status_for(category)
    return StatusChanged(case=case_id, status=status, category=category, before=case.category, by=by)


def gone_quiet(world: World, e: DeadlineReached) -> Iterator[Event]:
    case_id = e.of.partition(":")[2]
    case: Case = world[e.of]
    if e.kind == "quiet-days" and case.category == "resolved":
        yield closed(case_id, case, "quiet", "rule")


def classified(world: World, e: CaseClassified) -> Iterator[Event]:
    """A rule's spam tag moves an unanswered case to spam, unless a person has taken it out of there before."""
    case: Case = world[f"case:{e.case}"]
    wanted = case.kept_from_spam or case.first_response_at or case.recovery
    if "spam" in e.tags and not wanted and case.number and case.category in ("new", "open"):
        yield status_changed(world, e.case, case, "spam", "rule")


def assigned(world: World, e: CaseAssigned) -> Iterator[Event]:
    case: Case = world[f"case:{e.case}"]
    if case.number and case.category == "new":
        yield status_changed(world, e.case, case, "open", "rule")


def recovery_opened(world: World, message: Message, e: RecoveryOpened) -> Iterator[Event]:
    """An unhappy answer gets a case of its own; another round brings that case back."""
    existing = world[f"recovery:{e.recovery}"].case
    if existing is not None:
        case: Case = world[f"case:{existing}"]
        if e.round > 1 and case.ended:
            yield reopened(existing, case, "rule", "recovery")
        return
    subjects = policy(world).recovery_subject
    subject = subjects.get(e.language or "en", subjects["en"]).format(number=e.number)
    opening = opened(
        world, message, customer=e.customer, contact=e.contact, channel=e.channel, subject=subject,
        text=e.comment or Personal(), kind="complaint", topic=e.topic, language=e.language, verified=True,
        follows=e.case, recovery=e.recovery,
    )  # fmt: skip
    yield opening
    yield CasesLinked(case=opening.case, other=e.case, why="recovery")


def first_line(text: str) -> str:
    """The first line that says something, cut at a word."""
    line = next((s for s in (line.strip() for line in text.splitlines()) if s), "")
    return line if len(line) <= SUBJECT_LENGTH else line[:SUBJECT_LENGTH].rsplit(" ", 1)[0] + " …"


def copied(values: Iterable[Any]) -> tuple[Any, ...]:
    """Parts of the event at hand made anew, so that each is sealed for the event that it goes into."""
    return tuple(type(v).model_validate(dict(v)) for v in values)
