"""The classification policy: the company's topics, rules over words and form, bands, and how a priority comes about."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from shared.core.event import Code, Value
from shared.core.vocabulary import Channel, Kind, Priority, Sentiment

from .wording import Lexicon, Reading, Wording

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
    """When ``words`` are found and the named facts hold, the labels are set.

    A line of ``words`` may say ``iade*`` (with suffixes), ``el|kol`` (either), ``=acil`` (these very letters) and
    ``gaz ~ koku*`` (both in one sentence, within eight words). A word within a phrase of ``but_not`` does not count:
    'patlamış mısır' is no explosion."""

    name: Code
    words: tuple[str, ...] = ()
    """What is looked for; one line is enough where ``least`` says nothing else."""
    least: int = Field(default=1, ge=1, le=20)
    """So many different lines of ``words`` have to be found."""
    but_not: tuple[str, ...] = ()
    """Phrases whose words do not count."""
    unless: tuple[str, ...] = ()
    """Words with which the rule does not hold at all."""
    channel: tuple[Channel, ...] = ()
    form: tuple[str, ...] = ()
    then: Labels

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not (self.words or self.channel or self.form):
            raise ValueError(f"rule {self.name}: give at least one of words, channel, form")
        if (self.but_not or self.unless) and not self.words:
            raise ValueError(f"rule {self.name}: but_not and unless are for words; add words, or remove them")
        if self.words and self.least > len(self.words):
            raise ValueError(
                f"rule {self.name}: least is {self.least} of {len(self.words)} words; lower it, or add words"
            )
        _ = self.wordings  # a mistake in a line is named when the document is read
        return self

    @cached_property
    def wordings(self) -> tuple[Wording, Wording, Wording]:
        """Compiled: words, but_not, unless."""
        return Wording.of(self.words), Wording.of(self.but_not), Wording.of(self.unless)

    def holds(self, text: Reading | str, facts: Mapping[str, Any]) -> bool:
        """Whether the rule speaks about a text; a reading is of a lexicon that holds the rule's words."""
        asked = (("channel", self.channel), ("form", self.form))
        if any(values and facts.get(name) not in values for name, values in asked):
            return False
        words, but_not, unless = self.wordings
        reading = Reading(text, Lexicon(self.wordings)) if isinstance(text, str) else text
        if not self.words:
            return True
        found = words.found_in(reading)
        if len(found) >= self.least and self.but_not:
            found = words.found_in(reading, but_not.places_in(reading))
        return len(found) >= self.least and not unless.found_in(reading)


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

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words of all rules, so that a text is read once for all of them."""
        return Lexicon(wording for rule in self.rules for wording in rule.wordings)

    def speaking(self, text: str, facts: Mapping[str, Any]) -> list[Rule]:
        """The rules that hold for a text, in their order."""
        reading = Reading(text, self.lexicon)
        return [rule for rule in self.rules if rule.holds(reading, facts)]

    def values(self, head: str) -> tuple[str, ...]:
        """The closed list of a label."""
        return tuple(sorted(self.topics)) if head == "topic" else CLOSED[head]

    def priority(
        self, topic: str | None, urgency: int | None, repeats: int, tier: str, tags: tuple[str, ...], raised: int
    ) -> tuple[Priority, str]:
        """(priority, arithmetic): impact x urgency plus modifiers, against the matrix.

        None is a guess that waits for a person and chooses nothing: an unsure urgency counts as 1, an unsure topic as
        impact 2, and where both are unsure a case begins as normal."""
        points, words = self._base(topic, urgency)
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

    def _base(self, topic: str | None, urgency: int | None) -> tuple[int, list[str]]:
        if topic is None and urgency is None:
            return self.matrix[0], [f"topic and urgency wait for a person = {self.matrix[0]}"]
        unsure = "topic waits for a person; " if topic is None else "urgency waits for a person; " * (urgency is None)
        impact = self.topics[topic].impact if topic is not None and topic in self.topics else 2
        times = 1 if urgency is None else urgency
        return impact * times, [f"{unsure}impact {impact} x urgency {times} = {impact * times}"]
