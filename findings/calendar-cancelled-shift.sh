#!/usr/bin/env bash
# One day of a weekly on-call rota is cancelled in the calendar: it is listed like the others.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check recurring-ical-events==3.8.2 icalendar==7.3.2
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import icalendar
import recurring_ical_events
import sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["recurring-ical-events", "icalendar"]), sep=", ")
event = """BEGIN:VEVENT
UID:rota
DTSTAMP:20260101T000000Z
SUMMARY:On call
DTSTART:{start}
DTEND:{end}
{rest}
END:VEVENT
"""
every = event.format(start="20261102T090000Z", end="20261102T170000Z", rest="RRULE:FREQ=DAILY;COUNT=3")
gone = event.format(
    start="20261103T090000Z", end="20261103T170000Z", rest="RECURRENCE-ID:20261103T090000Z\nSTATUS:CANCELLED"
)
calendar = icalendar.Calendar.from_ical("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" + every + gone + "END:VCALENDAR\n")
found = recurring_ical_events.of(calendar).between((2026, 11, 1), (2026, 12, 1))
seen = sorted(e["DTSTART"].dt.day for e in found)
known = [2, 3, 4]
expected = "[2, 4], as the cancelled day takes no place"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
