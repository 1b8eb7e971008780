"""Values in a policy document that nothing knows: a topic, a calendar, a template that no other document names.

What is known comes from the documents that ship with the services, and where a platform runs from those in force there.
Each may come to exist later, so it is a warning, no refusal; what can never match is refused (see ``naming``)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.core.text import fold, words
from shared.runtime.naming import conditions, joined, row_name, unknown

Names = Mapping[str, set[str]]
"""What is named -> the names that there are: topic, tag, tier, calendar, queue, team, skill, form, template."""
Said = tuple[str, str, str]
"""(where, what is named, name)."""
OF_A_FACT = {"topic": "topic", "tags": "tag", "tier": "tier", "queue": "queue", "team": "team", "form": "form"}
"""Facts of conditions whose values other documents name."""
SHORTEST = 3
"""Letters before ``*`` of a word rule: with fewer it is met by most texts."""


def defined(kind: str, name: str, document: Any) -> Iterator[tuple[str, str]]:
    """(what, name) of everything that a document makes known."""
    match kind:
        case "classification":
            yield from (("topic", topic) for topic in document.topics)
            yield from (("tag", tag) for rule in document.rules for tag in rule.then.tags)
        case "routing":
            yield from (("queue", queue) for queue in document.queues)
            yield from (("team", team) for team in document.teams)
            yield from (
                ("skill", skill) for queue in document.queues.values() for of in queue.skills.values() for skill in of
            )
        case "calendar":
            yield "calendar", name.partition("/")[2]
        case "programme":
            yield from (("tier", tier.tier) for tier in document.tiers)
        case "intake":
            yield from (("form", form) for form in document.forms)
        case "templates":
            yield from (("template", rule.template) for rule in document.rules)


def referred(kind: str, document: Any) -> Iterator[Said]:
    """Everything that a document takes for known."""
    for where, fact, value, closed in conditions(document):
        if not closed and fact in OF_A_FACT and kind != "templates":
            yield where, OF_A_FACT[fact], value
    if more := REFERS.get(kind):
        yield from more(document)


def _targets(document: Any) -> Iterator[Said]:
    for number, rule in enumerate(document.targets.rules, 1):
        yield f"targets, {row_name(number, rule.name)}, calendar", "calendar", rule.then.calendar


def _routing(document: Any) -> Iterator[Said]:
    for name, queue in document.queues.items():
        where = f"queues, {name}, skills"
        yield from ((where, "topic", topic) for topic in queue.skills if topic != "*")
        yield from ((joined(where, topic), "skill", s) for topic, skills in queue.skills.items() for s in skills)


def _classification(document: Any) -> Iterator[Said]:
    for number, rule in enumerate(document.rules, 1):
        yield from ((f"rules, {row_name(number, rule.name)}, form", "form", form) for form in rule.form)
    for what, of in (("tier", document.modifiers.tiers), ("tag", document.modifiers.tags)):
        yield from ((f"modifiers, {what}s", what, name) for name in of)


def _surveys(document: Any) -> Iterator[Said]:
    for name, definition in document.definitions.items():
        yield f"definitions, {name}, template", "template", definition.template


def _intake(document: Any) -> Iterator[Said]:
    for name, form in document.forms.items():
        if form.topic:
            yield f"forms, {name}, topic", "topic", form.topic


def _templates(document: Any) -> Iterator[Said]:
    yield "staff, calendar", "calendar", document.staff.calendar


REFERS: Mapping[str, Callable[[Any], Iterator[Said]]] = {
    "targets": _targets, "routing": _routing, "classification": _classification, "surveys": _surveys,
    "intake": _intake, "templates": _templates,
}  # fmt: skip


def warnings(kind: str, document: Any, known: Names) -> Iterator[str]:
    """What of a document nothing knows, each with the nearest that there is. Of what nobody names at all
    nothing is said."""
    for where, what, value in referred(kind, document):
        if known.get(what) and value not in known[what]:
            yield f"{where}: {unknown(what, value, known[what])}"
    if kind == "classification":
        yield from _too_broad(document)


def _too_broad(document: Any) -> Iterator[str]:
    for number, rule in enumerate(document.rules, 1):
        for word in rule.words:
            parts = words(fold(word.replace("*", " ")))
            letters = len("".join(parts))
            if letters < SHORTEST and ("*" in word or letters < 2):
                begin = f"every word that begins with {word.rstrip('*')!r}" if "*" in word else f"every {word!r}"
                where = f"rules, {row_name(number, rule.name)}, words"
                yield f"{where}: {word!r} stands for {begin}, which most texts hold; write a longer one"
