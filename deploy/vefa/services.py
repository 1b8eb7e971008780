"""Which services there are: every folder of ``services/`` with an ``app.py``."""

from collections.abc import Set
from importlib import import_module
from pathlib import Path

import services
from shared.host.app import App

ORDER = ("intake", "classifier", "router", "sla", "feedback", "loyalty", "notification")


def names(folder: Path = Path(services.__path__[0])) -> tuple[str, ...]:
    """Names of all services: the core ones in the order of a case's journey, then others by name."""
    found = {path.parent.name for path in folder.glob("*/app.py")}
    return in_order(found)


def in_order(found: Set[str]) -> tuple[str, ...]:
    """These names, each in its place."""
    return (*(n for n in ORDER if n in found), *sorted(found - set(ORDER)))


def app_of(name: str) -> App:
    """The declaration of a service; LookupError names those that there are."""
    if name not in names():
        raise LookupError(f"no service {name!r}; there are {', '.join(names())}")
    app: App = import_module(f"services.{name}.app").app
    return app
