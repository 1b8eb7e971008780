"""The runtime of a service: hear, decide, record, project; many messages in one transaction, all of a message or
nothing of it."""

import asyncio
import base64
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

from eventsourcing.persistence import IntegrityError
from psycopg import sql
from pydantic import BaseModel, ValidationError

from contracts.kernel import DeadlineReached, EventParked, EventUnparked, PolicyPublished, PublishPolicy, Unreadable

from .events import Event, Message, Personal, personal_values, said_id
from .log import Append, EventLog, Loaded, Recorded
from .mapper import MAX_BYTES, Envelope, EventMapper, RowNotes, from_row, key_ids, to_metadata
from .memory import Memory, Parsers
from .privacy import Vault
from .tasks import end
from .views import Drop, Put, RowOp, Views, statements
from .world import Decider, NotLoaded, Refused

MAX_DEPTH = 16
WAITING = 10_000
SNAPSHOT_EVERY = 200
E = TypeVar("E", bound=Event)


class Gap(Exception):
    """Something must be heard before this message: ``source`` was heard up to ``after``, it is needed up to
    ``upto``."""

    def __init__(self, source: str, after: int, upto: int):
        super().__init__(f"{source}: heard {after}, needed {upto}")
        self.source, self.after, self.upto = source, after, upto


class Overloaded(Exception):
    """Too much is waiting; try again in ``retry_after`` seconds."""

    retry_after = 2


class RetryFailed(Exception):
    """A parked event raised again; it stays parked."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: its position in the log (0: nothing was recorded for it) and what was said because of
    it."""

    position: int
    said: tuple[Message, ...] = ()

    def first(self, kind: type[E]) -> E | None:
        return next((m.event for m in self.said if isinstance(m.event, kind)), None)


NOTHING = Outcome(0)


@dataclass(slots=True)
class Work:
    """One batch on its way into the log."""

    seen: set[UUID]
    tracked: dict[str, int]
    armed: dict[str, str | None]
    position: int
    moved: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    planned: list[tuple[Message, RowNotes, bool, int]] = field(default_factory=list)
    ops: list[RowOp] = field(default_factory=list)


