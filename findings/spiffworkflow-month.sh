#!/usr/bin/env bash
# A timer of one month set on 31 January rings on 3 March.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SpiffWorkflow==3.2.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import datetime as dt
import sys
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["SpiffWorkflow"]), sep=", ")
start = dt.datetime(2026, 1, 31, 9, 0, tzinfo=dt.timezone.utc)
month = TimerEventDefinition.parse_iso_duration("P1M")
rings = start + TimerEventDefinition.get_timedelta_from_start(month, start)
cycle = TimerEventDefinition.parse_iso_recurring_interval("R3/2026-01-31T09:00:00Z/P1M")
seen = [rings.date().isoformat(), cycle[2].days]
known = ["2026-03-03", 31]
expected = "2026-02-28, the last day of the next month; a month in a cycle is a month, not 31 days for ever"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
