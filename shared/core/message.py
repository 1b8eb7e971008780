"""A message: an event with its envelope, who caused it, and the ids that both get."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from .event import Event

NOBODY = UUID(int=0)
NAMESPACE: Final = UUID("5f0c8f0e-2a64-5d5e-9d5e-76656661ed9e")
"""Of ids that are made of names: those of an Idempotency-Key, of what a service asks of itself."""


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


def deadline_id(armed_by: str, key: str) -> UUID:
    """The id of a deadline's event: made of the event that armed it, so that it is heard once whatever restarts."""
    return uuid5(UUID(armed_by), f"deadline|{key}")


def said_id(log: str, heard: UUID, epoch: int, index: int) -> UUID:
    """The id of the ``index``-th event that ``log`` says because of ``heard``: nothing random in a log, and no two
    services that hear the same fact say different things under one id."""
    return uuid5(heard, f"{log}|{epoch}|{index}")
