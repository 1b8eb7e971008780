"""The vocabulary of the kernel: an Event is a frozen fact with a stable topic, a Message is an event with its envelope.

Nothing here reads a clock, a disk or a network; the domain of every service may import this module."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin
from uuid import UUID, uuid5

from eventsourcing.utils import register_topic
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

NOBODY = UUID(int=0)
PLAIN = (str, int, float, datetime)
"""Values that hold nothing else."""


FROM_LOG = {"from": "a log"}
"""The context of reading an event that was recorded: its texts come with their sealed forms, opened already. From
outside a sealed form is none: it would be somebody else's ciphertext, to be opened for who sent it."""


class Personal(str):
    """Text about or from a person. In memory it reads as plain text; in a log, a view or on the bus only ``sealed``
    exists:
    ``{"k": key id, "c": base64 of the ciphertext, "a": what the ciphertext is bound to}``. After an erasure it reads
    as ''."""

    __slots__ = ("sealed",)
    sealed: Mapping[str, str] | None

    def __new__(cls, plain: str = "", sealed: Mapping[str, str] | None = None) -> Self:
        self = super().__new__(cls, plain)
        self.sealed = sealed
        return self

    def __repr__(self) -> str:
        return "Personal(...)"

    @property
    def erased(self) -> bool:
        """True when the key is destroyed or was not asked for: the text cannot be read here."""
        return self.sealed is not None and not self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def accept(value: Any, info: ValidationInfo) -> "Personal":
            if isinstance(value, Personal):
                if info.context is FROM_LOG:
                    return value
                return cls(value, None if value else value.sealed)  # a copy: a ciphertext belongs to one field
            if isinstance(value, str):
                return cls(value)
            raise ValueError("must be a text")

        return core_schema.with_info_plain_validator_function(
            accept, serialization=core_schema.plain_serializer_function_ser_schema(_plain)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        sealed = {"type": "string", "description": "ciphertext, base64"}
        return {
            "type": "object",
            "description": "personal: AES-GCM under the key k of its data subject; read in plain by HTTP with a role",
            "properties": {"k": {"type": "string", "description": "key id"}, "c": sealed},
            "required": ["k", "c"],
        }


def _plain(value: Personal) -> Any:
    return str(value) if value or value.sealed is None else dict(value.sealed)


@dataclass(frozen=True)
class Of:
    """Names the field that holds the data subject of a Personal field, where it is not the event's own ``subject``."""

    field: str


@dataclass(frozen=True)
class Open:
    """Allows a plain ``str`` in a contract, with the reason why it can never hold personal data."""

    why: str


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
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    TOPIC: ClassVar[str] = ""
    STREAM: ClassVar[str] = ""
    ALSO: ClassVar[tuple[str, ...]] = ()
    SUBJECT: ClassVar[str] = "contact"
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
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.STREAM = cls.STREAM if stream is None else stream
        cls.ALSO = cls.ALSO if also is None else also
        cls.SUBJECT = cls.SUBJECT if subject is None else subject
        cls.PERSONAL = {
            name: next((m.field for m in info.metadata if isinstance(m, Of)), cls.SUBJECT)
            for name, info in cls.model_fields.items()
            if _holds_personal(info.annotation)
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


def _holds_personal(annotation: Any) -> bool:
    if annotation is Personal:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_personal(f.annotation) for f in annotation.model_fields.values())
    return get_origin(annotation) is not None and any(_holds_personal(a) for a in get_args(annotation))


@lru_cache(maxsize=1024)
def personal_fields(part: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a model that can hold personal text, however deep."""
    return tuple(name for name, info in part.model_fields.items() if _holds_personal(info.annotation))


class Role(StrEnum):
    customer = "customer"
    agent = "agent"
    supervisor = "supervisor"
    admin = "admin"
    ops = "ops"
    service = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused a message: a role and a name that is an id, never a person's name in plain."""

    role: str
    name: str

    def __str__(self) -> str:
        return f"{self.role}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Actor":
        role, _, name = text.partition(":")
        return cls(role, name)


NO_ONE = Actor("service", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event with its envelope. Heard from another log it carries its place there: ``position`` and ``previous`` (0
    for the first); ``after`` is its causal past, {log: position}. Without an event it says that a position holds
    nothing for us."""

    event: Any
    id: UUID
    occurred_at: datetime
    """The instant of the fact, by the platform clock at the edge; for a deadline its due instant."""
    heard_at: datetime
    """When this log heard it (or said it): a rule judges age by this, never by a clock."""
    actor: Actor = NO_ONE
    source: str = ""
    """The log that said it; '' when it came from outside (HTTP, mail, NATS request, deadline, effect)."""
    position: int = 0
    previous: int = 0
    after: Mapping[str, int] = field(default_factory=dict)
    epoch: int = 1
    hash: str = ""
    correlation: UUID = NOBODY
    causation: UUID = NOBODY
    depth: int = 0
    command: bool = False
    """A command may be refused; a fact cannot."""
    resent: bool = False
    """A fact that its sender keeps, and sends again, until it is recorded: a mail."""
    late: bool = False
    retry_of: UUID | None = None
    parked_in: str = ""
    """The stream that it waited in, while it is heard again: what could not be read waited in one of its sender's."""
    recovered: int = 0
    """Its position before its log was restored behind it; 0 when it was not brought back. ``hash`` is that of then."""
    trace: str = ""
    row: int = 0
    """Its position in this log; 0 before it is recorded."""

    @property
    def refusable(self) -> bool:
        """Whether it is not lost when it is not recorded now."""
        return self.command or self.resent


def fresh(
    event: Event,
    at: datetime,
    *,
    id: UUID | None = None,
    actor: Actor = NO_ONE,
    command: bool = False,
    resent: bool = False,
    occurred_at: datetime | None = None,
    correlation: UUID | None = None,
    trace: str = "",
) -> Message:
    """A message from outside any log, heard at ``at``. Without an ``id`` it gets a UUIDv7 of its content: the edge
    passes one."""
    id = id or uuid7(at, event.model_dump_json())
    return Message(
        event=event, id=id, occurred_at=occurred_at or at, heard_at=at, actor=actor, command=command, resent=resent,
        correlation=correlation or id, trace=trace,
    )  # fmt: skip


def uuid7(at: datetime, seed: object) -> UUID:
    """A UUIDv7 (RFC 9562) of an instant and a seed: pure, so that a domain can name what it opens. Millisecond
    resolution."""
    digest = int.from_bytes(sha256(str(seed).encode()).digest()[:10])
    value = (int(at.timestamp() * 1000) & (1 << 48) - 1) << 80 | digest & (1 << 80) - 1
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def said_id(log: str, heard: UUID, epoch: int, index: int) -> UUID:
    """The id of the ``index``-th event that ``log`` says because of ``heard``: nothing random in a log, and no two
    services that hear the same fact say different things under one id."""
    return uuid5(heard, f"{log}|{epoch}|{index}")


class OutOfCalendar(ValueError):
    """An instant that is before the year 1 or after 9999 in UTC."""


def utc(text: str) -> datetime:
    """An ISO 8601 instant with an offset, as UTC. Raises ValueError that says so when the offset is missing."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset; write for example {text}+03:00 or {text}Z")
    try:
        return value.astimezone(UTC)
    except OverflowError as e:
        raise OutOfCalendar(f"{text!r} lies outside of all calendars") from e


def personal_values(value: Any, path: str = "") -> Iterator[tuple[str, Personal]]:
    """Every Personal below a field's value, with its path; the path is part of what its ciphertext is bound to."""
    if isinstance(value, Personal):
        yield path, value
    elif value is None or isinstance(value, PLAIN):
        return
    elif isinstance(value, BaseModel):
        for name in personal_fields(type(value)):
            yield from personal_values(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from personal_values(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from personal_values(item, f"{path}.{index}")
