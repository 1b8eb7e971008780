"""States of long streams are kept in the log, and a process holds so many streams and no more."""

from shared.store.event_log import EventLog

from .memory import Memory


class Snapshots:
    """``most``: how many streams stay in memory."""

    def __init__(self, log: EventLog, memory: Memory, fingerprint: str, most: int):
        self._log, self._memory, self._fingerprint, self._most = log, memory, fingerprint, most

    async def keep(self, position: int, leads: bool) -> None:
        """Keep the streams that grew long, as of ``position``, if this process leads. A snapshot only saves time, so it
        is written after the commit."""
        grown = self._memory.grown()
        if not grown or not leads:
            return
        states = [(stream, held.version, held.state.model_dump_json().encode()) for stream, held in grown]
        await self._log.keep_snapshots(position, self._fingerprint, states)
        for stream, _ in grown:
            self._memory.saved(stream)

    def evict(self) -> None:
        """Let those go that came first."""
        streams = self._memory.streams
        while len(streams) > self._most:
            del streams[next(iter(streams))]
