"""What feedback can be asked: surveys with their answers, scores, responses and recoveries.

Figures count a survey in the month of the resolution that it asks about, so that a score and its response rate are
about the same surveys. That instant is the first 48 bits of the survey's id (UUIDv7, made by the domain)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.feedback import (
    AnswerChanged,
    AttributedFact,
    DeliveryNoted,
    RecoveryClosed,
    RecoveryFailed,
    RecoveryOpened,
    SurveyAnswered,
    SurveyCancelled,
    SurveyFact,
    SurveyInvited,
    SurveyKind,
    SurveyScheduled,
    SurveyWithheld,
)
from contracts.intake import CaseOpened, CaseResolved
from contracts.sla import TargetMet
from shared.core.facts import DeadlineReached
from shared.core.message import Message
from shared.core.projection import Add, Index, Put, RowOp, Table, arm, disarm
from shared.core.views import Views

from .policy import BOTTOM, TOP

VERDICT_WAIT = timedelta(minutes=15)
"""So long the verdict of the resolution clock is waited for; without one the SLA result is 'none'."""

TABLES = {
    "surveys": Table(
        {
            "case": "text", "customer": "text", "contact": "text", "kind": "text", "definition": "text",
            "definition_version": "bigint", "trigger": "text", "state": "text", "reason": "text", "score": "bigint",
            "comment": "personal", "agent": "text", "team": "text", "topic": "text", "case_kind": "text",
            "channel": "text", "language": "text", "sla": "text", "recovery": "text", "due": "timestamptz",
            "invited_at": "timestamptz", "expires_at": "timestamptz", "answered_at": "timestamptz",
            "changed_at": "timestamptz", "edits": "bigint", "delivery": "text",
        },
        indexes=(Index(("case", "key")), "customer"),
    ),
    "scores": Table(
        {
            "month": "text", "kind": "text", "team": "text", "agent": "text", "topic": "text", "channel": "text",
            "n": "bigint", "sum": "bigint", "top": "bigint", "bottom": "bigint",
        },
        indexes=("kind",),
    ),
    "response": Table(
        {"month": "text", "kind": "text", "step": "text", "reason": "text", "n": "bigint"}, indexes=("kind",)
    ),
    "cases": Table({"number": "text"}, indexes=("number",)),
    "recoveries": Table(
        {
            "case": "text", "customer": "text", "contact": "text", "kind": "text", "score": "bigint", "round": "bigint",
            "comment": "personal", "topic": "text", "number": "text", "carried_by": "text", "state": "text",
            "recovered": "bool", "cause": "text", "action": "text", "opened_at": "timestamptz",
            "ended_at": "timestamptz",
        },
        indexes=(Index(("opened_at", "key")), Index(("state", "opened_at", "key")), "case"),
    ),
}  # fmt: skip


def month_of(survey: str) -> str:
    """The month that a survey is counted in, ``2026-10``, UTC."""
    return datetime.fromtimestamp((UUID(survey).int >> 80) / 1000, UTC).strftime("%Y-%m")


def project(message: Message) -> Iterator[RowOp]:
    match message.event:
        case CaseResolved() as e:
            due = message.occurred_at + VERDICT_WAIT
            yield arm(message, f"verdict:{e.case}", f"case:{e.case}", "verdict", due)
        case TargetMet(metric="resolution") as e:
            yield disarm(f"verdict:{e.case}")
        case CaseOpened() as e:
            yield Put("cases", e.case, {"number": e.number})
            if e.recovery is not None:
                yield Put("recoveries", e.recovery, {"carried_by": e.case})
        case DeadlineReached(kind="expiry") as e:
            yield Put("surveys", e.of.removeprefix("survey:"), {"state": "expired"})
        case SurveyFact():
            yield from _survey(message)
        case RecoveryOpened() | RecoveryClosed() | RecoveryFailed():
            yield from _recovery(message)


def _survey(message: Message) -> Iterator[RowOp]:
    match message.event:
        case SurveyScheduled() as e:
            columns = e.model_dump(exclude={"survey"})
            yield Put("surveys", e.survey, {**columns, "state": "scheduled", "edits": 0})
            yield arm(message, f"send:{e.survey}", f"survey:{e.survey}", "send", e.due)
            yield from _counted(e, "scheduled")
        case SurveyWithheld() as e:
            yield Put("surveys", e.survey, {"state": "withheld", "reason": e.reason})
            yield from _counted(e, "withheld", e.reason)
        case SurveyCancelled() as e:
            yield Put("surveys", e.survey, {"state": "cancelled"})
            yield disarm(f"send:{e.survey}")
            yield from _counted(e, "cancelled")
        case SurveyInvited() as e:
            row = {"state": "invited", "invited_at": message.heard_at, "expires_at": e.expires_at}
            yield Put("surveys", e.survey, row)
            yield arm(message, f"expiry:{e.survey}", f"survey:{e.survey}", "expiry", e.expires_at)
            yield from _counted(e, "invited")
        case DeliveryNoted() as e:
            yield Put("surveys", e.survey, {"delivery": e.delivery})
            yield from _counted(e, e.delivery if e.delivery != "withheld" else "not-sent", e.reason or "")
        case SurveyAnswered() as e:
            yield Put("surveys", e.survey, {"state": "answered", "answered_at": message.heard_at, **_words(e)})
            yield disarm(f"expiry:{e.survey}")
            yield from _counted(e, "answered")
            yield from _score(e, {"n": 1, **_weight(e.kind, e.score, 1)})
        case AnswerChanged() as e:
            yield Put("surveys", e.survey, {"changed_at": message.heard_at, "edits": e.edit, **_words(e)})
            now, before = _weight(e.kind, e.score, 1), _weight(e.kind, e.before, -1)
            yield from _score(e, {column: now[column] + before[column] for column in now})


def _words(e: SurveyAnswered | AnswerChanged) -> dict[str, Any]:
    return {"score": e.score, **({} if e.comment is None else {"comment": e.comment})}


def _counted(e: SurveyFact, step: str, reason: str = "") -> Iterator[RowOp]:
    """One more survey that came to this step."""
    row = {"month": month_of(e.survey), "kind": e.kind, "step": step, "reason": reason}
    key = "|".join(row.values())
    yield Put("response", key, row)
    yield Add("response", key, {"n": 1})


def _weight(kind: SurveyKind, score: int, sign: int) -> dict[str, int]:
    return {"sum": sign * score, "top": sign * (score >= TOP[kind]), "bottom": sign * (score <= BOTTOM[kind])}


def _score(e: AttributedFact, amounts: dict[str, int]) -> Iterator[RowOp]:
    """Asking again measures the recovery, not the service: it is no part of the scores."""
    if e.recovery is not None:
        return
    cell = {
        "month": month_of(e.survey), "kind": e.kind, "team": e.team or "", "agent": e.agent or "",
        "topic": e.topic or "", "channel": e.channel,
    }  # fmt: skip
    key = "|".join(cell.values())
    yield Put("scores", key, cell)
    yield Add("scores", key, amounts)


def _recovery(message: Message) -> Iterator[RowOp]:
    match message.event:
        case RecoveryOpened() as e:
            row = e.model_dump(include={"case", "customer", "contact", "kind", "score", "round", "topic", "number"})
            opened = {"opened_at": message.occurred_at} if e.round == 1 else {}
            words = {} if e.comment is None else {"comment": e.comment}
            yield Put("recoveries", e.recovery, {**row, **opened, **words, "state": "open"})
        case RecoveryClosed() as e:
            row = {"state": "closed", "recovered": e.recovered, "cause": e.cause, "action": e.action}
            yield Put("recoveries", e.recovery, {**row, "ended_at": message.occurred_at})
        case RecoveryFailed() as e:
            row = {"state": "failed", "recovered": False, "ended_at": message.occurred_at}
            yield Put("recoveries", e.recovery, row)


READS = (
    CaseOpened, CaseResolved, TargetMet, DeadlineReached, SurveyFact, RecoveryOpened, RecoveryClosed, RecoveryFailed,
)  # fmt: skip
views = Views(TABLES, project, READS)
