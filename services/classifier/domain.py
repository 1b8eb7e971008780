"""Classifying a case: rules first, then the model, then the default; what a person set stays. Pure: the model is a
file of arrays that comes with the code and is named by its hash in every label."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from contracts.classifier import (
    CaseClassified,
    ClassificationCorrected,
    CorrectClassification,
    Head,
    Label,
    ReviewRequested,
    Scored,
)
from contracts.intake import CaseOpened, CustomerKnown
from contracts.loyalty import TierChanged
from contracts.sla import CaseEscalated
from shared.core.event import Event, State
from shared.core.message import Message
from shared.core.personal import Personal
from shared.core.text import fold, words
from shared.core.world import Decider, Refused, World

from .familiar import familiar
from .language import Detected, Language, detect
from .model import Model, Prediction, grams_of
from .models import model_named
from .policy import ClassificationPolicy

HEADS: tuple[Head, ...] = get_args(Head)


class Case(State):
    """The labels of a case without the words that explain them: those are personal."""

    customer: str = ""
    contact: str = ""
    channel: str = ""
    repeats: int = 0
    revision: int = 0
    labels: Mapping[str, Label] = {}
    tags: tuple[str, ...] = ()
    raises: frozenset[str] = frozenset()
    """Escalation levels that raised the priority."""
    counted: int = 0
    """How many of them the last classification counted."""


class Customer(State):
    tier: str = ""


def evolve(state: Any, message: Message) -> Any:
    match state, message.event:
        case Case(), CaseOpened() as e:
            return state.model_copy(
                update={
                    "customer": e.customer, "contact": e.contact, "channel": e.channel, "repeats": e.contacts_before,
                }
            )  # fmt: skip
        case Case(), CaseClassified() as e:
            labels = {head: getattr(e, head).model_copy(update={"words": ()}) for head in HEADS}
            update = {"revision": e.revision, "labels": labels, "tags": e.tags, "counted": len(state.raises)}
            return state.model_copy(update=update)
        case Case(), CaseEscalated(action="raise_priority") as e:
            return state.model_copy(update={"raises": state.raises | {f"{e.metric}/{e.cycle}/{e.level}"}})
        case Customer(), TierChanged() as e:
            return state.model_copy(update={"tier": e.tier})
        case Customer(), CustomerKnown(tier=str(tier)):
            return state.model_copy(update={"tier": tier})
    return state


def decide(world: World, message: Message) -> Iterator[Event]:
    match message.event:
        case CaseOpened() as e if not world[e.stream].revision:
            policy = world.policy("classification")
            labels, tags = classify(policy.document, e)
            yield from _say(world, e.case, labels, tags)
            for head, label in labels.items():
                if label.band == "review" and head in ("topic", "kind"):
                    yield ReviewRequested(
                        case=e.case, customer=e.customer, contact=e.contact, head=head, value=label.value,
                        score=label.score or 0.0, top=label.top,
                    )  # fmt: skip
        case CorrectClassification() as e:
            yield from _correct(world, e)
        case CaseEscalated(action="raise_priority") as e:
            case = world[e.stream]
            if case.revision and len(case.raises) > case.counted:
                yield from _say(world, e.case, case.labels, case.tags)


def classify(policy: ClassificationPolicy, opened: CaseOpened) -> tuple[dict[Head, Label], tuple[str, ...]]:
    """Every label of a new case with its explanation, and the tags that rules set."""
    text = f"{opened.subject}\n{opened.text}"
    fired = policy.speaking(text, {"channel": opened.channel, "form": opened.form})
    found = detect(text)
    labels = _guessed(policy, text, found.language) if _has_words(text) else _without_words(policy)
    labels["language"] = _language(opened, found)
    if opened.topic in policy.topics:
        labels["topic"] = Label(value=opened.topic or policy.other, source="sender")
    if opened.kind:
        labels["kind"] = Label(value=opened.kind, source="sender")
    for rule in reversed(fired):  # the first rule of the policy has the last word
        for head, value in (("topic", rule.then.topic), ("kind", rule.then.kind), ("urgency", rule.then.urgency)):
            if value is not None:
                labels[head] = Label(value=str(value), source="rule", rule=rule.name)  # type: ignore[index]
    tags = tuple(dict.fromkeys(tag for rule in fired for tag in rule.then.tags))
    return labels, tags


def _language(opened: CaseOpened, found: Detected) -> Label:
    """The sender's, or that of the text; where nothing is written (a photo) it is no more than a default."""
    if opened.language:
        return Label(value=opened.language, source="sender", band="settled")
    return Label(value=found.language, source="model" if found.score else "default", band="settled")


