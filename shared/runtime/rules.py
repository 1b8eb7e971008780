"""What a service is, whatever stands in its log: its rules, tables and documents, and what it listens to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from shared.core.facts import EpochBegan, EpochReconciled
from shared.core.projection import Table
from shared.core.views import Views
from shared.core.world import Check, Decider
from shared.store.codec import EventMapper

from .memory import Parsers

EPOCHS = (EpochBegan.TOPIC, EpochReconciled.TOPIC)


@dataclass(frozen=True)
class Rules:
    """``parsers`` and ``checks`` are by kind of document, as in ``App``.

    ``subscribes``      pairs of (log, topic) that are heard
    ``reads_personal``  heard topics whose personal texts the rules read; None for all
    ``fingerprint``     of the code that folds states: snapshots of another one are ignored"""

    name: str
    decider: Decider
    views: Views
    parsers: Parsers = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    subscribes: Collection[tuple[str, str]] = ()
    reads_personal: Collection[str] | None = None
    fingerprint: str = ""
    views_schema: str = ""
    """Where its views are in PostgreSQL; ``<name>_views`` when left out."""
    mapper: EventMapper = field(default_factory=EventMapper)

    def __post_init__(self) -> None:
        object.__setattr__(self, "views_schema", self.views_schema or f"{self.name}_views")

    @cached_property
    def sources(self) -> frozenset[str]:
        """The logs that are heard."""
        return frozenset(source for source, _ in self.subscribes)

    @cached_property
    def hears(self) -> frozenset[tuple[str, str]]:
        """(log, topic) of what is heard, with the epochs of these logs."""
        return frozenset(self.subscribes).union((source, topic) for source in self.sources for topic in EPOCHS)

    @cached_property
    def opens(self) -> frozenset[str]:
        """Heard topics whose personal texts are opened."""
        return frozenset(t for _, t in self.hears) if self.reads_personal is None else frozenset(self.reads_personal)

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """All tables of the views, those of the kernel included."""
        return self.views.all_tables()
