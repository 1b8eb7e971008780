#!/usr/bin/env bash
# A Mexican mobile number as it was written until 2019, and in ids of messengers still: not even possible.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check phonenumbers==9.0.43
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import phonenumbers
import sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["phonenumbers"]), sep=", ")
seen = []
for written in ("+52 1 55 1234 5678", "+52 55 1234 5678", "+54 9 11 2345 6789", "+54 11 2345 6789"):
    number = phonenumbers.parse(written)
    seen.append((phonenumbers.is_possible_number(number), phonenumbers.is_valid_number(number)))
known = [(False, False), (True, True), (True, True), (True, True)]
expected = "the 1 of Mexico is dropped or taken, as the 9 of Argentina is: all (True, True)"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
