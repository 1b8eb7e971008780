"""What is sent to whom, and what comes of it (spec: notification). One notice per recipient, cause and template."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from contracts.classifier import CaseClassified
from contracts.intake import (
    CaseOpened,
    ConsentWithdrawn,
    ContactBounced,
    ContactForgotten,
    CustomerErased,
)
from contracts.notification import (
    ChangePreferences,
    DeliveryReported,
    NoticeBounced,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithheld,
    PreferenceChanged,
    Redeliver,
    Unsubscribe,
    Withholding,
)
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.world import Decider, Refused, World

from .policy import Templates
from .recipients import NOBODY, Asked, Cause, by_mail, opening, recipients, spoken
from .state import STATES, Case, Contact, Notice, evolve
from .wording import filled


def decide(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case DeliveryReported() as e:
            yield from _reported(world, message, e)
        case Redeliver() as e:
            yield _again(world, message, e)
        case ChangePreferences() as e:
            yield _preferences(world, e)
            yield from _withhold(world, "opted-out", contact=e.contact, templates=e.muted)
        case Unsubscribe() as e:
            kept: Contact = world[f"contact:{e.contact}"]
            muted = tuple(sorted({*kept.muted, e.template}))
            wanted = ChangePreferences(contact=e.contact, language=spoken(kept.preferred), muted=muted, zone=kept.zone)
            yield _preferences(world, wanted)
            yield from _withhold(world, "opted-out", contact=e.contact, templates=(e.template,))
        case ConsentWithdrawn() as e:
            yield from _withhold(world, "no-consent", contact=e.contact, channel=e.channel, kind="commercial")
        case ContactForgotten(contact=contact):
            yield from _withhold(world, "erased", contact=contact)
        case CustomerErased() as e:
            for contact in e.contacts:
                yield from _withhold(world, "erased", contact=contact)
        case ContactBounced(notice=str() as notice, contact=contact):
            yield from _bounced(world, notice, contact)
        case _ if world.has_policy("templates"):
            yield from _told(world, message, world.policy("templates").document)


def _told(world: World, message: Message, policy: Templates) -> Iterator[Event]:
    """What the rules ask for because of an event."""
    event, cause = message.event, Cause.of(message)
    for rule in policy.rules_on(event.TOPIC, filled(event)):
        for contact in recipients(world, rule, event) if not rule.waits else ():
            yield from Asked(world, message.heard_at, policy, rule, contact, cause).say()
    match event:
        case CaseOpened(case=case) if world[f"case:{case}"].classified:
            yield from _acknowledged(world, message, policy, case)
        case CaseClassified(case=case, revision=1):
            yield from _acknowledged(world, message, policy, case)
        case DeadlineReached(kind="unclassified", of=of) if not world[of].classified:
            yield from _acknowledged(world, message, policy, of.partition(":")[2])


def _acknowledged(world: World, message: Message, policy: Templates, case_id: str) -> Iterator[Event]:
    """The acknowledgements of an opening: its language and whether it is spam are known now, or will not be soon."""
    case: Case = world[f"case:{case_id}"]
    if case.opening is None:
        return
    cause = Cause.of_opening(case_id, case.opening, fresh=not case.overdue)
    contact = by_mail(world, case.contact, case.customer) or NOBODY
    for rule in policy.rules_on(CaseOpened.TOPIC, case.opening.facts):
        if rule.waits:
            yield from Asked(world, message.heard_at, policy, rule, contact, cause).say()


# what comes of it --------------------------------------------------------------------------------------------------
def _fact(queued: NoticeQueued) -> dict[str, Any]:
    names = ("notice", "contact", "template", "case", "cause", "cause_topic", "message")
    return {name: getattr(queued, name) for name in names}


def _reported(world: World, message: Message, report: DeliveryReported) -> Iterator[Event]:
    """A report about a notice that was withheld meanwhile changes nothing."""
    notice: Notice = world[f"notice:{report.notice}"]
    if notice.phase != "open" or notice.queued is None or report.attempt != notice.attempts + 1:
        return
    fact = _fact(notice.queued)
    if report.result == "sent":
        yield NoticeSent(
            **fact, channel=notice.queued.channel, attempt=report.attempt, sent_at=message.occurred_at,
            copies=report.copies, not_copied=report.not_copied,
        )  # fmt: skip
    elif report.result == "withheld":
        yield NoticeWithheld(**fact, withheld=report.withheld or Withholding(reason="stale"))
    else:
        yield NoticeFailed(
            **fact, attempt=report.attempt, error=report.error or "refused",
            next_attempt=_next_attempt(world, notice.queued, report, message.heard_at),
        )  # fmt: skip


def _next_attempt(world: World, queued: NoticeQueued, report: DeliveryReported, at: datetime) -> datetime | None:
    """After the back-off, and not in quiet hours; an address that the mail server does not know is given up at once."""
    policy: Templates = world.policy("templates").document
    retry, rule = policy.next_attempt(report.attempt, at), policy.rule(queued.template)
    if report.error == "rejected-address" or retry is None:
        return None
    return opening(world, policy, rule, queued.contact, retry) if rule else retry


def _again(world: World, message: Message, asked: Redeliver) -> Event:
    notice: Notice = world[f"notice:{asked.notice}"]
    if notice.queued is None:
        raise Refused("unknown-notice", "notice", "no such notice was ever queued", "see GET /v1/notices", 404)
    if notice.phase != "given-up":
        remedy = "only a notice that was given up can be redelivered"
        raise Refused("not-given-up", "notice", f"the notice is {notice.phase}", remedy)
    policy: Templates = world.policy("templates").document
    rule, at = policy.rule(notice.queued.template), message.heard_at
    if rule is None:
        raise Refused("unknown-template", "notice", "its template is no longer in the policy", "publish it again")
    not_before = opening(world, policy, rule, notice.queued.contact, at)
    not_after = not_before + timedelta(seconds=rule.not_after)
    version = world.policy("templates").version
    changed = {"not_before": not_before, "not_after": not_after, "by": asked.by, "template_version": version}
    return notice.queued.model_copy(update=changed)


def _preferences(world: World, wanted: ChangePreferences) -> PreferenceChanged:
    policy: Templates = world.policy("templates").document
    for template in wanted.muted:
        rule = policy.rule(template)
        if rule is None:
            known = ", ".join(r.template for r in policy.rules if r.can_be_muted)
            raise Refused("unknown-template", "muted", f"no template {template!r}", f"known are {known}", 422)
        if not rule.can_be_muted:
            remedy = "leave it out: replies and critical notices are always sent"
            raise Refused("cannot-be-muted", "muted", f"{template} cannot be muted", remedy, 422)
    return PreferenceChanged(**wanted.model_dump())


def _bounced(world: World, came_back: str, contact: str) -> Iterator[Event]:
    """The notice that the report names, where it went to this contact; one that went to it in copy arrived."""
    notice: Notice = world[f"notice:{came_back}"]
    if notice.phase == "sent" and notice.queued and notice.queued.contact == contact:
        yield NoticeBounced(**_fact(notice.queued))


def _withhold(
    world: World, reason: str, *, contact: str, templates: tuple[str, ...] | None = None, channel: str = "",
    kind: str = "",
) -> Iterator[Event]:  # fmt: skip
    """Withhold what is still open for a contact."""
    for key, row in list(world.table("open").where(contact=contact)):
        if templates is not None and row["template"] not in templates:
            continue
        if (kind and row["class"] != kind) or (channel and row["channel"] != channel):
            continue
        notice: Notice = world[f"notice:{key}"]
        if notice.queued:
            withheld = Withholding.model_validate({"reason": reason})
            yield NoticeWithheld(**_fact(notice.queued), withheld=withheld)


decider = Decider(STATES, evolve, decide)
