#!/usr/bin/env bash
# One CEL rule, two libraries: the hour of a moment and the length of a text differ; the language defines both.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check common-expression-language==0.10.0 cel-python==0.5.0
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import cel
import celpy
import sys
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["common-expression-language", "cel-python"]), sep=", ")

def other(rule):
    environment = celpy.Environment()
    return environment.program(environment.compile(rule)).evaluate({})


rules = ("timestamp('2026-11-28T10:00:00+03:00').getHours()", "size('iade g\u00f6r\u00fc\u015f')")
seen = [(int(cel.evaluate(rule, {})), int(other(rule))) for rule in rules]
known = [(10, 7), (13, 10)]
expected = "[(7, 7), (10, 10)]: CEL tells hours in UTC where no zone is named, and size() counts code points"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