class Service:
    """One service's rules over one log. Any number of processes may run it; the head row puts their commits in one
    order."""

    def __init__(
        self, name: str, decider: Decider, views: Views, log: EventLog, vault: Vault, parsers: Parsers,
        *, hears: Iterable[tuple[str, str]] = (), fingerprint: str = "", batch: int = 500, streams: int = 50_000,
    ):  # fmt: skip
        """``hears``: pairs of (log, topic); ``fingerprint``: of the code that folds states, for snapshots."""
        self.name, self.decider, self.views, self.log, self.vault = name, decider, views, log, vault
        self.hears = frozenset(hears)
        self.sources = frozenset(source for source, _ in self.hears)
        self.mapper = EventMapper()
        self.memory = Memory(decider, views, parsers)
        self.views_schema, self.fingerprint, self.batch, self.max_streams = f"{name}_views", fingerprint, batch, streams
        self.tables = views.all_tables()
        self.tracked: dict[str, int] = {}
        self._passed: dict[str, Message] = {}
        self.position = self.said = self.waiting = 0
        self.epoch = 1
        self.acting = False
        self._wakes: list[asyncio.Event] = []
        self.changes: Counter[str] = Counter()  # commits that touched each table of the views
        self.parsers = parsers
        self._queue: asyncio.Queue[tuple[Sequence[Message | Envelope], asyncio.Future[list[Outcome | Exception]]]]
        self._queue = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    # life ---------------------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read what the rules keep in memory; the log and the views must exist (see ``rebuild.prepare``)."""
        await self.load_resident()
        self._task = asyncio.create_task(self._run(), name=f"{self.name} commits")

    async def stop(self) -> None:
        if self._task:
            await end(self._task)

    async def load_resident(self) -> None:
        """Resident tables, head and trackings as of one instant of the log."""
        async with self.log.pool.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level repeatable read")
            for name, rows in self.memory.resident.items():
                columns = ["key", *self.tables[name].columns]
                query = sql.SQL("select {} from {}").format(
                    sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(self.views_schema, name)
                )
                cursor = await conn.execute(query)
                rows.clear()
                rows.load((r[0], dict(zip(columns[1:], r[1:], strict=True))) for r in await cursor.fetchall())
            head = await (
                await conn.execute(self.log.sql("select notification_id, said, epoch from {s}.head"))
            ).fetchone()
            cursor = await conn.execute(
                self.log.sql("select application_name, notification_id from {s}.notification_tracking")
            )
            self.tracked = {str(n): int(p) for n, p in await cursor.fetchall()}
        assert head is not None
        self.position, self.said, self.epoch = head
        self.memory.streams.clear()
        self.memory.undo.forget()

    def wakes(self) -> asyncio.Event:
        """An event of the caller's own that is set after every commit of this process; the caller clears it."""
        self._wakes.append(asyncio.Event())
        return self._wakes[-1]

    # hear -----------------------------------------------------------------------------------------------------------
    async def hear(self, *messages: Message | Envelope) -> list[Outcome]:
        """Returns when all of them are recorded (or were before). Raises the first Refused, Gap or Overloaded among
        them."""
        results = await self.hear_each(*messages)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return [r for r in results if isinstance(r, Outcome)]

    async def hear_each(self, *messages: Message | Envelope) -> list[Outcome | Exception]:
        """Like ``hear``, with an outcome or an exception for each message."""
        if self.waiting > WAITING:
            raise Overloaded(f"{self.name} has {self.waiting} messages waiting")
        done: asyncio.Future[list[Outcome | Exception]] = asyncio.get_running_loop().create_future()
        self.waiting += len(messages)
        self._queue.put_nowait((messages, done))
        return await done

    async def _run(self) -> None:
        """Group commit: whatever arrived while the last transaction ran goes into the next one."""
        while True:
            waiting = [await self._queue.get()]
            while sum(len(m) for m, _ in waiting) < self.batch and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            flat = [m for messages, _ in waiting for m in messages]
            try:
                results = await self.commit(flat)
            except Exception as e:  # nothing was recorded: every waiter hears why
                results = [e] * len(flat)
            self.waiting -= len(flat)
            at = 0
            for messages, done in waiting:
                if not done.done():
                    done.set_result(results[at : at + len(messages)])
                at += len(messages)

    async def commit(self, batch: Sequence[Message | Envelope]) -> list[Outcome | Exception]:
        """Record what is new in the batch and everything that follows from it, in one transaction."""
        messages = await self._decode(batch)
        if self._passes_over(messages):
            return [NOTHING] * len(messages)
        streams = {s for m in messages if m.event for s in (m.event.stream, *m.event.also)}
        missing = sorted(s for s in streams if s not in self.memory.streams)
        deadlines = [m.event.key for m in messages if isinstance(m.event, DeadlineReached)]
        results: list[Outcome | Exception | None] = [None] * len(messages)
        touched: dict[str, int] = {}
        try:
            async with self.log.append() as tx:
                read = await tx.read(
                    [m.id for m in messages], missing, self.fingerprint, self.position, (self.views_schema, deadlines)
                )
                self._catch_up(read.tail)
                self._hold(missing, read.loaded)
                work = Work(read.seen, read.tracked, dict(read.armed), tx.head.position, after=dict(tx.head.after))
                for passed in self._passed.values():
                    self._move(work, passed)
                for index, message in enumerate(messages):
                    results[index] = await self._take(tx, work, messages, index, message)
                await self._write(tx, work)
                touched = {str(row.originator_id): row.originator_version for row in tx.rows}
                head = tx.head
        except BaseException:
            self.memory.undo.back_to(0)
            raise
        self.memory.undo.forget()
        self.position, self.said, self.epoch = head.position, head.said, head.epoch
        self.tracked = {**read.tracked, **work.moved}
        self._passed.clear()
        self.changes.update({op.table for op in work.ops})
        if touched:
            for wake in self._wakes:
                wake.set()
            await self._snapshot(touched)
            self._evict()
        return [await self._answer(m) if r is None else r for m, r in zip(messages, results, strict=True)]

    def _passes_over(self, messages: Sequence[Message]) -> bool:
        """Whether nobody here listens to any of these: then only the cursor moves, in memory until the next commit
        takes it along. What a crash forgets of it shows as a gap and is read again."""
        if not self.acting:
            self._passed.clear()
            return False
        tracked = dict(self.tracked)
        for message in messages:
            if message.event is not None or message.late or self._gap(message, tracked):
                return False
            tracked[message.source] = max(message.position, tracked.get(message.source, 0))
        self._passed |= {m.source: m for m in messages if m.position > self.tracked.get(m.source, 0)}
        self.tracked = tracked
        return True

    # a batch --------------------------------------------------------------------------------------------------------
    async def _decode(self, batch: Sequence[Message | Envelope]) -> list[Message]:
        heard = [m for m in batch if isinstance(m, Envelope) and (m.message.source, m.topic) in self.hears]
        keys = await self.vault.keys(key_ids(m.state for m in heard)) if heard else {}
        return [m if isinstance(m, Message) else self._decoded(m, keys) for m in batch]

    def _decoded(self, envelope: Envelope, keys: Mapping[str, Any]) -> Message:
        message = envelope.message
        if (message.source, envelope.topic) not in self.hears:
            return message
        try:
            event: Event = self.mapper.decode(envelope.topic, message.id, envelope.state, keys)
        except Exception:  # whatever is wrong with the bytes: they are kept, sealed, and the log goes on
            event = unreadable(message.source, envelope.topic, envelope.state, message.heard_at)
        return replace(message, event=event)

    def _catch_up(self, tail: Iterable[Recorded]) -> None:
        """Fold the rows that another process wrote since this memory's position."""
        for row in tail:
            message, notes = from_row(row, self.mapper.decode(row.topic, row.event_id, row.state))
            if not notes.parked:
                self.changes.update({op.table for op in self.memory.apply(message)})

    def _hold(self, asked: Iterable[str], loaded: Loaded) -> None:
        """Fold loaded rows into the asked streams only."""
        held: dict[str, tuple[int, Any]] = {}
        for stream in asked:
            version, _, state = loaded.snapshots.get(stream, (0, 0, b""))
            initial = self.decider.initial(stream)
            held[stream] = (version, type(initial).model_validate_json(state) if state else initial)
        since = {stream: position for stream, (_, position, _) in loaded.snapshots.items()}
        for row in loaded.rows:
            message, notes = from_row(row, self.mapper.decode(row.topic, row.event_id, row.state))
            main = message.event.stream
            for stream in dict.fromkeys((main, *message.event.also)):
                if stream in held and row.id > since.get(stream, 0):
                    version, state = held[stream]
                    if not notes.parked and state is not None:
                        state = self.decider.evolve(state, message)
                    held[stream] = (row.originator_version if stream == main else version, state)
        for stream, (version, state) in held.items():
            self.memory.load(stream, version, state)

    async def _take(
        self, tx: Append, work: Work, messages: Sequence[Message], index: int, message: Message
    ) -> Outcome | Exception | None:
        """One message: its outcome, the reason against it, or None for one that was recorded before."""
        if message.id in work.seen:
            self._move(work, message)
            return None
        if message.position and not message.late and message.position <= work.tracked.get(message.source, 0):
            return NOTHING
        if gap := self._gap(message, work.tracked):
            return gap
        if message.event is None:
            self._move(work, message)
            return NOTHING
        if isinstance(message.event, DeadlineReached) and not _still_armed(message, work.armed):
            return NOTHING
        park: tuple[str, Exception] | None = None
        while True:
            savepoint = self.memory.undo.savepoint()
            try:
                outcome = self._park(work, message, *park) if park else self._decide(work, message)
            except NotLoaded as asked:
                self.memory.undo.back_to(savepoint)
                missing = sorted({*asked.streams, *self._missing(work, messages[index:])})
                self._hold(missing, await tx.load(missing, self.fingerprint))
                continue
            except Exception as error:
                self.memory.undo.back_to(savepoint)
                if message.command:
                    return error
                if message.retry_of:
                    return RetryFailed(f"{type(error).__name__} at {_where(error)}")
                if park:
                    raise
                park = ("rule-raised", error)
                continue
            work.seen.add(message.id)
            self._move(work, message)
            return outcome

    def _missing(self, work: Work, messages: Sequence[Message]) -> list[str]:
        """The streams that the rest of the batch asks for and memory lacks: decided once without keeping anything."""
        missing: dict[str, None] = {}
        for message in messages:
            if message.event is None or message.id in work.seen:
                continue
            savepoint = self.memory.undo.savepoint()
            planned, ops, armed, position = len(work.planned), len(work.ops), dict(work.armed), work.position
            try:
                self._decide(work, message)
            except NotLoaded as e:
                missing.update(dict.fromkeys(e.streams))
            except Exception:  # noqa: S110 - it is decided again, for good, in its turn
                pass
            self.memory.undo.back_to(savepoint)
            del work.planned[planned:], work.ops[ops:]
            work.armed, work.position = armed, position
        return list(missing)

    def _decide(self, work: Work, message: Message) -> Outcome:
        event = message.event
        parked = self.memory.table("parked").get(event.stream)
        if parked and (parked["count"] or 0) > 0 and message.retry_of is None and not message.command:
            return self._park(work, message, "behind-a-parked-event", None)
        if isinstance(event, Unreadable):
            return self._park(work, message, "unreadable", None)
        if message.depth > MAX_DEPTH:
            return self._park(work, message, "causation-too-deep", None)
        position = work.position + 1
        heard = replace(message, row=position)
        plan: list[tuple[Message, RowNotes, bool, int]] = [(heard, RowNotes(), False, self._next_version(event.stream))]
        ops = self.memory.apply(heard)
        for said in self._says(heard):
            row = replace(
                heard, event=said, id=said_id(self.name, message.id, self.epoch, len(plan) - 1), source="",
                position=0, previous=0,
                after={}, epoch=self.epoch, hash="", causation=message.id, depth=message.depth + 1, command=False,
                late=False, retry_of=None, row=position + len(plan),
            )  # fmt: skip
            version = self._next_version(said.stream)
            ops += self.memory.apply(row)
            plan.append((row, RowNotes(), True, version))
        plan[0] = (heard, RowNotes(said=len(plan) - 1), False, plan[0][3])
        self._plan(work, plan, ops)
        return Outcome(position, tuple(row for row, _, said, _ in plan if said))

    def _says(self, heard: Message) -> Iterator[Event]:
        if isinstance(heard.event, PublishPolicy):
            yield self._publish(heard.event)
        elif not isinstance(heard.event, PolicyPublished) or heard.source:
            yield from self.decider.decide(self.memory, heard)
        if heard.retry_of:
            yield EventUnparked(of=heard.event.stream, parked=str(heard.retry_of))

    def _publish(self, asked: PublishPolicy) -> PolicyPublished:
        parser = self.parsers.get(asked.name.partition("/")[0])
        if asked.service != self.name or parser is None:
            known = ", ".join(sorted(self.parsers))
            raise Refused(
                "unknown-policy", "name", f"{self.name} has no policy {asked.name!r}", f"known are {known}", 404
            )
        try:
            parser(asked.document)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "document"
            raise Refused(
                "invalid-policy", where, first["msg"], "correct the document and publish it again", 422
            ) from e
        version = self.memory.policy(asked.name).version if self.memory.has_policy(asked.name) else 0
        return PolicyPublished(version=version + 1, **asked.model_dump(exclude={"reason"}), reason=asked.reason)

    def _park(self, work: Work, message: Message, reason: Any, error: Exception | None) -> Outcome:
        heard = replace(message, row=work.position + 1)
        said = EventParked(
            of=message.event.stream, parked=str(message.id), parked_topic=message.event.TOPIC, reason=reason,
            error=type(error).__name__ if error else "", where=_where(error) if error else "",
            remedy=f"correct what raised, then: vefa parked retry {self.name} {message.event.stream}",
        )  # fmt: skip
        row = replace(
            heard, event=said, id=said_id(self.name, message.id, self.epoch, 0), source="",
            position=0, previous=0, after={},
            epoch=self.epoch, hash="", causation=message.id, depth=message.depth + 1, command=False, late=False,
            row=heard.row + 1,
        )  # fmt: skip
        plan = [
            (heard, RowNotes(said=1, parked=reason), False, self._next_version(message.event.stream)),
            (row, RowNotes(), True, self._next_version(said.stream)),
        ]
        stream = message.event.stream
        self.memory.load(stream, self.memory.version(stream) + 1, self.memory[stream])
        self._plan(work, plan, self.memory.apply(row))
        return Outcome(heard.row, (row,))

    def _next_version(self, stream: str) -> int:
        return self.memory.version(stream) + 1

    def _plan(self, work: Work, plan: list[tuple[Message, RowNotes, bool, int]], ops: list[RowOp]) -> None:
        work.planned += plan
        work.ops += ops
        work.position += len(plan)
        for op in ops:
            if op.table == "deadlines":
                work.armed[op.key] = op.columns["armed_by"] if isinstance(op, Put) and "armed_by" in op.columns else (
                    None if isinstance(op, Drop) else work.armed.get(op.key)
                )  # fmt: skip

    def _gap(self, message: Message, tracked: Mapping[str, int]) -> Gap | None:
        """What must be heard before: the message before it in its own log, and its causes in logs that are listened
        to."""
        if not message.source or message.late:
            return None
        last = tracked.get(message.source, 0)
        if message.source in self.sources and message.previous > last:
            return Gap(message.source, last, message.previous)
        for source, position in message.after.items():
            if source in self.sources and source != message.source and position > tracked.get(source, 0):
                return Gap(source, tracked.get(source, 0), position)
        return None

    def _move(self, work: Work, message: Message) -> None:
        if message.source and message.position > work.tracked.get(message.source, 0):
            work.tracked[message.source] = work.moved[message.source] = message.position
            for source, position in (*message.after.items(), (message.source, message.position)):
                work.after[source] = max(position, work.after.get(source, 0))

    async def _write(self, tx: Append, work: Work) -> None:
        keys = await self.vault.keys_for(subjects(m.event for m, *_ in work.planned))
        head = tx.head
        head.after = work.after
        after = {k: v for k, v in work.after.items() if k != self.name}
        for message, notes, said, version in work.planned:
            if said:
                message = replace(message, previous=head.said, after=after)
            tx.record(
                message.event.stream, version, message.event.TOPIC, self.mapper.encode(message.event, message.id, keys),
                message.id, to_metadata(message, notes), message.heard_at, said=said, also=message.event.also,
            )  # fmt: skip
        tx.trackings = work.moved
        tx.others = statements(self.views_schema, self.tables, work.ops)

    # afterwards -----------------------------------------------------------------------------------------------------
    async def _answer(self, message: Message) -> Outcome | Exception:
        """The outcome of a message that had been recorded before, rebuilt from the rows behind it."""
        row = await self.log.by_id(message.id)
        if row is None or message.source or message.event is None:
            return NOTHING
        held = await self.vault.keys(key_ids([row.state]))
        if any(key is None for key in held.values()):
            return Refused(
                "erased", "Idempotency-Key", "the person behind this request was erased", "send a new one", 410
            )
        keys = await self.vault.keys_for(subjects([message.event]))
        if self.mapper.encode(message.event, message.id, keys) != row.state:
            text = "this key was used for a request with other content"
            return Refused("key-reused", "Idempotency-Key", text, "use a new key for a new request", 422)
        _, notes = from_row(row, None)
        rows = await self.log.rows(row.id, notes.said) if notes.said else []
        return Outcome(row.id, tuple(await self.open(rows)))

    async def open(self, rows: Sequence[Recorded]) -> list[Message]:
        """Rows as messages, with personal text in plain where its key exists."""
        keys = await self.vault.keys(key_ids(row.state for row in rows))
        return [from_row(r, self.mapper.decode(r.topic, r.event_id, r.state, keys))[0] for r in rows]

    async def retry_parked(self, stream: str) -> list[tuple[str, str]]:
        """Hear the parked rows of a stream again, in order, until one raises again; returns (event id, result) for
        each."""
        rows = await self.log.stream(stream)
        read = [(row, *from_row(row, None)) for row in rows]
        done = {m.retry_of for _, m, _ in read if m.retry_of}
        results = []
        for row, message, notes in read:
            if not notes.parked or row.event_id in done or str(row.originator_id) != stream:
                continue
            tries = sum(1 for _, m, _ in read if m.retry_of == row.event_id)
            [opened] = await self.open([row])
            again = replace(
                opened, id=uuid5(row.event_id, str(tries + 1)), retry_of=row.event_id, source="", position=0, row=0,
                causation=message.id,
            )  # fmt: skip
            [result] = await self.hear_each(again)
            results.append((str(row.event_id), str(result) if isinstance(result, Exception) else "heard"))
            if isinstance(result, Exception):
                break
        return results

    async def _snapshot(self, touched: Mapping[str, int]) -> None:
        """Keep long streams quick to load; a snapshot only saves time, so it is written after the commit."""
        due = [
            (stream, *self.memory.streams[stream])
            for stream, version in touched.items()
            if stream in self.memory.streams and version % SNAPSHOT_EVERY < len(touched) and version >= SNAPSHOT_EVERY
        ]
        rows = [(s, v, state.model_dump_json().encode()) for s, v, state in due if isinstance(state, BaseModel)]
        if not rows or not self.acting:
            return
        async with self.log.pool.connection() as conn:
            await conn.execute(
                self.log.sql(
                    "insert into {s}.snapshots select stream, version, %s, %s, state from"
                    " unnest(%b::text[], %b::bigint[], %b::bytea[]) as r (stream, version, state)"
                    " on conflict (stream) do update set version = excluded.version, position = excluded.position,"
                    " fingerprint = excluded.fingerprint, state = excluded.state"
                ),
                (self.position, self.fingerprint, *(list(c) for c in zip(*rows, strict=True))),
            )

    def _evict(self) -> None:
        streams = self.memory.streams
        while len(streams) > self.max_streams:
            del streams[next(iter(streams))]


