"""What a look at one thing found."""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["ok", "look", "bad"]
"""``look``: works, but somebody should know; ``bad``: a promise does not hold."""


@dataclass(frozen=True)
class Finding:
    what: str
    state: State
    found: str
    remedy: str = ""


def judged(what: str, found: Any, remedy: str, *, good: bool, otherwise: State = "bad") -> Finding:
    """``ok`` where it is good; else ``otherwise``, with the remedy."""
    return Finding(what, "ok", str(found)) if good else Finding(what, otherwise, str(found), remedy)
