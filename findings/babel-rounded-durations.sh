#!/usr/bin/env bash
# Durations in words are rounded to one unit at whatever granularity: 90 minutes are 2 hours, 21 hours a day.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import datetime as dt
import sys
from babel.dates import format_timedelta
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["babel"]), sep=", ")
hours = (1.5, 21, 36)
seen = [format_timedelta(dt.timedelta(hours=h), granularity="minute", locale="en") for h in hours]
seen.append(format_timedelta(dt.timedelta(hours=36), granularity="minute", locale="tr"))
known = ["2 hours", "1 day", "2 days", "2 gün"]
expected = "with a granularity of minutes '1 hour 30 minutes' or '90 minutes', '21 hours', '36 hours', '36 saat'"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
