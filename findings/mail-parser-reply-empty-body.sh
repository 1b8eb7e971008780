#!/usr/bin/env bash
# A complaint that begins with the words 'Sent from my' is a signature as a whole: its body is empty.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mail-parser-reply==1.36
cd "$folder"
timeout 60 "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from mailparser_reply import EmailReplyParser

print(*(f"{name} {version(name)}" for name in ["mail-parser-reply"]), sep=", ")
mails = (
    "Sent from my phone: pictures of the broken box.\nPlease refund order 12.",
    "It does not work.\n\nBest regards to your team, but the parcel is broken.\nPlease send another.",
    "Photos of the box are below.\nPlease refund order 12.",
)
seen = [EmailReplyParser(languages=["en"]).read(mail).replies[0].body for mail in mails]
known = ["", "It does not work.", mails[2]]
expected = "all that the customer says, in each: no signature ends in a request"
print("expected:", expected)
print("seen:    ", seen)
sys.exit(0 if seen == known else f"changed: it was {known!r} when this was written")
PYTHON
