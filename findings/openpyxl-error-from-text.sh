#!/usr/bin/env bash
# A customer's text that reads #N/A is written to a workbook as an error, not as the text it is.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import io
import openpyxl
import re
import sys
import zipfile
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ["openpyxl"]), sep=", ")
book = openpyxl.Workbook()
book.active.append(["#N/A", "#REF!", "#1234", "0532"])
kept = io.BytesIO()
book.save(kept)
sheet = zipfile.ZipFile(kept).read("xl/worksheets/sheet1.xml").decode()
seen = re.findall(r'<c r="[A-D]1" t="(\w+)"', sheet)
known = ["e", "e", "inlineStr", "inlineStr"]
expected = "four texts: a str is a text ('inlineStr') whatever it says"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
