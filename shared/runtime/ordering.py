"""What must come before a message, and why it may not be heard at all, or not now."""

from collections.abc import Mapping

from shared.core.message import Message


class Gap(Exception):
    """Something must be heard before this message: ``source`` was heard up to ``after``, it is needed up to
    ``upto``."""

    def __init__(self, source: str, after: int, upto: int):
        super().__init__(f"{source}: heard {after}, needed {upto}")
        self.source, self.after, self.upto = source, after, upto


class Overloaded(Exception):
    """Too much is waiting; try again in ``retry_after`` seconds."""

    retry_after = 2


class WentBack(Overloaded):
    """The log ends before what this process knows of it: its database was restored while the process ran."""


class Silent(Overloaded):
    """This log may not go on, or it is not known yet whether it may."""

    def __init__(self, text: str, remedy: str = "repeat the request with its key"):
        super().__init__(text)
        self.remedy = remedy


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


def while_lost(name: str, lost: str) -> Silent:
    """Why nothing new is taken in from outside while a log has lost something: the number of a case that is opened now
    may be that of a lost one, and what is decided would rest on the state of the backup."""
    text = f"{lost} of the log of {name} were lost in a restore and are neither brought back nor given up"
    return Silent(text, f"vefa reconcile {name}")
