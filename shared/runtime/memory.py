"""What a process holds of its log in memory: states of streams, resident tables, parsed policies. Every change can be
taken back, so that a rule that raises and a commit that fails leave nothing behind."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from shared.core.builtin import project_kernel
from shared.core.message import Message
from shared.core.projection import Add, Drop, Put, RowOp, Table
from shared.core.views import Views
from shared.core.world import Decider, NotLoaded, PolicyInForce, Row

SNAPSHOT_EVERY = 200
"""Rows of a stream, its own or others', after which it gets a snapshot: so many and hardly more are read with one."""


class Held(NamedTuple):
    """A stream in memory. ``rows``: how many of its rows, its own or others', its last snapshot does not hold."""

    version: int
    state: Any
    rows: int = 0


Parsers = Mapping[str, Callable[[str], Any]]
"""Kind of a policy document -> its parser from JSON text; the kind is the name up to '/'."""


class Undo:
    """A journal of old values: back to a savepoint in reverse order."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []

    def note(self, step: Callable[[], None]) -> None:
        self._steps.append(step)

    def savepoint(self) -> int:
        return len(self._steps)

    def back_to(self, savepoint: int) -> None:
        while len(self._steps) > savepoint:
            self._steps.pop()()

    def forget(self) -> None:
        self._steps.clear()


class ResidentRows:
    """A resident table: rows by key, and the keys by value for each indexed column."""

    def __init__(self, table: Table, undo: Undo):
        self._columns = tuple(table.columns)
        self._rows: dict[str, Row] = {}
        self._index: dict[str, dict[Any, set[str]]] = {index.columns[0]: {} for index in table.all_indexes()}
        self._undo = undo

    def get(self, key: str) -> Row | None:
        return self._rows.get(key)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, Row]]:
        return iter(sorted(self._rows.items()))

    def where(self, **equal: Any) -> Iterator[tuple[str, Row]]:
        first = next((c for c in equal if c in self._index), None)
        keys = sorted(self._index[first].get(equal[first], ())) if first else sorted(self._rows)
        for key in keys:
            row = self._rows[key]
            if all(row[c] == v for c, v in equal.items()):
                yield key, row

    def put(self, key: str, columns: Mapping[str, Any]) -> None:
        old = self._rows.get(key)
        self._set(key, {**(old or dict.fromkeys(self._columns)), **columns})
        self._undo.note(lambda: self._set(key, old))

    def add(self, key: str, columns: Mapping[str, int]) -> None:
        old = self._rows.get(key) or {}
        self.put(key, {c: (old.get(c) or 0) + amount for c, amount in columns.items()})

    def drop(self, key: str) -> None:
        old = self._rows.get(key)
        if old is not None:
            self._set(key, None)
            self._undo.note(lambda: self._set(key, old))

    def load(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Fill with what the database holds; not a change to be taken back."""
        for key, row in rows:
            self._set(key, row)

    def clear(self) -> None:
        for key in list(self._rows):
            self._set(key, None)

    def _set(self, key: str, row: Row | None) -> None:
        old = self._rows.pop(key, None)
        for column, index in self._index.items():
            if old is not None and (keys := index.get(old[column])) is not None:
                keys.discard(key)
                if not keys:
                    del index[old[column]]
            if row is not None:
                index.setdefault(row[column], set()).add(key)
        if row is not None:
            self._rows[key] = row