def _has_words(text: str) -> bool:
    return any(character.isalnum() and character.isascii() for character in text) or bool(words(fold(text)))


def _guessed(policy: ClassificationPolicy, text: str, language: Language) -> dict[Head, Label]:
    """What the model says; of a text whose words it does not know, nothing that may choose."""
    model = model_named(policy.model)
    grams = grams_of(text)
    answers = model.answers(grams)
    labels = {head: _from_model(policy, model, head, answers[head]) for head in HEADS if head in answers}
    if familiar(model.vocabulary, grams.words, language):
        return labels
    return {head: label.model_copy(update={"band": "review"}) for head, label in labels.items()}


def _without_words(policy: ClassificationPolicy) -> dict[Head, Label]:
    """A photo or a scan alone says nothing that words could be guessed from: a person looks at what kind it is."""
    plain: dict[Head, str] = {"topic": policy.other, "urgency": "1", "sentiment": "neutral", "action": "yes"}
    kind = Label(value="question", source="default", band="review")
    return {**{head: Label(value=value, source="default") for head, value in plain.items()}, "kind": kind}


def _from_model(policy: ClassificationPolicy, model: Model, head: str, prediction: Prediction) -> Label:
    value, known = prediction.label, policy.values(head)
    if value not in known:
        return Label(value=policy.other if head == "topic" else known[0], source="default")
    fitted = model.heads[head].thresholds.get(value)
    auto = fitted.score if fitted else policy.bands.auto
    band = "auto" if prediction.score >= auto else "suggest" if prediction.score >= policy.bands.suggest else "review"
    return Label(
        value=value, source="model", model=model.hash[:12], score=prediction.score, raw=prediction.raw, band=band,
        top=tuple(Scored(value=v, score=s) for v, s in prediction.top), words=tuple(map(Personal, prediction.words)),
    )  # fmt: skip


def _say(world: World, case_id: str, labels: Mapping[Any, Label], tags: tuple[str, ...]) -> Iterator[Event]:
    case: Case = world[f"case:{case_id}"]
    policy = world.policy("classification")
    tier = world[f"customer:{case.customer}"].tier
    topic, urgency = _deciding(labels)
    priority, arithmetic = policy.document.priority(topic, urgency, case.repeats, tier, tags, len(case.raises))
    yield CaseClassified(
        case=case_id, customer=case.customer, contact=case.contact, channel=case.channel, revision=case.revision + 1,
        priority=priority, arithmetic=arithmetic, tags=tags, policy=policy.version,
        **{head: labels[head] for head in HEADS},
    )  # fmt: skip


def _deciding(labels: Mapping[Any, Label]) -> tuple[str | None, int | None]:
    """Topic and urgency as far as they may choose a priority. While nobody knows what a case is about, the model's
    word on how urgent it is does not count either; that of a rule or a person does."""
    topic, urgency = labels["topic"].chosen, labels["urgency"].chosen
    if urgency is None or (topic is None and labels["urgency"].source == "model"):
        return topic, None
    return topic, int(urgency)


def _correct(world: World, asked: CorrectClassification) -> Iterator[Event]:
    case: Case = world[asked.stream]
    if not case.revision:
        raise Refused("unknown-case", "case", f"no case {asked.case} was classified", "check the id of the case", 404)
    known = world.policy("classification").document.values(asked.head)
    if asked.value not in known:
        raise Refused(
            "unknown-value", "value", f"{asked.value!r} is no {asked.head}", f"use one of {', '.join(known)}", 422
        )
    before = case.labels[asked.head]
    yield ClassificationCorrected(
        case=asked.case, customer=case.customer, contact=case.contact, head=asked.head, value=asked.value,
        before=before.value, model=before.model, by=asked.by, reason=asked.reason,
    )  # fmt: skip
    labels = {**case.labels, asked.head: Label(value=asked.value, source="human")}
    yield from _say(world, asked.case, labels, case.tags)


decider = Decider({"case": Case(), "customer": Customer()}, evolve, decide)
