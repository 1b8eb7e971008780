"""What agents, supervisors and customers tell intake to do with a case: commands that may be refused."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from contracts.common import ContactKind
from contracts.intake import (
    AddNote,
    CaseConfirmed,
    CaseResolved,
    CasesLinked,
    ChangeStatus,
    Close,
    Confirm,
    LinkCases,
    MessageReceived,
    NoteAdded,
    Reopen,
    Reply,
    ReplySent,
    Resolve,
    StatusChanged,
)
from shared.core.event import Event
from shared.core.message import Message, uuid7
from shared.core.personal import Personal
from shared.core.vocabulary import Channel
from shared.core.world import Refused, World

from .customers import policy
from .lifecycle import closed, reopened
from .policy import near
from .state import Case
from .threads import takes_part, too_late


def reply(world: World, message: Message, e: Reply) -> Iterator[Event]:
    """Refused for a stale version, an ended or spam case, a wrong recipient, an empty text, or nowhere to send it."""
    case = existing(world, e.case)
    fresh_enough(case, e.expected_version)
    if case.category in ("closed", "merged", "spam"):
        raise Refused("not-open", "case", f"the case is {case.category}", "reopen it or change its status first")
    _to(case, e.contact)
    _said(e.text, "text")
    _reached(world, case)
    yield ReplySent(
        case=e.case, customer=case.customer, contact=case.contact, number=case.number, by=e.by, channel=case.channel,
        message=str(uuid7(message.occurred_at, f"{message.id}|reply")), language=case.language, text=e.text,
        first=case.first_response_at is None, template=e.template,
    )  # fmt: skip
    status = e.status or (policy(world).status_for("open") if case.category == "new" else None)
    if status is not None and case.category != "resolved":
        yield from _set_status(world, e.case, status, e.by)


def note(world: World, e: AddNote) -> Iterator[Event]:
    case = existing(world, e.case)
    _to(case, e.contact)
    _said(e.text, "text")
    yield NoteAdded(case=e.case, customer=case.customer, contact=case.contact, by=e.by, text=e.text)


def change_status(world: World, e: ChangeStatus) -> Iterator[Event]:
    case = existing(world, e.case)
    if case.ended or case.category == "merged":
        raise Refused("ended", "status", f"the case is {case.category}", "reopen it first")
    yield from _set_status(world, e.case, e.status, e.by, e.reason)


def _set_status(world: World, case_id: str, status: str, by: str, reason: Personal | None = None) -> Iterator[Event]:
    case: Case = world[f"case:{case_id}"]
    names = policy(world).statuses
    if status not in names:
        if status in ("resolved", "closed"):
            raise Refused("own-command", "status", f"{status!r} is not set as a status", "use resolve or close", 422)
        remedy = near(status, names) or f"use one of {', '.join(names)}"
        raise Refused("unknown-status", "status", f"the policy knows no status {status!r}", remedy, 422)
    if status != case.status:
        yield StatusChanged(
            case=case_id, status=status, category=names[status], before=case.category, by=by, reason=reason
        )


def resolve(world: World, message: Message, e: Resolve) -> Iterator[Event]:
    """A recovery needs cause and action; both must be on the company's lists where there are such lists."""
    case, rules = existing(world, e.case), policy(world)
    fresh_enough(case, e.expected_version)
    if case.ended or case.category in ("merged", "spam"):
        raise Refused("ended", "case", f"the case is {case.category}", "reopen it or change its status first")
    for field, value, known in (("cause", e.cause, rules.causes), ("action", e.action, rules.actions)):
        if value is None and case.recovery is not None:
            raise Refused("required", field, "a recovery is not resolved without it", f"name the {field}", 422)
        if value is not None and known and value not in known:
            remedy = near(value, known) or f"use one of {', '.join(known)}"
            raise Refused(f"unknown-{field}", field, f"{value!r} is not on the company's list", remedy, 422)
    assert case.opened_at is not None
    yield CaseResolved(
        case=e.case, customer=case.customer, contact=case.contact, number=case.number, by=e.by, channel=case.channel,
        kind=case.kind, topic=case.topic, language=case.language, opened_at=case.opened_at,
        first_response_at=case.first_response_at, team=case.team, agent=case.owner, outcome=e.outcome, cause=e.cause,
        action=e.action, reopens=case.reopens, recovery=case.recovery,
        closes_at=message.occurred_at + timedelta(days=rules.quiet_days),
    )  # fmt: skip


