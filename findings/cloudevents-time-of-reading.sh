#!/usr/bin/env bash
# An event without the optional `time` gets the moment of reading as its time, and is passed on with it.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cloudevents==2.2.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import json
import sys
import time
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["cloudevents"]), sep=", ")
raw = json.dumps({"specversion": "1.0", "id": "1", "source": "/desk", "type": "case.opened"}).encode()
first = JSONFormat().read(CloudEvent, raw).get_attributes()
time.sleep(0.01)
second = JSONFormat().read(CloudEvent, raw).get_attributes()
passed_on = json.loads(JSONFormat().write(JSONFormat().read(CloudEvent, raw)))
seen = ["time" in first, first.get("time") == second.get("time"), "time" in passed_on]
known = [True, False, True]
expected = "has a time: no; read twice it is the same: yes; has a time when passed on: no; [False, True, False]"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
