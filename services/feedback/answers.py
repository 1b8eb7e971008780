"""What an answer leads to: it is taken once, can be edited for a while, and an unhappy one opens a recovery.

Spec: feedback, Answering; Closed loop."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from contracts.feedback import (
    AnswerChanged,
    AnswerSurvey,
    AttributedFact,
    RecoveryClosed,
    RecoveryFailed,
    RecoveryOpened,
    SurveyAnswered,
    SurveyFact,
    SurveyScheduled,
)
from shared.core.event import Event
from shared.core.message import Message, uuid7
from shared.core.world import Refused, World

from .policy import SCALES, SurveysPolicy
from .state import Case, Recovery, Survey

LONGEST = 4000
"""Characters of a comment."""


def answered(world: World, message: Message, asked: AnswerSurvey) -> Iterator[Event]:
    """The answer, or its edit, and what follows for a recovery. Raises Refused."""
    survey: Survey = world[f"survey:{asked.survey}"]
    frozen = survey.frozen
    if frozen is None:
        raise Refused("unknown-survey", "survey", "there is no such survey", "use the link of the invitation", 404)
    policy: SurveysPolicy = world.policy("surveys", frozen.definition_version).document
    _check(world, message, asked, survey, frozen)
    if survey.state == "answered":
        yield from _changed(message, asked, survey, frozen, policy)
    else:
        yield SurveyAnswered(**_of(frozen), score=asked.score, comment=asked.comment)
    unhappy = policy.unhappy(frozen.kind, asked.score)
    if frozen.recovery is None:
        if unhappy and world[f"case:{frozen.case}"].recovering is None and not survey.unhappy:
            yield _opened(world, asked, frozen, str(uuid7(message.occurred_at, f"{frozen.survey}|recovery")))
    else:
        yield from _after_recovery(world, asked, frozen, unhappy, policy.recovery.rounds)


def unanswered(world: World, frozen: SurveyScheduled) -> Iterator[Event]:
    """The survey was withheld or expired: a recovery that waited for it is closed without a verdict."""
    if frozen.recovery is not None and world[f"recovery:{frozen.recovery}"].asked == frozen.survey:
        yield from given_up(world, frozen.recovery)


def given_up(world: World, recovery_id: str | None) -> Iterator[Event]:
    """Nobody will say whether the recovery helped: it is closed without a verdict."""
    if recovery_id is not None and world[f"recovery:{recovery_id}"].open:
        yield _closed(world, recovery_id, None)


def _check(world: World, message: Message, asked: AnswerSurvey, survey: Survey, frozen: SurveyScheduled) -> None:
    lowest, highest = SCALES[frozen.kind]
    if survey.state not in ("invited", "answered", "expired"):
        raise Refused("not-asked", "survey", f"the survey is {survey.state}", "answer a survey that was sent to you")
    if world[f"customer:{frozen.customer}"].erased or world[f"contact:{frozen.contact}"].forgotten:
        raise Refused("erased", "survey", "the person who was asked was erased", "nothing is kept any more", 410)
    if asked.contact != frozen.contact:
        raise Refused("other-contact", "contact", "somebody else was asked", "name the contact that was asked", 422)
    if survey.expires_at is None or message.heard_at >= survey.expires_at:
        raise Refused("expired", "survey", "the invitation has expired", "write to us: your case can be reopened", 410)
    if not lowest <= asked.score <= highest:
        text = f"{asked.score} is not on the scale"
        raise Refused("off-scale", "score", text, f"give a whole number from {lowest} to {highest}", 422)
    if asked.comment is not None and len(asked.comment) > LONGEST:
        raise Refused("too-long", "comment", f"longer than {LONGEST} characters", "shorten the comment", 422)


def _changed(
    message: Message, asked: AnswerSurvey, survey: Survey, frozen: SurveyScheduled, policy: SurveysPolicy
) -> Iterator[Event]:
    assert survey.answered_at is not None
    if message.heard_at >= survey.answered_at + timedelta(hours=policy.edit_hours):
        text = f"an answer can be changed for {policy.edit_hours} hours"
        raise Refused("already-answered", "survey", text, "write to us instead")
    if asked.score != survey.score or asked.comment is not None:
        yield AnswerChanged(
            **_of(frozen), score=asked.score, before=survey.score, comment=asked.comment, edit=survey.edits + 1
        )


def _after_recovery(
    world: World, asked: AnswerSurvey, frozen: SurveyScheduled, unhappy: bool, rounds: int
) -> Iterator[Event]:
    """The person was asked again: content, still unhappy, or still unhappy after the last round."""
    assert frozen.recovery is not None
    recovery: Recovery = world[f"recovery:{frozen.recovery}"]
    if not recovery.open or recovery.asked != frozen.survey:
        return
    if not unhappy:
        yield _closed(world, frozen.recovery, True)
    elif recovery.round < rounds:
        yield _opened(world, asked, frozen, frozen.recovery)
    else:
        yield RecoveryFailed(
            case=recovery.case, customer=frozen.customer, contact=frozen.contact, recovery=frozen.recovery,
            rounds=recovery.round,
        )  # fmt: skip


def _opened(world: World, asked: AnswerSurvey, frozen: SurveyScheduled, recovery_id: str) -> RecoveryOpened:
    recovery: Recovery = world[f"recovery:{recovery_id}"]
    case_id = recovery.case or frozen.case
    case: Case = world[f"case:{case_id}"]
    return RecoveryOpened(
        case=case_id, customer=frozen.customer, contact=frozen.contact, recovery=recovery_id, survey=frozen.survey,
        kind=frozen.kind, score=asked.score, comment=asked.comment, round=recovery.round + 1,
        topic=recovery.topic or frozen.topic, language=frozen.language, channel=frozen.channel, number=case.number,
    )  # fmt: skip


def _closed(world: World, recovery_id: str, recovered: bool | None) -> RecoveryClosed:
    """Cause and action are those of the resolution of the case that carried the recovery out."""
    recovery: Recovery = world[f"recovery:{recovery_id}"]
    first: Survey = world[f"survey:{recovery.survey}"]
    assert first.frozen is not None
    resolution = world[f"case:{recovery.carried_by}"].resolution if recovery.carried_by else None
    return RecoveryClosed(
        case=recovery.case, customer=first.frozen.customer, contact=first.frozen.contact, recovery=recovery_id,
        recovered=recovered, cause=resolution and resolution.cause, action=resolution and resolution.action,
    )  # fmt: skip


def _of(frozen: SurveyScheduled) -> dict[str, Any]:
    """The fields that every fact about the survey takes from what was frozen."""
    return {name: getattr(frozen, name) for name in (*SurveyFact.model_fields, *AttributedFact.model_fields)}
