"""Text from outside as text that can be stored and compared: one kind of newline, composed letters, nothing unseen."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Newlines as \\n, at most one blank line, composed letters, no control characters but newline and tab, no lone
    surrogates, no spaces at the ends of lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode("utf-8")
    kept = _CONTROL.sub("", unicodedata.normalize("NFC", text))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in kept.split("\n"))).strip()
