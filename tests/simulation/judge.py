"""What must be true of every world at its end, whatever befell it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from shared.core.builtin import project_kernel
from shared.store.codec import EventMapper, from_row
from shared.store.rows import GENESIS, Recorded, chain

from .disk import Disk
from .process import APPS

if TYPE_CHECKING:
    from .world import World

ALWAYS = {
    "intake": ("intake.case-opened.v1",), "classifier": ("classifier.case-classified.v1",),
    "router": ("router.case-queued.v1",), "sla": ("sla.clock-started.v1",),
}  # fmt: skip
"""Said of every complaint at least once."""

EITHER_WAY = ("loyalty.purchase-held.v1", "sla.clock-retargeted.v1")
"""Said or not as the order of facts from different services will have it; the end is the same."""


QUEUED, WITHHELD = "notification.notice-queued.v1", "notification.notice-withheld.v1"


@dataclass(frozen=True)
class Outcome:
    """What the world looks like from outside: how often each event was said, and how many mails were taken.

    Which notice is the one too many for a customer hangs on the order in which causes of several services come: one
    that the volume guard held counts as sent, so that none may be missing."""

    said: Counter[str]

    def differs(self, other: "Outcome") -> list[str]:
        return [
            f"{what}: {self.said[what]}, and {other.said[what]} when nothing goes wrong"
            for what in sorted(self.said.keys() | other.said.keys())
            if self.said[what] != other.said[what]
        ]


def outcome_of(world: "World") -> Outcome:
    said = Counter(row.topic for disk in world.disks.values() for row in disk.rows if row.said)
    for topic in EITHER_WAY:
        del said[topic]
    said["mails"] = len({key for key, _ in world.mails})
    held = sum(
        orjson.loads(row.state)["withheld"]["reason"] == "volume-address"
        for row in world.disks["notification"].rows if row.topic == WITHHELD
    )  # fmt: skip
    said[WITHHELD] -= held
    for taken in ("mails", QUEUED, "notification.notice-sent.v1"):
        said[taken] += held
    return Outcome(said)


def judge(world: "World", *, views: bool) -> Iterator[str]:
    """``views``: whether they are built again and compared, too; that takes as long as half a world."""
    for name in APPS:
        yield from _chain(name, world.disks[name].rows)
    yield from _heard(world)
    yield from _complaints(world)
    yield from _told(world)
    yield from _effects(world)
    if views:
        yield from _views(world)


def _chain(name: str, rows: list[Recorded]) -> Iterator[str]:
    previous = GENESIS
    for position, row in enumerate(rows, 1):
        previous = chain(previous, row)
        if row.id != position or row.hash != previous:
            yield f"the log of {name} does not hold at row {position}"
            return
        if row.topic == "kernel.event-parked.v1":
            yield f"{name} parked {row.state.decode()}"


def _heard(world: "World") -> Iterator[str]:
    """Every listener has all that it listens to, in order, once."""
    said = {name: [row for row in disk.rows if row.said] for name, disk in world.disks.items()}
    for name, app in APPS.items():
        wanted: dict[str, set[str]] = {}
        for source, topic in app.topics():
            wanted.setdefault(source, set()).add(topic)
        got: dict[str, list[Any]] = {source: [] for source in wanted}
        for row in world.disks[name].rows:
            if not row.said and (source := orjson.loads(row.metadata).get("source")):
                got[source].append(row.event_id)
        for source, topics in wanted.items():
            expected = [row.event_id for row in said[source] if row.topic in topics]
            if got[source] != expected:
                lost, doubled = set(expected) - set(got[source]), len(got[source]) - len(set(got[source]))
                yield f"{name} heard {source} wrongly: {len(lost)} lost, {doubled} doubled"


def _complaints(world: "World") -> Iterator[str]:
    cases = list(world.people.accepted.values())
    if world.story and len(cases) != world.story.cases:
        yield f"{world.story.cases - len(cases)} complaints were never answered"
    if len(set(cases)) != len(cases):
        yield "two complaints became one case"
    for service, topics in ALWAYS.items():
        streams = Counter((row.topic, str(row.originator_id)) for row in world.disks[service].rows if row.said)
        for topic in topics:
            for case in cases:
                times = streams[topic, f"case:{case}"]
                if times == 0 or (times > 1 and topic == "intake.case-opened.v1"):
                    yield f"{topic} was said {times} times of an accepted complaint"
        if service == "intake" and (opened := sum(t == topics[0] for t, _ in streams)) != len(cases):
            yield f"{opened} cases were opened for {len(cases)} complaints"


def _told(world: "World") -> Iterator[str]:
    """Whoever complained is told that it came, and every notice that was queued was mailed."""
    notices = [
        (row.topic, orjson.loads(row.state))
        for row in world.disks["notification"].rows
        if row.said and row.topic in (QUEUED, WITHHELD)
    ]
    for case in world.people.accepted.values():
        if not any(one["case"] == case and one["template"] == "case-received" for _, one in notices):
            yield "nobody was told that an accepted complaint had come"
    mailed = {key for key, _ in world.mails}
    if not all(one["notice"] in mailed for topic, one in notices if topic == QUEUED):
        yield "a notice was queued and never mailed"


def reported(disk: Disk) -> Counter[tuple[str, int]]:
    """How often it is recorded what came of each try to send a notice."""
    states = (
        orjson.loads(row.state) for row in disk.rows if row.topic == "to.notification.delivery-reported.v1"
    )  # fmt: skip
    return Counter((state["notice"], state["attempt"]) for state in states)


def _effects(world: "World") -> Iterator[str]:
    """No mail is sent twice, but once more for each time that something befell its service before it was recorded that
    it was sent. What came of a try is recorded once."""
    for key, times in Counter(world.mails).items():
        if times > 1 + world.again[key]:
            yield f"a mail was sent {times} times, {1 + world.again[key]} times it may be"
    told = reported(world.disks["notification"])
    for key in dict.fromkeys((*told, *world.mails)):
        if told[key] != 1:
            yield f"what came of sending a mail is recorded {told[key]} times"
    earned = Counter(
        orjson.loads(row.state).get("source", "") for row in world.disks["loyalty"].rows
        if row.said and row.topic == "loyalty.points-earned.v1"
    )  # fmt: skip
    for purchase in world.people.purchases:
        times = sum(n for source, n in earned.items() if source.endswith(purchase))
        if times != 1:
            yield f"points for one purchase were earned {times} times"


def _views(world: "World") -> Iterator[str]:
    """Every table built again from the log is the live one."""
    mapper = EventMapper()
    for name, app in APPS.items():
        disk, again = world.disks[name], Disk()
        for row in disk.rows:
            message, notes = from_row(row, mapper.decode(row.topic, row.event_id, row.state))
            if not notes.parked:
                again.fold(app.views.all_tables(), [*project_kernel(message), *app.views.rows_of(message)])
        for table in app.views.all_tables():
            if disk.table(table) != again.table(table):
                yield f"the table {table} of {name} is not what its log makes of it"
