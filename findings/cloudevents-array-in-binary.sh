#!/usr/bin/env bash
# An event whose data is a JSON array is written in binary mode as Python shows a list, which is no JSON.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cloudevents==2.2.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import json
import sys
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["cloudevents"]), sep=", ")
attributes = {"id": "1", "source": "/desk", "type": "tags.set", "datacontenttype": "application/json"}
event = CloudEvent({**attributes, "specversion": "1.0"}, ["refund", None, True])
seen = [json.loads(to_structured_event(event).body)["data"], to_binary_event(event).body]
known = [["refund", None, True], b"['refund', None, True]"]
expected = [["refund", None, True], b'["refund", null, true]']
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
