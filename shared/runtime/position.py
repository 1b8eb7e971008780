"""Where a process stands in its log."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from shared.store.rows import GENESIS, Head


@dataclass(frozen=True, slots=True)
class Position:
    """The end of the log as of the last commit or look, and how far that log has heard others, {log: position}.

    ``certain``: since then nobody else can have written without being noticed, so that the next commit may be decided
    before the log is asked."""

    head: Head = field(default_factory=lambda: Head(0, GENESIS, 1, 0, {}))
    tracked: Mapping[str, int] = field(default_factory=dict)
    certain: bool = False

    def doubted(self) -> Self:
        """The same, while it is not known what a commit that failed has left."""
        return replace(self, certain=False)
