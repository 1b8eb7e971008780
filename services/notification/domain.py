"""What is sent to whom, and what comes of it (spec: notification). One notice per recipient, cause and template."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from contracts.intake import (
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
from shared.events import Event, Message
from shared.world import Decider, Refused, World

from .asking import Asked, opening, recipients, spoken
from .policy import Templates
from .states import STATES, Contact, Notice, evolve


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
        case ContactBounced(case=str() as case, contact=contact):
            yield from _bounced(world, case, contact)
        case e if world.has_policy("templates"):
            policy: Templates = world.policy("templates").document
            for rule in policy.rules_on(e):
                for contact in recipients(world, rule, e):
                    yield from Asked(world, message, policy, rule, contact).say()


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
        yield NoticeSent(**fact, channel=notice.queued.channel, attempt=report.attempt, sent_at=message.occurred_at)
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


def _bounced(world: World, case: str, contact: str) -> Iterator[Event]:
    """What came back is taken to be the last notice of its case that was sent to this contact."""
    last = world[f"case:{case}"].last_notice
    notice: Notice = world[f"notice:{last}"] if last else STATES["notice"]
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
