"""The rules of intake as data: statuses, forms, windows, thanks, numbers; and what can be said about a filled form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from string import Formatter
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from contracts.intake import NO_FORM
from shared.core.event import Value
from shared.core.vocabulary import Category, Kind, Language

from .phrases import Phrases, phrases

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
SETTABLE: frozenset[Category] = frozenset({"open", "waiting_customer", "waiting_third_party", "spam"})
"""Categories that a status can be set to; the others are reached by resolve, confirm, close and reopen alone."""
COMPLAINT = "complaint"
MAX_SUBJECT = 300
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
NUMBER = re.compile(r"-?\d+([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, and what would help."""

    field: str
    text: str
    remedy: str


class FieldSpec(Value):
    """One field of a form."""

    name: Name
    label: Mapping[Language, str] = {}
    type: Literal["text", "number", "date", "choice", "yes_no"] = "text"
    required: bool = False
    options: tuple[str, ...] = ()
    max_length: int = Field(default=500, ge=1, le=4000)

    @model_validator(mode="after")
    def _options_for_choice(self) -> Self:
        if (self.type == "choice") != bool(self.options):
            raise ValueError(f"field {self.name}: 'options' are for type 'choice' and only for it; add or remove them")
        return self

    def problem(self, value: str) -> Problem | None:
        """What is wrong with a filled value; None when it is right."""
        if len(value) > self.max_length:
            return Problem(self.name, f"longer than {self.max_length} characters", "shorten it")
        match self.type:
            case "number" if not NUMBER.fullmatch(value):
                return Problem(self.name, f"{value[:40]!r} is not a number", "write digits, such as 12 or 12.50")
            case "date" if not _is_date(value):
                return Problem(self.name, f"{value[:40]!r} is not a date", "write year-month-day, such as 2026-10-26")
            case "choice" if value not in self.options:
                remedy = f"choose one of {', '.join(self.options)}"
                return Problem(self.name, f"{value[:40]!r} is not an option", remedy)
            case "yes_no" if value not in ("yes", "no"):
                return Problem(self.name, f"{value[:40]!r} is neither yes nor no", "write yes or no")
        return None


class Form(Value):
    """A category form: which fields are asked for, and what kind of case it makes."""

    kind: Kind | None = None
    topic: Name | None = None
    fields: tuple[FieldSpec, ...] = ()

    @field_validator("fields")
    @classmethod
    def _unique(cls, fields: tuple[FieldSpec, ...]) -> tuple[FieldSpec, ...]:
        names = [f.name for f in fields]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"fields: {twice} occur more than once; rename them")
        return fields

    def problems(self, filled: Mapping[str, str]) -> list[Problem]:
        """Every wrong field: unknown, missing, or of the wrong shape; empty when the form is right."""
        known = {f.name: f for f in self.fields}
        found = [
            Problem(n, "the form has no such field", near(n, known) or "leave it out") for n in filled if n not in known
        ]
        for name, spec in known.items():
            value = filled.get(name, "").strip()
            if not value and spec.required:
                found.append(Problem(name, "is required", "fill it in"))
            elif value and (problem := spec.problem(value)):
                found.append(problem)
        return found


class Numbers(Value):
    """Human case numbers: prefix, year in the zone of the company, six digits."""

    prefix: Annotated[str, Field(pattern=r"^[A-Z]{1,6}$")] = "V"
    zone: str = "Europe/Istanbul"

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(f"zone: unknown time zone {zone!r}; write an IANA name such as Europe/Istanbul") from error
        return zone

    def year(self, at: datetime) -> str:
        return str(at.astimezone(ZoneInfo(self.zone)).year)

    def number(self, year: str, count: int) -> str:
        return f"{self.prefix}-{year}-{count:06}"


class MailRules(Value):
    """How mails become cases, and what protects from mail robots."""

    repeat_within: int = Field(default=3600, ge=0, le=30 * 86_400)
    """Seconds in which the same sender, body and files under another Message-ID are one mail."""
    loop_count: int = Field(default=20, ge=1, le=99)
    """More mails than this of one sender within the window are suspected to be a loop: nothing automatic answers it."""
    loop_window: int = Field(default=3600, ge=1, le=30 * 86_400)
    """Seconds."""
    participants: Literal["link", "join"] = "link"
    """What the mails of somebody in copy become: a case of their own that is linked, or part of the customer's case."""


