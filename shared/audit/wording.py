"""What an event says, in a line for people."""

from collections.abc import Callable, Mapping
from typing import Any

Instant = Callable[[str], str]
"""An ISO instant as people read it."""
SAYS = {
    "intake.case-opened.v1": "{number} by {channel}",
    "intake.status-changed.v1": "{before} -> {status}, by {by}",
    "intake.message-received.v1": "by {channel}",
    "intake.reply-sent.v1": "by {by}",
    "intake.case-resolved.v1": "{outcome}, by {by}",
    "intake.case-closed.v1": "{how}, by {by}",
    "intake.case-reopened.v1": "because of {cause}, by {by}",
    "intake.cases-linked.v1": "with {other}: {why}",
    "classifier.review-requested.v1": "{head} {value} {score} is not sure enough: a person decides",
    "classifier.classification-corrected.v1": "{head} {before} -> {value}, by {by}",
    "router.case-queued.v1": "in {queue}, for {condition} (row {rule}, policy {policy})",
    "router.case-unassigned.v1": "from {agent}: {why}",
    "router.case-weighed.v1": "{before} -> {weight} for {agent}",
    "sla.clock-started.v1": (
        "{metric} within {target}, due {due}, for {condition}"
        " (row {rule}, policy {policy}, calendar {calendar} {calendar_version})"
    ),
    "sla.clock-paused.v1": "{metric} stands still after {carried}: {category}",
    "sla.clock-resumed.v1": "{metric} goes on after {carried}, due {due} (row {rule}, policy {policy})",
    "sla.clock-retargeted.v1": (
        "{metric} within {target}, before {target_before}, due {due}, for {condition}"
        " (row {rule}, policy {policy}, calendar {calendar} {calendar_version})"
    ),
    "sla.clock-cancelled.v1": "{metric} after {carried}: {why} (row {rule}, policy {policy})",
    "sla.clock-stopped.v1": "{metric} after {elapsed}, wanted within {target}: {why}",
    "sla.target-met.v1": "{metric} after {elapsed}, wanted within {target} (row {rule}, policy {policy})",
    "sla.target-warned.v1": "{metric} due {due}, level {level}",
    "sla.target-breached.v1": "{metric} of {target} missed at {breached_at} (row {rule}, policy {policy})",
    "sla.case-escalated.v1": "{metric} due {due}, level {level}: {action}, {target}",
    "sla.fulfilment-withdrawn.v1": "{metric} goes on, the reply never came; due {due} (row {rule}, policy {policy})",
    "feedback.survey-scheduled.v1": "{kind} at {due}, by {trigger}",
    "feedback.survey-invited.v1": "{kind}",
    "feedback.survey-withheld.v1": "{kind}: {reason}",
    "feedback.survey-answered.v1": "{kind} {score}",
    "feedback.recovery-opened.v1": "{kind} {score}, round {round}",
    "feedback.recovery-closed.v1": "{cause}: {action}",
    "loyalty.points-earned.v1": "{amount}, row {rule}: {arithmetic} (policy {policy})",
    "loyalty.tier-changed.v1": "{before} -> {tier}: {why}",
    "loyalty.handover-offered.v1": "{why}",
    "notification.notice-queued.v1": "{template} by {channel}",
    "notification.notice-sent.v1": "{template} by {channel}",
    "notification.notice-withheld.v1": "{template}: {withheld}",
}  # fmt: skip
OTHER_HEADS = ("kind", "sentiment", "urgency")
SECONDS = frozenset({"carried", "elapsed", "target", "target_before"})
INSTANTS = frozenset({"due", "breached_at"})
WORDS, OTHERS = 3, 4
"""How many words of a label, and how many candidates that were not chosen, are shown."""


def told(topic: str, content: Mapping[str, Any], at: Instant) -> str:
    """What the event says; empty when there are no words for its topic."""
    if topic == "classifier.case-classified.v1":
        return _classified(content)
    if topic == "router.case-assigned.v1":
        return _assigned(content)
    return SAYS.get(topic, "").format_map(_Values({n: _value(n, v, at) for n, v in content.items()}))


def says(topic: str, name: str) -> bool:
    """Whether the words for a topic hold a field."""
    return f"{{{name}}}" in SAYS.get(topic, "{why}{by}" if topic == "router.case-assigned.v1" else "")


def label(head: Mapping[str, Any], most: int = WORDS) -> str:
    """``delivery 0.93 by model: kargo, teslim``, with at most so many of the words that spoke for it."""
    score = f" {head['score']:.2f}" if "score" in head else ""
    words = ", ".join(head.get("words", ())[:most])
    by = f"rule {head['rule']}" if head.get("rule") else head["source"]
    return f"{head['value']}{score} by {by}{f': {words}' if words else ''}"


def candidates(seen: list[Mapping[str, Any]]) -> str:
    """``ada 12/12 chosen, can 11/12 less-spare``: free and whole capacity, and why not this one."""
    ranked = sorted(seen, key=lambda c: (c.get("rejected") is not None, -c["spare"]))
    shown = [f"{c['agent']} {c['spare']}/{c['capacity']} {c.get('rejected', 'chosen')}" for c in ranked[: OTHERS + 1]]
    more = [f"{len(ranked) - len(shown)} more"] if len(ranked) > len(shown) else []
    return ", ".join(shown + more)


def span(seconds: int) -> str:
    """``4 h 30 min``; business time has no days."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n]
    return " ".join(parts) or "0 min"


class _Values(dict[str, str]):
    """An optional field that is not there is shown as a dash."""

    def __missing__(self, name: str) -> str:
        return "-"


def _value(name: str, value: Any, at: Instant) -> str:
    if name in SECONDS and isinstance(value, int):
        return span(value)
    if name in INSTANTS:
        return at(value)
    if name == "metric":
        return str(value).replace("_", " ")
    if name == "withheld":
        return str(value["reason"])
    if name == "condition" and value == "otherwise":
        return "any case"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _classified(content: Mapping[str, Any]) -> str:
    others = "; ".join(f"{name} {label(content[name], 0)}" for name in OTHER_HEADS)
    return f"topic {label(content['topic'])}; {others}; priority {content['priority']}"


def _assigned(content: Mapping[str, Any]) -> str:
    by = f", by {content['by']}" if content.get("by") else ""
    looked = f"; candidates: {candidates(content['candidates'])}" if content.get("candidates") else ""
    return f"to {content['agent']}{by}: {content['why']}{looked}"
