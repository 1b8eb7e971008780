"""The policy document ``templates``: what is told to whom, in which words, in which hours, and how much is too much."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from contracts.intake import CaseOpened
from contracts.notification import TemplateClass
from shared.core.calendar import WEEKDAYS, Calendar, next_opening, window_minutes
from shared.core.decisions import Condition, holds
from shared.core.event import Code, Id, Value
from shared.core.vocabulary import Language

from .wording import TOPICS, check_text, facts, variables

Seconds = Annotated[int, Field(gt=0, le=366 * 86_400)]
Recipient = Literal["contact", "owner", "manager", "team", "queue_owner", "target"]
Word = Literal["tr", "en"]


class Text(Value):
    """A mail in one language: Jinja2, with the variables of its event."""

    subject: Annotated[str, Field(max_length=1000)]
    text: Annotated[str, Field(max_length=20_000)]
    """Plain text; the HTML part is made of it."""


class Rule(Value):
    """When ``event`` is heard and ``when`` holds, ``template`` is sent to ``recipient``."""

    template: Code
    """Its name; unique."""
    event: str
    """Its topic."""
    when: Mapping[str, Condition] = {}
    """Conditions on the fields of the event; ``has_<field>`` says whether one is filled."""
    recipient: Recipient
    """``target``: whom the escalation names."""
    kind: TemplateClass = Field(default="transactional", alias="class")
    hours: Literal["quiet", "always"] = "quiet"
    """quiet: a customer's quiet hours and the working time of staff hold it back; critical ones are never held back."""
    automatic: bool = True
    """False: a person wrote it, so no volume limit and no muting."""
    acknowledgement: bool = False
    """It only says that something arrived. That of a new case waits until the case is classified: then it is known in
    which language it is and whether it is spam."""
    in_thread: bool = False
    """Where the customer wrote by mail it is an answer to that: ``Re:``, their subject and the number; ``subject`` of
    the texts is for the other channels."""
    copies: bool = False
    """Participants of the case get it in copy."""
    not_after: Seconds = 86_400
    """Stale so many seconds after it could have been sent."""
    texts: Mapping[Word, Text]

    @field_validator("event")
    @classmethod
    def _is_heard(cls, topic: str) -> str:
        if topic not in TOPICS:
            raise ValueError(f"{topic!r} is not heard; known are {', '.join(sorted(TOPICS))}")
        return topic

    @field_validator("when")
    @classmethod
    def _facts_exist(cls, when: Mapping[str, Condition], info: ValidationInfo) -> Mapping[str, Condition]:
        if event := TOPICS.get(info.data.get("event", "")):
            known = facts(event)
            if unknown := sorted(when.keys() - known):
                raise ValueError(f"unknown fact {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return when

    @field_validator("texts")
    @classmethod
    def _variables_exist(cls, texts: Mapping[Word, Text], info: ValidationInfo) -> Mapping[Word, Text]:
        event = TOPICS.get(info.data.get("event", ""))
        if event is None:
            return texts
        if missing := {"tr", "en"} - texts.keys():
            raise ValueError(f"no text in {sorted(missing)[0]!r}; write every mail in tr and in en")
        known = variables(event, verified=info.data.get("when", {}).get("verified") is True)
        for language, text in texts.items():
            for part in ("subject", "text"):
                if not getattr(text, part).strip():
                    raise ValueError(f"{language}.{part}: is empty; write what the mail is about")
                try:
                    check_text(getattr(text, part), known)
                except ValueError as e:
                    raise ValueError(f"{language}.{part}: {e}") from e
        return texts

    @model_validator(mode="after")
    def _can_be_meant(self) -> Self:
        if self.recipient == "target" and "target" not in facts(TOPICS[self.event]):
            raise ValueError(f"recipient: {self.event} names no target; write owner, manager, team or queue_owner")
        if self.kind == "commercial" and self.recipient != "contact":
            raise ValueError("class: commercial is for customers; write transactional for staff")
        for name in ("in_thread", "copies"):
            if getattr(self, name) and not (self.recipient == "contact" and "case" in facts(TOPICS[self.event])):
                raise ValueError(f"{name}: only for what tells a customer of a case; leave it out")
        if self.copies and self.acknowledgement:
            raise ValueError("copies: an acknowledgement goes to the sender alone; leave it out")
        if self.in_thread and self.event == CaseOpened.TOPIC and self.when.get("verified") is not True:
            raise ValueError(
                "in_thread: the answer to an address that nobody verified repeats nothing of what was typed, not its "
                "subject either; leave it out, or write when: {verified: true}"
            )
        return self

    def matches(self, filled: Mapping[str, Any]) -> bool:
        """Whether ``when`` holds of what is filled in an event (see ``wording.filled``)."""
        return all(holds(condition, self._known(fact, filled)) for fact, condition in self.when.items())

    def _known(self, fact: str, filled: Mapping[str, Any]) -> Any:
        of = fact.removeprefix("has_")
        return of in filled if fact != of and of in TOPICS[self.event].model_fields else filled.get(fact)

    @property
    def waits(self) -> bool:
        """Whether it is asked for when the case is classified."""
        return self.acknowledgement and self.recipient == "contact" and self.event == CaseOpened.TOPIC

    @property
    def can_be_muted(self) -> bool:
        return self.automatic and self.kind != "critical"


def _checked_hours(window: str) -> str:
    for part in _windows(window):
        window_minutes(part)
    return window


def _windows(window: str) -> tuple[str, ...]:
    """The windows of each day: one, or the two ends of one that passes midnight. Raises ValueError."""
    opens, dash, closes = window.partition("-")
    if not dash or opens == "24:00" or opens < closes:
        return (window,)
    if opens == closes:
        raise ValueError(f"hours {window!r} are open for no time; write '00:00-24:00' for any hour, or a later end")
    return tuple(part for part in (f"00:00-{closes}", f"{opens}-24:00") if part != "00:00-00:00")


def _checked_zone(zone: str) -> str:
    Calendar.always(zone)
    return zone


Hours = Annotated[str, AfterValidator(_checked_hours)]
ZoneName = Annotated[str, AfterValidator(_checked_zone)]


class Customers(Value):
    """When customers may be written to."""

    hours: Hours
    """Every day, in the recipient's zone: ``"09:00-21:00"``; past midnight where it ends earlier than it begins."""
    zone: ZoneName
    """Zone of who named none and whose language has none."""
    zones: Mapping[Language, ZoneName] = {}
    """Zone by language."""


class Staff(Value):
    """When agents may be written to."""

    calendar: Code
    """``calendar/<name>`` of sla; until sla has said it, staff are told at once."""
    zone: ZoneName
    """Zone in which instants are written to staff."""


class Volume(Value):
    """How much automatic mail is too much (spec: intake, Mail)."""

    acknowledgements_per_thread: Annotated[int, Field(ge=0, le=100)] = 1
    automatic_per_contact: Annotated[int, Field(ge=0, le=100)] = 5
    window: Seconds = 86_400
    """Seconds in which they are counted."""
    away: Seconds = 86_400
    """Seconds for which a thread in which a machine answered (out of office) is not acknowledged."""


class Templates(Value):
    """The whole document."""

    company: Annotated[str, Field(max_length=200)]
    """How the company signs."""
    language: Word = "tr"
    """For whom no language is known."""
    customers: Customers
    staff: Staff
    volume: Volume = Volume()
    retries: Annotated[tuple[Seconds, ...], Field(max_length=100)] = (60, 300, 1800, 7200)
    """Seconds until the second try, the third ...; after the last one a notice is given up."""
    reply_days: Annotated[int, Field(ge=1, le=730)] = 180
    """For so many days a reply finds its case."""
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.template for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"rules: template names must be unique, {twice[0]!r} occurs more than once")
        return self

    @cached_property
    def _by_topic(self) -> Mapping[str, tuple[Rule, ...]]:
        return {topic: tuple(r for r in self.rules if r.event == topic) for topic in {r.event for r in self.rules}}

    def rules_on(self, topic: str, filled: Mapping[str, Any]) -> tuple[Rule, ...]:
        """The rules that an event of a topic meets, in their order."""
        return tuple(rule for rule in self._by_topic.get(topic, ()) if rule.matches(filled))

    def rule(self, template: Id) -> Rule | None:
        return next((rule for rule in self.rules if rule.template == template), None)

    def zone(self, language: str | None, preferred: str | None) -> str:
        """Zone of a customer: named by themselves, by their language, or the usual one."""
        return preferred or (self.customers.zones.get(language) if language else None) or self.customers.zone  # type: ignore[call-overload]

    def customer_opening(self, zone: str, at: datetime) -> datetime:
        """The first instant from ``at`` on that lies outside a customer's quiet hours."""
        return next_opening(_daily(zone, self.customers.hours), at)

    def next_attempt(self, attempt: int, at: datetime) -> datetime | None:
        """When a notice is tried again whose ``attempt`` failed ``at``; None: given up."""
        return at + timedelta(seconds=self.retries[attempt - 1]) if attempt <= len(self.retries) else None


def _daily(zone: str, window: str) -> Calendar:
    days: Any = dict.fromkeys(WEEKDAYS, _windows(window))
    return Calendar(name="customers", zone=zone, week=days)