class IntakePolicy(Value):
    """Everything that a company sets about the life of its cases. Durations in days or seconds as named."""

    numbers: Numbers = Numbers()
    statuses: Mapping[Name, Category]
    """The company's own names of statuses and what each means."""
    quiet_days: int = Field(default=7, ge=1, le=365)
    """A resolved case is closed after so many days without objection."""
    follow_up_days: int = Field(default=14, ge=0, le=365)
    """A reply so many days after close reopens; a later one opens a new case that follows."""
    repeat_days: int = Field(default=30, ge=1, le=365)
    """Cases of the same customer in so many days before count as repeat contact."""
    thanks: tuple[str, ...] = ()
    """Phrases and emojis of thanks and greetings, in any language: a message of nothing else changes nothing."""
    assent: tuple[str, ...] = ()
    """Phrases and emojis of assent: the answer of a customer who is waited for; on a resolved case mere thanks."""
    thanks_words: int = Field(default=12, ge=1, le=30)
    """A longer message is never taken for thanks or assent alone; a signature does not count."""
    causes: tuple[Name, ...] = ()
    """Root causes; empty: any."""
    actions: tuple[Name, ...] = ()
    """What can have been done about a cause; empty: any."""
    regimes: tuple[Name, ...] = ("kvkk", "gdpr")
    """Laws and rules under which an erasure can be asked for."""
    recovery_subject: Mapping[Language, str]
    """Subject of a recovery case; {number} is that of the case that disappointed."""
    forms: Mapping[Name, Form]
    mail: MailRules = MailRules()

    @field_validator("statuses")
    @classmethod
    def _settable(cls, statuses: Mapping[str, Category]) -> Mapping[str, Category]:
        for name, category in statuses.items():
            if category not in SETTABLE:
                raise ValueError(
                    f"statuses: {name!r} means {category!r}, which is reached by a command of its own; "
                    f"use one of {', '.join(sorted(SETTABLE))}"
                )
        if missing := {"open", "spam"} - set(statuses.values()):
            raise ValueError(f"statuses: no name for {', '.join(sorted(missing))}; add one, such as 'open: open'")
        return statuses

    @field_validator("forms")
    @classmethod
    def _complaint(cls, forms: Mapping[str, Form]) -> Mapping[str, Form]:
        if COMPLAINT not in forms:
            raise ValueError("forms: 'complaint' is missing; it is what fields without the name of a form are of")
        if NO_FORM in forms:
            raise ValueError(f"forms: {NO_FORM!r} stands for no form; give it another name")
        return forms

    @field_validator("recovery_subject")
    @classmethod
    def _fillable(cls, subjects: Mapping[Language, str]) -> Mapping[Language, str]:
        if "en" not in subjects:
            raise ValueError("recovery_subject: 'en' is missing; it stands for every language without its own")
        for language, subject in subjects.items():
            if len(subject) > MAX_SUBJECT:
                raise ValueError(f"recovery_subject, {language}: longer than {MAX_SUBJECT} characters; shorten it")
            try:
                asked = [part[1:] for part in Formatter().parse(subject) if part[1] is not None]
            except ValueError:
                asked = [("", "", None)]
            if any(one != ("number", "", None) for one in asked):
                raise ValueError(f"recovery_subject, {language}: only {{number}} can be filled in")
        return subjects

    def form_of(self, named: str | None, filled: bool) -> str | None:
        """The form that a concern came by: the one named; fields without a name are of 'complaint'; else none."""
        return named or (COMPLAINT if filled else None)

    def status_for(self, category: Category) -> str:
        """The company's first name for a category; the category itself where it has none."""
        return next((name for name, c in self.statuses.items() if c == category), category)

    @cached_property
    def thanks_phrases(self) -> Phrases:
        return phrases(self.thanks)

    @cached_property
    def assent_phrases(self) -> Phrases:
        return phrases(self.assent)


def near(name: str, known: Any) -> str:
    """``did you mean 'fatura'?``, or '' when nothing is near."""
    found = get_close_matches(name, list(known), n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def _is_date(value: str) -> bool:
    try:
        return bool(DATE.fullmatch(value)) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False