def unreadable(source: str, topic: str, content: bytes, at: datetime) -> Unreadable:
    """What could not be parsed, to be kept sealed under the quarantine key of its month."""
    claimed = "".join(c for c in topic[:128] if c.isascii() and (c.isalnum() or c in ".-"))
    return Unreadable(
        source=source or "outside", claimed=claimed, quarantine=f"quarantine:{at:%Y-%m}",
        content=Personal(base64.b64encode(content[: MAX_BYTES // 2]).decode()),
    )  # fmt: skip


def subjects(events: Iterable[Event]) -> set[str]:
    """The data subjects of everything personal in these events."""
    return {
        event.subject_of(name)
        for event in events
        for name in event.PERSONAL
        if getattr(event, name) is not None and any(t.sealed is None for _, t in personal_values(getattr(event, name)))
    }


def _still_armed(message: Message, armed: Mapping[str, str | None]) -> bool:
    """A deadline that was moved or disarmed meanwhile is not reached."""
    by = armed.get(message.event.key)
    return by is not None and deadline_id(by, message.event.key) == message.id


def deadline_id(armed_by: str, key: str) -> UUID:
    """The id of a deadline's event: made of the event that armed it, so that it is heard once whatever restarts."""
    return uuid5(UUID(armed_by), f"deadline|{key}")


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


__all__ = ["Gap", "IntegrityError", "Outcome", "Overloaded", "RetryFailed", "Service"]
