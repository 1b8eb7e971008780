"""An event: a frozen fact with a stable topic, and the parts that it is made of.

Nothing in this folder reads a clock, a disk or a network; the domain of every service may import it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from eventsourcing.utils import register_topic
from pydantic import BaseModel, ConfigDict, StringConstraints

from .personal import Of, Open, holds_personal

Id = Annotated[
    str, StringConstraints(pattern=r"^[\w:.@~/+-]+$", max_length=128),
    Open("an identifier that we made or that names no person"),
]  # fmt: skip
"""The length stands beside the pattern: within it, as ``{1,128}``, the check takes ten times as long and 10 MiB."""
Code = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][\w.:/-]*$", max_length=64),
    Open("a value from a closed list of a policy document"),
]  # fmt: skip
Version = Annotated[int, "positive, rises by one with each publication"]


class Value(BaseModel):
    """A frozen part of a state or a policy document; what it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Part(BaseModel):
    """A frozen part of an event; a field of a later version is let pass, so that who runs the older one goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class State(BaseModel):
    """The state of one stream: frozen, small, free of personal data; it is written into snapshots."""

    model_config = ConfigDict(frozen=True)


class Event(BaseModel):
    """A fact: ``class CaseOpened(Event, topic="intake.case-opened.v1", stream="case:{case}")``.

    ``topic``   its name for ever: ``<service>.<event>.v<N>``, ``outside.`` for what the outside says,
    ``to.<service>.`` for what is addressed to one service alone (commands and the results of its own effects) and
    never published
    ``stream``  the stream that it belongs to, made of its fields
    ``also``    further streams that it belongs to
    ``subject`` the field that names the data subject of its Personal fields
    ``begins``  whether it is the first of its stream, so that no past of it is looked for; or the field that says so
    ``summary`` what it says in a line for people, with fields in braces: ``{number} by {channel}``
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    TOPIC: ClassVar[str] = ""
    STREAM: ClassVar[str] = ""
    ALSO: ClassVar[tuple[str, ...]] = ()
    SUBJECT: ClassVar[str] = "contact"
    SUMMARY: ClassVar[str] = ""
    BEGINS: ClassVar[bool | str] = False
    PERSONAL: ClassVar[Mapping[str, str]] = {}
    """Which fields hold personal text, and which field names its data subject."""

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        topic: str = "",
        stream: str | None = None,
        also: tuple[str, ...] | None = None,
        subject: str | None = None,
        summary: str = "",
        begins: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.STREAM = cls.STREAM if stream is None else stream
        cls.ALSO = cls.ALSO if also is None else also
        cls.SUBJECT = cls.SUBJECT if subject is None else subject
        cls.SUMMARY = summary
        cls.BEGINS = begins
        cls.PERSONAL = {
            name: next((m.field for m in info.metadata if isinstance(m, Of)), cls.SUBJECT)
            for name, info in cls.model_fields.items()
            if holds_personal(info.annotation)
        }
        if topic:
            cls.TOPIC = topic
            register_topic(topic, cls)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()

    @property
    def stream(self) -> str:
        return _fill(self.STREAM, self)

    @property
    def also(self) -> tuple[str, ...]:
        """Further streams; a template whose fields are all empty is left out."""
        return tuple(s for s in (_fill(t, self) for t in self.ALSO) if s and not s.endswith(":"))

    @property
    def begins(self) -> bool:
        """Whether it is the first of its stream."""
        return self.BEGINS if isinstance(self.BEGINS, bool) else bool(getattr(self, self.BEGINS))

    def subject_of(self, name: str) -> str:
        """The data subject of the Personal field ``name``: a contact point or an agent."""
        return str(getattr(self, self.PERSONAL[name]) or "")


def kinds_of(base: type[Event]) -> Iterator[type[Event]]:
    """The class and all below it."""
    yield base
    for below in base.__subclasses__():
        yield from kinds_of(below)


def topics_of(base: type[Event]) -> set[str]:
    return {kind.TOPIC for kind in kinds_of(base)}


def _fill(template: str, event: Event) -> str:
    return _filler(template)(event)


@lru_cache(maxsize=1024)
def _filler(template: str) -> Callable[[Event], str]:
    parts = re.split(r"\{(\w+)\}", template)
    if len(parts) == 3:
        prefix, name, suffix = parts
        return lambda event: f"{prefix}{_text(getattr(event, name))}{suffix}"
    return lambda event: "".join(p if i % 2 == 0 else _text(getattr(event, p)) for i, p in enumerate(parts))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
