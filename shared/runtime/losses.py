"""What logs have lost: a database was restored behind what others had heard of its log.

The log goes on in a new epoch, above every position that anybody knows of; what lies between is lost until it is
brought back or given up."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.core.facts import EpochBegan, EpochReconciled
from shared.core.message import Message

from .memory import Memory


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost when an epoch of a log began: the positions above ``restored_to`` up to ``lost_to``. ``began`` is
    the position of that event in the log; ``source`` is '' for one's own log."""

    source: str
    epoch: int
    restored_to: int
    lost_to: int
    began: int

    def __str__(self) -> str:
        return f"{self.restored_to + 1} to {self.lost_to}"


def unsettled(memory: Memory) -> Iterator[Loss]:
    """What is neither brought back nor given up, of this log and of those that it hears."""
    for _, row in memory.table("losses"):
        if not row["settled"]:
            yield Loss(row["source"], row["epoch"], row["restored_to"], row["lost_to"], row["began"])


def own_loss(memory: Memory) -> Loss | None:
    """The last one of this log."""
    return max((loss for loss in unsettled(memory) if not loss.source), key=lambda loss: loss.epoch, default=None)


def epoch_of(memory: Memory, source: str) -> int:
    """The epoch that a source was heard to be in."""
    prefix = f"{source}/"
    epochs = (int(key[len(prefix) :]) for key, _ in memory.table("losses") if key.startswith(prefix))
    return max(epochs, default=1)


def says_itself(message: Message) -> bool:
    """Whether nothing that was heard leads to this: an epoch, or what is brought back from others."""
    return bool(message.recovered) or (not message.source and isinstance(message.event, EpochBegan | EpochReconciled))
