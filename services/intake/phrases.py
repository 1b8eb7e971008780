"""Words and emojis of a short message, and phrases that are looked for in them."""

import re
from collections.abc import Iterable, Sequence

from shared.core.text import fold

Phrases = tuple[tuple[str, ...], ...]
"""Each as its tokens; the longest first."""
_TOKEN = re.compile("[^\\W_]+|[\u2190-\u2bff\U0001f000-\U0001faff]")
_OF_EMOJIS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
"""What varies an emoji: its presentation, its skin, what joins two."""
_HAPPY = re.compile(r"(?<!\w)(?:[:;=8][-o']?[)dp\]]+|\^_*\^|<3+)(?!\w)", re.IGNORECASE)


def tokens(text: str) -> list[str]:
    """Folded words and emojis in order; happy smileys say nothing of their own."""
    return _TOKEN.findall(fold(_HAPPY.sub(" ", _OF_EMOJIS.sub("", text))))


def phrases(written: Iterable[str]) -> Phrases:
    return tuple(sorted({tuple(tokens(one)) for one in written} - {()}, key=lambda one: (-len(one), one)))


def found_at(said: Sequence[str], at: int, wanted: Phrases) -> int:
    """How many tokens from ``at`` on the longest phrase takes that stands there; 0: none."""
    return next((len(one) for one in wanted if tuple(said[at : at + len(one)]) == one), 0)
