"""One service in a process of its own, as ``python -m deploy.vefa.bench.one SERVICE``; it reads its settings as a line
of JSON and prints its addresses once it answers."""

import json
import sys

from deploy.vefa.services import app_of
from shared.base.settings import Settings
from shared.host.process import run

if __name__ == "__main__":
    run(
        app_of(sys.argv[1]),
        Settings.model_validate_json(sys.stdin.readline()),
        lambda addresses: print(json.dumps(addresses), flush=True),
    )
