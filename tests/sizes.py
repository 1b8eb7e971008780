"""How much a proof plays: as much as its promise names, less in ``just test``, more in ``just soak``."""

import os

FEW = os.environ.get("VEFA_PROOFS") == "few"
"""Whether every promise is to be shown, and quickly: ``just test``."""


def sized(whole: int, few: int, variable: str = "") -> int:
    """``few`` in ``just test`` and ``whole`` otherwise, unless the environment has a size in ``variable``."""
    return int(os.environ.get(variable) or (few if FEW else whole))
