"""The words of a notice: the variables an event gives to a text, Jinja2 without anything dangerous, the rendered mail.

Texts are checked when they are published: an unknown variable or filter never waits for the first customer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from html import escape
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel

from contracts.feedback import SurveyInvited
from contracts.intake import CaseClosed, CaseOpened, CaseReopened, CaseResolved, ReplySent
from contracts.loyalty import GrantApproved, GrantRefused, PointsEarned, PointsExpired, PointsExpiring, TierChanged
from contracts.router import CaseAssigned, QueueAlerted
from contracts.sla import CaseEscalated, TargetBreached, TargetWarned
from shared.core.event import Event
from shared.core.personal import Personal

HEARD: tuple[type[Event], ...] = (
    CaseOpened, ReplySent, CaseResolved, CaseReopened, CaseClosed, CaseAssigned, QueueAlerted, TargetWarned,
    TargetBreached, CaseEscalated, SurveyInvited, PointsEarned, PointsExpired, PointsExpiring, TierChanged,
    GrantApproved, GrantRefused,
)  # fmt: skip
TOPICS: Mapping[str, type[Event]] = {event.TOPIC: event for event in HEARD}
"""Events that a rule may be written for."""
LINKED: tuple[type[Event], ...] = (SurveyInvited, CaseResolved)
"""Events whose text may hold a signed ``link``: the survey, and whether the case is solved."""
FILTERS = ("default", "join", "length", "lower", "replace", "round", "title", "trim", "truncate", "upper")
ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Keyword, nodes.If,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Concat, nodes.List,
    nodes.Tuple,
)  # fmt: skip
"""What a text may be made of: nothing that repeats, calls or calculates, so that none takes long or much room."""
GROWING = ("join", "replace")
MOST_GROWING, LONGEST_GROWTH, LARGEST = 3, 10, 1000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, line ends of other kinds, and what turns the direction of the letters around it."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"{operator} is not allowed in a text")


def _environment() -> _Environment:
    made = _Environment(undefined=StrictUndefined, autoescape=False, finalize=lambda v: "" if v is None else v)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    return made


_JINJA = _environment()


@lru_cache(maxsize=1024)
def _template(source: str) -> Any:
    return _JINJA.from_string(source)


def _scalar(annotation: Any) -> type | None:
    """The plain type of a field: text, number, truth, instant or personal text; None for anything deeper."""
    if get_origin(annotation) is Annotated:
        return _scalar(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [_scalar(a) for a in get_args(annotation) if a is not type(None)]
        return kinds[0] if len(kinds) == 1 else None
    if str(get_origin(annotation)) == "typing.Literal":
        return str
    found = annotation if isinstance(annotation, type) else None
    if found is None or issubclass(found, BaseModel):
        return None
    return next((k for k in (Personal, str, bool, int, datetime) if issubclass(found, k)), None)


@lru_cache(maxsize=64)
def _fields(event: type[Event]) -> Mapping[str, type]:
    found = {name: _scalar(info.annotation) for name, info in event.model_fields.items()}
    return {name: kind for name, kind in found.items() if kind is not None}


def facts(event: type[Event]) -> frozenset[str]:
    """What a condition may ask about an event: its fields without personal texts, and whether each is filled."""
    plain = {name for name, kind in _fields(event).items() if kind is not Personal}
    return frozenset(plain | {f"has_{name}" for name in event.model_fields})


def filled(event: Event) -> dict[str, Any]:
    """What conditions look at: the fields that are filled, of all but plain ones only that they are. No personal text
    is among them."""
    known = _fields(type(event))
    values = {name: getattr(event, name) for name in type(event).model_fields}
    return {n: v if known.get(n, Personal) is not Personal else True for n, v in values.items() if v is not None}


def variables(event: type[Event], *, verified: bool = False) -> frozenset[str]:
    """What a text may use. An acknowledgement to an address that nobody verified repeats nothing that the sender typed,
    their name included: otherwise anybody could have us mail their words to anybody (spec: intake, Mail)."""
    own = set(_fields(event))
    common = {"company", "name"}
    if "case" in event.model_fields:
        common.add("number")
    if event in LINKED:
        common.add("link")
    if event is CaseOpened and not verified:
        own -= {name for name, kind in _fields(event).items() if kind is Personal}
        common.discard("name")
    return frozenset(own | common)


def check_text(source: str, known: frozenset[str]) -> None:
    """Raises ValueError for a text that could fail when it is sent, or grow beyond measure."""
    try:
        parsed = _JINJA.parse(source)
        _check_nodes(parsed)  # first of all: to look for variables already works out what is constant
        used = meta.find_undeclared_variables(parsed)
        if unknown := sorted(used - known):
            near = get_close_matches(unknown[0], sorted(known), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
            raise ValueError(f"unknown variable {unknown[0]!r}; {hint}")
        _template(source).render(dict.fromkeys(known, "x"))
    except ValueError:
        raise
    except Exception as e:  # a parser gives up, a filter is asked for what it cannot do
        raise ValueError(f"{str(e)[:200]}; correct the text, it is Jinja2 with the filters {', '.join(FILTERS)}") from e


def _check_nodes(parsed: nodes.Template) -> None:
    """Raises ValueError for what no text needs and what could take long, with its line."""
    for node in parsed.find_all(nodes.Node):
        if not isinstance(node, ALLOWED):
            kind = type(node).__name__.lower()
            raise ValueError(
                f"line {node.lineno}: {kind!r} is not allowed in a text; "
                f"write variables, texts, 'if' and the filters {', '.join(FILTERS)}"
            )
    filters = list(parsed.find_all(nodes.Filter))
    for one in filters:
        _check_filter(one)
    if sum(one.name in GROWING for one in filters) > MOST_GROWING:
        raise ValueError(f"at most {MOST_GROWING} of {' and '.join(GROWING)} in a text; leave some out")


def _check_filter(asked: nodes.Filter) -> None:
    for value in (*asked.args, *(keyword.value for keyword in asked.kwargs)):
        match value:
            case nodes.Const(value=str() as text) if asked.name in GROWING and len(text) > LONGEST_GROWTH:
                raise ValueError(f"line {asked.lineno}: {asked.name}: write at most {LONGEST_GROWTH} characters")
            case nodes.Const(value=int() | float() as number) if abs(number) > LARGEST:
                raise ValueError(f"line {asked.lineno}: {asked.name}: write a number up to {LARGEST}")
            case nodes.Const():
                pass
            case _ if asked.name != "default":
                raise ValueError(f"line {asked.lineno}: {asked.name}: write its values, not a variable")


def values(event: Event, zone: str, **more: Any) -> dict[str, Any]:
    """The variables of an event, instants written as wall time of ``zone``; ``more`` are the common ones."""
    fields = {name: getattr(event, name) for name in _fields(type(event))}
    shown = {name: _wall_time(v, zone) if isinstance(v, datetime) else v for name, v in fields.items()}
    return {**shown, **{name: value for name, value in more.items() if value is not None or name not in shown}}


def _wall_time(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).strftime("%d.%m.%Y %H:%M")


@dataclass(frozen=True)
class Mail:
    """A rendered notice."""

    subject: str
    text: str
    html: str


def render(subject: str, text: str, given: Mapping[str, Any], link: str = "") -> Mail:
    """Render both parts. Nothing that a person typed can become a header line or HTML. Raises ValueError."""
    try:
        line = _template(subject).render(given)
        body = _template(text).render(given)
    except Exception as e:  # whatever a text does with these values: its notice is given up, no other one waits
        raise ValueError(type(e).__name__) from e
    body = _CONTROL.sub("", body.replace("\r\n", "\n").replace("\r", "\n")).strip() + "\n"
    return Mail(one_line(line)[:200], body, to_html(body, link))


def one_line(text: str) -> str:
    """A text as it may stand in a header: no control characters, no line ends, single spaces."""
    return " ".join(_CONTROL.sub(" ", text).split())


def to_html(text: str, link: str = "") -> str:
    """Paragraphs of escaped text; only our own ``link`` becomes a link."""
    paragraphs = (escape(p).replace("\n", "<br>\n") for p in re.split(r"\n{2,}", text.strip()))
    body = "\n".join(f"<p>{p}</p>" for p in paragraphs)
    if link:
        target = escape(link)
        body = body.replace(target, f'<a href="{target}">{target}</a>')
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>\n'
