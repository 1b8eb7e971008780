"""Decisions that are taken to learn what they ask for."""

from collections.abc import Callable, Iterable

from shared.core.message import Message
from shared.core.world import NotLoaded

from .memory import Memory


class Trial:
    """Decides messages and takes it back. ``decide`` changes nothing but the memory."""

    def __init__(self, memory: Memory, decide: Callable[[Message], object]):
        self._memory, self._decide = memory, decide

    def missing(self, messages: Iterable[Message]) -> dict[str, None]:
        """The streams that these ask for and memory lacks, as far as each gets without them: one question to the log
        brings those of a whole batch."""
        missing: dict[str, None] = {}
        for message in messages:
            savepoint = self._memory.undo.savepoint()
            try:
                self._decide(message)
            except NotLoaded as asked:
                missing.update(dict.fromkeys(asked.streams))
            except Exception:  # noqa: S110 - it is decided again, for good, in its turn
                pass
            self._memory.undo.back_to(savepoint)
        return missing
