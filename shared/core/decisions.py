"""Decision tables (OMG DMN's model, hit policy FIRST): ordered rules of conditions over named facts; the first that
matches wins.

A condition is a literal (``billing``), a list (``[billing, payment]``) or a comparison (``">= 2"``). Pure; part of
policy documents."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from shared.core.event import Code, Value

Scalar = bool | int | float | str
OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "!=": operator.ne}
COMPARISON = re.compile(r"^\s*(>=|<=|!=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$")
Then = TypeVar("Then")


def _condition(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "<>!" and not COMPARISON.match(value):
        raise ValueError(
            f"{value!r} is not a comparison; write one of {', '.join(OPERATORS)} and a number, such as '>= 2'"
        )
    return value


def _named(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Events carry it as what decided."""
    try:
        return check(value)
    except ValidationError as e:
        raise ValueError(
            f"{str(value)[:64]!r} is no name of a row; write small letters, digits, '-' and '_', at most 64"
        ) from e


Condition = Annotated[Scalar | tuple[Scalar, ...], AfterValidator(_condition)]


class Rule(Value, Generic[Then]):
    """``when`` all conditions hold, ``then``; ``name`` is what a log, a test and the business call it."""

    name: Annotated[Code, WrapValidator(_named)]
    when: Mapping[str, Condition] = {}
    then: Then


@dataclass(frozen=True, slots=True)
class Match(Generic[Then]):
    """Which rule decided, its conditions in words, and its result."""

    rule: str
    condition: str
    then: Then


class DecisionTable(Value, Generic[Then]):
    """Ordered rules; the last one has no condition, so that every case has an answer."""

    rules: tuple[Rule[Then], ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.rules or self.rules[-1].when:
            raise ValueError("rules: the last rule must have no 'when': it answers what no other rule matches")
        names = [rule.name for rule in self.rules]
        if twice := {n for n in names if names.count(n) > 1}:
            raise ValueError(f"rules: names must be unique, {sorted(twice)} occur more than once")
        return self

    def check_facts(self, known: frozenset[str]) -> None:
        """Raises ValueError for a condition on a fact that will never be there, with the nearest known names."""
        for row, rule in enumerate(self.rules, 1):
            if unknown := sorted(rule.when.keys() - known):
                raise ValueError(
                    f"rules, row {row} ({rule.name}): unknown fact {unknown[0]!r}; known are {', '.join(sorted(known))}"
                )

    def first(self, facts: Mapping[str, Any]) -> Match[Then]:
        """The first rule whose every condition holds for ``facts``."""
        rule = next(rule for rule in self.rules if all(holds(c, facts.get(f)) for f, c in rule.when.items()))
        return Match(rule.name, in_words(rule.when), rule.then)


def holds(condition: Any, fact: Any) -> bool:
    """Whether a fact satisfies a condition; a missing fact satisfies none, a fact that is a list does if one of its
    items does."""
    if fact is None:
        return False
    if isinstance(fact, list | tuple | set | frozenset):
        return any(holds(condition, item) for item in fact)
    if isinstance(condition, tuple | list):
        return any(holds(item, fact) for item in condition)
    if isinstance(condition, str) and (match := COMPARISON.match(condition)):
        if isinstance(fact, bool) or not isinstance(fact, int | float):
            return False
        return bool(OPERATORS[match[1]](fact, float(match[2])))
    return (
        (type(condition) is type(fact) and condition == fact)
        or (
            isinstance(condition, int | float)
            and isinstance(fact, int | float)
            and not isinstance(condition, bool)
            and not isinstance(fact, bool)
            and condition == fact
        )
        or (isinstance(condition, str) and isinstance(fact, str) and condition == str(fact))
    )


def in_words(when: Mapping[str, Any]) -> str:
    """``topic in [billing, payment] and urgency >= 1``; 'otherwise' for no condition."""
    return " and ".join(_words(f, c) for f, c in when.items()) or "otherwise"


def _words(fact: str, condition: Any) -> str:
    if isinstance(condition, tuple | list):
        return f"{fact} in [{', '.join(map(str, condition))}]"
    if isinstance(condition, str) and COMPARISON.match(condition):
        return f"{fact} {condition.strip()}"
    return f"{fact} = {condition}"
