"""What a service is made of: its rules, tables, documents and routes, declared in its ``app.py``."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel

from shared.base.tracing import tracer_of
from shared.bus.consumer import TOGETHER_SECONDS
from shared.core.event import Event, topics_of
from shared.core.views import Views
from shared.core.world import Check, Decider, Warnings
from shared.edge.edge import Edge
from shared.edge.http import Api
from shared.privacy.vault import Vault
from shared.runtime.effects import EffectHandler
from shared.runtime.rules import Rules
from shared.runtime.service import Service
from shared.store.event_log import EventLog
from shared.store.fingerprint import rules_of


@dataclass(frozen=True)
class Policies:
    """A kind of policy document of a service: its model, and the defaults that ship with it.

    ``shipped`` maps a document's name to a YAML file beside the service's ``app.py``."""

    model: type[BaseModel]
    shipped: Mapping[str, str]


class Listener(Protocol):
    """Something of a service that listens to the outside beside HTTP and NATS, such as an SMTP server."""

    async def start(self) -> dict[str, str]:
        """Start; returns addresses to show, by name."""
        ...

    async def stop(self) -> None: ...


RECENT_BYTES = 1024 * 1024
"""Of the last rows that a service with effects writes: kept in memory, for its mails are about them."""
Subscription = type[Event] | tuple[str, type[Event]]
Figures = Mapping[str, tuple[str, float]]
"""What a service counts of its own, for Prometheus: {name: (what it is, value)}."""


@dataclass(frozen=True)
class App:
    """A service, declared.

    ``subscribes`` lists event classes; one of the kernel names the log that says it: ``("sla", PolicyPublished)``
    ``reads_personal`` lists the events heard whose personal texts the rules read; of others they get sealed forms only
    ``accepts`` lists what others may say to it over NATS
    ``checks``, by kind of document: what its model cannot see; ``warnings``: what will not work as things stand
    ``effect_handlers``, by kind of effect, carry out what the rules ask of the world outside"""

    name: str
    decider: Decider
    views: Views
    folder: Path
    subscribes: Sequence[Subscription] = ()
    reads_personal: tuple[type[Event], ...] = (Event,)
    policies: Mapping[str, Policies] = field(default_factory=dict)
    parsers: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    warnings: Mapping[str, Warnings] = field(default_factory=dict)
    accepts: Sequence[type[Event]] = ()
    api: Api = field(default_factory=Api)
    effect_handlers: Mapping[str, Callable[[Edge], EffectHandler]] = field(default_factory=dict)
    listeners: Sequence[Callable[[Edge], Listener]] = ()
    erases: bool = False
    """Carries out erasures: may destroy keys, revoke tokens and exchange the master key."""
    gathers: float = TOGETHER_SECONDS
    """Seconds that it waits for what else arrives before it takes in what did, on the system's clock: who is at the end
    of a chain, and nobody waits for, hears of a new case in one commit instead of three."""
    figures: Callable[[Edge], Awaitable[Figures]] | None = None
    """Asked whenever metrics are."""

    def topics(self) -> list[tuple[str, str]]:
        """(log, topic) of everything that is heard."""
        pairs = (h if isinstance(h, tuple) else (h.TOPIC.partition(".")[0], h) for h in self.subscribes)
        return [(source, event.TOPIC) for source, event in pairs]

    def opened_topics(self) -> set[str]:
        """Of the heard events whose personal texts the rules read."""
        return {topic for read in self.reads_personal for topic in topics_of(read)}

    def document_parsers(self) -> dict[str, Callable[[str], Any]]:
        models = {**{kind: p.model for kind, p in self.policies.items()}, **self.parsers}
        return {kind: model.model_validate_json for kind, model in models.items()}

    def shipped(self) -> dict[str, str]:
        """The documents that come with the service, as JSON, by name."""
        return {
            name: json.dumps(yaml.safe_load((self.folder / file).read_text("utf-8")), ensure_ascii=False, default=str)
            for policies in self.policies.values()
            for name, file in policies.shipped.items()
        }

    def fingerprint(self) -> str:
        """Of the code that folds states: snapshots of another one are ignored."""
        return rules_of(self.decider.evolve)

    def rules(self) -> Rules:
        """All that its way of a message depends on."""
        return Rules(
            self.name, self.decider, self.views, self.document_parsers(), self.checks, self.topics(),
            self.opened_topics(), self.fingerprint(),
        )  # fmt: skip

    def log_on(self, pool: Any) -> EventLog:
        return EventLog(pool, self.name, RECENT_BYTES if self.effect_handlers else 0)

    def service_on(self, event_log: EventLog, vault: Vault) -> Service:
        return Service(self.rules(), event_log, vault, tracer=tracer_of(self.name))
