"""When a person is asked and whether; what is heard of the invitation. Spec: feedback, When; Whether; Closed loop."""

from collections.abc import Iterator
from datetime import timedelta

from contracts.feedback import (
    AnswerSurvey,
    Delivery,
    DeliveryNoted,
    SurveyCancelled,
    SurveyInvited,
    SurveyScheduled,
    SurveyWithheld,
    Withheld,
)
from contracts.intake import CaseClosed, CaseReopened, CaseResolved, StatusChanged
from contracts.notification import NoticeBounced, NoticeFact, NoticeFailed, NoticeSent, NoticeWithheld
from contracts.sla import TargetBreached, TargetMet
from shared.core.event import Event
from shared.core.facts import DeadlineReached
from shared.core.message import Message, uuid7
from shared.core.world import Decider, World

from .answers import answered, given_up, unanswered
from .policy import ASKED_AGAIN, FLOOR, SurveysPolicy
from .state import STATES, Case, Customer, Resolution, Survey, evolve


def decide(world: World, message: Message) -> Iterator[Event]:
    """What feedback says because of a message."""
    match message.event:
        case CaseResolved(case=case) | TargetMet(case=case) | TargetBreached(case=case):
            yield from _settled(world, message, case)
        case DeadlineReached(kind="verdict", of=stream):
            yield from _settled(world, message, stream.removeprefix("case:"))
        case DeadlineReached(kind="send", of=stream):
            yield from _due(world, message, world[stream])
        case DeadlineReached(kind="expiry", of=stream) if (frozen := world[stream].frozen) is not None:
            yield from unanswered(world, frozen)
        case CaseReopened() as e:
            for survey in world[f"case:{e.case}"].scheduled:
                yield SurveyCancelled(**_about(world[f"survey:{survey}"].frozen))
        case CaseClosed(case=case) | StatusChanged(case=case, category="spam" | "merged"):
            yield from _carried_out_no_more(world, world[f"case:{case}"])
        case AnswerSurvey() as e:
            yield from answered(world, message, e)
        case NoticeFact() as e:
            yield from _delivery(world, e)


# When --------------------------------------------------------------------------------------------------------------
def _settled(world: World, message: Message, case_id: str) -> Iterator[Event]:
    """A resolution whose verdict this message brought: which survey follows it."""
    case: Case = world[f"case:{case_id}"]
    resolution = case.resolution
    if resolution is None or resolution.settled_by != str(message.id) or not world.has_policy("surveys"):
        return
    policy: SurveysPolicy = world.policy("surveys").document
    customer: Customer = world[f"customer:{case.customer}"]
    if case.recovery is not None:
        yield from _asked_again(world, message, case_id, case, resolution)
        return
    facts = {
        "kind": resolution.kind, "topic": resolution.topic, "channel": resolution.channel, "team": resolution.team,
        "language": resolution.language, "outcome": resolution.outcome, "sla": resolution.sla,
        "reopens": resolution.reopens, "nth": customer.nth(case_id),
    }  # fmt: skip
    trigger = policy.trigger_for(facts)
    if trigger is None:
        return
    yield _scheduled(world, message, case_id, trigger.survey, trigger.name, trigger.delay_hours)


def _asked_again(world: World, message: Message, case_id: str, case: Case, resolution: Resolution) -> Iterator[Event]:
    """The recovery is carried out: the person is asked the same again, not before the floor allows it."""
    recovery = world[f"recovery:{case.recovery}"]
    if not recovery.open:
        return
    first: Survey = world[f"survey:{recovery.survey}"]
    policy: SurveysPolicy = world.policy("surveys").document
    if first.frozen is None or first.frozen.definition not in policy.definitions:
        yield from given_up(world, case.recovery)
        return
    yield _scheduled(world, message, case_id, first.frozen.definition, ASKED_AGAIN, policy.recovery.delay_hours)


def _scheduled(
    world: World, message: Message, case_id: str, definition: str, trigger: str, delay_hours: int
) -> SurveyScheduled:
    case: Case = world[f"case:{case_id}"]
    customer: Customer = world[f"customer:{case.customer}"]
    policy = world.policy("surveys")
    resolution = case.resolution
    assert resolution is not None
    assert resolution.sla is not None
    due = max(resolution.at + timedelta(hours=delay_hours), message.occurred_at)
    if case.recovery is not None and customer.last_invited is not None:
        due = max(due, customer.last_invited + FLOOR)
    return SurveyScheduled(
        # The id carries the instant of the resolution: every figure counts a survey in that month (see views).
        survey=str(uuid7(resolution.at, f"{message.id}|{trigger}")), kind=policy.document.definitions[definition].kind,
        case=case_id, customer=case.customer, contact=case.contact, definition=definition,
        definition_version=policy.version, trigger=trigger, due=due, agent=resolution.agent, team=resolution.team,
        topic=resolution.topic, case_kind=resolution.kind, channel=resolution.channel,
        language=resolution.language if resolution.language in ("tr", "en") else customer.language,
        sla=resolution.sla, recovery=case.recovery,
    )  # fmt: skip


