#!/usr/bin/env bash
# A number with its extension behind a slash: parse() makes the extension part of the number and calls it possible.
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
written = "0532 123 45 67/12"
number = phonenumbers.parse(written, "TR")
e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
in_text = [match.raw_string for match in phonenumbers.PhoneNumberMatcher(written, "TR")]
seen = [e164, number.extension, phonenumbers.is_possible_number(number), phonenumbers.is_valid_number(number), in_text]
known = ["+90532123456712", None, True, False, ["0532 123 45 67"]]
expected = "+905321234567, extension 12 (or refused), as the same library finds the number in that very text"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
