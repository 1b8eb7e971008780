"""What must come before a message, and why it may not be heard at all."""

from collections.abc import Mapping

from .events import Message


class Gap(Exception):
    """Something must be heard before this message: ``source`` was heard up to ``after``, it is needed up to
    ``upto``."""

    def __init__(self, source: str, after: int, upto: int):
        super().__init__(f"{source}: heard {after}, needed {upto}")
        self.source, self.after, self.upto = source, after, upto


class Stopped(Exception):
    """Nothing more is heard of ``source`` for now: its log was restored behind this one."""

    def __init__(self, source: str):
        super().__init__(f"{source} was restored behind what was heard of it")
        self.source = source


class UsedTwice(Stopped):
    """``source`` says another event at a position that was heard: its log was restored and went on without noticing."""

    def __init__(self, source: str, position: int):
        super().__init__(source)
        self.position = position


def gap_before(message: Message, tracked: Mapping[str, int], sources: frozenset[str]) -> Gap | None:
    """What must be heard before: the message before it in its own log, and its causes in logs that are listened to."""
    if not message.source or message.late:
        return None
    last = tracked.get(message.source, 0)
    if message.source in sources and message.previous > last:
        return Gap(message.source, last, message.previous)
    for source, position in message.after.items():
        if source in sources and source != message.source and position > tracked.get(source, 0):
            return Gap(source, tracked.get(source, 0), position)
    return None
