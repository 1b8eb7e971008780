"""What every service folds: its policies, deadlines and effects, what is parked, what logs have lost."""

from collections.abc import Iterator

from .facts import DeadlineReached, EpochBegan, EpochReconciled, EventParked, EventUnparked, PolicyPublished
from .message import Message
from .projection import Add, Drop, Put, RowOp, Table

KERNEL_TABLES = {
    "policies": Table(
        {"name": "text", "version": "bigint", "document": "text", "published_at": "timestamptz"}, resident=True
    ),
    "parked": Table({"stream": "text", "count": "bigint"}, resident=True),
    "deadlines": Table({"stream": "text", "kind": "text", "due": "timestamptz", "armed_by": "text"}, indexes=("due",)),
    "effects": Table(
        {"kind": "text", "recipient": "text", "row": "bigint", "attempt": "bigint", "next_attempt": "timestamptz",
         "not_after": "timestamptz"},
        indexes=("next_attempt",),
    ),
    "losses": Table(
        {"source": "text", "epoch": "bigint", "restored_to": "bigint", "lost_to": "bigint", "began": "bigint",
         "settled": "bool"},
        resident=True,
    ),
}  # fmt: skip

KERNEL_READS = (PolicyPublished, DeadlineReached, EventParked, EventUnparked, EpochBegan, EpochReconciled)
"""What ``project_kernel`` looks at."""


def project_kernel(message: Message) -> Iterator[RowOp]:
    """The kernel's own tables: policies, deadlines, what is parked, what logs have lost."""
    match message.event:
        case PolicyPublished() as e:
            row = {"name": e.name, "version": e.version, "document": e.document, "published_at": message.occurred_at}
            yield Put("policies", e.name, row)
            yield Put("policies", f"{e.name}@{e.version}", row)
        case DeadlineReached() as e:
            yield Drop("deadlines", e.key)
        case EventParked() as e:
            yield Put("parked", e.of, {"stream": e.of})
            yield Add("parked", e.of, {"count": 1})
            if e.deadline:  # or it would be reached again for ever, and those after it never
                yield Drop("deadlines", e.deadline)
        case EventUnparked() as e:
            yield Add("parked", e.of, {"count": -1})
        case EpochBegan() as e:
            row = {"source": message.source, "epoch": e.epoch, "restored_to": e.restored_to, "lost_to": e.lost_to}
            began = message.position or message.row
            yield Put("losses", f"{message.source}/{e.epoch}", {**row, "began": began, "settled": False})
        case EpochReconciled() as e:
            yield Put("losses", f"{message.source}/{e.epoch}", {"settled": True})
