"""Which streams are taken to have no past before the log was asked: the write then finds out (``EventLog.put``)."""

from collections import Counter
from collections.abc import Collection

IN_A_ROW = 16
"""So many streams of a kind that were looked for had no past before one is taken for new: a wrong guess costs as much
as four looks. No more are guessed at once, for one wrong guess takes all of a commit back."""


def kind_of(stream: str) -> str:
    return stream.partition(":")[0]


class Guesses:
    """Customers who write for the first time come in a row, and so do those who come back."""

    def __init__(self) -> None:
        self._without = Counter[str]()
        """By kind of stream: how many without a past were looked for since the last one with a past."""
        self.new: set[str] = set()
        """What the present draft rests on."""

    def begin(self) -> None:
        """A draft is begun: it rests on nothing yet."""
        self.new.clear()

    def guess(self, streams: Collection[str]) -> set[str]:
        """Those of these that are taken for new from now on."""
        likely = {s for s in streams if self._without[kind_of(s)] >= IN_A_ROW}
        if len(likely) + len(self.new) > IN_A_ROW:
            return set()
        self.new |= likely
        return likely

    def found(self, asked: Collection[str], with_past: Collection[str]) -> None:
        """These were looked for, and these of them have a past."""
        for stream in asked:
            self._without[kind_of(stream)] += 1
        for stream in with_past:
            self._without[kind_of(stream)] = 0

    def wrong(self) -> None:
        """The draft was not written: one of the guesses may be why."""
        for stream in self.new:
            self._without[kind_of(stream)] = 0
        self.new.clear()