# Whether -----------------------------------------------------------------------------------------------------------
def _due(world: World, message: Message, survey: Survey) -> Iterator[Event]:
    if survey.state != "scheduled" or survey.frozen is None:
        return
    frozen = survey.frozen
    policy: SurveysPolicy = world.policy("surveys", frozen.definition_version).document
    reason = _why_not(world, message, frozen)
    if reason is None:
        expires_at = message.heard_at + timedelta(days=policy.expires_days)
        yield SurveyInvited(
            **_about(frozen), definition=frozen.definition, language=frozen.language, expires_at=expires_at
        )
        return
    yield SurveyWithheld(**_about(frozen), reason=reason)
    yield from unanswered(world, frozen)


def _why_not(world: World, message: Message, frozen: SurveyScheduled) -> Withheld | None:
    """The first reason not to ask; None: ask. What no policy can override comes first."""
    case: Case = world[f"case:{frozen.case}"]
    customer: Customer = world[f"customer:{frozen.customer}"]
    contact = world[f"contact:{frozen.contact}"]
    policy: SurveysPolicy = world.policy("surveys", frozen.definition_version).document
    if customer.erased or contact.forgotten:
        return "erased"
    if case.category in ("spam", "merged"):
        return "spam" if case.category == "spam" else "merged"
    if case.resolution is None:
        return "reopened"
    if policy.definitions[frozen.definition].template in contact.muted:
        return "opted-out"
    if customer.last_invited is not None and message.heard_at < customer.last_invited + FLOOR:
        return "floor-24h"
    if not policy.sampled(frozen.trigger, frozen.survey):
        return "sampled-out"
    if frozen.recovery is None and _throttled(policy, message, customer, frozen.definition):
        return "throttle-person"
    return None


def _throttled(policy: SurveysPolicy, message: Message, customer: Customer, definition: str) -> bool:
    """Whether the person was asked too lately, by this group of definitions or at all."""
    group = [customer.invited[name] for name in policy.group_of(definition) if name in customer.invited]
    ends = [at + timedelta(days=policy.throttle.group_days) for at in group]
    ends += [at + timedelta(days=policy.throttle.global_days) for at in customer.invited.values()]
    return any(message.heard_at < end for end in ends)


# What became of it -------------------------------------------------------------------------------------------------
def _carried_out_no_more(world: World, case: Case) -> Iterator[Event]:
    """The case of a recovery ended without a resolution: nobody will be asked again."""
    if case.recovery is not None and (case.resolution is None or case.category in ("spam", "merged")):
        yield from given_up(world, case.recovery)


def _delivery(world: World, e: NoticeFact) -> Iterator[Event]:
    """What notification says of an invitation, noted at its survey so that a lost answer has a reason."""
    if e.case is None or e.cause_topic != SurveyInvited.TOPIC:
        return
    case: Case = world[f"case:{e.case}"]
    asked = next((asked.survey for asked in case.asked if asked.cause == e.cause), None)
    delivery: Delivery
    reason: str | None = None
    match e:
        case NoticeSent():
            delivery = "sent"
        case NoticeFailed(next_attempt=None):
            delivery, reason = "failed", e.error
        case NoticeWithheld():
            delivery, reason = "withheld", e.withheld.reason
        case NoticeBounced():
            delivery = "bounced"
        case _:
            return
    survey: Survey = world[f"survey:{asked}"]
    if asked is None or survey.frozen is None or survey.delivery in (delivery, "bounced"):
        return
    yield DeliveryNoted(**_about(survey.frozen), delivery=delivery, reason=reason)


def _about(frozen: SurveyScheduled | None) -> dict[str, str]:
    assert frozen is not None
    return {
        "survey": frozen.survey, "kind": frozen.kind, "case": frozen.case, "customer": frozen.customer,
        "contact": frozen.contact,
    }  # fmt: skip


decider = Decider(STATES, evolve, decide)
