"""What a process holds of its log in memory: states of streams, resident tables, parsed policies. Every change can be
taken back, so that a rule that raises and a commit that fails leave nothing behind."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from contracts.kernel import DeadlineReached, EventParked, EventUnparked, PolicyPublished

from .events import Message
from .views import Add, Drop, Put, RowOp, Table, Views
from .world import Decider, NotLoaded, Published, Row

MISSING: Any = object()
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
        self._index: dict[str, dict[Any, set[str]]] = {c: {} for c in table.indexes}
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
        self.streams: dict[str, tuple[int, Any]] = {}
        self.resident = {n: ResidentRows(t, self.undo) for n, t in views.all_tables().items() if t.resident}
        self.overrides: dict[str, Published] = {}
        self._parsers = parsers
        self._parsed: dict[tuple[str, int], Any] = {}

    # what a rule reads
    def __getitem__(self, stream: str) -> Any:
        held = self.streams.get(stream)
        if held is not None:
            return held[1]
        if self.complete:
            return self.decider.initial(stream)
        raise NotLoaded(stream)

    def new(self, stream: str) -> Any:
        if not self.complete and stream not in self.streams:
            self.load(stream, 0, self.decider.initial(stream))
        return self[stream]

    def table(self, name: str) -> ResidentRows:
        return self.resident[name]

    def has_policy(self, name: str) -> bool:
        return name in self.overrides or self.resident["policies"].get(name) is not None

    def policy(self, name: str, version: int | None = None) -> Published:
        if name in self.overrides:
            return self.overrides[name]
        row = self.resident["policies"].get(name if version is None else f"{name}@{version}")
        if row is None:
            raise LookupError(f"no policy {name!r}" + (f" in version {version}" if version else ""))
        return Published(name, row["version"], self._parse(name, row["version"], row["document"]))

    def _parse(self, name: str, version: int, document: str) -> Any:
        if (name, version) not in self._parsed:
            self._parsed[name, version] = self._parsers[name.partition("/")[0]](document)
        return self._parsed[name, version]

    # how it moves
    def version(self, stream: str) -> int:
        held = self.streams.get(stream)
        if held is None and not self.complete:
            raise NotLoaded(stream)
        return held[0] if held else 0

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
        old = self.streams.get(stream)
        version, state = old or (0, self.decider.initial(stream))
        evolved = state if state is None else self.decider.evolve(state, message)
        self._hold(stream, (version + rows, evolved))
        self.undo.note(lambda: self._hold(stream, old))

    def load(self, stream: str, version: int, state: Any) -> None:
        """Hold a stream as it was read from the log; taken back with the transaction that read it."""
        old = self.streams.get(stream)
        self._hold(stream, (version, state))
        self.undo.note(lambda: self._hold(stream, old))

    def _hold(self, stream: str, held: tuple[int, Any] | None) -> None:
        if held is None:
            self.streams.pop(stream, None)
        else:
            self.streams[stream] = held


KERNEL_READS = (PolicyPublished, DeadlineReached, EventParked, EventUnparked)
"""What ``project_kernel`` looks at."""


def project_kernel(message: Message) -> Iterator[RowOp]:
    """The kernel's own tables: policies, deadlines and what is parked."""
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