def confirm(world: World, message: Message, e: Confirm) -> Iterator[Event]:
    """The customer's yes closes a resolved case, the no brings it back; said twice it changes nothing more."""
    case = existing(world, e.case)
    if not takes_part(world, e.case, e.contact):
        raise Refused("not-yours", "contact", "not a contact point of this case's customer", "write a message", 403)
    if e.text:
        yield MessageReceived(
            case=e.case, customer=case.customer, contact=e.contact, channel="web", text=e.text,
            message=str(uuid7(message.occurred_at, f"{message.id}|message")), acknowledgement=e.solved,
        )  # fmt: skip
    if e.solved and case.category == "resolved":
        yield CaseConfirmed(case=e.case, customer=case.customer, contact=e.contact)
        yield closed(e.case, case, "confirmed", "customer")
    elif e.solved and case.category != "closed":
        raise Refused("not-resolved", "case", f"the case is {case.category}", "wait until it is resolved")
    elif not e.solved and case.ended:
        if too_late(world, message, e.case):
            raise Refused("too-late", "case", "the follow-up window is over", "open a new case", 410)
        yield reopened(e.case, case, "customer", "customer-said-no", e.contact)


def close(world: World, e: Close) -> Iterator[Event]:
    """A supervisor ends a case; without a resolution the outcome must be named."""
    case = existing(world, e.case)
    if case.category in ("closed", "merged"):
        raise Refused("ended", "case", f"the case is {case.category}", "reopen it first")
    _said(e.reason, "reason")
    if case.category != "resolved" and e.outcome is None:
        raise Refused("required", "outcome", "the case was not resolved", "name how it ended", 422)
    yield closed(e.case, case, "supervisor", e.by, outcome=e.outcome, reason=e.reason)


def reopen(world: World, e: Reopen) -> Iterator[Event]:
    case = existing(world, e.case)
    if not case.ended:
        raise Refused("not-ended", "case", f"the case is {case.category}", "there is nothing to reopen")
    yield reopened(e.case, case, e.by, "agent")


def link(world: World, e: LinkCases) -> Iterator[Event]:
    case = existing(world, e.case)
    existing(world, e.other, "other")
    if e.case == e.other:
        raise Refused("same-case", "other", "a case is not linked to itself", "name another case", 422)
    if e.other not in case.linked:
        yield CasesLinked(case=e.case, other=e.other, why="by-hand")


def existing(world: World, case: str, field: str = "case") -> Case:
    """The state of a case; Refused 404 when there is none."""
    state: Case = world[f"case:{case}"]
    if not state.number:
        raise Refused("unknown-case", field, "there is no such case", "look the id up", 404)
    return state


def fresh_enough(case: Case, expected: int | None) -> None:
    """Refused 409 with what was added since the version that was read."""
    if expected is None or expected == case.version:
        return
    if expected > case.version:
        raise Refused("unknown-version", "expected_version", f"the case is at {case.version}", "read it again", 422)
    since = ", ".join(f"{s.what} ({s.version})" for s in case.recent if s.version > expected)
    text = f"version {expected} is not the newest, {case.version} is; added since: {since}"
    raise Refused("stale", "expected_version", text, "read what was added and send again")


def _to(case: Case, contact: str) -> None:
    if contact != case.contact:
        raise Refused("wrong-contact", "contact", "not the contact point of this case", "read the case again", 422)


BY_MAIL: tuple[Channel, ...] = ("email", "web", "phone")
"""Channels whose answers go out by mail; those of the others are carried by systems that hear reply-sent."""
WAYS: Mapping[ContactKind, str] = {"phone": "a phone number", "handle": "a handle", "number": "a customer number"}


def _reached(world: World, case: Case) -> None:
    """A customer without a mail address is answered by the channel that they came by, if another system carries it."""
    kinds = tuple(dict.fromkeys(kind for _, kind in world[f"customer:{case.customer}"].contacts))
    if case.channel in BY_MAIL and kinds and "mail" not in kinds:
        ways = " and ".join(WAYS.get(kind, kind) for kind in kinds)
        text = f"no mail address of the customer is known, so no reply can be sent; known: {ways}"
        remedy = "reach the customer that way and write down in a note what was said, or ask for a mail address"
        raise Refused("unreachable", "contact", text, remedy)


def _said(text: str, field: str) -> None:
    if not text.strip():
        raise Refused("required", field, "is empty", "write something", 422)
