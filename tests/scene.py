"""Given, when, then: a service's rules over an in-memory world, without servers. Words in tests are the words of the
trade."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

from shared.core.event import Event
from shared.core.facts import DeadlineReached, PolicyPublished
from shared.core.following import follow, say
from shared.core.message import Actor, Message, said_id
from shared.core.projection import Tables, fold
from shared.core.views import Views
from shared.core.world import Decider
from shared.runtime.memory import Memory, Parsers

MONDAY = datetime(2026, 10, 26, 6, 0, tzinfo=UTC)
"""Monday 2026-10-26 09:00 in Istanbul."""
NAMESPACE = UUID("6b1f1f1e-0000-4000-8000-000000000001")


class Scene:
    """``given(...)`` records events as heard or said before; ``when(event)`` decides and returns what is said.

    ``at`` of the scene moves with ``later(minutes=...)``. Deadlines that projections arm fire in ``until(instant)``."""

    def __init__(
        self, decider: Decider, views: Views, policies: Mapping[str, tuple[Any, str]] | None = None,
        *, parsers: Parsers | None = None, at: datetime = MONDAY,
    ):  # fmt: skip
        """``policies`` maps a name to (service, JSON document) that is published first."""
        self.memory = Memory(decider, views, parsers or {}, complete=True)
        self.at, self.row, self.tables = at, 0, Tables()
        self.said: list[Event] = []
        for name, (service, document) in (policies or {}).items():
            self.given(
                PolicyPublished(service=service, name=name, version=1, document=document, by="shipped", reason="")
            )

    def later(self, **delta: float) -> Self:
        self.at += timedelta(**delta)
        return self

    def message(self, event: Event, **envelope: Any) -> Message:
        actor = envelope.pop("actor", Actor("service", "test"))
        values = {"occurred_at": self.at, "heard_at": self.at, "id": uuid5(NAMESPACE, f"{self.row + 1}"), **envelope}
        return Message(event=event, actor=actor, row=self.row + 1, **values)

    def given(self, *events: Event, **envelope: Any) -> Self:
        for event in events:
            self._record(self.message(event, **envelope))
        return self

    def when(self, event: Event, **envelope: Any) -> list[Event]:
        """What is said because of this event; raises Refused for a refused command, and then nothing is recorded."""
        heard = self.message(event, **envelope)
        savepoint = self.memory.undo.savepoint()
        try:
            ops = self.memory.apply(heard)
            events = self.memory.decider.decide(self.memory, heard)
            results = list[Event]()
            for message, changed in follow(
                say(heard, events, lambda index: said_id("scene", heard.id, 1, index), 1), self.memory.apply
            ):
                ops += changed
                results.append(message.event)
        except BaseException:
            self.memory.undo.back_to(savepoint)
            raise
        self.row += 1 + len(results)
        fold(self.tables, ops)
        self.said += results
        return results

    def until(self, instant: datetime) -> list[Event]:
        """Let every deadline up to ``instant`` be reached, in order; returns all that is said."""
        said: list[Event] = []
        while due := sorted(
            (r["due"], k, r) for k, r in self.tables.get("deadlines", {}).items() if r["due"] <= instant
        ):
            at, key, row = due[0]
            self.at = max(self.at, at)
            event = DeadlineReached(key=key, of=row["stream"], kind=row["kind"], due=at)
            said += self.when(event, occurred_at=at)
        self.at = instant
        return said

    def _record(self, message: Message) -> None:
        self.row += 1
        fold(self.tables, self.memory.apply(message))


def names(events: Iterable[Event]) -> list[str]:
    """Of events, without service and version: 'case-opened'."""
    return [event.TOPIC.split(".")[1] for event in events]