class Memory:
    """The World of a service's rules. ``complete`` says that a stream that is not here has no past (tests, a full
    replay)."""

    def __init__(self, decider: Decider, views: Views, parsers: Parsers, *, complete: bool = False):
        self.decider, self.views, self.complete = decider, views, complete
        self.undo = Undo()
        self.streams: dict[str, Held] = {}
        self.long: set[str] = set()
        """Streams that grew long since their snapshot; they may have been taken back or evicted meanwhile."""
        self.resident = {n: ResidentRows(t, self.undo) for n, t in views.all_tables().items() if t.resident}
        self.overrides: dict[str, PolicyInForce] = {}
        self._parsers = parsers
        self._parsed: dict[tuple[str, int], Any] = {}

    # what a rule reads
    def __getitem__(self, stream: str) -> Any:
        held = self.streams.get(stream)
        if held is not None:
            return held.state
        if self.complete:
            return self.decider.initial(stream)
        raise NotLoaded(stream)

    def new(self, stream: str) -> Any:
        self.begin(stream)
        return self[stream]

    def table(self, name: str) -> ResidentRows:
        return self.resident[name]

    def has_policy(self, name: str) -> bool:
        return name in self.overrides or self.resident["policies"].get(name) is not None

    def policy(self, name: str, version: int | None = None) -> PolicyInForce:
        if name in self.overrides:
            return self.overrides[name]
        row = self.resident["policies"].get(name if version is None else f"{name}@{version}")
        if row is None:
            raise LookupError(f"no policy {name!r}" + (f" in version {version}" if version else ""))
        return PolicyInForce(name, row["version"], self._parse(name, row["version"], row["document"]))

    def _parse(self, name: str, version: int, document: str) -> Any:
        if (name, version) not in self._parsed:
            self._parsed[name, version] = self._parsers[name.partition("/")[0]](document)
        return self._parsed[name, version]

    # how it moves
    def reset(self, resident: Mapping[str, Iterable[tuple[str, Row]]]) -> None:
        """Hold these rows of the resident tables, and no stream."""
        for name, rows in self.resident.items():
            rows.clear()
            rows.load(resident[name])
        self.streams.clear()
        self.undo.forget()

    def begin(self, stream: str) -> None:
        """Hold a stream without a past, unless it is here already."""
        if not self.complete and stream not in self.streams:
            self.load(stream, Held(0, self.decider.initial(stream)))

    def version(self, stream: str) -> int:
        held = self.streams.get(stream)
        if held is None and not self.complete:
            raise NotLoaded(stream)
        return held.version if held else 0

    def apply(self, message: Message) -> list[RowOp]:
        """Fold one recorded message; returns its row operations, of which those on resident tables are applied here."""
        main = message.event.stream
        if self.complete or main in self.streams:
            self._evolve(main, message, 1)
        for stream in message.event.also:
            if stream != main and (self.complete or stream in self.streams):
                self._evolve(stream, message, 0)
        ops = [*project_kernel(message), *self.views.rows_of(message)]
        self.fold(ops)
        return ops

    def fold(self, ops: Iterable[RowOp]) -> None:
        for op in ops:
            rows = self.resident.get(op.table)
            if rows is None:
                continue
            match op:
                case Put():
                    rows.put(op.key, op.columns)
                case Add():
                    rows.add(op.key, op.columns)
                case Drop():
                    rows.drop(op.key)

    def _evolve(self, stream: str, message: Message, rows: int) -> None:
        version, state, unsaved = self.streams.get(stream) or Held(0, self.decider.initial(stream))
        evolved = state if state is None else self.decider.evolve(state, message)
        self.load(stream, Held(version + rows, evolved, unsaved + 1))

    def pass_over(self, message: Message) -> None:
        """A parked row counts in its stream and is not folded."""
        held = self.streams.get(message.event.stream)
        if held:
            self.load(message.event.stream, Held(held.version + 1, held.state, held.rows + 1))

    def load(self, stream: str, held: Held) -> None:
        """Hold a stream as it is in the log; taken back with the transaction that read or wrote it."""
        old = self.streams.get(stream)
        self._hold(stream, held)
        self.undo.note(lambda: self._hold(stream, old))
        if held.rows >= SNAPSHOT_EVERY:
            self.long.add(stream)

    def grown(self) -> list[tuple[str, Held]]:
        """The streams that want a snapshot, each named once until it grows again."""
        found = [(s, held) for s in sorted(self.long) if (held := self.streams.get(s)) and held.rows >= SNAPSHOT_EVERY]
        self.long.clear()
        return [(s, held) for s, held in found if isinstance(held.state, BaseModel)]

    def saved(self, stream: str) -> None:
        """Its snapshot was written."""
        self.streams[stream] = self.streams[stream]._replace(rows=0)

    def _hold(self, stream: str, held: Held | None) -> None:
        if held is None:
            self.streams.pop(stream, None)
        else:
            self.streams[stream] = held
