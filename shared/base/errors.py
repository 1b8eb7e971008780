"""Where an error was raised, for logs and for people: never with a value that may be somebody's text."""

import traceback
from pathlib import Path


def raised_at(error: BaseException) -> str:
    """File and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
