"""The classification policy: the company's topics, rules over words and form, bands, and how a priority comes about."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from contracts.common import Channel, Kind, Priority, Sentiment
from shared.events import Code, Value
from shared.text import WordRules, word_rules

PRIORITIES: tuple[Priority, ...] = get_args(Priority)
Points = Annotated[int, Field(ge=-100, le=100)]
CLOSED: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "urgency": ("0", "1", "2"),
    "sentiment": get_args(Sentiment),
    "action": ("yes", "no"),
    "language": ("tr", "en", "other"),
}


class Topic(Value):
    """One topic of the company, with its names and how much is at stake: impact 1 to 3."""

    tr: str
    en: str
    impact: int = Field(default=2, ge=1, le=3)


class Labels(Value):
    """What a rule sets; what it does not name stays as it is."""

    topic: Code | None = None
    kind: Kind | None = None
    urgency: int | None = Field(default=None, ge=0, le=2)
    tags: tuple[Code, ...] = ()


class Rule(Value):
    """``words`` (any of them; ``iade*`` allows suffixes) and the named facts must hold; then the labels are set."""

    name: Code
    words: tuple[str, ...] = ()
    channel: tuple[Channel, ...] = ()
    form: tuple[str, ...] = ()
    then: Labels

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not (self.words or self.channel or self.form):
            raise ValueError(f"rule {self.name}: give at least one of words, channel, form")
        word_rules(self.words)
        return self

    @cached_property
    def matcher(self) -> WordRules:
        return word_rules(self.words)

    def holds(self, folded: str, facts: Mapping[str, Any]) -> bool:
        asked = (("channel", self.channel), ("form", self.form))
        if any(values and facts.get(name) not in values for name, values in asked):
            return False
        return not self.words or bool(self.matcher.found_in(folded))


class Bands(Value):
    """Calibrated scores: from ``auto`` on the model acts alone (a topic with a fitted threshold uses that), from
    ``suggest`` on it acts and offers its three best, below that a person is asked."""

    auto: float = Field(default=0.75, gt=0, lt=1)
    suggest: float = Field(default=0.4, gt=0, lt=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.suggest > self.auto:
            raise ValueError(f"bands: suggest ({self.suggest}) must not be above auto ({self.auto})")
        return self


class Modifiers(Value):
    """Points added to impact x urgency."""

    repeat_contacts: int = Field(default=2, ge=1, le=10_000)
    """From so many earlier cases in 30 days on, ``repeat`` is added."""
    repeat: Points = 1
    tiers: Mapping[str, Points] = {}
    tags: Mapping[str, Points] = {}


class ClassificationPolicy(Value):
    """The whole document."""

    topics: Mapping[Code, Topic]
    other: Code
    """Topic of what fits none."""
    rules: tuple[Rule, ...] = ()
    bands: Bands = Bands()
    model: Literal["seed"] = "seed"
    """Which model scores."""
    matrix: tuple[Points, Points, Points] = (1, 3, 5)
    """Points from which a priority is normal, high, urgent."""
    modifiers: Modifiers = Modifiers()

    @model_validator(mode="after")
    def _known_topics(self) -> Self:
        named = [("other", self.other), *((f"rules, {r.name}", r.then.topic) for r in self.rules if r.then.topic)]
        for where, topic in named:
            if topic not in self.topics:
                raise ValueError(f"{where}: unknown topic {topic!r}; known are {', '.join(sorted(self.topics))}")
        if list(self.matrix) != sorted(set(self.matrix)):
            raise ValueError(f"matrix: points must rise, not {list(self.matrix)}")
        return self

    def values(self, head: str) -> tuple[str, ...]:
        """The closed list of a label."""
        return tuple(sorted(self.topics)) if head == "topic" else CLOSED[head]

    def priority(self, topic: str, urgency: int, repeats: int, tier: str, tags: tuple[str, ...], raised: int) -> Any:
        """(priority, arithmetic): impact x urgency plus modifiers, against the matrix."""
        impact = self.topics[topic].impact if topic in self.topics else 2
        points, words = impact * urgency, [f"impact {impact} x urgency {urgency} = {impact * urgency}"]
        added = [("repeat contact", self.modifiers.repeat if repeats >= self.modifiers.repeat_contacts else 0)]
        added += [(f"tier {tier}", self.modifiers.tiers.get(tier, 0))]
        added += [(f"tag {tag}", self.modifiers.tags.get(tag, 0)) for tag in tags]
        for name, amount in added:
            if amount:
                points += amount
                words.append(f"{name} {amount:+d}")
        step = sum(points >= least for least in self.matrix)
        if raised:
            words.append(f"raised by escalation {raised:+d}")
        priority = PRIORITIES[min(step + raised, len(PRIORITIES) - 1)]
        return priority, f"{'; '.join(words)}; {points} points -> {priority}"
