"""Trained models by name: files of arrays that come with the code, each read once."""

from functools import lru_cache
from pathlib import Path

from .model import Model

SEED = Path(__file__).parent / "seed" / "model.npz"


@lru_cache(maxsize=4)
def model_named(name: str) -> Model:
    """The model that a policy names; ``seed`` ships with the code. A model never changes under its name and hash."""
    return Model.load({"seed": SEED}[name])
