"""Which services there are: every folder of ``services/`` with an ``app.py``."""

from importlib import import_module
from pathlib import Path

import services
from shared.host.app import App

ORDER = ("intake", "classifier", "router", "sla", "feedback", "loyalty", "notification")


def names() -> tuple[str, ...]:
    """Names of all services: the core ones in the order of a case's journey, then others by name."""
    folder = Path(services.__path__[0])
    found = {path.parent.name for path in folder.glob("*/app.py")}
    return (*(n for n in ORDER if n in found), *sorted(found - set(ORDER)))


def app_of(name: str) -> App:
    """The declaration of a service; LookupError names those that there are."""
    if name not in names():
        raise LookupError(f"no service {name!r}; there are {', '.join(names())}")
    app: App = import_module(f"services.{name}.app").app
    return app
