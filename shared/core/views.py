"""The read models of one service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .builtin import KERNEL_TABLES
from .event import Event, topics_of
from .message import Message
from .projection import Project, RowOp, Table


@dataclass(frozen=True)
class Views:
    """The tables of one service and the fold that fills them; the kernel's own tables are added to them.

    ``reads``: what the fold looks at; nothing else is shown to it, and a rebuild does not even decode it."""

    tables: Mapping[str, Table]
    project: Project
    reads: tuple[type[Event], ...] = (Event,)

    def rows_of(self, message: Message) -> Iterable[RowOp]:
        """The row operations of one message."""
        return self.project(message) if isinstance(message.event, self.reads) else ()

    def topics(self) -> set[str]:
        """Of everything that the fold looks at."""
        return {topic for read in self.reads for topic in topics_of(read)}

    def all_tables(self) -> dict[str, Table]:
        return {**KERNEL_TABLES, **self.tables}
