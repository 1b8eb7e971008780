"""What an event says, in a line for people."""

from collections.abc import Callable, Mapping
from typing import Any

from eventsourcing.utils import TopicError, resolve_topic

Instant = Callable[[str], str]
"""An ISO instant as people read it."""
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
    return summary_of(topic).format_map(_Values({n: _value(n, v, at) for n, v in content.items()}))


def summary_of(topic: str) -> str:
    """The words that an event's class has for it; '' for a topic without any, or that nobody knows here."""
    try:
        return str(resolve_topic(topic).SUMMARY)
    except TopicError:
        return ""


def says(topic: str, name: str) -> bool:
    """Whether the words for a topic hold a field."""
    return f"{{{name}}}" in (summary_of(topic) or ("{why}{by}" if topic == "router.case-assigned.v1" else ""))


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
