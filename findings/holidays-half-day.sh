#!/usr/bin/env bash
# 28 October is free from 13:00 in Turkey: it is a whole working day, or with half days asked for a whole day off.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.109
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import datetime as dt
import holidays
import sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["holidays"]), sep=", ")
eve = dt.date(2026, 10, 28)
public = holidays.country_holidays("TR", years=2026, language="en_US")
both = holidays.country_holidays("TR", years=2026, language="en_US", categories=("public", "half_day"))
seen = [public.get(eve), public.is_working_day(eve), both.get(eve), both.is_working_day(eve), type(both.get(eve)).__name__]
known = [None, True, "Republic Day (from 1pm)", False, "str"]
expected = "named without asking for more; a working day with its half told as a time, not in words of a translated name"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
