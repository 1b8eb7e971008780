"""Streams that come into memory from their rows, or from a snapshot and the rows after it."""

from collections.abc import Iterable

from shared.store.append import Loaded
from shared.store.codec import EventMapper, from_row

from .memory import Held, Memory


def hold(memory: Memory, mapper: EventMapper, asked: Iterable[str], loaded: Loaded) -> None:
    """Fold loaded rows into the asked streams only."""
    held: dict[str, Held] = {}
    for stream in asked:
        version, _, state = loaded.snapshots.get(stream, (0, 0, b""))
        initial = memory.decider.initial(stream)
        held[stream] = Held(version, type(initial).model_validate_json(state) if state else initial)
    since = {stream: position for stream, (_, position, _) in loaded.snapshots.items()}
    for row in loaded.rows:
        message, notes = from_row(row, mapper.decode(row.topic, row.event_id, row.state))
        main = message.event.stream
        for stream in dict.fromkeys((main, *message.event.also)):
            if stream in held and row.id > since.get(stream, 0):
                version, state, rows = held[stream]
                if not notes.parked and state is not None:
                    state = memory.decider.evolve(state, message)
                held[stream] = Held(row.originator_version if stream == main else version, state, rows + 1)
    for stream, found in held.items():
        memory.load(stream, found)
