"""Contracts: every event is documented, personal text is marked, what is generated is current, stored samples still
load."""

import json
import re
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, ValidationError

from contracts.catalogue import FOLDER, events, generated
from deploy.vefa.services import app_of, names
from shared.core.event import Event
from shared.core.personal import Open, Personal
from shared.store.codec import EventMapper

EVENTS = events()


@pytest.mark.parametrize("topic", EVENTS)
def test_a_topic_names_its_service_its_event_and_its_version(topic: str) -> None:
    assert re.fullmatch(r"(to\.)?[a-z][a-z0-9_]*\.[a-z][a-z-]*\.v\d+", topic)


@pytest.mark.parametrize("topic", EVENTS)
def test_every_event_and_every_field_is_documented(topic: str) -> None:
    cls = EVENTS[topic]
    assert cls.__doc__
    bare = [n for model in parts(cls) for n, f in model.model_fields.items() if not f.description]
    assert not bare


@pytest.mark.parametrize("topic", EVENTS)
def test_every_text_is_personal_or_says_why_it_cannot_be(topic: str) -> None:
    plain = [
        f"{model.__name__}.{name}"
        for model in parts(EVENTS[topic])
        for name, field in model.model_fields.items()
        if holds_plain_text(field.annotation, field.metadata)
    ]
    assert not plain


@pytest.mark.parametrize("topic", EVENTS)
def test_no_personal_text_is_the_default_of_a_field(topic: str) -> None:
    """Every event would share it, and with it the ciphertext that was made for the first one, under another's key."""
    shared = [n for model in parts(EVENTS[topic]) for n, f in model.model_fields.items() if type(f.default) is Personal]
    assert not shared


@pytest.mark.parametrize("topic", EVENTS)
def test_the_subject_of_every_personal_field_is_a_field(topic: str) -> None:
    cls = EVENTS[topic]
    assert set(cls.PERSONAL.values()) <= cls.model_fields.keys()


@pytest.mark.parametrize("topic", EVENTS)
def test_one_stored_sample_of_every_version_still_loads(topic: str) -> None:
    path = FOLDER / "samples" / f"{topic}.json"
    assert path.exists(), "run: python -m contracts.catalogue"
    event = EventMapper().decode(topic, UUID(int=1), path.read_bytes())
    assert event.stream
    schema = json.loads((FOLDER / "schemas" / f"{topic}.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(path.read_text("utf-8")))


@pytest.mark.parametrize("topic", EVENTS)
def test_every_event_survives_its_own_encoding_with_nothing_optional_in_it(topic: str) -> None:
    cls = EVENTS[topic]
    nullable = {n: None for n, f in cls.model_fields.items() if type(None) in get_args(f.annotation)}
    stored = (FOLDER / "samples" / f"{topic}.json").read_bytes()
    event = EventMapper().decode(topic, UUID(int=1), stored).model_copy(update=nullable)
    again = EventMapper().decode(topic, UUID(int=1), EventMapper().encode(event, UUID(int=1), {}))
    assert again == event


def test_what_is_generated_is_current() -> None:
    stale = [n for n, content in generated().items() if (FOLDER / n).read_text("utf-8") != content]
    assert not stale, "run: python -m contracts.catalogue"


def test_every_sample_belongs_to_a_contract() -> None:
    assert {p.stem for p in (FOLDER / "samples").glob("*.json")} == EVENTS.keys()


def test_everything_that_is_heard_is_said_by_somebody() -> None:
    said = {(topic.partition(".")[0], topic) for topic in EVENTS}
    said |= {(name, topic) for topic in EVENTS if topic.startswith("kernel.") for name in names()}
    unsaid = {(name, pair) for name in names() for pair in app_of(name).topics() if pair not in said}
    assert not unsaid


def parts(cls: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and every model within it."""
    found: list[type[BaseModel]] = [cls]
    for model in found:
        for field in model.model_fields.values():
            found += [m for m in models_in(field.annotation) if m not in found]
    return found


def models_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [m for a in get_args(kind) for m in models_in(a)]


def holds_plain_text(kind: Any, metadata: Any = ()) -> bool:
    if any(isinstance(m, Open) for m in metadata) or get_origin(kind) is Literal or kind is Personal:
        return False
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return holds_plain_text(inner, more)
    return kind is str or any(holds_plain_text(a) for a in get_args(kind))


def test_the_check_for_plain_text_finds_one() -> None:
    class Leaky(Event, stream="leak:{who}"):
        """A contract that says too much."""

        who: Annotated[str, Open("an id")]
        note: str | None = None

    assert holds_plain_text(Leaky.model_fields["note"].annotation)
    assert not holds_plain_text(Leaky.model_fields["who"].annotation, Leaky.model_fields["who"].metadata)


SAID_TO_US = sorted(
    {topic for topic in EVENTS if topic.startswith(("outside.", "to."))}
    | {cls.TOPIC for name in names() for cls in app_of(name).accepts}
)
BIGINT = 2**63


@pytest.mark.parametrize("topic", SAID_TO_US)
def test_every_number_that_comes_from_outside_has_bounds_that_a_column_can_hold(topic: str) -> None:
    unbounded = [
        f"{model.__name__}.{name}"
        for model in parts(EVENTS[topic])
        for name, field in model.model_fields.items()
        if holds_unbounded_number(field.annotation, field.metadata)
    ]
    assert not unbounded


def holds_unbounded_number(kind: Any, metadata: Any = ()) -> bool:
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return holds_unbounded_number(inner, (*metadata, *more))
    if kind is float:
        return True
    if kind is int:
        limits = [m for one in metadata for m in getattr(one, "metadata", (one,))]
        least = [m.ge for m in limits if hasattr(m, "ge")]
        most = [m.le for m in limits if hasattr(m, "le")]
        return not (least and most and max(least) >= -BIGINT and min(most) < BIGINT)
    return any(holds_unbounded_number(a, metadata) for a in get_args(kind))


def test_the_check_for_unbounded_numbers_finds_one() -> None:
    class Boundless(Event, stream="case:{case}"):
        """A contract that lets anything in."""

        case: Annotated[str, Open("an id")]
        most: int | None = Field(ge=0)
        least: Annotated[int, Field(le=1)] = 0
        wide: int = Field(ge=0, le=2**63)
        fine: Annotated[int, Field(ge=0, le=9)] | None = None

    found = {n for n, f in Boundless.model_fields.items() if holds_unbounded_number(f.annotation, f.metadata)}
    assert found == {"most", "least", "wide"}


@pytest.mark.parametrize("amount", [2**64, 10**12 + 1, -1])
def test_an_amount_that_nobody_pays_is_named(amount: int) -> None:
    content = json.loads((FOLDER / "samples" / "outside.purchase-made.v1.json").read_text("utf-8"))
    with pytest.raises(ValidationError, match="amount"):
        EVENTS["outside.purchase-made.v1"].model_validate({**content, "amount": amount})
